"""What a long job has done so far, on disk: a job that dies loses at most the step that it was in.

The journal lies outside the declared outputs (Snakemake deletes those before a job starts) and is removed when the job is
done. Every record is one small file, written whole or not at all. A journal of other inputs is discarded: its records
would not be those of this job.
"""

import hashlib
import json
import os
import shutil
import socket
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

FINGERPRINT = "fingerprint"
STATUS = "status.json"


def write_atomically(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    with open(temporary, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)


def fingerprint(inputs: Iterable[str | Path], settings: Any) -> str:
    """Changes with the contents of any input file and with any setting (plain data)."""
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
    for path in sorted(map(str, inputs)):
        with open(path, "rb") as file:
            digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


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
    def __init__(self, folder: Path, fingerprint: str) -> None:
        self._folder = folder
        mark = folder / FINGERPRINT
        if folder.exists() and not (mark.is_file() and mark.read_text(encoding="utf-8") == fingerprint):
            shutil.rmtree(folder)
        write_atomically(mark, fingerprint)

    def remember(self, kind: str, key: str, compute: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """The record `kind`/`key`; computed and written where it is not there yet. Records are plain JSON objects."""
        path = self._folder / kind / f"{key}.json"
        if not path.is_file():
            write_atomically(path, json.dumps(compute()))
        return json.loads(path.read_text(encoding="utf-8"))

    def report(
        self,
        done: int,
        total: int,
        hypervolume: float | None = None,
        seconds_left: float | None = None,
        accuracy: float | None = None,
    ) -> None:
        status = Status(done, total, hypervolume, accuracy, seconds_left, os.getpid(), socket.gethostname(), time.time())
        write_atomically(self._folder / STATUS, json.dumps(asdict(status)))

    def close(self) -> None:
        """Removes the journal; to be called once the outputs are written."""
        shutil.rmtree(self._folder)


def read_status(folder: Path) -> Status | None:
    """The last status of a job that is running or died, or None where it has not reported yet."""
    try:
        return Status(**json.loads((folder / STATUS).read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
