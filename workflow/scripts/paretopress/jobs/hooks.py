"""Jobs on a SLURM cluster whose Snakemake is gone: it was killed, they were not.

Each Snakemake of a study holds the lock of a file of its own, named after the jobs that it submits; the kernel takes the lock back when it
dies. Whatever is in the queue under the name of one whose lock is free has nobody who waits for it, and would write the same files as the
job that takes its place. What it has done is in its journal.
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

PACKAGE = Path(__file__).parents[1]
SUFFIX = ".run"
READ_BY_SHELLS = set(" \t\n\"'`$&|;<>()\\*?[]{}!#")
SECONDS_TO_END = (
    300.0  # SLURM sends TERM, and KILL after its KillWait, 30 s unless a site sets it higher
)
SECONDS_BETWEEN_LOOKS = 1.0


def mark_run(folder: Path, run: str) -> None:
    """Marks the Snakemake whose jobs are named `run` as alive, for as long as this process lives."""
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(
        folder / f"{run}{SUFFIX}", os.O_RDWR | os.O_CREAT
    )  # never closed, which would give the lock back
    try:
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno not in UNSUPPORTED:
            raise


def _is_over(mark: Path) -> bool:
    """Whether the Snakemake of a mark is gone. Raises UserError where the file system has no locks to tell."""
    with open(mark, "ab") as file:
        try:
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if error.errno in TAKEN:
                return False
            if error.errno not in UNSUPPORTED:
                raise
            raise UserError(
                f"{mark}: an earlier Snakemake of this study submitted jobs named {mark.stem}, and this file system has no locks that "
                f"tell whether it still runs ({error.strerror}). If not: scancel --name {mark.stem}, remove this file, and start again."
            ) from error
    return True


def _queued_jobs(run: str) -> list[str]:
    """Ids of the user's jobs of that name, waiting or running."""
    command = ["squeue", "--user", getpass.getuser(), "--name", run, "--noheader", "--format", "%i"]
    listed = subprocess.run(command, capture_output=True, text=True, check=False)
    if listed.returncode != 0:
        raise UserError(
            f"squeue does not tell which jobs are in the queue ({listed.stderr.strip()}). "
            "Jobs of an earlier Snakemake of this study could still run, so nothing is started. Start again once squeue answers."
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
                f"Jobs of an earlier Snakemake of this study still run after {SECONDS_TO_END:.0f} s: {' '.join(ending)}. "
                f"They would write the same files as their successors. End them (scancel {' '.join(ending)}) and start again."
            )
        time.sleep(SECONDS_BETWEEN_LOOKS)
    return leftover


def end_leftover_jobs(folder: Path) -> Iterator[str]:
    """Ends the jobs of every marked Snakemake that is gone, waits until they are, and gives their ids. Before this one's `mark_run`.

    Raises UserError where the queue cannot be read, a job does not end, or nobody can tell whether a Snakemake is gone.
    """
    for mark in sorted(folder.glob(f"*{SUFFIX}")):
        if _is_over(mark):
            yield from _end_jobs(mark.stem)
            mark.unlink(missing_ok=True)


def require_writable(folder: Path) -> None:
    """Raises UserError where a file or folder could not be made in `folder`, in one of its folders, or where `folder` is to be made."""
    there = next(path for path in (folder, *folder.absolute().parents) if path.is_dir())
    for path in (there, *(folder.glob("*/") if there == folder else ())):
        if not os.access(path, os.W_OK | os.X_OK):
            raise UserError(
                f"{path}: no results can be written there, the folder or its file system is read-only for you. "
                "Make it writable, or work in another folder; what is finished is kept."
            )


def require_plain_path(python: str) -> None:
    """Raises UserError where Snakemake, which gives its Python to a shell unquoted, can start no job."""
    if set(python) & READ_BY_SHELLS:
        raise UserError(
            f"Snakemake runs in the Python {python}, and starts no job with one whose path has a space or "
            "another character that shells read. Keep the environment in a folder without: make VENV=FOLDER demo."
        )


def require_one_copy(scripts: Path) -> None:
    """Raises UserError where this package is not the one beside the rules' `scripts`."""
    own = scripts / PACKAGE.name
    if not (own.is_dir() and PACKAGE.samefile(own)):
        raise UserError(
            f"Two copies of ParetoPress in one workflow: {PACKAGE.parents[2]} and {scripts.parents[1]}. "
            "Allowed: several modules of one copy."
        )
