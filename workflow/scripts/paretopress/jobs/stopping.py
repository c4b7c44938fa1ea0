"""A polite signal to stop, as a cluster sends it before a job's time is up: the step at hand is finished and recorded first."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


class Stopped(Exception):
    """A signal ended the job between two steps; the message says where it stands."""


@contextmanager
def finished_first(standing: Callable[[], str]) -> Iterator[None]:
    """A step that SIGTERM does not break off: it is finished, then Stopped is raised. A second SIGTERM ends the process at once.

    standing: what is behind the job after the step, in words. Between two such steps the signal does what it did before.
    """
    if threading.current_thread() is not threading.main_thread():
        yield  # Python hands signals to the main thread alone
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
