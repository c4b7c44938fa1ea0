"""From images to splits: every image in one size, a share of them held out."""

from typing import Any

import numpy as np
import torch
from PIL import Image
from sklearn.model_selection import train_test_split

from ..errors import UserError
from .split import Split

Splits = dict[str, Split]


def resized(image: Image.Image, size: int) -> np.ndarray:
    """uint8 array (size, size, 3): the shorter side scaled to `size`, the centre cut out."""
    image = image.convert("RGB")
    if image.size != (size, size):
        scale = size / min(image.size)
        width, height = (max(size, round(side * scale)) for side in image.size)
        left, top = (width - size) // 2, (height - size) // 2
        image = image.resize((width, height), Image.Resampling.BILINEAR).crop(
            (left, top, left + size, top + size)
        )
    return np.asarray(image)


def held_out(labels: np.ndarray, fraction: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Indices kept and held out, each class in proportion, the same for the same seed.

    Raises UserError where a class would not stand in both parts.
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
        f"{fraction:.3g} of the images cannot be held out: there are {len(labels)} images of {len(np.unique(labels))} classes, "
        f"{smallest} in the smallest, and each class needs one in both parts. "
        "Change dataset.validation_fraction (or test_fraction), or give more images."
    )


def split_of(
    pixels: np.ndarray, labels: np.ndarray, classes: tuple[str, ...], **normalization: Any
) -> Split:
    """pixels: uint8 (images, side, side, 3); labels: indices into `classes`."""
    images = torch.from_numpy(np.ascontiguousarray(pixels.transpose(0, 3, 1, 2)))
    return Split(images, torch.from_numpy(labels.astype(np.int64)), classes, **normalization)


def part_of(split: Split, kept: np.ndarray) -> Split:
    index = torch.from_numpy(kept)
    return Split(split.images[index], split.labels[index], split.classes, split.mean, split.std)


def with_validation(splits: Splits, fraction: float, seed: int) -> Splits:
    """The splits train and test with a validation split held out from train, each class in proportion."""
    kept, out = held_out(splits["train"].labels.numpy(), fraction, seed)
    return splits | {
        "train": part_of(splits["train"], kept),
        "validation": part_of(splits["train"], out),
    }
