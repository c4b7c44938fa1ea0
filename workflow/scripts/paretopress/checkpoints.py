"""The state of a training on disk: a training that dies loses at most the epoch that it was in."""

import logging
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch

from .digests import file_digest


class Checkpoint:
    """The last finished epoch, in one file: epoch-{number}-{SHA-256 of its content}.pt.

    It is written whole or not at all. The folder belongs to a journal, which discards it where it is of other inputs or settings.
    """

    def __init__(self, folder: Path, log: logging.Logger) -> None:
        self._folder, self._log = folder, log

    def _files(self) -> Iterator[Path]:
        """The newest first. More than one where a process was killed between writing one and removing the one before."""
        yield from sorted(self._folder.glob("epoch-*.pt"), reverse=True)

    def save(self, epoch: int, state: Mapping[str, Any]) -> None:
        """state: tensors and plain data, of the training after `epoch` epochs."""
        before = list(self._files())
        self._folder.mkdir(parents=True, exist_ok=True)
        temporary = self._folder / ".unfinished"
        with open(temporary, "wb") as file:
            torch.save(dict(state), file)
            file.flush()
            os.fsync(file.fileno())
        # The digest is in the name, since it cannot be in the file, and two files could not be replaced at once.
        written = self._folder / f"epoch-{epoch:06d}-{file_digest(temporary)}.pt"
        os.replace(temporary, written)
        for path in before:
            if path != written:
                path.unlink()

    def load(self) -> dict[str, Any] | None:
        """The state of the last finished epoch, its tensors on the CPU; None where there is none that is whole.

        A damaged file is left aside, which the log says.
        """
        for path in self._files():
            if path.stem.rsplit("-", 1)[-1] == file_digest(path):
                return torch.load(path, map_location="cpu", weights_only=True)
            self._log.warning("%s: damaged, its content is not what was written; the training does not go on from it", path)
        return None
