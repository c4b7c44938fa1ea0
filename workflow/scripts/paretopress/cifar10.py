"""CIFAR-10 from its official archive for Python, or from the folder that is in it.

The format is pickle, and reading a pickle can run any code that is in it: nothing is read before the archive has the SHA-256 of the
config, or each file of a folder the MD5 sum that torchvision knows.
"""

import tempfile
from pathlib import Path
from typing import ClassVar

import numpy as np
from PIL import Image

from . import archives
from .data import Split
from .digests import file_digest
from .errors import UserError
from .splits import Splits, resized, split_of, with_validation
from .torchvision_import import torchvision

FOLDER = torchvision.datasets.CIFAR10.base_folder


class _Folder(torchvision.datasets.CIFAR10):
    """CIFAR10 whose root is the folder of the batches itself; each file must have the MD5 sum that torchvision knows."""

    base_folder = ""


class _Unpacked(_Folder):
    """The same from an archive whose SHA-256 is right, so that the sums of its files have nothing left to say."""

    train_list: ClassVar = [[name, None] for name, _ in _Folder.train_list]
    test_list: ClassVar = [[name, None] for name, _ in _Folder.test_list]
    meta: ClassVar = _Folder.meta | {"md5": None}


def _damaged(folder: Path, kind: type[_Folder]) -> list[str]:
    """The files of `folder` that are missing or have another sum."""
    files = [*kind.train_list, *kind.test_list, [kind.meta["filename"], kind.meta["md5"]]]
    return [name for name, md5 in files if not torchvision.datasets.utils.check_integrity(folder / name, md5)]


def _read(root: Path, kind: type[_Folder], source: Path) -> dict[str, _Folder]:
    """The official training and test images in `root` or in its folder cifar-10-batches-py."""
    folder = root / FOLDER if (root / FOLDER).is_dir() else root
    if damaged := _damaged(folder, kind):
        raise UserError(
            f"{source}: not CIFAR-10 in its format for Python: {', '.join(damaged)} missing or damaged. dataset.path takes the archive "
            f"cifar-10-python.tar.gz, or the folder {FOLDER} as it comes out of it: fetch or unpack the archive again."
        )
    return {name: kind(str(folder), train=name == "train") for name in ("train", "test")}


def _split(images: _Folder, size: int, mean: tuple[float, ...], std: tuple[float, ...]) -> Split:
    pixels = np.empty((len(images.data), size, size, 3), dtype=np.uint8)
    for index, image in enumerate(images.data):
        pixels[index] = resized(Image.fromarray(image), size)
    return split_of(pixels, np.array(images.targets), tuple(images.classes), mean=mean, std=std)


def _check_archive(source: Path, checksum: str) -> None:
    if (found := file_digest(source)) != checksum:
        raise UserError(
            f"{source}: its SHA-256 is {found}, not {checksum} (dataset.checksum), so that nothing in it is read. Fetch the archive again; "
            "set dataset.checksum only where you know that the archive is another one and trust whom it is from."
        )


def cifar10(
    path: str, *, checksum: str, image_size: int, validation_fraction: float, split_seed: int, mean: list[float], std: list[float]
) -> Splits:
    """CIFAR-10 (Krizhevsky 2009): 50,000 training and 10,000 test images of 32x32 pixels in 10 classes.

    path: the archive for Python, or the folder that is in it. checksum: SHA-256 of the archive, in lower case.
    The official test images are the test split; `validation_fraction` of the others is held out, each class in proportion.

    Raises UserError: no such path, an archive with another checksum, a file that is missing or damaged.
    """
    source = Path(path)
    if source.is_dir():
        images = _read(source, _Folder, source)
    elif source.is_file():
        _check_archive(source, checksum)
        with tempfile.TemporaryDirectory() as target:
            archives.extract(source, Path(target))
            images = _read(Path(target), _Unpacked, source)
    else:
        raise UserError(f"{source}: no such file or folder. Set dataset.path to the archive or folder, or leave it out for a download.")
    splits = {name: _split(part, image_size, tuple(mean), tuple(std)) for name, part in images.items()}
    return with_validation(splits, validation_fraction, split_seed)
