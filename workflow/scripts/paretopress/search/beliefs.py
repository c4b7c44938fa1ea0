"""What is believed of the accuracies of designs: ensembles of trees, whose spread is the doubt."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from sklearn.tree._splitter import RandomSplitter

from .surrogates import RandomForest, SurrogateError, failures, grown, unchecked

# Draws of values for designs: from samples (m, d), their values (m,), designs (n, d) and a
# generator, to (draws, n).
Ensemble = Callable[[np.ndarray, np.ndarray, np.ndarray, np.random.Generator], np.ndarray]

TREES = 100
# The least standard deviation of an accuracy, so that a certain value is no division by 0.
LEAST_DEVIATION = 1e-4


@dataclass(frozen=True)
class Belief:
    """A joint normal belief on the accuracies of n designs.

    Attributes:
        mean: Means, shape (n,), or (p, n) for p beliefs that differ in them alone.
        spread: The draws of an ensemble less their mean, shape (draws, n). Their covariances are
            those of the belief.
    """

    mean: np.ndarray
    spread: np.ndarray

    @property
    def deviation(self) -> np.ndarray:
        """The standard deviations, shape (n,), at least LEAST_DEVIATION."""
        return np.sqrt(np.maximum((self.spread**2).mean(axis=0), LEAST_DEVIATION**2))

    def given(self, index: int, values: np.ndarray) -> "Belief":
        """The beliefs after the accuracy of one design became known, for each of p values of it."""
        own = self.spread[:, index]
        slope = own @ self.spread / len(own) / self.deviation[index] ** 2
        found = self.mean + slope * (values - self.mean[..., index])[:, None]
        return Belief(found, self.spread - own[:, None] * slope)


def _trees(
    F: np.ndarray, y: np.ndarray, designs: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Extremely randomized trees, all fitted to all samples (Geurts, Ernst and Wehenkel 2006)."""
    drawn = np.random.RandomState()
    found = []
    for seed in rng.integers(2**31, size=TREES):
        drawn.seed(seed)
        found.append(grown(F, y, None, drawn, RandomSplitter).predict(designs)[:, 0])
    return np.stack(found)


def _forest(
    F: np.ndarray, y: np.ndarray, designs: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Trees that are fitted to samples drawn with replacement (Breiman 2001)."""
    forest = RandomForest(int(rng.integers(2**31))).fit(F, y)
    return np.stack([tree.predict(designs)[:, 0] for tree in forest.trees])


# In the order in which they are tried.
ENSEMBLES: dict[str, Ensemble] = {"extra_trees": _trees, "random_forest": _forest}


def believed(
    name: str, F: np.ndarray, y: np.ndarray, designs: np.ndarray, rng: np.random.Generator
) -> Belief:
    """Fit an ensemble to evaluated designs, and ask it for others.

    Args:
        name: A key of ENSEMBLES.
        F: Features of the evaluated designs, float32 of shape (m, d).
        y: Their accuracies, shape (m,).
        designs: Features of the other designs, float32 of shape (n, d).
        rng: Generator of all draws.

    Returns:
        The belief.

    Raises:
        SurrogateError: The ensemble fails, or what it gives is not finite.
    """
    with unchecked(), failures(name):
        draws = ENSEMBLES[name](F, y, designs, rng)
    if not np.isfinite(draws).all():
        raise SurrogateError(name, "a prediction that is not finite")
    mean = draws.mean(axis=0)
    return Belief(mean, draws - mean)
