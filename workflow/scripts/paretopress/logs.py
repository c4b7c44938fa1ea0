"""The log of one job: a file that a person can follow while the job runs."""

import logging
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .errors import UserError


@contextmanager
def job_log(path: str) -> Iterator[logging.Logger]:
    """A logger to `path`. An exception goes to the log and to the terminal: with its message alone if the user can mend it."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    logger = logging.getLogger("paretopress")
    handler = logging.FileHandler(path, mode="w", encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%H:%M:%S"))
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield logger
    except UserError as error:
        logger.error("%s", error)
        print(f"\nError: {error}\n", file=sys.stderr)
        sys.exit(1)
    except Exception:
        logger.error("%s", traceback.format_exc())
        raise
    finally:
        logger.removeHandler(handler)
        handler.close()


def duration(seconds: float) -> str:
    """Seconds as a person says them: 42 s, 3 min 10 s, 2 h 05 min."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
