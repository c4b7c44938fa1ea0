"""The expected improvement of the hypervolume by a design of known size and uncertain accuracy.

The size follows from the design itself, and the accuracy is objective and constraint at once. With
the reference point at size 1 and accuracy tau, the constraint is inside the hypervolume, and the
expectation has a closed form: that of Emmerich, Deutz and Klinkenberg (2011), "Hypervolume-based
expected improvement", for two objectives of which one is certain.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, ndtri

from .beliefs import Belief

PATHS = 16  # values of a chosen design that the choice of the next one is a mean over


@dataclass(frozen=True)
class Steps:
    """What a front dominates, as a step for each interval of the accuracy.

    Attributes:
        levels: The lower ends of the intervals, ascending: tau, and the accuracies of the front.
            Shape (k,).
        sizes: The least size on the front that is more accurate than each interval, shape (k,). It
            is 1 above the last level.
    """

    levels: np.ndarray
    sizes: np.ndarray


def steps_of(front: np.ndarray, threshold: float) -> Steps:
    """Make the steps of a front.

    Args:
        front: Size and minus accuracy of designs, as `Archive.front` gives them, shape (n, 2).
        threshold: tau. Designs that are less accurate add nothing.

    Returns:
        The steps.

    Example:
        >>> steps = steps_of(np.array([[0.5, -0.9], [0.2, -0.8]]), threshold=0.7)
        >>> steps.levels.tolist(), steps.sizes.tolist()
        ([0.7, 0.8, 0.9], [0.2, 0.5, 1.0])
    """
    above = front[-front[:, 1] > threshold]
    ascending = above[np.argsort(-above[:, 1], kind="stable")]
    sizes = np.minimum.accumulate(np.append(ascending[:, 0], 1.0)[::-1])[::-1]
    return Steps(np.concatenate([[threshold], -ascending[:, 1]]), sizes)


def _excess(level: np.ndarray, mean: np.ndarray, deviation: np.ndarray) -> np.ndarray:
    """The expectation of max(0, Y - level) for a normal Y."""
    above = mean - level
    ratio = above / deviation
    return deviation * np.exp(-(ratio**2) / 2) / np.sqrt(2 * np.pi) + above * ndtr(ratio)


def expected_improvement(
    steps: Steps, size: np.ndarray, mean: np.ndarray, deviation: np.ndarray
) -> np.ndarray:
    """Compute the expected improvement of the hypervolume by each of some designs, in closed form.

    It is the sum over the intervals of max(0, size of the step - size of the design), times the
    expected part of the interval that lies below the accuracy.

    Args:
        steps: The steps of the front.
        size: Sizes of designs as shares of the dense network's, shape (n,).
        mean: Means of their accuracies, which are taken to be normal, shape (..., n).
        deviation: Their standard deviations, above 0, shape (..., n).

    Returns:
        The expectation in units of size times accuracy, shape (..., n). An accuracy above 1 is not
        excluded, as in the definition.

    Example:
        >>> steps = steps_of(np.empty((0, 2)), threshold=0.5)
        >>> one = np.ones(1)
        >>> expected_improvement(steps, size=0.25 * one, mean=0.9 * one, deviation=1e-9 * one)
        array([0.3])
    """
    found = np.zeros(np.broadcast_shapes(size.shape, mean.shape))
    beyond = _excess(steps.levels[0], mean, deviation)
    for number, step in enumerate(steps.sizes):
        here, last = beyond, number + 1 == len(steps.levels)
        beyond = np.zeros(1) if last else _excess(steps.levels[number + 1], mean, deviation)
        found += np.maximum(0, step - size) * (here - beyond)
    return found


def best_together(
    front: np.ndarray,
    threshold: float,
    size: np.ndarray,
    belief: Belief,
    count: int,
    rng: np.random.Generator,
) -> list[int]:
    """Choose designs that promise the largest expected improvement together, one after the other.

    What the first ones of a batch will be found to be is not known when the next is chosen. So the
    expectation is a mean over PATHS values of them, drawn evenly from the belief, each with the
    belief and the front that would follow (Wilson, Hutter and Deisenroth 2018, "Maximizing
    acquisition functions for Bayesian optimization", section 3.3).

    Args:
        front: Size and minus accuracy of the front, shape (m, 2).
        threshold: tau.
        size: Sizes of n designs, shape (n,).
        belief: The belief on their accuracies.
        count: Number of designs to choose.
        rng: Generator of the draws.

    Returns:
        Indices of distinct designs, in the order of their choice. Fewer than `count` where no other
        design promises any improvement.
    """
    chosen: list[int] = []
    fronts = [front]
    belief = Belief(belief.mean[None], belief.spread)
    while True:
        deviation = belief.deviation
        gain = np.zeros(len(size))
        for known, mean in zip(fronts, belief.mean, strict=True):
            gain += expected_improvement(steps_of(known, threshold), size, mean, deviation)
        gain[chosen] = 0
        best = int(np.argmax(gain))
        if gain[best] <= 0:
            return chosen
        chosen.append(best)
        if len(chosen) == count:
            return chosen
        fronts *= PATHS // len(fronts)
        normal = ndtri((rng.permutation(PATHS) + 0.5) / PATHS)
        values = belief.mean[:, best] + deviation[best] * normal
        belief = belief.given(best, values)
        fronts = [
            np.vstack([known, [[size[best], -value]]])
            for known, value in zip(fronts, values, strict=True)
        ]
