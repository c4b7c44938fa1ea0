"""What a long job says while it runs: a line in its log for each iteration, and a status for `make status`."""

import logging
from collections.abc import Callable

import moocore
import numpy as np

from ..jobs.journal import Journal
from ..jobs.logs import duration
from .archive import Archive
from .objectives import scaled_loss


def best_hypervolume(archive: Archive) -> float:
    """Hypervolume so far, scaled, reference point (nonzero_rate 1, accuracy tau)."""
    rates = np.array([evaluation.nonzero_rate for evaluation in archive.evaluations])
    accuracies = np.array([evaluation.accuracy for evaluation in archive.evaluations])
    feasible = archive.constraint() <= 0
    losses = scaled_loss(rates[feasible], accuracies[feasible], archive.target.threshold)
    return float(moocore.hypervolume(losses, ref=np.ones(2))) if len(losses) else 0.0


def reporter(log: logging.Logger, journal: Journal, label: str) -> Callable[[Archive], None]:
    """What a method calls after each iteration; the time left is what the evaluations and searches of this run took on average."""

    def report(archive: Archive) -> None:
        done = len(archive.evaluations)
        made = done - sum(evaluation.phase == "initial" for evaluation in archive.evaluations)
        spent = sum(timing["seconds"] for timing in archive.timings if timing["iteration"] > 0)
        left = spent / max(1, made) * archive.left
        volume = best_hypervolume(archive)
        latest = archive.iterations[-1]
        fallbacks = (
            f", {latest['fallbacks']} of its infills drawn at random ({latest['fallback_reason']})"
            if latest["fallbacks"]
            else ""
        )
        log.info(
            "%s: iteration %d, evaluations %d of %d, hypervolume %.4f, %s left%s",
            label, latest["iteration"], done, archive.budget, volume, duration(left), fallbacks,
        )  # fmt: skip
        journal.report(done, archive.budget, volume, left)

    return report
