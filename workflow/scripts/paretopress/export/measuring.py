"""Write the files of a design, verify them, and measure the accuracy of each."""

import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

import numpy as np
import torch
from torch import nn

from ..dataset.split import normalized
from ..fronts.sizes import CountingFile
from ..jobs.digests import file_digest
from ..jobs.files import disk_problem
from ..networks.stored import same
from ..search.objectives import POINTS, threshold_of
from ..statistics.paired import keeps_floor, loses_at_most, paired
from .exported import FLOAT32, ExportedFile, OnTest
from .formats import FORMATS, PACKED, WEIGHTS, Exportable, read_packed, read_weights
from .onnx_files import NoInt8Error
from .scores import all_scores, correct
from .source import Source

TEST = "test"
TOLERANCE = 1e-4  # of the scores in two runtimes: absolute, and relative beside it
LONGEST_REASON = 200
PART = 2**24
TRIED = (1, 2)  # images in a pass
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
# What torch.export says at length, and in words of its own.
MEANINGS = {
    "ConstraintViolationError": "its code fixes or limits the number of images in a pass, such as "
    "by len(images), int(images.shape[0]) or an `if`, and torch.export needs any number",
    "GuardOnDataDependentSymNode": "its way depends on values, such as by an `if` or .item(), and "
    "torch.export needs one way for all images",
}


def _in_a_sentence(error: BaseException, folder: Path) -> str:
    """What a library says of a network that it cannot write or run."""
    if isinstance(error, NoInt8Error):
        return str(error)
    cause: BaseException | None = error
    while cause is not None:
        if meaning := MEANINGS.get(type(cause).__name__):
            return meaning
        cause = cause.__cause__ or cause.__context__
    while error.__cause__ is not None:
        error = error.__cause__
    lines = COLOUR.sub("", str(error)).replace(f"{folder}/", "").splitlines()
    told = next((line.strip() for line in lines if line.strip()), "")
    kind = type(error).__name__
    return f"{kind}: {told[:LONGEST_REASON].rstrip('.')}" if told else kind


@contextmanager
def _or_missing(name: str, folder: Path, missing: dict[str, str]) -> Iterator[None]:
    """Remove a file that a library cannot write or run, and keep the reason."""
    try:
        yield
    except Exception as error:
        # Other libraries raise almost anything for an operator that they lack.
        if isinstance(error, MemoryError) or disk_problem(error):
            raise
        missing[name] = _in_a_sentence(error, folder)
        (folder / name).unlink(missing_ok=True)


def write_files(network: Exportable, folder: Path, say: Callable[[str], None]) -> dict[str, str]:
    """Write the files of a network.

    Args:
        network: The network.
        folder: Their folder.
        say: Function that is called with what was done.

    Returns:
        The files that could not be made, each with the reason.

    Raises:
        Exception: Any exception of the disk, or of this package's own files.
    """
    missing: dict[str, str] = {}
    for name, kind in FORMATS.items():
        if kind.made_from in missing:
            missing[name] = f"it is made from {kind.made_from}"
            continue
        if not kind.library:
            kind.write(network, folder / name)
        else:
            with _or_missing(name, folder, missing):
                kind.write(network, folder / name)
                # A library may write what it cannot read again, or lack an operator's kernel.
                scores, few = kind.scores(network, folder / name), network.calibration
                for count in TRIED:
                    scores(normalized(few, few.images[:count]))
        say(f"{name}: {f'not made, {missing[name]}' if name in missing else 'written'}")
    return missing


def _gzip_bytes(path: Path) -> int:
    with closing(CountingFile()) as counter, open(path, "rb") as file:
        shutil.copyfileobj(file, counter, PART)
    return counter.compressed_bytes


def _tensors(network: nn.Module) -> Iterator[torch.Tensor]:
    """All that a network stores; an int8 layer stores a pair of tensors."""
    for value in network.state_dict().values():
        parts = value if isinstance(value, tuple) else (value,)
        yield from (part for part in parts if isinstance(part, torch.Tensor))


