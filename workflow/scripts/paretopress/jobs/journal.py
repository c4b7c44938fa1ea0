"""The journal of a long job on disk: a job that dies loses at most the step that it was in.

A journal lies outside the declared outputs, since Snakemake deletes those before a job starts.
Each record is one small file with a digest of its content, written whole or not at all.

The journal of a search is kept, so that a larger budget can go on from it. Any other journal is
kept until Snakemake has noted that its job is done. If Snakemake dies before that, it runs the job
again, and the job finds everything recorded.

A journal of other inputs is set aside, since its records do not belong to this job. Only one job
at a time has a journal. Another one waits, also on another host.
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
DIGITS = 12  # The digits of a fingerprint in the name of a journal that is set aside.

log = logging.getLogger(__name__)


def read_recorded(path: Path) -> dict[str, Any] | None:
    """Read a recorded file.

    Args:
        path: The file.

    Returns:
        Its content; None if it is missing or cannot be used. The log warns of the latter.
    """
    try:
        return unsealed(path.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as error:
        log.warning("%s: cannot be read (%s). It is not used", path, error.strerror)
    except Unreadable as error:
        log.warning("%s: %s. It is not used", path, error)
    return None


@dataclass(frozen=True)
class Status:
    """The progress of a running job. A value is None if it is unknown or of another kind of job.

    Attributes:
        done: The finished steps: true evaluations of a search or an initial sample, or epochs.
        total: The number of all steps.
        hypervolume: The scaled hypervolume of a search, with the reference point at size 1 and
            accuracy tau.
        accuracy: The accuracy of a training on the validation images after its last epoch.
        seconds_left: The estimated remaining time in seconds.
        process: The id of the process.
        host: The name of the host of the process.
        updated: The time of this status, in seconds since 1970.
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
    """The record of a long job in a folder, so that the job goes on after a crash.

    A new journal waits for another process that has the folder. It sets aside the records of
    another fingerprint. Records of the same fingerprint are used again.

    Args:
        folder: The folder, which is made if it is missing. Each job needs its own.
        fingerprint: A name for the job. It must change with everything that changes a record, for
            example the weights, the images, the seed and the search space.

    Example:
        >>> from tempfile import TemporaryDirectory
        >>> with TemporaryDirectory() as folder:
        ...     journal = Journal(Path(folder) / "journal", "noise, seed 1")
        ...     first = journal.remember("evaluations", "1", lambda: {"accuracy": 0.75})
        ...     again = journal.remember("evaluations", "1", lambda: {"accuracy": 0.5})
        ...     journal.keep()
        >>> again  # It was recorded, so it is not computed again.
        {'accuracy': 0.75}
    """

    def __init__(self, folder: Path, fingerprint: str) -> None:
        self._folder, self._job = folder, fingerprint
        self._without_locks = False
        self._lock = locked(folder, self._wait, self._warn_without_locks)
        if not self._without_locks:
            remove_unfinished(folder)
        mark = _job_of(folder)
        if mark is not None and mark != fingerprint:
            self._set_aside(mark)
        # The mark is written before the records are moved back. So the next job can finish the move
        # if this one dies during it.
        if mark != fingerprint:
            write_whole(folder / FINGERPRINT, sealed({"job": fingerprint}))
        if (aside := self._aside(fingerprint)).is_dir():
            _move_records(aside, folder)
        (folder / FINISHED).unlink(missing_ok=True)

    def _aside(self, fingerprint: str) -> Path:
        """The folder for the journal of another fingerprint that was set aside."""
        return self._folder.with_name(f"{self._folder.name}.{fingerprint[:DIGITS]}")

    def _set_aside(self, fingerprint: str) -> None:
        aside = self._aside(fingerprint)
        _tell(
            f"{self._folder}: these records were made with other inputs, settings, code or package "
            f"versions. They are set aside as {aside}, and the job begins anew. With the old ones "
            "the job goes on from there. Remove the folder if they will not come back."
        )
        _move_records(self._folder, aside)

    def _wait(self) -> None:
        status = read_status(self._folder)
        holder = f"process {status.process} on {status.host}" if status else "another process"
        _tell(
            f"{self._folder}: {holder} works on this job; this one waits until it ends, and takes "
            "over what it has done"
        )

    def _warn_without_locks(self, error: OSError) -> None:
        self._without_locks = True
        log.warning(
            "%s: no locks on this file system (%s); two processes on this job would do the same "
            "work twice",
            self._folder,
            error.strerror,
        )

    def has(self, kind: str, key: str) -> bool:
        """Tell whether there is a record, which may be damaged."""
        return (self._folder / kind / f"{key}.json").is_file()

    def remember(
        self, kind: str, key: str, compute: Callable[[], dict[str, Any]]
    ) -> dict[str, Any]:
        """Read a record; compute and write it if it is missing or damaged.

        Args:
            kind: The kind of the record, the name of a folder in the journal.
            key: The name of the record among those of its kind.
            compute: Computes the record, a plain JSON object.

        Returns:
            The record.

        Raises:
            Stopped: The process was asked to stop while it computed. The record is written.
            UserError: The record cannot be written, for example because the disk is full.
        """
        path = self._folder / kind / f"{key}.json"
        identity = {"job": self._job, "kind": kind, "key": key}
        content = read_recorded(path)
        if content is not None and {name: content.get(name) for name in identity} != identity:
            log.warning("%s: a record of something else. It is not used", path)
            content = None
        if content is None:
            with finished_first(lambda: f"{len(list(path.parent.glob('*.json')))} recorded {kind}"):
                content = {**identity, "record": compute()}
                write_whole(path, sealed(content))
        # The record is the same as after a restart: a tuple becomes a list in both cases.
        return json.loads(json.dumps(content["record"]))

    def report(
        self,
        done: int,
        total: int,
        hypervolume: float | None = None,
        seconds_left: float | None = None,
        accuracy: float | None = None,
    ) -> None:
        """Write the status of the job for `paretopress status`.

        Args:
            done: The finished steps.
            total: The number of all steps.
            hypervolume: The scaled hypervolume of a search.
            seconds_left: The estimated remaining time in seconds.
            accuracy: The accuracy of a training on the validation images.
        """
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
        """Unlock the journal and keep it, so that a later job can go on from it.

        Call it after the outputs are written.
        """
        (self._folder / STATUS).unlink(missing_ok=True)
        self._lock.close()

    def close(self) -> None:
        """Unlock the journal and mark it as finished, so that `remove_finished` removes it later.

        Call it after the outputs are written, if no later job goes on from the journal.
        """
        write_whole(self._folder / FINISHED, "")
        self._lock.close()


