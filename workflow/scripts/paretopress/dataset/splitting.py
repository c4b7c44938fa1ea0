"""Turn images into splits: scale them to one size and hold out a fraction of them."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from PIL import Image
from sklearn.model_selection import train_test_split

from ..errors import UserError
from .split import Split

Splits = dict[str, Split]


@dataclass(frozen=True)
class Scaling:
    """How an image becomes a square.

    Attributes:
        image_size: Side of the square, in pixels.
        resize: The shorter side after scaling, in pixels, as torchvision's weights want it. With
            None it is `image_size`, and an image that has this size already stays as it is.
        interpolation: How pixels are computed: "bilinear" or "bicubic".
    """

    image_size: int
    resize: int | None = None
    interpolation: str = "bilinear"

    @property
    def shorter_side(self) -> int:
        """The shorter side after scaling, in pixels."""
        return self.resize or self.image_size


def resized(image: Image.Image, scaling: Scaling) -> np.ndarray:
    """Scale the shorter side of an image, and cut out the centre.

    With `resize`, the pixels are those of torchvision's ImageClassification (its presets of
    transforms), which rounds sizes in another way.

    Args:
        image: Image of any mode that Pillow converts to RGB.
        scaling: The sizes, and how pixels are computed.

    Returns:
        uint8 array of shape (image_size, image_size, 3).
    """
    image = image.convert("RGB")
    size, shorter = scaling.image_size, scaling.shorter_side
    if scaling.resize is None and image.size == (size, size):
        return np.asarray(image)
    if scaling.resize is None:
        scale = size / min(image.size)
        width, height = (max(size, round(side * scale)) for side in image.size)
        left, top = (width - size) // 2, (height - size) // 2
    else:
        width, height = (int(shorter * side / min(image.size)) for side in image.size)
        left, top = round((width - size) / 2), round((height - size) / 2)
    resample = Image.Resampling[scaling.interpolation.upper()]
    scaled = image.resize((width, height), resample)
    return np.asarray(scaled.crop((left, top, left + size, top + size)))


def held_out(labels: np.ndarray, fraction: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Divide images into two parts, each class in proportion.

    Args:
        labels: Class of each image, shape (images,).
        fraction: Fraction of the images to hold out.
        seed: Seed of the division. The same seed gives the same parts.

    Returns:
        Indices of the images that are kept and of those that are held out, both ascending.

    Raises:
        UserError: A class would be missing from a part.
    """
    try:
        kept, out = train_test_split(
            np.arange(len(labels)), test_size=fraction, stratify=labels, random_state=seed
        )
    except ValueError as error:
        raise _too_few(labels, fraction) from error
    if len(np.unique(labels[out])) < len(np.unique(labels)) or len(np.unique(labels[kept])) < len(
        np.unique(labels)
    ):
        raise _too_few(labels, fraction)
    return np.sort(kept), np.sort(out)


def _too_few(labels: np.ndarray, fraction: float) -> UserError:
    smallest = int(np.bincount(labels).min())
    return UserError(
        f"{fraction:.3g} of the images cannot be held out: "
        f"there are {len(labels)} images of {len(np.unique(labels))} classes, "
        f"{smallest} in the smallest, and each class needs one in both parts. "
        "Change dataset.validation_fraction (or test_fraction), or give more images."
    )


def split_of(
    pixels: np.ndarray, labels: np.ndarray, classes: tuple[str, ...], **normalization: Any
) -> Split:
    """Build a split from arrays.

    Args:
        pixels: uint8 of shape (images, side, side, 3).
        labels: Indices into `classes`, shape (images,).
        classes: Name of each class.
        **normalization: `mean` and `std` of the split.

    Returns:
        The split.
    """
    images = torch.from_numpy(np.ascontiguousarray(pixels.transpose(0, 3, 1, 2)))
    return Split(images, torch.from_numpy(labels.astype(np.int64)), classes, **normalization)


def part_of(split: Split, kept: np.ndarray) -> Split:
    """The images of `split` at the indices `kept`."""
    index = torch.from_numpy(kept)
    return Split(split.images[index], split.labels[index], split.classes, split.mean, split.std)


def few(labels: np.ndarray, most: int | None) -> np.ndarray:
    """Choose images of each class, spread evenly over those that there are.

    Args:
        labels: Class of each image, shape (images,).
        most: About the most of all images, at least one of each class; None for all.

    Returns:
        Indices of the images, ascending. The same labels give the same ones.
    """
    if most is None:
        return np.arange(len(labels))
    classes = np.unique(labels)
    each = max(1, most // max(1, len(classes)))
    chosen = [
        found[np.linspace(0, len(found) - 1, least).round().astype(int)]
        for found in (np.flatnonzero(labels == label) for label in classes)
        if (least := min(len(found), each))
    ]
    return np.sort(np.concatenate(chosen)) if chosen else np.arange(0)


def with_validation(splits: Splits, fraction: float, seed: int) -> Splits:
    """Hold out a validation split from train, each class in proportion.

    Args:
        splits: The splits train and test.
        fraction: Fraction of train for the validation split.
        seed: Seed of the division.

    Returns:
        The splits train, test and validation.

    Raises:
        UserError: A class would be missing from train or validation.
    """
    kept, out = held_out(splits["train"].labels.numpy(), fraction, seed)
    return splits | {
        "train": part_of(splits["train"], kept),
        "validation": part_of(splits["train"], out),
    }
