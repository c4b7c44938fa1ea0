"""Objectives and constraint of the study, and what is feasible and non-dominated under them."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from pymoo.util.nds.non_dominated_sorting import NonDominatedSorting

# What surrogates stand for, and the candidate surrogates: names in tables, and in words. They stand
# here since every run's table has their columns, and a search without surrogates does not wait for
# the libraries that they come from.
FUNCTIONS = {"nonzero_rate": "non-zero rate", "accuracy": "accuracy", "constraint": "constraint"}
SURROGATES = {
    "knn": "KNN",
    "random_forest": "random forest",
    "xgboost": "XGBoost",
    "lightgbm": "LightGBM",
}
POINTS = 100  # an allowed drop is given in percentage points


def accuracy_threshold(
    dense_accuracy: float, *, allowed_drop_points: float | None, floor: float | None
) -> float:
    """tau: the least accuracy that is feasible, as a fraction in [0, 1); exactly one of the two keywords is given.

    A drop below accuracy 0 makes everything feasible: tau is 0.
    """
    if floor is not None:
        return floor
    if allowed_drop_points is None:
        raise ValueError("either an allowed drop or a floor is needed")
    # Rounded, so that a design that loses exactly the allowed drop is feasible in binary fractions too.
    threshold = round(dense_accuracy - allowed_drop_points / POINTS, 12)
    return max(0.0, threshold)


def threshold_of(
    metrics: Mapping[str, Any], split: str, constraint: Mapping[str, float | None]
) -> float:
    """tau on the images of `split`. metrics: the content of metrics.json; constraint: that section of the config."""
    return accuracy_threshold(metrics["accuracy"][split], **constraint)


def constraint_value(accuracy: np.ndarray, threshold: float) -> np.ndarray:
    """g = tau - accuracy, feasible where g <= 0; same shape."""
    return threshold - np.asarray(accuracy, dtype=float)


def minimized(nonzero_rate: np.ndarray, accuracy: np.ndarray) -> np.ndarray:
    """Objectives to be minimised, shape (n, 2): the non-zero rate, and minus the accuracy."""
    return np.column_stack([nonzero_rate, -np.asarray(accuracy, dtype=float)])


def scaled_loss(nonzero_rate: np.ndarray, accuracy: np.ndarray, threshold: float) -> np.ndarray:
    """Objectives to be minimised, shape (n, 2), in units of the feasible box: (nonzero_rate 1, accuracy tau) is (1, 1).

    The second is 1 - (accuracy - tau) / (1 - tau). Infeasible designs lie above 1.
    """
    scaled = (np.asarray(accuracy, dtype=float) - threshold) / (1 - threshold)
    return np.column_stack([nonzero_rate, 1 - scaled])


def feasible_front(objectives: np.ndarray, constraint: np.ndarray) -> np.ndarray:
    """Indices of the feasible (constraint <= 0) designs that no other feasible one dominates, ascending.

    objectives: shape (n, 2), minimised. constraint: shape (n,).
    """
    feasible = np.flatnonzero(constraint <= 0)
    if not len(feasible):
        return feasible
    return np.sort(
        feasible[NonDominatedSorting().do(objectives[feasible], only_non_dominated_front=True)]
    )
