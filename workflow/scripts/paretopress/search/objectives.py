"""Objectives and constraint of a study, and the front of the designs that are feasible."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from pymoo.util.nds.non_dominated_sorting import NonDominatedSorting

POINTS = 100  # percentage points in an accuracy of 1


def accuracy_threshold(
    dense_accuracy: float, *, allowed_drop_points: float | None, floor: float | None
) -> float:
    """Compute tau, the least accuracy that is feasible.

    Args:
        dense_accuracy: Accuracy of the dense network, in [0, 1].
        allowed_drop_points: Allowed drop from it in percentage points, None where `floor` is given.
        floor: The threshold itself, None where a drop is given.

    Returns:
        The threshold in [0, 1). It is 0, and all designs are feasible, where the allowed drop
        exceeds the dense accuracy.

    Raises:
        ValueError: Neither a drop nor a floor is given.
    """
    if floor is not None:
        return floor
    if allowed_drop_points is None:
        raise ValueError("either an allowed drop or a floor is needed")
    # Without rounding, a design that loses exactly the allowed drop may be infeasible, because of
    # binary fractions.
    threshold = round(dense_accuracy - allowed_drop_points / POINTS, 12)
    return max(0.0, threshold)


def threshold_of(
    metrics: Mapping[str, Any], split: str, constraint: Mapping[str, float | None]
) -> float:
    """Compute tau on the images of a split.

    Args:
        metrics: Content of metrics.json.
        split: Name of the split.
        constraint: Section "constraint" of the config.

    Returns:
        The threshold in [0, 1).
    """
    return accuracy_threshold(metrics["accuracy"][split], **constraint)


def constraint_value(accuracy: np.ndarray, threshold: float) -> np.ndarray:
    """Compute the constraint g = tau - accuracy, of the same shape, feasible where g <= 0."""
    return threshold - np.asarray(accuracy, dtype=float)


def minimized(size: np.ndarray, accuracy: np.ndarray) -> np.ndarray:
    """Put both objectives in one array to minimise.

    Args:
        size: Sizes, such as non-zero rates, shape (n,).
        accuracy: Accuracies, shape (n,).

    Returns:
        Size and minus accuracy, shape (n, 2).

    Example:
        >>> minimized(np.array([0.25, 0.1]), np.array([0.9, 0.8])).tolist()
        [[0.25, -0.9], [0.1, -0.8]]
    """
    return np.column_stack([size, -np.asarray(accuracy, dtype=float)])


def scaled_loss(size: np.ndarray, accuracy: np.ndarray, threshold: float) -> np.ndarray:
    """Put both objectives in one array to minimise, in units of the feasible box.

    The second objective is 1 - (accuracy - tau) / (1 - tau). So size 1 and accuracy tau
    are (1, 1), and infeasible designs have more than 1 in the second objective.

    Args:
        size: Sizes as shares of the dense network's, shape (n,).
        accuracy: Accuracies, shape (n,).
        threshold: tau, in [0, 1).

    Returns:
        The scaled objectives, shape (n, 2).
    """
    scaled = (np.asarray(accuracy, dtype=float) - threshold) / (1 - threshold)
    return np.column_stack([size, 1 - scaled])


def feasible_front(objectives: np.ndarray, constraint: np.ndarray) -> np.ndarray:
    """Find the feasible designs that no other feasible design dominates.

    Args:
        objectives: Objectives to minimise, shape (n, 2), such as from `minimized`.
        constraint: tau minus accuracy, feasible where <= 0, shape (n,).

    Returns:
        Ascending indices of these designs. There are none where no design is feasible.

    Example:
        >>> objectives = minimized(np.array([0.3, 0.2, 0.1]), np.array([0.8, 0.9, 0.4]))
        >>> constraint = 0.5 - np.array([0.8, 0.9, 0.4])
        >>> feasible_front(objectives, constraint).tolist()
        [1]
    """
    feasible = np.flatnonzero(constraint <= 0)
    if not len(feasible):
        return feasible
    return np.sort(
        feasible[NonDominatedSorting().do(objectives[feasible], only_non_dominated_front=True)]
    )
