"""What a training says while it runs: a line for each epoch, and a status for `make status`."""

import logging
import sys
from collections.abc import Callable, Sequence
from time import perf_counter

from ..jobs.journal import Journal
from ..jobs.logs import duration
from .training import Epoch


def epoch_reporter(
    log: logging.Logger, journal: Journal, network: str, epochs: int, finished: Sequence[Epoch]
) -> Callable[[Sequence[Epoch]], None]:
    """What `train` calls with all epochs so far; `finished` are those of an earlier process.

    The line goes to the log and to the terminal. The time left is what the epochs of this process took on average.
    """
    start = perf_counter()
    journal.report(
        len(finished), epochs, accuracy=finished[-1].validation_accuracy if finished else None
    )
    if finished:
        log.info("%s: goes on after epoch %d of %d", network, len(finished), epochs)

    def report(history: Sequence[Epoch]) -> None:
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
