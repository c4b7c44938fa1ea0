"""What a long job has done so far, on disk: a job that dies loses at most the step that it was in.

The journal lies outside the declared outputs (Snakemake deletes those before a job starts). That of a
search is kept: a larger budget goes on from it. Another one outlives its job until Snakemake has noted
that the job is done: a Snakemake that dies in between runs the job again, which then finds everything
recorded. Every record is one small file, written whole or not at all, with a digest of its content. A
journal of other inputs is set aside: its records would not be those of this job. One job at a time has
it; another one waits, also on another host.
"""

import json
import logging
import os
import shutil
import socket
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from .files import UNFINISHED, remove_unfinished, write_whole
from .locks import LOCK, locked
from .sealed import OtherFormat, Unreadable, sealed, unsealed
from .stopping import finished_first

FINGERPRINT = "fingerprint"
STATUS = "status.json"
FINISHED = "finished"
DIGITS = 12  # of a fingerprint, in the name of a journal that is set aside

log = logging.getLogger(__name__)


def read_recorded(path: Path) -> dict[str, Any] | None:
    """The content of a recorded file; None, and a warning that names it, where it cannot be used."""
    try:
        return unsealed(path.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as error:
        log.warning("%s: cannot be read (%s); it is not used", path, error.strerror)
    except Unreadable as error:
        log.warning("%s: %s; it is not used", path, error)
    return None


@dataclass(frozen=True)
class Status:
    """Where a running job stands. None: not known yet, or of another kind of job.

    done, total: true evaluations of a search or an initial sample; epochs of a training.
    hypervolume: of a search, scaled, the reference point (nonzero_rate 1, accuracy tau).
    accuracy: of a training, the fraction of validation images after the last epoch.
    """

    done: int
    total: int
    hypervolume: float | None
    accuracy: float | None
    seconds_left: float | None
    process: int
    host: str
    updated: float


class Journal:
    """The journal of the job `fingerprint` in `folder`; waits for another process that has it."""

    def __init__(self, folder: Path, fingerprint: str) -> None:
        self._folder, self._job = folder, fingerprint
        self._without_locks = False
        self._lock = locked(folder, self._wait, self._warn_without_locks)
        if not self._without_locks:
            remove_unfinished(folder)
        mark = _job_of(folder)
        if mark is not None and mark != fingerprint:
            self._set_aside(mark)
        # The mark first, so that a move that is cut off here, too, is gone on with by whichever job
        # comes next.
        if mark != fingerprint:
            write_whole(folder / FINGERPRINT, sealed({"job": fingerprint}))
        if (aside := self._aside(fingerprint)).is_dir():
            _move_records(aside, folder)
        (folder / FINISHED).unlink(missing_ok=True)

    def _aside(self, fingerprint: str) -> Path:
        """Where the journal of another job of the same folder lies."""
        return self._folder.with_name(f"{self._folder.name}.{fingerprint[:DIGITS]}")

    def _set_aside(self, fingerprint: str) -> None:
        aside = self._aside(fingerprint)
        message = (
            f"{self._folder}: of other inputs, settings, code or package versions than those of now. "
            f"It is set aside as {aside}: with those again, the job goes on from there. "
            "Remove it if they will not come back."
        )
        _tell(message)
        _move_records(self._folder, aside)

    def _wait(self) -> None:
        status = read_status(self._folder)
        holder = f"process {status.process} on {status.host}" if status else "another process"
        message = f"{self._folder}: {holder} works on this job; this one waits until it ends, and takes over what it has done"
        _tell(message)

    def _warn_without_locks(self, error: OSError) -> None:
        self._without_locks = True
        log.warning(
            "%s: no locks on this file system (%s); two processes on this job would do the same work twice",
            self._folder,
            error.strerror,
        )

    def remember(
        self, kind: str, key: str, compute: Callable[[], dict[str, Any]]
    ) -> dict[str, Any]:
        """The record `kind`/`key`; computed and written where it is not there, or damaged. Records are plain JSON objects.

        Raises Stopped after a computed record if the process was asked to stop meanwhile.
        """
        path = self._folder / kind / f"{key}.json"
        identity = {"job": self._job, "kind": kind, "key": key}
        content = read_recorded(path)
        if content is not None and {name: content.get(name) for name in identity} != identity:
            log.warning("%s: a record of something else; it is not used", path)
            content = None
        if content is None:
            with finished_first(lambda: f"{len(list(path.parent.glob('*.json')))} recorded {kind}"):
                content = {**identity, "record": compute()}
                write_whole(path, sealed(content))
        # As it is read after a restart, so that a tuple is a list in both cases.
        return json.loads(json.dumps(content["record"]))

    def report(
        self,
        done: int,
        total: int,
        hypervolume: float | None = None,
        seconds_left: float | None = None,
        accuracy: float | None = None,
    ) -> None:
        status = Status(
            done,
            total,
            hypervolume,
            accuracy,
            seconds_left,
            os.getpid(),
            socket.gethostname(),
            time.time(),
        )
        write_whole(self._folder / STATUS, sealed(asdict(status)))

    def keep(self) -> None:
        """To be called once the outputs are written, by a job that others can go on from."""
        (self._folder / STATUS).unlink(missing_ok=True)
        self._lock.close()

    def close(self) -> None:
        """To be called once the outputs are written, by one that nothing goes on from.

        `remove_finished` removes the journal later.
        """
        write_whole(self._folder / FINISHED, "")
        self._lock.close()


def _job_of(folder: Path) -> str | None:
    """Whose journal lies in a folder, of this format or another; None: nobody's, or nobody can tell."""
    try:
        mark = unsealed((folder / FINGERPRINT).read_bytes())
    except OtherFormat as error:
        mark = error.content
    except (OSError, Unreadable):
        mark = read_recorded(folder / FINGERPRINT) or {}  # which says what is wrong with it
    return mark.get("job")


def _tell(message: str) -> None:
    """In the log, and on the terminal: the next process of the job begins the log anew."""
    log.warning("%s", message)
    print(message, file=sys.stderr, flush=True)


def _move_records(source: Path, target: Path) -> None:
    """Moves what a journal holds, but for its lock; the fingerprint last, so that a move that was
    cut off is begun again. Where there are no locks, another process may move the same files."""
    files = [
        path
        for path in source.rglob("*")
        if path.is_file() and path.name != LOCK and not path.name.startswith(UNFINISHED)
    ]
    for path in sorted(files, key=lambda path: path.name == FINGERPRINT):
        moved = target / path.relative_to(source)
        moved.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileNotFoundError):
            os.replace(path, moved)
    emptied = sorted((path for path in source.rglob("*") if path.is_dir()), reverse=True)
    for folder in [*emptied, *([] if (source / LOCK).exists() else [source])]:
        with suppress(OSError):
            folder.rmdir()


def remove_finished(folders: Iterable[str | Path]) -> None:
    """Removes the journals that are closed; for jobs that Snakemake knows to be done."""
    for folder in map(Path, folders):
        if (folder / FINISHED).is_file():
            # What a network file system refuses to remove at once does no harm, and is no reason for a study to fail at its end.
            shutil.rmtree(folder, ignore_errors=True)


def read_status(folder: Path) -> Status | None:
    """The last status of a job that is running or died; None where it has not reported yet, or not in a form that can be read."""
    content = read_recorded(folder / STATUS)
    try:
        return Status(**content) if content is not None else None
    except TypeError:
        log.warning(
            "%s: written by another version of this program; it is not used", folder / STATUS
        )
        return None
