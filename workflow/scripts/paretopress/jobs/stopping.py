"""Finish and record the current step before a job stops on SIGTERM.

A cluster sends this signal before the time limit of a job.
"""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


class Stopped(Exception):
    """A signal ended the job between two steps; the message says which steps are finished."""


@contextmanager
def finished_first(standing: Callable[[], str]) -> Iterator[None]:
    """Finish the step in the block if SIGTERM comes, and then raise Stopped.

    A second SIGTERM ends the process at once. Between two such steps, the signal has the effect
    that it had before.

    Args:
        standing: Gives the finished work of the job after this step, in words.

    Raises:
        Stopped: The signal came during the step.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # Python handles signals only in the main thread.
        return
    asked: list[int] = []

    def ask(number: int, frame: FrameType | None) -> None:
        asked.append(number)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)

    before = signal.signal(signal.SIGTERM, ask)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
    if asked:
        raise Stopped(
            f"stopped by a signal after {standing()}. Start the study again: it goes on from there."
        )
