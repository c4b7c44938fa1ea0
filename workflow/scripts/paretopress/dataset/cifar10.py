"""Build CIFAR-10 from its official archive for Python, or from the folder in that archive.

Its format is pickle, and a pickle can name any code to be run. So files are checked before they
are read: the archive by the SHA-256 of the config, each file of a folder by the MD5 sum that
torchvision knows. A file may name nothing but arrays.
"""

import codecs
import pickle
import tempfile
from collections.abc import Mapping
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ..errors import UserError
from ..jobs.digests import check_digest
from ..torchvision_operators import torchvision
from . import archives
from .facts import Dataset, Facts, Traits, split_facts
from .splitting import Scaling, Splits, few, part_of, resized, split_of, with_validation

OFFICIAL = torchvision.datasets.CIFAR10
BATCHES = OFFICIAL.base_folder
CLASSES, SIDE, CHANNELS = 10, 32, 3
_RECONSTRUCT = np.empty(0).__reduce__()[0]
# The names in the pickle of an array: CIFAR-10's own, written by Python 2 and an old NumPy, and the
# names that today's NumPy writes.
ARRAYS = {
    ("numpy.core.multiarray", "_reconstruct"): _RECONSTRUCT,
    ("numpy._core.multiarray", "_reconstruct"): _RECONSTRUCT,
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
    ("_codecs", "encode"): codecs.encode,
}


class BatchReader(pickle._Unpickler):
    """Read texts, numbers, lists, dictionaries and arrays from a pickle.

    It raises UnpicklingError where a file names anything else. It extends the unpickler in Python.
    The unpickler in C takes as much memory as the largest object number in the file demands.
    """

    def find_class(self, module: str, name: str) -> Any:
        """Return what a file names.

        Args:
            module: The module in the pickle.
            name: The name in that module.

        Returns:
            The entry of ARRAYS.

        Raises:
            pickle.UnpicklingError: ARRAYS has no such entry.
        """
        if (module, name) not in ARRAYS:
            raise pickle.UnpicklingError(
                f"it names {module}.{name}, which was not run; CIFAR-10 names nothing but arrays"
            )
        return ARRAYS[module, name]


def _unlike(source: Path, what: str) -> UserError:
    return UserError(
        f"{source}: not CIFAR-10 in its format for Python: {what}. dataset.path takes the archive "
        f"cifar-10-python.tar.gz, or the folder {BATCHES} as it comes out of it: "
        "fetch or unpack the archive again."
    )


def _content(file: Path, source: Path, key: str) -> tuple[Any, Any]:
    """The values in `file` under "data" (None if missing) and under `key`."""
    try:
        with open(file, "rb") as stream:
            # Python 2 wrote the file. Its texts would otherwise be bytes.
            content = BatchReader(stream, encoding="latin1").load()
        return content.get("data"), content[key]
    except Exception as error:  # on damaged bytes the unpickler raises almost anything
        raise _unlike(
            source, f"{file.name} cannot be read ({type(error).__name__}: {error})"
        ) from error


def _batch(file: Path, source: Path) -> tuple[np.ndarray, np.ndarray]:
    """The images of one file, uint8 of shape (images, 32, 32, 3), and their labels."""
    pixels, labels = _content(file, source, "labels")
    sized = (
        isinstance(pixels, np.ndarray)
        and pixels.dtype == np.uint8
        and pixels.shape[1:] == (CHANNELS * SIDE * SIDE,)
    )
    if not sized or not isinstance(labels, list) or len(labels) != len(pixels):
        raise _unlike(
            source, f"{file.name} holds no images of {SIDE}x{SIDE} pixels with a label each"
        )
    if not all(isinstance(label, int) and 0 <= label < CLASSES for label in labels):
        raise _unlike(
            source, f"{file.name} holds labels that are no number from 0 to {CLASSES - 1}"
        )
    return pixels.reshape(-1, CHANNELS, SIDE, SIDE).transpose(0, 2, 3, 1), np.array(labels)


def _classes(file: Path, source: Path) -> tuple[str, ...]:
    _, names = _content(file, source, OFFICIAL.meta["key"])
    if (
        not isinstance(names, list)
        or len(names) != CLASSES
        or not all(isinstance(name, str) for name in names)
    ):
        raise _unlike(source, f"{file.name} holds no names of {CLASSES} classes")
    return tuple(names)


