"""Hypervolume of evaluated designs, and the reference point of all that are scaled."""

import moocore
import numpy as np

from .objectives import scaled_loss

# (nonzero_rate 1, accuracy tau) in the units of objectives.scaled_loss.
REFERENCE = np.ones(2)


def hypervolume(losses: np.ndarray, reference: np.ndarray = REFERENCE) -> float:
    """Hypervolume of minimised points (n, 2) up to `reference` (2,).

    Points not below it in both count nothing; no points are 0.
    """
    return float(moocore.hypervolume(losses, ref=reference)) if len(losses) else 0.0


def scaled_hypervolume(nonzero_rate: np.ndarray, accuracy: np.ndarray, threshold: float) -> float:
    """Hypervolume of the feasible designs up to REFERENCE, in [0, 1]; both arrays of shape (n,)."""
    feasible = np.asarray(accuracy) >= threshold
    return hypervolume(scaled_loss(nonzero_rate, accuracy, threshold)[feasible])
