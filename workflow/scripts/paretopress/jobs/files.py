"""Write files whole or not at all, even if the process dies while it writes."""

import errno
import glob
import os
import secrets
import shutil
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
ADVICE = "and start the study again: finished work is kept, and the study goes on from there."


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """The error and the errors that caused it."""
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def disk_problem(error: BaseException, path: object = None) -> str | None:
    """Explain an error that comes from the disk.

    Args:
        error: The error. Its causes are looked at too.
        path: The file that was written. Without it, the message names the error's own file.

    Returns:
        The message for the user; None if the error does not come from the disk.
    """
    for cause in _chain(error):
        for number, problem in PROBLEMS.items():
            # A library in another language raises its own error, which only quotes the system.
            if (
                isinstance(cause, OSError) and cause.errno == number
            ) or f"{os.strerror(number)} (os error {number})" in str(cause):
                file = path or getattr(cause, "filename", None) or "a file"
                return f"{file}: cannot be written, {problem} {ADVICE}"
    return None


UNFINISHED = ".unfinished-"


def _temporary(path: Path) -> Path:
    """A name that no other process uses, in the folder of `path`."""
    # It is there because a rename is atomic only within one file system.
    return path.with_name(
        f"{UNFINISHED}{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}-{path.name}"
    )


def _remove_of_the_dead(path: Path) -> None:
    """Remove the unfinished versions of `path` that dead processes of this host have left."""
    start = f"{UNFINISHED}{socket.gethostname()}-"
    for left in path.parent.glob(f"{glob.escape(start)}*-{glob.escape(path.name)}"):
        process = left.name.removeprefix(start).split("-")[0]
        if process.isdecimal() and not psutil.pid_exists(int(process)):
            shutil.rmtree(left) if left.is_dir() else left.unlink(missing_ok=True)


def sync(path: Path) -> None:
    """Wait until a file's content or a folder's entries are on the disk.

    Without this, a power cut could keep a later change and lose an earlier one.
    """
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def written_whole(path: str | Path) -> Iterator[Path]:
    """Write a file whole or not at all.

    If the block fails, `path` stays as it was.

    Args:
        path: The file. Its folder is made if it is missing.

    Yields:
        A temporary path with the same suffix, to write to. It is renamed to `path` at the end.

    Raises:
        UserError: The disk is full or read-only, or its quota is used up.
    """
    path = Path(path)
    temporary = _temporary(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove_of_the_dead(path)
        temporary.touch()
        mode = temporary.stat().st_mode
        yield temporary
        temporary.chmod(mode)  # Some libraries write files that the group may not read.
        sync(temporary)
        os.replace(temporary, path)
        sync(path.parent)
    except BaseException as error:
        temporary.unlink(missing_ok=True)
        if problem := disk_problem(error, path):
            raise UserError(problem) from error
        raise


def write_whole(path: str | Path, text: str) -> None:
    """Write a text file whole or not at all, as `written_whole` does."""
    with written_whole(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def remove_unfinished(folder: Path) -> None:
    """Remove all unfinished files in a folder to which only this process writes."""
    for left in folder.rglob(f"{UNFINISHED}*"):
        left.unlink(missing_ok=True)


@contextmanager
def folder_written_whole(path: Path) -> Iterator[Path]:
    """Write a folder whole or not at all.

    If the block fails, `path` stays as it was.

    Args:
        path: The folder. The folder above it is made if it is missing.

    Yields:
        A temporary folder to write to. It takes the place of `path` at the end.

    Raises:
        UserError: The disk is full or read-only, or its quota is used up.
    """
    temporary, before = _temporary(path), _temporary(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove_of_the_dead(path)
        temporary.mkdir()
        yield temporary
        for file in temporary.iterdir():
            sync(file)
        if path.exists():
            path.rename(before)
        temporary.rename(path)
        sync(path.parent)
    except BaseException as error:
        if before.exists() and not path.exists():
            before.rename(path)
        if problem := disk_problem(error, path):
            raise UserError(problem) from error
        raise
    finally:
        for left in (temporary, before):
            shutil.rmtree(left, ignore_errors=True)