def _official_sums() -> dict[str, str | None]:
    """The MD5 sum that torchvision knows, for each file of the folder."""
    return dict(
        [
            *OFFICIAL.train_list,
            *OFFICIAL.test_list,
            [OFFICIAL.meta["filename"], OFFICIAL.meta["md5"]],
        ]
    )


def _check_files(folder: Path, source: Path, sums: Mapping[str, str | None]) -> None:
    """Raise UserError where a file of `sums` is missing or has another MD5 sum.

    Where the sum is None, the file only has to exist.
    """
    check = torchvision.datasets.utils.check_integrity
    if damaged := [name for name, md5 in sums.items() if not check(folder / name, md5)]:
        raise _unlike(source, f"{', '.join(damaged)} missing or damaged")


def _read(
    root: Path,
    source: Path,
    scaling: Scaling,
    mean: tuple[float, ...],
    std: tuple[float, ...],
    sums: Mapping[str, str | None],
) -> Splits:
    """Read the official images in `root` or in its folder cifar-10-batches-py."""
    folder = root / BATCHES if (root / BATCHES).is_dir() else root
    _check_files(folder, source, sums)
    classes = _classes(folder / OFFICIAL.meta["filename"], source)
    splits, size = {}, scaling.image_size
    for split, files in (("train", OFFICIAL.train_list), ("test", OFFICIAL.test_list)):
        images, labels = zip(*(_batch(folder / name, source) for name, _ in files), strict=True)
        pixels = np.empty((sum(map(len, images)), size, size, CHANNELS), dtype=np.uint8)
        for index, image in enumerate(chain.from_iterable(images)):
            pixels[index] = resized(Image.fromarray(image), scaling)
        splits[split] = split_of(pixels, np.concatenate(labels), classes, mean=mean, std=std)
    return splits


def cifar10(
    path: str,
    *,
    checksum: str,
    image_size: int,
    validation_fraction: float,
    split_seed: int,
    mean: list[float],
    std: list[float],
    resize: int | None = None,
    interpolation: str = "bilinear",
    most: int | None = None,
) -> Dataset:
    """Build CIFAR-10 (Krizhevsky 2009): 60,000 images of 32x32 pixels in 10 classes.

    The 10,000 official test images are the test split. A fraction of the 50,000 training images
    becomes the validation split, each class in proportion.

    Args:
        path: The archive for Python, or the folder in it.
        checksum: SHA-256 of the archive, in lower case.
        image_size: Side of the square images, in pixels.
        validation_fraction: Fraction of the training images for the validation split.
        split_seed: Seed of that division.
        mean: Mean of each channel, of images scaled to [0, 1].
        std: Standard deviation of each channel, of images scaled to [0, 1].
        resize: The shorter side in pixels before the crop to `image_size`; None for `image_size`.
        interpolation: How pixels are computed: "bilinear" or "bicubic".
        most: About the most images of a split, spread evenly over its classes, at least one
            of each; None for all.

    Returns:
        The splits train, validation and test, and their facts.

    Raises:
        UserError: The path does not exist, or the archive has another checksum. Or a file is
            missing, is damaged or holds anything but arrays.
    """
    source = Path(path)
    given = (source, Scaling(image_size, resize, interpolation), tuple(mean), tuple(std))
    if source.is_dir():
        splits = _read(source, *given, _official_sums())
    elif source.is_file():
        check_digest(source, checksum, "dataset.checksum")
        with tempfile.TemporaryDirectory() as target:
            archives.extract(source, Path(target))
            splits = _read(Path(target), *given, dict.fromkeys(_official_sums()))
    else:
        raise UserError(
            f"{source}: no such file or folder. "
            "Set dataset.path to the archive or folder, or leave it out for a download."
        )
    splits = with_validation(splits, validation_fraction, split_seed)
    labels = {name: split.labels.numpy() for name, split in splits.items()}
    chosen = {name: few(found, most) for name, found in labels.items()}
    traits = Traits(enlarged=given[1].shorter_side > SIDE)
    return Dataset(
        {name: part_of(split, chosen[name]) for name, split in splits.items()},
        Facts(
            {
                name: split_facts(labels[name], split.classes, {traits: len(chosen[name])})
                for name, split in splits.items()
            },
            "train",
        ),
    )
