"""Hypervolume of a run: of its feasible evaluations, after each of them and at the end."""

from typing import Any

import numpy as np

from ..search.hypervolume import hypervolume
from ..search.objectives import scaled_loss


def history(
    nonzero_rate: np.ndarray, accuracy: np.ndarray, threshold: float, *, scaled: bool
) -> list[float]:
    """Hypervolume after each evaluation, infeasible ones dropped.

    scaled: reference point (nonzero_rate 1, accuracy tau), accuracy as (accuracy - tau) / (1 - tau), so that 1 is the most.
    Otherwise: reference point (nonzero_rate 1, accuracy 0), accuracy as a fraction.
    """
    losses = scaled_loss(nonzero_rate, accuracy, threshold if scaled else 0.0)
    feasible = np.asarray(accuracy) >= threshold
    volumes: list[float] = []
    for count in range(1, len(losses) + 1):
        if feasible[count - 1] or not volumes:
            volumes.append(hypervolume(losses[:count][feasible[:count]]))
        else:
            volumes.append(volumes[-1])
    return volumes


def run_hypervolume(
    nonzero_rate: np.ndarray, accuracy: np.ndarray, threshold: float
) -> dict[str, Any]:
    """The content of hypervolume.json: the final value and the value after each evaluation, for both reference points."""
    scaled = history(nonzero_rate, accuracy, threshold, scaled=True)
    plain = history(nonzero_rate, accuracy, threshold, scaled=False)
    return {
        "hypervolume": scaled[-1],
        "threshold": threshold,
        "reference": {"nonzero_rate": 1.0, "accuracy": threshold, "scaled": True},
        "history": scaled,
        "zero_accuracy_reference": {
            "hypervolume": plain[-1],
            "reference": {"nonzero_rate": 1.0, "accuracy": 0.0, "scaled": False},
            "history": plain,
        },
    }
