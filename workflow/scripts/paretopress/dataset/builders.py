"""Build datasets: one builder for each kind reads the images and returns the three splits."""

import tempfile
import unicodedata
import warnings
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from sklearn.datasets import load_digits

from ..errors import UserError
from ..jobs.digests import check_digest
from ..torchvision_operators import torchvision
from . import archives
from .cifar10 import cifar10
from .split import Split
from .splitting import Splits, held_out, resized, split_of, with_validation

# The formats of torchvision's IMG_EXTENSIONS, and GIF. Without this list, Pillow would go by a
# file's content: Ghostscript would run an EPS file named 1.png.
FORMATS = ("JPEG", "PNG", "PPM", "BMP", "TIFF", "WEBP", "GIF")
# From this size on, Pillow warns of a decompression bomb. Reading takes at most 4 bytes a pixel.
MOST_PIXELS = 89_478_485
LONGEST_REASON = 300


def digits(
    *,
    image_size: int,
    validation_fraction: float,
    test_fraction: float,
    split_seed: int,
    mean: list[float],
    std: list[float],
) -> Splits:
    """Build scikit-learn's handwritten digits (UCI, Alpaydin and Kaynak 1998).

    These are 1,797 images of 8x8 grey values from 0 to 16. Each class is divided in proportion.

    Args:
        image_size: Side of the square images, in pixels.
        validation_fraction: Fraction of all images for the validation split.
        test_fraction: Fraction of all images for the test split.
        split_seed: Seed of the division into splits.
        mean: Mean of each channel, of images scaled to [0, 1].
        std: Standard deviation of each channel, of images scaled to [0, 1].

    Returns:
        The splits train, validation and test.

    Raises:
        UserError: A class would be missing from a split.
    """
    source = load_digits()
    pixels = np.stack(
        [
            resized(Image.fromarray((image * (255 / 16)).round().astype(np.uint8)), image_size)
            for image in source.images
        ]
    )
    rest, test = held_out(source.target, test_fraction, split_seed)
    train, validation = held_out(
        source.target[rest], validation_fraction / (1 - test_fraction), split_seed
    )
    parts = {"train": rest[train], "validation": rest[validation], "test": test}
    classes = tuple(str(name) for name in source.target_names)
    normalization = {"mean": tuple(mean), "std": tuple(std)}
    return {
        name: split_of(pixels[part], source.target[part], classes, **normalization)
        for name, part in parts.items()
    }


def _class_folders(split: Path) -> set[str]:
    return {
        entry.name for entry in split.iterdir() if entry.is_dir() and not entry.name.startswith(".")
    }


def _root(folder: Path, source: Path) -> Path:
    """The folder with train/ and test/, which is `folder` itself or the only folder in it."""
    inner = [
        entry for entry in folder.iterdir() if entry.is_dir() and not entry.name.startswith(".")
    ]
    for root in (folder, *(inner if len(inner) == 1 else [])):
        if (root / "train").is_dir() and (root / "test").is_dir():
            return root
    raise UserError(
        f"{source}: no folders train/ and test/ in it "
        f"(found: {', '.join(sorted(entry.name for entry in inner)) or 'no folder'}). "
        "A dataset of kind 'folder' has the layout SPLIT/CLASS/IMAGE: "
        "train/cat/1.jpg, test/cat/2.jpg, and validation/cat/3.jpg "
        "where you have your own validation split."
    )


def _check_names(classes: set[str], source: Path) -> None:
    """Raise UserError for a name that is no text, or two names that some file systems confuse."""
    alike = defaultdict(list)
    for name in sorted(classes):
        if not name.isprintable():
            raise UserError(
                f"{source}: the class {name!r} has no printable name. "
                "Allowed: text in UTF-8 without control characters."
            )
        alike[unicodedata.normalize("NFC", name).casefold()].append(name)
    for names in alike.values():
        if len(names) > 1:
            raise UserError(
                f"{source}: the classes {' and '.join(map(ascii, names))} "
                "differ in upper and lower case, or in how an accent is written, "
                "and are one folder on other machines. "
                "Allowed: names that differ in more; rename one of them, or put them together."
            )


def _check_classes(splits: list[Path], source: Path) -> None:
    found = {split.name: _class_folders(split) for split in splits}
    _check_names(set.union(*found.values()), source)
    for name in sorted(set.union(*found.values())):
        having = [split for split, classes in found.items() if name in classes]
        if len(having) < len(splits):
            lacking = [split for split in found if split not in having]
            raise UserError(
                f"{source}: the class {name!r} stands in {' and '.join(having)} "
                f"but not in {' and '.join(lacking)}. Every split needs the same classes: "
                f"add {lacking[0]}/{name}/ with images, or remove {having[0]}/{name}/."
            )
    if len(set.union(*found.values())) < 2:
        raise UserError(
            f"{source}: fewer than two classes found. "
            "A class is a folder of images: train/CLASS/IMAGE."
        )


