"""What a long job says while it runs: lines in its log, and a status for `make status`."""

import logging
import sys
from collections.abc import Callable, Mapping, Sequence
from time import perf_counter
from typing import Any, Protocol

from .journal import Journal
from .logs import duration


class Trained(Protocol):
    """An epoch of a training, as far as it is told here: see networks.history.Epoch."""

    @property
    def epoch(self) -> int: ...
    @property
    def loss(self) -> float: ...
    @property
    def train_accuracy(self) -> float: ...
    @property
    def validation_accuracy(self) -> float: ...


class Searched(Protocol):
    """A search, as far as it is told here: see search.archive.Archive."""

    budget: int
    evaluations: Sequence[Any]
    iterations: Sequence[Mapping[str, Any]]
    timings: Sequence[Mapping[str, Any]]

    @property
    def left(self) -> int: ...


def reporter(
    log: logging.Logger, journal: Journal, label: str, hypervolume: Callable[[], float]
) -> Callable[[Searched], None]:
    """What a method calls after each iteration. The time left is what the evaluations and searches of
    this run took on average.

    hypervolume: gives that of the evaluations so far.
    """

    def report(archive: Searched) -> None:
        done = len(archive.evaluations)
        made = done - sum(evaluation.phase == "initial" for evaluation in archive.evaluations)
        spent = sum(timing["seconds"] for timing in archive.timings if timing["iteration"] > 0)
        left = spent / max(1, made) * archive.left
        volume = hypervolume()
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


def epoch_reporter(
    log: logging.Logger, journal: Journal, network: str, epochs: int, finished: Sequence[Trained]
) -> Callable[[Sequence[Trained]], None]:
    """What `train` calls with all epochs so far; `finished` are those of an earlier process.

    The line goes to the log and to the terminal. The time left is what the epochs of this process took on average.
    """
    start = perf_counter()
    journal.report(
        len(finished), epochs, accuracy=finished[-1].validation_accuracy if finished else None
    )
    if finished:
        log.info("%s: goes on after epoch %d of %d", network, len(finished), epochs)

    def report(history: Sequence[Trained]) -> None:
        latest = history[-1]
        left = (perf_counter() - start) / (latest.epoch - len(finished)) * (epochs - latest.epoch)
        line = (
            f"{network}: epoch {latest.epoch} of {epochs}, loss {latest.loss:.4f}, accuracy {latest.train_accuracy:.4f} on training "
            f"and {latest.validation_accuracy:.4f} on validation images, {duration(left)} left"
        )
        log.info("%s", line)
        print(line, file=sys.stderr, flush=True)
        journal.report(latest.epoch, epochs, seconds_left=left, accuracy=latest.validation_accuracy)

    return report
