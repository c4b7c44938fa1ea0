"""Labelled images, one file for each split, as every stage after the dataset reads them."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from ..jobs.files import written_whole

SPLITS = ("train", "validation", "test")


@dataclass(frozen=True)
class Split:
    """Images of one split, with their labels.

    Attributes:
        images: uint8 of shape (images, 3, height, width), RGB from 0 to 255.
        labels: int64 of shape (images,), indices into `classes`.
        classes: Name of each class.
        mean: Mean of each channel, of images scaled to [0, 1]. `batches` subtracts it.
        std: Standard deviation of each channel, of images scaled to [0, 1]. `batches` divides by
            it after the subtraction.

    Example:
        >>> import torch
        >>> images = torch.zeros(4, 3, 32, 32, dtype=torch.uint8)
        >>> split = Split(images, labels=torch.tensor([0, 1, 1, 0]), classes=("cat", "dog"))
        >>> len(split)
        4
    """

    images: torch.Tensor
    labels: torch.Tensor
    classes: tuple[str, ...]
    mean: tuple[float, ...] = (0.0, 0.0, 0.0)
    std: tuple[float, ...] = (1.0, 1.0, 1.0)

    def __len__(self) -> int:
        return len(self.labels)


def normalized(split: Split, images: torch.Tensor) -> torch.Tensor:
    """Convert uint8 images of `split` to the float32 input of a network, of the same shape."""
    mean = torch.tensor(split.mean).view(1, -1, 1, 1)
    std = torch.tensor(split.std).view(1, -1, 1, 1)
    return images.float().div_(255).sub_(mean).div_(std)


def spread(split: Split, count: int) -> torch.Tensor:
    """Choose images of a split, always the same ones in the same order.

    The images of a folder are sorted by class. So the choice is that of a random permutation.

    Args:
        split: The images.
        count: Number of images. A smaller split gives all of its images.

    Returns:
        Indices of the images, int64 of shape (min(count, images),).
    """
    return torch.from_numpy(np.random.default_rng(0).permutation(len(split))[:count])


def few_of(split: Split, count: int) -> Split:
    """A split of `count` of its images, or of all, as `spread` chooses them."""
    chosen = spread(split, count)
    return replace(split, images=split.images[chosen], labels=split.labels[chosen])


def batches(split: Split, size: int) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Yield batches of network inputs and labels, always in the same order.

    Args:
        split: The images.
        size: Images in a batch. The last batch may be smaller.

    Yields:
        Inputs, float32 of shape (size, 3, height, width), and labels, int64 of shape (size,).
    """
    for start in range(0, len(split), size):
        yield (
            normalized(split, split.images[start : start + size]),
            split.labels[start : start + size],
        )


def save_split(split: Split, path: Path) -> None:
    """Write a split to one safetensors file, for `load_split`.

    Args:
        split: The images.
        path: The file. It is replaced as a whole.

    Raises:
        UserError: The file cannot be written, for example because the disk is full.

    Example:
        >>> import tempfile
        >>> images = torch.zeros(2, 3, 8, 8, dtype=torch.uint8)
        >>> split = Split(images, labels=torch.tensor([0, 1]), classes=("cat", "dog"))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     save_split(split, Path(folder) / "train.safetensors")
        ...     load_split(Path(folder) / "train.safetensors").classes
        ('cat', 'dog')
    """
    # One entry holds all facts. safetensors writes several entries in a random order, so that
    # files of equal content would differ.
    facts = {"classes": split.classes, "mean": split.mean, "std": split.std}
    with written_whole(path) as temporary:
        save_file(
            {"images": split.images.contiguous(), "labels": split.labels},
            temporary,
            {"split": json.dumps(facts)},
        )


def load_split(path: Path) -> Split:
    """Read a split that `save_split` wrote.

    The images are mapped into memory, not copied. So parallel jobs share their memory.

    Args:
        path: The file.

    Returns:
        The split, equal to the one written.

    Raises:
        FileNotFoundError: There is no such file.
        safetensors.SafetensorError: The file is no safetensors file.

    Example:
        >>> import tempfile
        >>> images = torch.zeros(2, 3, 8, 8, dtype=torch.uint8)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder) / "train.safetensors"
        ...     save_split(Split(images, torch.tensor([1, 0]), ("cat", "dog")), path)
        ...     load_split(path).labels
        tensor([1, 0])
    """
    with safe_open(path, framework="pt") as file:
        facts = json.loads(file.metadata()["split"])
        return Split(
            images=file.get_tensor("images"),
            labels=file.get_tensor("labels"),
            classes=tuple(facts["classes"]),
            mean=tuple(facts["mean"]),
            std=tuple(facts["std"]),
        )
