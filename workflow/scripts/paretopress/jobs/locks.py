"""One job at a time in a folder, on whichever host; the kernel takes the lock back from a job that dies."""

import errno
import fcntl
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

LOCK = ".lock"
TAKEN = (errno.EACCES, errno.EAGAIN)
SECONDS_BETWEEN_LOOKS = 0.2
UNSUPPORTED = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)


def _is_at(file: BinaryIO, path: Path) -> bool:
    """Whether the open file is still the one of that name: a job that is done removes its folder."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


def locked(
    folder: Path, wait: Callable[[], None], unsupported: Callable[[OSError], None]
) -> BinaryIO:
    """Makes `folder` and locks it until the returned file is closed or the process ends.

    wait: called once before waiting for another process that has the lock. unsupported: called where the file system has no locks.
    POSIX locks, since these hold between the hosts of a network file system, and are no child process's.
    """
    path, waiting = folder / LOCK, False
    while True:
        folder.mkdir(parents=True, exist_ok=True)
        file = open(path, "ab")  # noqa: SIM115 (it stays open)
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in UNSUPPORTED:
                unsupported(error)
                return file
            if error.errno not in TAKEN:
                raise
            if not waiting:
                wait()
                waiting = True
            time.sleep(
                SECONDS_BETWEEN_LOOKS
            )  # and not until that lock is free: the file may be removed, by its holder or by a person
        else:
            if _is_at(file, path):
                return file
        file.close()
