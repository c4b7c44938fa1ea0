"""What guessing reaches, and what is clearly above it."""

import math
from dataclasses import dataclass

import torch

STANDARD_ERRORS = 3


@dataclass(frozen=True)
class Chance:
    """What guessing reaches on a split.

    share: the share of its most frequent class, which a network that always answers the same reaches.
    images: the images of the split.
    """

    share: float
    images: int

    @property
    def threshold(self) -> float:
        """The least accuracy that is clearly above chance: share + 3 sqrt(share (1 - share) / images), 1 at most.

        The root is the standard error of a binomial proportion; in its normal approximation guessing gets there once in 740 times.
        """
        return min(
            1.0,
            self.share + STANDARD_ERRORS * math.sqrt(self.share * (1 - self.share) / self.images),
        )

    def __str__(self) -> str:
        return (
            f"the most frequent class alone gives {self.share:.4f}, and on {self.images} images {self.threshold:.4f} is clearly "
            f"above that ({STANDARD_ERRORS} standard errors)"
        )


def chance_of(labels: torch.Tensor) -> Chance:
    """labels: class indices, shape (images,)."""
    return Chance(int(labels.bincount().max()) / len(labels), len(labels))
