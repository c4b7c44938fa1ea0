"""What a long job says while it runs: a line in its log for each iteration, and a status for `make status`."""

import logging
from collections.abc import Callable

from ..jobs.journal import Journal
from ..jobs.logs import duration
from .archive import Archive


def reporter(log: logging.Logger, journal: Journal, label: str) -> Callable[[Archive], None]:
    """What a method calls after each iteration; the time left is what the evaluations and searches of this run took on average."""

    def report(archive: Archive) -> None:
        done = len(archive.evaluations)
        made = done - sum(evaluation.phase == "initial" for evaluation in archive.evaluations)
        spent = sum(timing["seconds"] for timing in archive.timings if timing["iteration"] > 0)
        left = spent / max(1, made) * archive.left
        volume = archive.hypervolume()
        latest = archive.iterations[-1]
        log.info(
            "%s: iteration %d, evaluations %d of %d, hypervolume %.4f, %s left",
            label, latest["iteration"], done, archive.budget, volume, duration(left),
        )  # fmt: skip
        if latest["fallbacks"]:
            log.info(
                "%s: %d of the infills of iteration %d were drawn at random (%s)",
                label, latest["fallbacks"], latest["iteration"], latest["fallback_reason"],
            )  # fmt: skip
        journal.report(done, archive.budget, volume, left)

    return report
