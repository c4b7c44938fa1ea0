"""The state of a training on disk: a training that dies loses at most the epoch that it was in."""

import hashlib
import logging
import os
import socket
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch

from ..jobs.files import UNFINISHED, sync, written_whole

log = logging.getLogger(__name__)


class Checkpoint:
    """The last finished epoch of a job (of a journal's fingerprint), in one file: epoch-{number}-{SHA-256 of job and content}.pt."""

    def __init__(self, folder: Path, job: str) -> None:
        self._folder, self._job = folder, job

    def _files(self) -> Iterator[Path]:
        """The newest first. More than one where a process was killed between writing one and removing the one before."""
        yield from sorted(self._folder.glob("epoch-*.pt"), reverse=True)

    def _digest(self, path: Path) -> str:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, lambda: hashlib.sha256(self._job.encode())).hexdigest()

    def save(self, epoch: int, state: Mapping[str, Any]) -> None:
        """state: tensors and plain data, of the training after `epoch` epochs."""
        before = list(self._files())
        # Where there are no locks, another process may be at it too.
        new = self._folder / f"{UNFINISHED}{socket.gethostname()}-{os.getpid()}-new.pt"
        # A file of our own: opened by torch itself, a full disk would be an error that does not say so.
        with written_whole(new) as temporary, open(temporary, "wb") as file:
            torch.save(dict(state), file)
        # The digest is in the name, since it cannot be in the file, and two files could not be replaced at once.
        written = self._folder / f"epoch-{epoch:06d}-{self._digest(new)}.pt"
        os.replace(new, written)
        sync(self._folder)
        for path in before:
            if path != written:
                path.unlink(missing_ok=True)

    def load(self) -> dict[str, Any] | None:
        """The state of the last finished epoch, its tensors on the CPU; None where there is none that is whole.

        A damaged file is left aside, which the log says.
        """
        for path in self._files():
            try:
                if path.stem.rsplit("-", 1)[-1] == self._digest(path):
                    return torch.load(path, map_location="cpu", weights_only=True)
                problem = "its content is not what was written"
            except OSError as error:
                problem = f"it cannot be read ({error.strerror})"
            log.warning("%s: damaged, %s; the training does not go on from it", path, problem)
        return None
