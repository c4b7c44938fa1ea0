"""Build datasets: one builder for each kind reads the images and returns the three splits."""

import os
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from PIL import Image
from sklearn.datasets import load_digits

from ..config.image_folders import TAR, ZIP, Layout, is_archive, layout, suffix_of
from ..errors import UserError
from ..folders import Entry, left_behind, shown, walk, within
from ..jobs.digests import check_digest
from . import archives
from .cifar10 import cifar10
from .facts import Dataset, Facts, Traits, split_facts
from .images import image_suffixes, read_images
from .splitting import Scaling, few, held_out, resized, split_of

DIGITS_SIDE = 8


def digits(
    *,
    image_size: int,
    validation_fraction: float,
    test_fraction: float,
    split_seed: int,
    mean: list[float],
    std: list[float],
    resize: int | None = None,
    interpolation: str = "bilinear",
    most: int | None = None,
) -> Dataset:
    """Build scikit-learn's handwritten digits (UCI, Alpaydin and Kaynak 1998).

    These are 1,797 images of 8x8 grey values from 0 to 16. Each class is divided in proportion.

    Args:
        image_size: Side of the square images, in pixels.
        validation_fraction: Fraction of all images for the validation split.
        test_fraction: Fraction of all images for the test split.
        split_seed: Seed of the division into splits.
        mean: Mean of each channel, of images scaled to [0, 1].
        std: Standard deviation of each channel, of images scaled to [0, 1].
        resize: The shorter side in pixels before the crop to `image_size`; None for `image_size`.
        interpolation: How pixels are computed: "bilinear" or "bicubic".
        most: About the most images of a split, spread evenly over its classes, at least one
            of each; None for all.

    Returns:
        The splits train, validation and test, and their facts.

    Raises:
        UserError: A class would be missing from a split.
    """
    source, scaling = load_digits(), Scaling(image_size, resize, interpolation)
    rest, test = held_out(source.target, test_fraction, split_seed)
    train, validation = held_out(
        source.target[rest], validation_fraction / (1 - test_fraction), split_seed
    )
    parts = {"train": rest[train], "validation": rest[validation], "test": test}
    classes = tuple(str(name) for name in source.target_names)
    traits = Traits(mode="L", enlarged=scaling.shorter_side > DIGITS_SIDE)
    splits, facts = {}, {}
    for name, part in parts.items():
        chosen = part[few(source.target[part], most)]
        grey = (source.images[chosen] * (255 / 16)).round().astype(np.uint8)
        pixels = np.stack([resized(Image.fromarray(image), scaling) for image in grey])
        splits[name] = split_of(
            pixels, source.target[chosen], classes, mean=tuple(mean), std=tuple(std)
        )
        facts[name] = split_facts(source.target[part], classes, {traits: len(chosen)})
    return Dataset(splits, Facts(facts, "source"))


@dataclass(frozen=True)
class _Listing:
    """The files of the classes of a folder of images.

    Attributes:
        files: The files of each split, sorted by class.
        labels: The class of each file, indices into the classes of the layout.
        passed_over: What systems have left among them, by name or pattern.
        in_sub_folders: Number of files in folders below that of their class.
    """

    files: dict[str, list[Entry]]
    labels: dict[str, np.ndarray]
    passed_over: Counter[str]
    in_sub_folders: int


def _listing(found: Layout) -> _Listing:
    """List the files of each class, in the order of torchvision's ImageFolder."""
    files: dict[str, list[Entry]] = {}
    labels: dict[str, np.ndarray] = {}
    passed_over, deeper, empty = Counter[str](), 0, []
    for split, place in found.splits.items():
        files[split], counts = [], []
        for name in found.classes:
            listed = list(walk(place / name))
            passed_over.update(
                str(left_behind(entry.name)) for entry in listed if entry.kind == "left behind"
            )
            images = [entry for entry in listed if entry.kind != "left behind"]
            images.sort(key=lambda entry: os.path.split(entry.path))
            deeper += sum(os.path.dirname(entry.path) != str(place / name) for entry in images)
            files[split] += images
            counts.append(len(images))
            empty += [] if images else [f"{place.name}/{name}/"]
        labels[split] = np.repeat(np.arange(len(counts)), counts)
    if empty:
        more = f", nor in {len(empty) - 1} other folders of classes" if len(empty) > 1 else ""
        raise UserError(
            f"no image in {shown(empty[0])}{more}. Every class needs images in every split: add "
            "some, or remove the class from all splits."
        )
    return _Listing(files, labels, passed_over, deeper)


def _samples(files: Sequence[Entry]) -> list[Entry]:
    """The first file of each suffix that is none of an image."""
    first: dict[str, Entry] = {}
    for entry in files:
        first.setdefault(suffix_of(entry.name), entry)
    return [entry for suffix, entry in first.items() if suffix not in image_suffixes()]


