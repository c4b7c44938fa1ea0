"""Hypervolume of the feasible evaluations of a run, after each evaluation and at the end."""

from typing import Any

import numpy as np
import pandas as pd

from ..config.sizes import NONZERO_RATE
from ..search.hypervolume import REFERENCE, hypervolume, scaled_hypervolume
from ..search.objectives import scaled_loss

# The second reference point does not depend on the accuracy floor of a study.
ZERO_ACCURACY = 0.0


def reference_point(least_accuracy: float, size: str = NONZERO_RATE) -> dict[str, float]:
    """The reference point of the hypervolume, in plain units.

    It is `search.hypervolume.REFERENCE` in the units of `search.objectives.scaled_loss`.

    Args:
        least_accuracy: The accuracy of the point, as a fraction: the accuracy floor or 0.
        size: The size that is minimised, a key of `config.sizes.SIZES`.

    Returns:
        The size, by its name, and the accuracy of the point.
    """
    return {size: float(REFERENCE[0]), "accuracy": least_accuracy}


def history(
    sizes: np.ndarray, accuracy: np.ndarray, threshold: float, *, scaled: bool
) -> list[float]:
    """Return the hypervolume after each evaluation of a run, over its feasible evaluations.

    Args:
        sizes: Sizes as shares of the dense network's, in the order of the evaluations, shape (n,).
        accuracy: Accuracies as fractions, shape (n,).
        threshold: The accuracy floor (tau), a fraction.
        scaled: True takes the reference point (size 1, accuracy tau) and scales the
            accuracy to (accuracy - tau) / (1 - tau), so that the hypervolume is at most 1. False
            takes the reference point (size 1, accuracy 0) and accuracies as fractions.

    Returns:
        One hypervolume for each evaluation. It is 0 as long as nothing is feasible.
    """
    losses = scaled_loss(sizes, accuracy, threshold if scaled else ZERO_ACCURACY)
    feasible = np.asarray(accuracy) >= threshold
    volumes: list[float] = []
    for count in range(1, len(losses) + 1):
        if feasible[count - 1] or not volumes:
            volumes.append(hypervolume(losses[:count][feasible[:count]]))
        else:
            volumes.append(volumes[-1])
    return volumes


def run_hypervolume(
    sizes: np.ndarray, accuracy: np.ndarray, threshold: float, size: str = NONZERO_RATE
) -> dict[str, Any]:
    """Make the content of a run's hypervolume.json.

    Args:
        sizes: Sizes as shares of the dense network's, in the order of the evaluations, shape (n,),
            n at least 1.
        accuracy: Accuracies as fractions, shape (n,).
        threshold: The accuracy floor (tau), a fraction.
        size: The size that is minimised, a key of `config.sizes.SIZES`.

    Returns:
        The final hypervolume, and the hypervolume after each evaluation, for both reference points.
    """
    scaled = history(sizes, accuracy, threshold, scaled=True)
    plain = history(sizes, accuracy, threshold, scaled=False)
    return {
        "hypervolume": scaled[-1],
        "threshold": threshold,
        "reference": {**reference_point(threshold, size), "scaled": True},
        "history": scaled,
        "zero_accuracy_reference": {
            "hypervolume": plain[-1],
            "reference": {**reference_point(ZERO_ACCURACY, size), "scaled": False},
            "history": plain,
        },
    }


def hypervolumes_on_test_images(
    runs: pd.DataFrame, fronts: pd.DataFrame, tests: pd.DataFrame, threshold: float, size: str
) -> pd.DataFrame:
    """Take the hypervolumes of a network's runs by the accuracies on the test images.

    Args:
        runs: The rows of the network in the run table.
        fronts: The front of each run, see `fronts.union.run_fronts`.
        tests: The test accuracy of each design of them, see `fronts.union.on_test_images`.
        threshold: The accuracy floor (tau) on the test images, a fraction.
        size: The size that is minimised, a key of `config.sizes.SIZES`.

    Returns:
        The rows with the hypervolume of what keeps that floor, 0 where nothing does. That of the
        search is in the column search_hypervolume.
    """
    found = fronts.merge(tests[["design_id", "test_accuracy"]], on="design_id")
    volumes = {
        run: scaled_hypervolume(own[size].to_numpy(), own["test_accuracy"].to_numpy(), threshold)
        for run, own in found.groupby(["method", "seed"])
    }
    own = zip(runs["method"], runs["seed"], strict=True)
    return runs.assign(
        search_hypervolume=runs["hypervolume"],
        hypervolume=[volumes.get(run, 0.0) for run in own],
        threshold=threshold,
    )
