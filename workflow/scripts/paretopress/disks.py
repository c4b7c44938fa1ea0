"""What a person can mend when a file cannot be written: a full disk, a used-up quota, a read-only file system."""

import errno
import os
from collections.abc import Iterator

PROBLEMS = {
    errno.ENOSPC: "the disk is full. Free some space",
    errno.EDQUOT: "the disk quota is used up. Free some space",
    errno.EROFS: "its file system is read-only. Make it writable",
}
ADVICE = "and start the study again: what is finished is kept, and it goes on from there."


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """The error, and the errors that it came from."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def disk_problem(error: BaseException, path: object = None) -> str | None:
    """What to tell of an error that comes from the disk, at whichever depth; None for any other error.

    path: the file that was written; else the one that the error names. Libraries in other languages only quote the system's words.
    """
    for cause in _chain(error):
        for number, problem in PROBLEMS.items():
            if (
                isinstance(cause, OSError) and cause.errno == number
            ) or f"{os.strerror(number)} (os error {number})" in str(cause):
                file = path or getattr(cause, "filename", None) or "a file"
                return f"{file}: cannot be written, {problem} {ADVICE}"
    return None
