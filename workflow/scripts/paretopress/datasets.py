"""Datasets, one builder for each kind: images from where they are to the three splits that the study works with."""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from . import archives
from .data import Split
from .errors import UserError
from .torchvision_import import torchvision

Splits = dict[str, Split]
IMAGE_SUFFIXES = torchvision.datasets.folder.IMG_EXTENSIONS


def resized(image: Image.Image, size: int) -> np.ndarray:
    """uint8 array (size, size, 3): the shorter side scaled to `size`, the centre cut out."""
    image = image.convert("RGB")
    if image.size != (size, size):
        scale = size / min(image.size)
        width, height = (max(size, round(side * scale)) for side in image.size)
        left, top = (width - size) // 2, (height - size) // 2
        image = image.resize((width, height), Image.Resampling.BILINEAR).crop((left, top, left + size, top + size))
    return np.asarray(image)


def held_out(labels: np.ndarray, fraction: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Indices kept and held out, each class in proportion, the same for the same seed.

    Raises UserError where a class would not stand in both parts.
    """
    try:
        kept, out = train_test_split(np.arange(len(labels)), test_size=fraction, stratify=labels, random_state=seed)
    except ValueError as error:
        raise _too_few(labels, fraction) from error
    if len(np.unique(labels[out])) < len(np.unique(labels)) or len(np.unique(labels[kept])) < len(np.unique(labels)):
        raise _too_few(labels, fraction)
    return np.sort(kept), np.sort(out)


def _too_few(labels: np.ndarray, fraction: float) -> UserError:
    smallest = int(np.bincount(labels).min())
    return UserError(
        f"{fraction:.3g} of the images cannot be held out: there are {len(labels)} images of {len(np.unique(labels))} classes, "
        f"{smallest} in the smallest, and each class needs one in both parts. "
        "Change dataset.validation_fraction (or test_fraction), or give more images."
    )


def _tensors(pixels: np.ndarray, labels: np.ndarray, classes: tuple[str, ...], **normalization: Any) -> Split:
    images = torch.from_numpy(np.ascontiguousarray(pixels.transpose(0, 3, 1, 2)))
    return Split(images, torch.from_numpy(labels.astype(np.int64)), classes, **normalization)


def digits(
    *, image_size: int, validation_fraction: float, test_fraction: float, split_seed: int, mean: list[float], std: list[float]
) -> Splits:
    """scikit-learn's handwritten digits: 1,797 images of 8x8 grey values from 0 to 16 (UCI, Alpaydin and Kaynak 1998)."""
    source = load_digits()
    pixels = np.stack([resized(Image.fromarray((image * (255 / 16)).round().astype(np.uint8)), image_size) for image in source.images])
    rest, test = held_out(source.target, test_fraction, split_seed)
    train, validation = held_out(source.target[rest], validation_fraction / (1 - test_fraction), split_seed)
    parts = {"train": rest[train], "validation": rest[validation], "test": test}
    classes = tuple(str(name) for name in source.target_names)
    normalization = {"mean": tuple(mean), "std": tuple(std)}
    return {name: _tensors(pixels[part], source.target[part], classes, **normalization) for name, part in parts.items()}


def _class_folders(split: Path) -> set[str]:
    return {entry.name for entry in split.iterdir() if entry.is_dir() and not entry.name.startswith(".")}


def _root(folder: Path, source: Path) -> Path:
    """The folder with train/ and test/: `folder` itself, or the only folder in it."""
    inner = [entry for entry in folder.iterdir() if entry.is_dir() and not entry.name.startswith(".")]
    for root in (folder, *(inner if len(inner) == 1 else [])):
        if (root / "train").is_dir() and (root / "test").is_dir():
            return root
    raise UserError(
        f"{source}: no folders train/ and test/ in it (found: {', '.join(sorted(entry.name for entry in inner)) or 'no folder'}). "
        "A dataset of kind 'folder' has the layout SPLIT/CLASS/IMAGE: train/cat/1.jpg, test/cat/2.jpg, and validation/cat/3.jpg "
        "where you have your own validation split."
    )


def _check_classes(splits: list[Path], source: Path) -> None:
    found = {split.name: _class_folders(split) for split in splits}
    for name in sorted(set.union(*found.values())):
        having = [split for split, classes in found.items() if name in classes]
        if len(having) < len(splits):
            lacking = [split for split in found if split not in having]
            raise UserError(
                f"{source}: the class {name!r} stands in {' and '.join(having)} but not in {' and '.join(lacking)}. "
                f"Every split needs the same classes: add {lacking[0]}/{name}/ with images, or remove {having[0]}/{name}/."
            )
    if len(set.union(*found.values())) < 2:
        raise UserError(f"{source}: fewer than two classes found. A class is a folder of images: train/CLASS/IMAGE.")


class _Images(torchvision.datasets.ImageFolder):
    """ImageFolder without hidden folders, which are no classes (.ipynb_checkpoints and the like)."""

    def find_classes(self, directory: str) -> tuple[list[str], dict[str, int]]:
        classes = sorted(_class_folders(Path(directory)))
        return classes, {name: index for index, name in enumerate(classes)}


def _read_folder(split: Path, size: int, **normalization: Any) -> Split:
    try:
        listed = _Images(str(split))
    except FileNotFoundError as error:
        raise UserError(f"{split.parent.name}/{split.name}: {error}") from error
    pixels = np.empty((len(listed.samples), size, size, 3), dtype=np.uint8)
    for index, (path, _) in enumerate(listed.samples):
        try:
            with Image.open(path) as image:
                pixels[index] = resized(image, size)
        except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
            name = Path(path).relative_to(split.parent)
            raise UserError(f"{name}: the image cannot be read ({error}). Replace the file or remove it.") from error
    return _tensors(pixels, np.array(listed.targets), tuple(listed.classes), **normalization)


def _without(split: Split, kept: np.ndarray) -> Split:
    index = torch.from_numpy(kept)
    return Split(split.images[index], split.labels[index], split.classes, split.mean, split.std)


def _from_folder(folder: Path, source: Path, image_size: int, validation_fraction: float, split_seed: int, **normalization: Any) -> Splits:
    root = _root(folder, source)
    names = [name for name in ("train", "validation", "test") if (root / name).is_dir()]
    _check_classes([root / name for name in names], source)
    splits = {name: _read_folder(root / name, image_size, **normalization) for name in names}
    if "validation" not in splits:
        train = splits["train"]
        kept, out = held_out(train.labels.numpy(), validation_fraction, split_seed)
        splits |= {"train": _without(train, kept), "validation": _without(train, out)}
    return splits


def folder(*, path: str, image_size: int, validation_fraction: float, split_seed: int, mean: list[float], std: list[float]) -> Splits:
    """Images in ImageFolder layout (SPLIT/CLASS/IMAGE), in a directory or an archive; splits train and test, optionally validation.

    Without a validation split, `validation_fraction` of train is held out for it, each class in proportion.

    Raises UserError: no such path, another layout, an unreadable image, a class that not every split has, an unsafe archive.
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
        return _from_folder(source, source, **settings)
    if not source.is_file():
        raise UserError(f"{source}: no such file or folder. Set dataset.path to your images.")
    if not archives.is_archive(source):
        raise UserError(f"{source}: not an image archive. Allowed: a folder, or {', '.join(archives.ZIP + archives.TAR)}.")
    with tempfile.TemporaryDirectory() as target:
        archives.extract(source, Path(target))
        return _from_folder(Path(target), source, **settings)


DATASETS: dict[str, Callable[..., Splits]] = {"digits": digits, "folder": folder}
