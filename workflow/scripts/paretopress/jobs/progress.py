"""Report the progress of a long job: lines in its log, and a status for `make status`."""

import logging
import sys
from collections.abc import Callable, Mapping, Sequence
from time import perf_counter
from typing import Any, Protocol

from .journal import Journal
from .logs import duration


class Trained(Protocol):
    """The attributes of an epoch that are reported, see networks.history.Epoch."""

    @property
    def epoch(self) -> int:
        """The number of the epoch, from 1."""

    @property
    def loss(self) -> float:
        """The mean loss of the epoch."""

    @property
    def train_accuracy(self) -> float:
        """The accuracy on the training images, in [0, 1]."""

    @property
    def validation_accuracy(self) -> float:
        """The accuracy on the validation images, in [0, 1]."""


class Searched(Protocol):
    """The attributes of a search that are reported, see search.archive.Archive."""

    budget: int
    evaluations: Sequence[Any]
    iterations: Sequence[Mapping[str, Any]]
    timings: Sequence[Mapping[str, Any]]

    @property
    def left(self) -> int:
        """The remaining budget, in true evaluations."""


def reporter(
    log: logging.Logger, journal: Journal, label: str, hypervolume: Callable[[], float]
) -> Callable[[Searched], None]:
    """Make the function that a search method calls after each iteration.

    The remaining time is estimated from the mean time of the evaluations in this run, which
    includes the search for their designs.

    Args:
        log: The log of the job.
        journal: The journal of the job, which gets the status.
        label: The name of the run at the start of each line.
        hypervolume: Computes the hypervolume of the evaluations so far.

    Returns:
        The function, which takes the archive of the search.
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
    """Make the function that `train` calls after each epoch.

    Its line goes to the log and to the terminal. The remaining time is estimated from the mean
    time of the epochs in this process.

    Args:
        log: The log of the job.
        journal: The journal of the job, which gets the status.
        network: The name of the network.
        epochs: The number of epochs of the whole training.
        finished: The epochs that an earlier process has finished.

    Returns:
        The function, which takes all epochs so far.
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
            f"{network}: epoch {latest.epoch} of {epochs}, loss {latest.loss:.4f}, "
            f"accuracy {latest.train_accuracy:.4f} on training and "
            f"{latest.validation_accuracy:.4f} on validation images, {duration(left)} left"
        )
        log.info("%s", line)
        print(line, file=sys.stderr, flush=True)
        journal.report(latest.epoch, epochs, seconds_left=left, accuracy=latest.validation_accuracy)

    return report
