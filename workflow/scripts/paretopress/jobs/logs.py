"""The log of one job, a file that a person can follow while the job runs."""

import logging
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ..errors import UserError
from .files import disk_problem
from .stopping import Stopped

INTERRUPTED = "interrupted. Start the study again: finished work is kept."


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


def duration(seconds: float) -> str:
    """Write seconds for people, like 42 s, 3 min 10 s or 2 h 05 min."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
