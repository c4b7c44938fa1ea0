"""Checks before the first job, and the end of SLURM jobs whose Snakemake was killed.

A job in SLURM's queue goes on if its Snakemake is killed. It would then write the same files as
the job that takes its place. To find such jobs, each Snakemake of a study locks a file with the
name of the jobs that it submits. The kernel frees the lock if the Snakemake dies, so the jobs of
that name can be ended. Their journals keep what they have done.
"""

import fcntl
import getpass
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from ..errors import UserError
from .locks import TAKEN, UNSUPPORTED

SUFFIX = ".run"
READ_BY_SHELLS = set(" \t\n\"'`$&|;<>()\\*?[]{}!#")
# SLURM sends TERM, and then KILL after its KillWait. That is 30 s unless a site sets it higher.
SECONDS_TO_END = 300.0
SECONDS_BETWEEN_LOOKS = 1.0


def mark_run(folder: Path, run: str) -> None:
    """Mark a Snakemake as alive for as long as this process lives.

    Args:
        folder: The folder of the marks, which is made if it is missing.
        run: The name of the jobs that the Snakemake submits.
    """
    folder.mkdir(parents=True, exist_ok=True)
    # It is never closed, since that would free the lock.
    descriptor = os.open(folder / f"{run}{SUFFIX}", os.O_RDWR | os.O_CREAT)
    try:
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno not in UNSUPPORTED:
            raise


def _is_over(mark: Path) -> bool:
    """Tell whether the Snakemake of a mark is gone."""
    with open(mark, "ab") as file:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in TAKEN:
                return False
            if error.errno not in UNSUPPORTED:
                raise
            raise UserError(
                f"{mark}: an earlier Snakemake of this study submitted jobs named {mark.stem}. "
                "This file system has no locks that tell whether it still runs "
                f"({error.strerror}). If it does not: scancel --name {mark.stem}, remove this "
                "file, and start again."
            ) from error
    return True


def _queued_jobs(run: str) -> list[str]:
    """The ids of the user's waiting and running jobs of a name."""
    command = ["squeue", "--user", getpass.getuser(), "--name", run, "--noheader", "--format", "%i"]
    listed = subprocess.run(command, capture_output=True, text=True, check=False)
    if listed.returncode != 0:
        raise UserError(
            f"squeue does not tell which jobs are in the queue ({listed.stderr.strip()}). "
            "Jobs of an earlier Snakemake of this study could still run, so nothing is started. "
            "Start again once squeue answers."
        )
    return listed.stdout.split()


def _end_jobs(run: str) -> list[str]:
    leftover = _queued_jobs(run)
    if leftover:
        subprocess.run(["scancel", *leftover], capture_output=True, check=False)
    end = time.monotonic() + SECONDS_TO_END
    while leftover and (ending := _queued_jobs(run)):
        if time.monotonic() > end:
            raise UserError(
                "Jobs of an earlier Snakemake of this study still run after "
                f"{SECONDS_TO_END:.0f} s: {' '.join(ending)}. They would write the same files as "
                f"their successors. End them (scancel {' '.join(ending)}) and start again."
            )
        time.sleep(SECONDS_BETWEEN_LOOKS)
    return leftover


def end_leftover_jobs(folder: Path) -> Iterator[str]:
    """End the jobs of each marked Snakemake that is gone, and wait until they have ended.

    Call it before `mark_run`.

    Args:
        folder: The folder of the marks.

    Yields:
        The id of each job that was ended.

    Raises:
        UserError: The queue cannot be read, a job does not end, or the file system has no locks
            that tell whether a Snakemake is gone.
    """
    for mark in sorted(folder.glob(f"*{SUFFIX}")):
        if _is_over(mark):
            yield from _end_jobs(mark.stem)
            mark.unlink(missing_ok=True)


def require_writable(folder: Path) -> None:
    """Check that files can be made in a folder and in the folders in it.

    Args:
        folder: The folder of the results. If it is missing, the folder above it is checked.

    Raises:
        UserError: The user may not write to one of these folders.
    """
    there = next(path for path in (folder, *folder.absolute().parents) if path.is_dir())
    for path in (there, *(folder.glob("*/") if there == folder else ())):
        if not os.access(path, os.W_OK | os.X_OK):
            raise UserError(
                f"{path}: no results can be written there, the folder or its file system is "
                "read-only for you. Make it writable, or work in another folder. Finished work "
                "is kept."
            )


def require_plain_path(python: str) -> None:
    """Check that the path of Snakemake's Python has no character that a shell interprets.

    Snakemake gives this path to a shell without quotes.

    Args:
        python: The path of the Python that Snakemake runs in.

    Raises:
        UserError: The path has such a character, so that no job could start.
    """
    if set(python) & READ_BY_SHELLS:
        raise UserError(
            f"Snakemake runs in the Python {python}. It cannot start a job with a Python whose "
            "path has a space or another character that shells interpret. Keep the environment in "
            "a folder without such characters: make VENV=FOLDER demo."
        )