class Measuring:
    """The files of a design, and which images each of them classifies correctly.

    Args:
        source: What the export is made from.
        network: The compressed network.
        folder: The folder of its files.
        missing: The files that could not be made, each with the reason.

    Attributes:
        folder: As given.
        missing: The same, and the files that were removed because they differ from torch.
        differences: The largest difference of each file's scores on the test images from those of
            torch. Empty before `verify`.
    """

    def __init__(
        self, source: Source, network: Exportable, folder: Path, missing: dict[str, str]
    ) -> None:
        self.missing, self.differences = missing, dict[str, float]()
        self._source, self._network, self.folder = source, network, folder
        self._right: dict[tuple[str, str], np.ndarray] = {}

    def _scores(self, name: str, split: str) -> torch.Tensor:
        images = self._source.splits[split]
        passes = FORMATS[name].scores(self._network, self.folder / name)
        scores = all_scores(passes, images, self._source.batch_size)
        right = self._right[name, split] = correct(scores, images.labels).numpy()
        self._source.say(f"{name}: {right.mean():.2%} of {len(right):,} {split} images")
        return scores

    def right(self, name: str, split: str) -> np.ndarray:
        """Tell which images of a split a file classifies correctly, bool of shape (images,)."""
        if name == PACKED and not self._network.plan.quantized:
            name = WEIGHTS  # the same network
        if (name, split) not in self._right:
            self._scores(name, split)
        return self._right[name, split]

    def _require_same(self, name: str, read: nn.Module, written: nn.Module) -> None:
        # Not by scores: torch may add in another order for weights elsewhere in memory.
        both = list(_tensors(read)), list(_tensors(written))
        if len(both[0]) != len(both[1]) or not all(map(same, *both)):
            raise RuntimeError(f"{name} gives another network than the one that was written")

    def verify(self) -> None:
        """Compare the scores of the files with those of the network. What differs is removed.

        Raises:
            RuntimeError: A file of this package gives another network.
        """
        network, folder = self._network, self.folder
        self._require_same(WEIGHTS, read_weights(network, folder / WEIGHTS), network.pruned.network)
        self._require_same(PACKED, read_packed(network, folder / PACKED), network.evaluated)
        reference = self._scores(WEIGHTS, TEST)
        for name, kind in FORMATS.items():
            if not kind.library or name in self.missing:
                continue
            if kind.made_from in self.missing:
                self._remove(name, f"it is made from {kind.made_from}")
                continue
            with _or_missing(name, folder, self.missing):
                scores = self._scores(name, TEST)
                if kind.form == FLOAT32:
                    self._compare(name, scores, reference)

    def _compare(self, name: str, scores: torch.Tensor, reference: torch.Tensor) -> None:
        # Infinite scores that are equal have no difference that is a number.
        equal = (scores == reference) | (scores.isnan() & reference.isnan())
        difference = float((scores - reference).abs().masked_fill(equal, 0.0).max())
        if torch.allclose(scores, reference, TOLERANCE, TOLERANCE, equal_nan=True):
            self.differences[name] = difference
        else:
            self._remove(name, f"its scores differ from those of torch by {difference:.2g}")

    def _remove(self, name: str, reason: str) -> None:
        self.missing[name] = reason
        (self.folder / name).unlink()
        self._source.say(f"{name}: removed, {reason}")

    def files(self) -> dict[str, ExportedFile]:
        """Describe the files."""
        return {
            name: ExportedFile(
                kind.form,
                kind.runtime,
                kind.holds,
                path.stat().st_size,
                _gzip_bytes(path),
                file_digest(path),
                float(self.right(name, TEST).mean()),
                self.differences.get(name),
            )
            for name, kind in FORMATS.items()
            if (path := self.folder / name).is_file()
        }


def on_test(
    source: Source, dense: np.ndarray, right: Mapping[str, np.ndarray]
) -> dict[str, OnTest]:
    """Compare each form of a design with the dense network on the test images.

    Args:
        source: What the export is made from.
        dense: Whether the dense network is right, bool of shape (images,).
        right: The same for each form.

    Returns:
        The comparison of each form.
    """
    floor = threshold_of(source.metrics, TEST, source.constraint)
    drop = source.constraint["allowed_drop_points"]
    compared = {}
    for form, own in right.items():
        found = paired(dense, own)
        kept = (
            keeps_floor(int(own.sum()), len(own), floor)
            if drop is None
            else loses_at_most(found, drop / POINTS)
        )
        compared[form] = OnTest(found.dense_only, found.design_only, found.p, kept)
    return compared
