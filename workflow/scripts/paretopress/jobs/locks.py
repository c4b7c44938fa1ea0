"""Lock a folder for one job at a time, on all hosts. The kernel frees the lock of a dead job."""

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
    """Tell whether an open file still has its name. A finished job removes its folder."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


def locked(
    folder: Path, wait: Callable[[], None], unsupported: Callable[[OSError], None]
) -> BinaryIO:
    """Make a folder, and lock it until the returned file is closed or the process ends.

    The locks are POSIX locks: they hold between the hosts of a network file system, and child
    processes do not inherit them.

    Args:
        folder: The folder.
        wait: Called once before this process waits for another process that has the lock.
        unsupported: Called with the error if the file system has no locks. The folder is then
            used without a lock.

    Returns:
        The open file that holds the lock.
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
            # A blocking lock would wait forever if the holder or a person removes the file.
            time.sleep(SECONDS_BETWEEN_LOOKS)
        else:
            if _is_at(file, path):
                return file
        file.close()