class _Images(torchvision.datasets.ImageFolder):
    """ImageFolder without hidden folders such as .ipynb_checkpoints, which are no classes."""

    def find_classes(self, directory: str) -> tuple[list[str], dict[str, int]]:
        """Find the classes: the names of the folders in `directory`, and the index of each."""
        classes = sorted(_class_folders(Path(directory)))
        return classes, {name: index for index, name in enumerate(classes)}


def _reason(error: Exception) -> str:
    """The message of an error on one line, or the name of its type where it has none."""
    return " ".join(str(error).split())[:LONGEST_REASON] or type(error).__name__


class _Unusable(ValueError):
    """The reason why an image cannot be used."""


def _image(path: str, size: int) -> np.ndarray:
    """Read an image file as a uint8 array of shape (size, size, 3).

    Raises UserError with the split, the class and the file: the image cannot be read, or would have
    more than MOST_PIXELS.
    """
    try:
        # More than MOST_PIXELS is an error below. Pillow's other warnings change no pixel.
        with warnings.catch_warnings(action="ignore"), Image.open(path, formats=FORMATS) as image:
            width, height = image.size
            scaled = max(image.size) * size * size / min(image.size)
            if max(width * height, scaled) > MOST_PIXELS:
                raise _Unusable(
                    f"it has {width} x {height} pixels; allowed are {MOST_PIXELS:,}, "
                    f"also when scaled to a shorter side of {size}"
                )
            # Reading alone ignores the checksums of a PNG. A verified image must be opened again.
            image.verify()
            with Image.open(path, formats=FORMATS) as verified:
                return resized(verified, size)
    except Exception as error:  # on damaged bytes Pillow's readers raise almost anything
        name = "/".join(Path(path).parts[-3:])
        name = name if name.isprintable() else ascii(name)
        raise UserError(
            f"{name}: the image cannot be read ({_reason(error)}). Replace the file or remove it."
        ) from error


def _read_folder(split: Path, size: int, **normalization: Any) -> Split:
    try:
        listed = _Images(str(split))
    except FileNotFoundError as error:
        raise UserError(f"{split.parent.name}/{split.name}: {error}") from error
    pixels = np.empty((len(listed.samples), size, size, 3), dtype=np.uint8)
    for index, (path, _) in enumerate(listed.samples):
        pixels[index] = _image(path, size)
    return split_of(pixels, np.array(listed.targets), tuple(listed.classes), **normalization)


def _from_folder(
    folder: Path,
    source: Path,
    image_size: int,
    validation_fraction: float,
    split_seed: int,
    **normalization: Any,
) -> Splits:
    root = _root(folder, source)
    names = [name for name in ("train", "validation", "test") if (root / name).is_dir()]
    _check_classes([root / name for name in names], source)
    splits = {name: _read_folder(root / name, image_size, **normalization) for name in names}
    return (
        splits
        if "validation" in splits
        else with_validation(splits, validation_fraction, split_seed)
    )


def folder(
    path: str,
    *,
    image_size: int,
    validation_fraction: float,
    split_seed: int,
    mean: list[float],
    std: list[float],
    checksum: str | None = None,
) -> Splits:
    """Build a dataset from images in the layout of ImageFolder (SPLIT/CLASS/IMAGE).

    The splits are train, test and, optionally, validation. Without a validation split, a fraction
    of train becomes one, each class in proportion.

    Args:
        path: A folder or an archive of images.
        image_size: Side of the square images, in pixels.
        validation_fraction: Fraction of train for the validation split, where there is none.
        split_seed: Seed of that division.
        mean: Mean of each channel, of images scaled to [0, 1].
        std: Standard deviation of each channel, of images scaled to [0, 1].
        checksum: SHA-256 of the archive in lower case, or None where it is not known.

    Returns:
        The splits train, validation and test.

    Raises:
        UserError: The path does not exist or has another layout. Or an image cannot be read. Or
            not every split has the same classes. Or the archive is unsafe or has another checksum.
    """
    source = Path(path)
    settings: dict[str, Any] = {
        "image_size": image_size,
        "validation_fraction": validation_fraction,
        "split_seed": split_seed,
        "mean": tuple(mean),
        "std": tuple(std),
    }
    if source.is_dir():
        if checksum is not None:
            raise UserError(
                f"{source}: a folder, and dataset.checksum is the SHA-256 of an archive. "
                "Give the archive, or leave it out."
            )
        return _from_folder(source, source, **settings)
    if not source.is_file():
        raise UserError(f"{source}: no such file or folder. Set dataset.path to your images.")
    if not archives.is_archive(source):
        raise UserError(
            f"{source}: not an image archive. "
            f"Allowed: a folder, or {', '.join(archives.ZIP + archives.TAR)}."
        )
    check_digest(source, checksum, "dataset.checksum")
    with tempfile.TemporaryDirectory() as target:
        archives.extract(source, Path(target))
        return _from_folder(Path(target), source, **settings)


DATASETS: dict[str, Callable[..., Splits]] = {
    "digits": digits,
    "folder": folder,
    "cifar10": cifar10,
}
