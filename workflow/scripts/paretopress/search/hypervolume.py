"""The hypervolume of evaluated designs, and the reference point of the scaled hypervolume."""

import moocore
import numpy as np

from .objectives import scaled_loss

# Size 1 and accuracy tau, in the units of objectives.scaled_loss.
REFERENCE = np.ones(2)


def hypervolume(losses: np.ndarray, reference: np.ndarray = REFERENCE) -> float:
    """Compute the hypervolume between points and a reference point.

    Args:
        losses: Points to minimise, shape (n, 2).
        reference: Reference point, shape (2,).

    Returns:
        The area that the points dominate. A point that is not below the reference in both
        objectives adds nothing. The hypervolume of no points is 0.

    Example:
        >>> hypervolume(np.array([[0.5, 0.5]]))
        0.25
        >>> hypervolume(np.array([[1.0, 3.0], [2.0, 1.0]]), reference=np.array([4.0, 4.0]))
        7.0
    """
    return float(moocore.hypervolume(losses, ref=reference)) if len(losses) else 0.0


def scaled_hypervolume(size: np.ndarray, accuracy: np.ndarray, threshold: float) -> float:
    """Compute the hypervolume of the feasible designs in units of the feasible box.

    The reference point is size 1, that of the dense network, and accuracy tau.

    Args:
        size: Sizes as shares of the dense network's, such as non-zero rates, shape (n,).
        accuracy: Accuracies in [0, 1], shape (n,).
        threshold: tau, the least accuracy that is feasible, in [0, 1).

    Returns:
        The hypervolume, in [0, 1].

    Example:
        >>> scaled_hypervolume(np.array([0.25, 0.1]), np.array([0.75, 0.4]), threshold=0.5)
        0.375
    """
    feasible = np.asarray(accuracy) >= threshold
    return hypervolume(scaled_loss(size, accuracy, threshold)[feasible])