def _from_folder(
    place: Path,
    scaling: Scaling,
    validation_fraction: float,
    split_seed: int,
    most: int | None,
    **normalization: Any,
) -> Dataset:
    found = layout(place)
    listing = _listing(found)
    files, labels = listing.files, listing.labels
    validation_from: Literal["folder", "train"] = "folder" if "validation" in files else "train"
    if validation_from == "train":
        kept, out = held_out(labels["train"], validation_fraction, split_seed)
        every, known = files["train"], labels["train"]
        files |= {"train": [every[i] for i in kept], "validation": [every[i] for i in out]}
        labels |= {"train": known[kept], "validation": known[out]}
    listed = [entry for split in files.values() for entry in split]
    chosen = {split: few(labels[split], most) for split in files}
    read = read_images(
        found.splits["train"].parent,
        [[files[split][index] for index in chosen[split]] for split in files],
        scaling,
        _samples(listed) if most is not None else (),
    )
    splits, facts = {}, {}
    for split, (pixels, traits) in zip(files, read, strict=True):
        splits[split] = split_of(
            pixels, labels[split][chosen[split]], found.classes, **normalization
        )
        facts[split] = split_facts(labels[split], found.classes, traits)
    suffixes = Counter(suffix_of(entry.name) for entry in listed)
    return Dataset(
        splits,
        Facts(
            facts,
            validation_from,
            left_out=found.left_out,
            passed_over=dict(listing.passed_over + Counter(found.passed_over)),
            other_suffixes={
                suffix: count
                for suffix, count in suffixes.items()
                if suffix not in image_suffixes()
            },
            in_sub_folders=listing.in_sub_folders,
            shared_folders=found.shared,
        ),
    )


def _named(place: Path, source: Path, settings: dict[str, Any]) -> Dataset:
    """The dataset in a folder. Errors begin with the path that the user gave."""
    try:
        return _from_folder(place, **settings)
    except UserError as error:
        raise UserError(f"{source}: {within(place, error)}") from error


def folder(
    path: str,
    *,
    image_size: int,
    validation_fraction: float,
    split_seed: int,
    mean: list[float],
    std: list[float],
    resize: int | None = None,
    interpolation: str = "bilinear",
    checksum: str | None = None,
    most: int | None = None,
) -> Dataset:
    """Build a dataset from images in the layout of ImageFolder (SPLIT/CLASS/IMAGE).

    The splits are train, test and, optionally, validation. Without a validation split, a fraction
    of train becomes one, each class in proportion. Every file of a class is read by its content.
    What systems and tools leave in folders is passed over.

    Args:
        path: A folder or an archive of images.
        image_size: Side of the square images, in pixels.
        validation_fraction: Fraction of train for the validation split, where there is none.
        split_seed: Seed of that division.
        mean: Mean of each channel, of images scaled to [0, 1].
        std: Standard deviation of each channel, of images scaled to [0, 1].
        resize: The shorter side in pixels before the crop to `image_size`; None for `image_size`.
        interpolation: How pixels are computed: "bilinear" or "bicubic".
        checksum: SHA-256 of the archive in lower case, or None where it is not known.
        most: About the most images of a split, spread evenly over its classes, at least one
            of each; None for all. The others are counted, and not opened. A file of each unusual
            suffix is opened as well.

    Returns:
        The splits train, validation and test, and their facts.

    Raises:
        UserError: The path does not exist or has another layout. Or files of a class cannot be
            read as images. Or not every split has the same classes. Or the archive is unsafe or
            has another checksum.
    """
    source = Path(path)
    settings: dict[str, Any] = {
        "scaling": Scaling(image_size, resize, interpolation),
        "validation_fraction": validation_fraction,
        "split_seed": split_seed,
        "most": most,
        "mean": tuple(mean),
        "std": tuple(std),
    }
    if source.is_dir():
        if checksum is not None:
            raise UserError(
                f"{source}: a folder, and dataset.checksum is the SHA-256 of an archive. "
                "Give the archive, or leave it out."
            )
        return _named(source, source, settings)
    if not source.is_file():
        raise UserError(f"{source}: no such file or folder. Set dataset.path to your images.")
    if not is_archive(source):
        raise UserError(
            f"{source}: not an image archive. Allowed: a folder, or {', '.join(ZIP + TAR)}."
        )
    check_digest(source, checksum, "dataset.checksum")
    with tempfile.TemporaryDirectory() as target:
        archives.extract(source, Path(target))
        return _named(Path(target), source, settings)


DATASETS: dict[str, Callable[..., Dataset]] = {
    "digits": digits,
    "folder": folder,
    "cifar10": cifar10,
}
