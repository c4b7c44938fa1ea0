"""What a dataset is made of, and what was left out or changed when it was read."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, NamedTuple

import numpy as np

from ..config.image_folders import by_suffix
from ..folders import shown
from .splitting import Splits

MOST_BITS = 16
DARK_BITS = 14  # Values of so few of 16 bits are those of a camera with 10, 12 or 14 bits.
MOST_SHOWN = 10
# What is said of the images that SplitFacts counts under a name.
CHANGED = {
    "exif_orientation_ignored": "have an EXIF orientation. It is ignored, as torchvision does: "
    "they are read as they are stored.",
    "transparency_ignored": "have transparency. It is ignored: the colours below it are read.",
    "first_frame_read": "have several frames or pages. The first one is read.",
    "sixteen_bits_scaled": "have 16 bits per channel. They were scaled to 8 bits.",
    "cropped": "are no squares. What lies outside of their central square is cut off.",
    "enlarged": "are smaller than what they are scaled to, and were enlarged.",
}


class Traits(NamedTuple):
    """What an image was before it became a square of 8-bit RGB.

    Attributes:
        format: Pillow's name of its format; "" if it is from no file.
        mode: Pillow's name of its channels, such as "RGB" or "L".
        turned: Whether it has an EXIF orientation, which is ignored.
        transparent: Whether it has transparency, which is ignored.
        frames: Whether it has several frames or pages, of which the first is read.
        deep: Whether it has 16 bits per channel, which are scaled to 8.
        bits: The bits of its largest value, for one channel of 16 bits; else 0.
        enlarged: Whether it is smaller than what it is scaled to.
        cropped: Whether it is no square.
    """

    format: str = ""
    mode: str = "RGB"
    turned: bool = False
    transparent: bool = False
    frames: bool = False
    deep: bool = False
    bits: int = 0
    enlarged: bool = False
    cropped: bool = False


@dataclass(frozen=True)
class SplitFacts:
    """What one split is made of. All but the first two are of the images that were opened.

    Attributes:
        images: Number of images.
        images_by_class: Number of images of each class.
        opened: Number of images that were opened, fewer than `images` if only a few were asked for.
        formats: Number of images by format, by their content.
        modes: Number of images by mode, those that are not RGB.
        exif_orientation_ignored: Images with an EXIF orientation, which is ignored.
        transparency_ignored: Images with transparency, which is ignored.
        first_frame_read: Images of several frames or pages, of which the first is read.
        sixteen_bits_scaled: Images of 16 bits per channel, which are scaled to 8.
        most_bits: The bits of the largest value of all that have one channel of 16 bits; else 0.
        enlarged: Images that are smaller than what they are scaled to.
        cropped: Images that are no square, and lose what is outside of the central square.
    """

    images: int
    images_by_class: Mapping[str, int]
    opened: int
    formats: Mapping[str, int] = field(default_factory=dict)
    modes: Mapping[str, int] = field(default_factory=dict)
    exif_orientation_ignored: int = 0
    transparency_ignored: int = 0
    first_frame_read: int = 0
    sixteen_bits_scaled: int = 0
    most_bits: int = 0
    enlarged: int = 0
    cropped: int = 0


@dataclass(frozen=True)
class Facts:
    """What a dataset is made of.

    Attributes:
        splits: The facts of the splits train, validation and test.
        validation_from: Where validation is from: a folder of its own, a part of train, or a part
            of a source without splits.
        left_out: Files and folders that are no split, class or image of one, by path or pattern.
        passed_over: What systems and tools leave in folders, by name or pattern.
        other_suffixes: Images whose suffix is none of an image, by suffix. They were read by their
            content.
        in_sub_folders: Images in folders below that of their class.
        shared_folders: Folders that links make the same as one before, by name with the name of
            that one.
    """

    splits: Mapping[str, SplitFacts]
    validation_from: Literal["folder", "train", "source"]
    left_out: Mapping[str, int] = field(default_factory=dict)
    passed_over: Mapping[str, int] = field(default_factory=dict)
    other_suffixes: Mapping[str, int] = field(default_factory=dict)
    in_sub_folders: int = 0
    shared_folders: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Dataset:
    """The splits of a dataset, and what they are made of.

    Attributes:
        splits: The splits train, validation and test.
        facts: What they are made of.
    """

    splits: Splits
    facts: Facts


def split_facts(
    labels: np.ndarray, classes: Iterable[str], traits: Mapping[Traits, int]
) -> SplitFacts:
    """Count what the images of a split were.

    Args:
        labels: Class of each image, indices into `classes`, of shape (images,).
        classes: Name of each class.
        traits: The traits of the opened images, with the number of images that have them.

    Returns:
        The facts of the split.
    """
    formats, modes, counts = Counter[str](), Counter[str](), Counter[str]()
    for one, count in traits.items():
        formats[one.format] += count
        modes[one.mode] += count
        counts.update({name: count for name in Traits._fields if getattr(one, name) is True})
    names = list(classes)
    return SplitFacts(
        images=len(labels),
        images_by_class=dict(
            zip(names, np.bincount(labels, minlength=len(names)).tolist(), strict=True)
        ),
        opened=sum(traits.values()),
        formats={name: count for name, count in formats.items() if name},
        modes={name: count for name, count in modes.items() if name != "RGB"},
        exif_orientation_ignored=counts["turned"],
        transparency_ignored=counts["transparent"],
        first_frame_read=counts["frames"],
        sixteen_bits_scaled=counts["deep"],
        most_bits=max((one.bits for one in traits), default=0),
        enlarged=counts["enlarged"],
        cropped=counts["cropped"],
    )


def _counted(counts: Mapping[str, int]) -> str:
    """Say which names there are how often: "labels.csv, 3 x .DS_Store, and 2 more"."""
    named = [
        shown(name) if count == 1 else f"{count:,} x {shown(name)}"
        for name, count in sorted(counts.items())
    ]
    more = [f"and {len(named) - MOST_SHOWN} more"] if len(named) > MOST_SHOWN else []
    return ", ".join([*named[:MOST_SHOWN], *more])


def _sum(facts: Facts, name: str) -> int:
    return sum(getattr(split, name) for split in facts.splits.values())


def notes(facts: Facts) -> list[str]:
    """Say what a user should know of a dataset: what was left out, changed or is unusual.

    Args:
        facts: The facts of the dataset.

    Returns:
        One or two sentences for each thing.
    """
    modes = sum((Counter(split.modes) for split in facts.splits.values()), Counter[str]())
    opened = _sum(facts, "opened")
    bits = max(split.most_bits for split in facts.splits.values())
    said = [
        (
            sum(facts.left_out.values()),
            "Not read, since they are no split, no class and no image of a class: "
            f"{_counted(facts.left_out)}.",
        ),
        (
            sum(facts.passed_over.values()),
            "Passed over, since systems and tools leave them in folders: "
            f"{_counted(facts.passed_over)}.",
        ),
        (
            sum(facts.other_suffixes.values()),
            "Files without the suffix of an image were read by their content: "
            f"{by_suffix(facts.other_suffixes)}.",
        ),
        (
            facts.in_sub_folders,
            "Images in folders below that of their class, which count as images of the class: "
            f"{facts.in_sub_folders}.",
        ),
        *(
            (
                1,
                f"{shown(name)} and {shown(other)} are the same folder: all its images are in both.",
            )
            for name, other in sorted(facts.shared_folders.items())[:MOST_SHOWN]
        ),
        (
            modes.total(),
            f"{modes.total():,} of {opened:,} images are not RGB and were converted: "
            f"{_counted(modes)}.",
        ),
        *(
            (_sum(facts, name), f"{_sum(facts, name):,} of {opened:,} images {text}")
            for name, text in CHANGED.items()
        ),
        (
            0 < bits <= DARK_BITS,
            f"The images of 16 bits use at most {bits} of them, so that they are dark. Scale their "
            "values to 0 to 65535 if that is not meant.",
        ),
    ]
    return [text for count, text in said if count]


def facts_json(facts: Facts) -> str:
    """Write facts and their notes as JSON, with sorted keys."""
    told: dict[str, Any] = asdict(facts) | {"notes": notes(facts)}
    return json.dumps(told, indent=2, sort_keys=True) + "\n"
