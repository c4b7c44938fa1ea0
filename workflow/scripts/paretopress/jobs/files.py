"""Files that are whole or not there, whoever dies while writing them."""

import errno
import glob
import os
import secrets
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from ..errors import UserError

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


UNFINISHED = ".unfinished-"


def _temporary(path: Path) -> Path:
    """A name that no other process on any host has; beside `path`, since a rename is atomic within a file system only."""
    return path.with_name(
        f"{UNFINISHED}{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}-{path.name}"
    )


def _remove_of_the_dead(path: Path) -> None:
    """Removes what processes of this host left of `path` when they died."""
    start = f"{UNFINISHED}{socket.gethostname()}-"
    for left in path.parent.glob(f"{glob.escape(start)}*-{glob.escape(path.name)}"):
        process = left.name.removeprefix(start).split("-")[0]
        if process.isdecimal() and not psutil.pid_exists(int(process)):
            left.unlink(missing_ok=True)


def sync(path: Path) -> None:
    """Has a file's content, or a folder's entries, on the disk before what comes next: a power cut changes their order otherwise."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def written_whole(path: str | Path) -> Iterator[Path]:
    """The path to write to, with the suffix of `path`; at the end of the block it becomes `path`, whose folder is made.

    Where the block fails, `path` stays as it was. Raises UserError where the disk is full, read-only and the like.
    """
    path = Path(path)
    temporary = _temporary(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove_of_the_dead(path)
        temporary.touch()
        mode = temporary.stat().st_mode
        yield temporary
        temporary.chmod(mode)  # some libraries write files that nobody else in a group may read
        sync(temporary)
        os.replace(temporary, path)
        sync(path.parent)
    except BaseException as error:
        temporary.unlink(missing_ok=True)
        if problem := disk_problem(error, path):
            raise UserError(problem) from error
        raise


def write_whole(path: str | Path, text: str) -> None:
    """Writes a text file as `written_whole` does."""
    with written_whole(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def remove_unfinished(folder: Path) -> None:
    """Removes what anyone left unfinished anywhere in `folder`; for a folder that only this process writes to."""
    for left in folder.rglob(f"{UNFINISHED}*"):
        left.unlink(missing_ok=True)