def _job_of(folder: Path) -> str | None:
    """The fingerprint of the journal in a folder, in any format; None if there is none to read."""
    try:
        mark = unsealed((folder / FINGERPRINT).read_bytes())
    except OtherFormat as error:
        mark = error.content
    except (OSError, Unreadable):
        mark = read_recorded(folder / FINGERPRINT) or {}  # It warns if the file is damaged.
    return mark.get("job")


def _tell(message: str) -> None:
    """Write a message to the log and to the terminal."""
    # The next process of the job overwrites the log.
    log.warning("%s", message)
    print(message, file=sys.stderr, flush=True)


def _move_records(source: Path, target: Path) -> None:
    """Move the files of a journal, except its lock, to another folder.

    The fingerprint is moved last, so that a move that was cut off is begun again. If there are no
    locks, another process may move the same files.
    """
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
    """Remove the finished ones among the journals of jobs that Snakemake has noted as done."""
    for folder in map(Path, folders):
        if (folder / FINISHED).is_file():
            # A network file system may refuse to remove a file at once. It does no harm there,
            # so the study shall not fail at its end.
            shutil.rmtree(folder, ignore_errors=True)


def read_status(folder: Path) -> Status | None:
    """Read the last status of a job that runs or has died.

    Args:
        folder: The folder of its journal.

    Returns:
        The status; None if there is none or it cannot be read.
    """
    content = read_recorded(folder / STATUS)
    try:
        return Status(**content) if content is not None else None
    except TypeError:
        log.warning(
            "%s: written by another version of this program. It is not used", folder / STATUS
        )
        return None
