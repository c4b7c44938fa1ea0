"""The state of a training on disk, so that a training that dies loses at most one epoch."""

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
    """The last finished epoch of a training job, in one file.

    Its name is epoch-{number}-{SHA-256 of the job and the content}.pt.

    Args:
        folder: Folder of the file.
        job: Fingerprint of the job, as for its journal.
    """

    def __init__(self, folder: Path, job: str) -> None:
        self._folder, self._job = folder, job

    def _files(self) -> Iterator[Path]:
        """Yield the files, the newest first.

        There may be more than one, where a process was killed before it removed the older one.
        """
        yield from sorted(self._folder.glob("epoch-*.pt"), reverse=True)

    def _digest(self, path: Path) -> str:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, lambda: hashlib.sha256(self._job.encode())).hexdigest()

    def save(self, epoch: int, state: Mapping[str, Any]) -> None:
        """Replace the file.

        Args:
            epoch: Number of finished epochs.
            state: State of the training after them, of tensors and plain data.
        """
        before = list(self._files())
        # Without locks on the file system, another process may write here too.
        new = self._folder / f"{UNFINISHED}{socket.gethostname()}-{os.getpid()}-new.pt"
        # torch gets an open file. If it opened the file itself, its error would not name a full
        # disk.
        with written_whole(new) as temporary, open(temporary, "wb") as file:
            torch.save(dict(state), file)
        # The digest is in the name, since the file cannot have its own digest, and two files could
        # not be replaced at once.
        written = self._folder / f"epoch-{epoch:06d}-{self._digest(new)}.pt"
        os.replace(new, written)
        sync(self._folder)
        for path in before:
            if path != written:
                path.unlink(missing_ok=True)

    def load(self) -> dict[str, Any] | None:
        """Read the state of the last finished epoch.

        The log names a damaged file, which is left where it is.

        Returns:
            The state with its tensors on the CPU, or None where there is no undamaged file.
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
