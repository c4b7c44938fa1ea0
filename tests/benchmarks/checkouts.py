"""Copies of the project's code to measure, the present one and an earlier one, and what a process in them takes."""

import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from paths import ROOT

# The end of the output that is read, in bytes. A process counts the memory of the one that started
# it, up to then, as its own. So this one stays small.
READ = 100_000
BYTES_OF_MAXRSS = 1 if sys.platform == "darwin" else 1024


@dataclass(frozen=True)
class Usage:
    """What a process and those that it waited for took: seconds, bytes, and the end of what it printed."""

    wall: float
    cpu: float
    memory: int
    output: str


@dataclass(frozen=True)
class Checkout:
    """A copy of the project's code in a folder of its own."""

    name: str
    commit: str
    folder: Path

    def python(self, *arguments: str) -> Usage:
        """Run the present Python in the folder, with this copy of the package and no other.

        Raises:
            SystemExit: The process failed. The message has the end of what it printed.
        """
        path = {"PYTHONPATH": str(self.folder / "workflow" / "scripts")}
        return _usage([sys.executable, *arguments], self.folder, {**os.environ, **path})

    def snakemake(self, *arguments: str) -> Usage:
        """Run Snakemake in the folder."""
        return self.python("-m", "snakemake", *arguments)


def _usage(command: list[str], folder: Path, environment: dict[str, str]) -> Usage:
    with tempfile.TemporaryFile() as output:
        start = perf_counter()
        # A session of its own, so that nothing that the process started is left behind.
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdin=subprocess.DEVNULL,
            stdout=output, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
        try:
            _, status, used = os.wait4(process.pid, 0)
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise
        wall = perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(max(0, output.seek(0, os.SEEK_END) - READ))
        said = output.read().decode(errors="replace")
    if process.returncode:
        sys.exit(f"{said[-5000:]}\n{shlex.join(command)}: ended with {process.returncode}")
    return Usage(wall, used.ru_utime + used.ru_stime, used.ru_maxrss * BYTES_OF_MAXRSS, said)


def _git(*arguments: str) -> str:
    done = subprocess.run(
        ["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f"git {shlex.join(arguments)}: {done.stderr.strip()}")
    return done.stdout


def present(folder: Path) -> Checkout:
    """Copy the code as it is now, edits included. A study in the clone is left alone."""
    for name in filter(None, _git("ls-files", "-z", "-co", "--exclude-standard").split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    edits = " with edits" if _git("status", "--porcelain") else ""
    return Checkout("now", _git("rev-parse", "--short", "HEAD").strip() + edits, folder)


def earlier(revision: str, folder: Path) -> Checkout:
    """Copy the code of a revision. Unlike a worktree of git, it leaves no trace in the repository."""
    commit = _git("rev-parse", "--short", f"{revision}^{{commit}}").strip()
    archive = folder.with_suffix(".tar")
    _git("archive", f"--output={archive}", commit)
    shutil.unpack_archive(archive, folder)
    return Checkout(revision, commit, folder)
