"""What a person can follow: the log of one job, and Snakemake's lines on the terminal."""

import logging
import sys
import time
import traceback
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ..errors import UserError
from .files import disk_problem
from .stopping import Stopped

INTERRUPTED = "interrupted. Start the study again: finished work is kept."
# The names that Snakemake gives to its handler for the terminal, and to what it reports.
TERMINAL = "DefaultStreamHandler"
BEGINS, ENDS, PROGRESS = "job_info", "job_finished", "progress"
LEFT_OUT = ("job_started", ENDS)
SELECTION = "Select jobs to execute..."


class JobLog(logging.FileHandler):
    """A log file whose write errors do not end the job.

    The first such error is shown on the terminal.
    """

    said = False

    def handleError(self, record: logging.LogRecord) -> None:
        """Show the first error of the disk; leave any other error to logging."""
        error = sys.exc_info()[1]
        if not isinstance(error, OSError):
            super().handleError(record)
        elif not self.said:
            self.said = True
            print(
                f"{self.baseFilename}: lines are missing, the log cannot be written "
                f"({error.strerror})",
                file=sys.stderr,
            )

    def close(self) -> None:
        """Close the file, also if its last lines cannot be written."""
        with suppress(OSError):  # It was shown when a line could not be written.
            super().close()


@contextmanager
def job_log(path: str) -> Iterator[logging.Logger]:
    """Open the log of a job.

    An exception goes to the log and to the terminal. If the user can correct it, only its message
    is shown and the process exits with status 1. Any other exception is raised again.

    Args:
        path: The file of the log. Its folder is made if it is missing.

    Yields:
        The logger that writes to the file.
    """
    logger = logging.getLogger("paretopress")
    logger.setLevel(logging.INFO)
    handler: logging.Handler = logging.NullHandler()
    try:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        handler = JobLog(path, mode="w", encoding="utf-8")
        handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%H:%M:%S"))
        logger.addHandler(handler)
        yield logger
    except (Exception, KeyboardInterrupt) as error:
        message = INTERRUPTED if isinstance(error, KeyboardInterrupt) else disk_problem(error)
        message = str(error) if isinstance(error, UserError | Stopped) else message
        if message is None:
            logger.error("%s", traceback.format_exc())
            raise
        logger.error("%s", message)
        print(f"\nError: {message}\n", file=sys.stderr)
        sys.exit(1)
    finally:
        logger.removeHandler(handler)
        handler.close()


class JobLines(logging.Formatter):
    """A line for each job, in place of Snakemake's blocks.

    Everything else, such as an error, is shown as before.

    Attributes:
        usual: Snakemake's formatter.
        at: When a job gets its line: BEGINS, or PROGRESS for when it has ended.
        total: The number of all jobs.
        done: The number of those that are done.
        names: The jobs that have begun, in words, by their ids.
        ended: Those that have ended and have no line yet.
    """

    def __init__(self, usual: logging.Formatter, at: str, total: int) -> None:
        super().__init__()
        self.usual, self.at, self.total, self.done = usual, at, total, 0
        self.names: dict[int, str] = {}
        self.ended: list[str] = []

    def shows(self, record: logging.LogRecord) -> bool:
        """Tell whether a record is shown, as a filter of a handler does."""
        told = vars(record)
        event = told.get("event")
        if event == BEGINS:
            parts = (f"{name}={value}" for name, value in told["wildcards"].items())
            self.names[told["jobid"]] = " ".join([told["rule_name"], *parts])
        elif event == ENDS:
            # With --quiet rules no job is told to begin.
            self.ended.append(self.names.get(told["job_id"], record.getMessage()))
        elif event == PROGRESS:
            self.done, self.total = told["done"], told["total"]
        if event in (BEGINS, PROGRESS):
            return event == self.at or (event == PROGRESS and self.done == self.total)
        return event not in LEFT_OUT and record.getMessage() != SELECTION

    def format(self, record: logging.LogRecord) -> str:
        """The line of a job; any other record as usual."""
        told = vars(record)
        if told.get("event") != self.at:
            return self.usual.format(record)
        jobs = [f"next: {self.names[told['jobid']]}"] if self.at == BEGINS else self.ended
        clock, width = time.strftime("%H:%M:%S"), len(str(self.total))
        line = f"{clock}  {self.done:{width}} of {self.total} done, {', '.join(jobs)}"
        self.ended = []
        return f"    {line}" if told.get("indent") else line


def shorten(handlers: Iterable[logging.Handler], at: str, total: int) -> None:
    """Show a line for each job on the terminal. Snakemake's own log file keeps the blocks.

    Args:
        handlers: The handlers of Snakemake's logger.
        at: When a job gets its line: BEGINS, or PROGRESS for when it has ended.
        total: The number of jobs of this run.
    """
    for handler in handlers:
        if handler.name == TERMINAL and handler.formatter is not None:
            lines = JobLines(handler.formatter, at, total)
            handler.addFilter(lines.shows)
            handler.setFormatter(lines)


def warn(log: logging.Logger, message: str) -> None:
    """Write a warning to the log of a job and to the terminal."""
    log.warning("WARNING %s", message)
    print(f"\nWarning: {message}\n", file=sys.stderr, flush=True)


def duration(seconds: float) -> str:
    """Write seconds for people, like 42 s, 3 min 10 s or 2 h 05 min."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
