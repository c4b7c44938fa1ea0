"""Two networks on the same images: whether they differ, and whether one keeps a floor."""

import math
from dataclasses import dataclass

import numpy as np
from scipy.stats import beta, binomtest, norm

CERTAINTY = 0.95


@dataclass(frozen=True)
class Paired:
    """The predictions of a compressed network beside those of the dense network.

    Attributes:
        images: The number of images.
        dense_only: Images that the dense network alone classifies correctly.
        design_only: Images that the compressed network alone classifies correctly.
        p: The p value of McNemar's exact test.
    """

    images: int
    dense_only: int
    design_only: int
    p: float

    @property
    def difference(self) -> float:
        """The accuracy of the compressed network less that of the dense one, a fraction."""
        return (self.design_only - self.dense_only) / self.images


def paired(dense: np.ndarray, design: np.ndarray) -> Paired:
    """Compare the predictions of two networks image by image.

    McNemar's exact test is the binomial test of the images that only one of both gets right
    (McNemar 1947).

    Args:
        dense: Whether the dense network is right, bool of shape (images,).
        design: Whether the compressed network is right, bool of shape (images,).

    Returns:
        The counts and the p value.

    Example:
        >>> dense, design = np.array([True] * 9 + [False]), np.array([True] * 3 + [False] * 7)
        >>> paired(dense, design)
        Paired(images=10, dense_only=6, design_only=0, p=0.03125)
    """
    dense_only, design_only = int((dense & ~design).sum()), int((design & ~dense).sum())
    discordant = dense_only + design_only
    p = float(binomtest(dense_only, discordant).pvalue) if discordant else 1.0
    return Paired(len(dense), dense_only, design_only, p)


def keeps_floor(correct: int, images: int, floor: float) -> bool:
    """Tell whether an accuracy is at least a fixed floor, with CERTAINTY.

    Args:
        correct: The number of images that are classified correctly.
        images: The number of images.
        floor: The floor, in [0, 1].

    Returns:
        Whether the exact one-sided lower bound (Clopper and Pearson 1934) keeps the floor.
    """
    lower = beta.ppf(1 - CERTAINTY, correct, images - correct + 1) if correct else 0.0
    return bool(lower >= floor)


def loses_at_most(found: Paired, drop: float) -> bool:
    """Tell whether a compressed network loses at most a fraction of accuracy, with CERTAINTY.

    The floor then depends on the dense network's accuracy on the same images, so that the test is
    paired: the score test of non-inferiority of Tango (1998), "Equivalence test and confidence
    interval for the difference in proportions for the paired-sample design".

    Args:
        found: The comparison with the dense network.
        drop: The allowed drop, a fraction in [0, 1].

    Returns:
        Whether a larger drop is refuted.

    Example:
        >>> loses_at_most(Paired(images=1000, dense_only=30, design_only=20, p=0.2), drop=0.03)
        True
        >>> loses_at_most(Paired(images=1000, dense_only=30, design_only=20, p=0.2), drop=0.02)
        False
    """
    n, lost, won = found.images, found.dense_only, found.design_only
    if drop >= 1:
        return True
    # The likeliest rate of images that only the compressed network gets right, if the dense
    # network is better by `drop`.
    linear = -lost - won + (2 * n - lost + won) * drop
    constant = -won * drop * (1 - drop)
    rate = (math.sqrt(linear**2 - 8 * n * constant) - linear) / (4 * n)
    variance = n * (2 * rate + drop * (1 - drop))
    if variance <= 0:  # no drop is allowed, and no image tells both apart
        return False
    return bool((lost - won - n * drop) / math.sqrt(variance) <= norm.ppf(1 - CERTAINTY))
