"""Labelled images as every stage after the first sees them: one file for each split."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file

from ..jobs.files import written_whole

SPLITS = ("train", "validation", "test")


@dataclass(frozen=True)
class Split:
    """Images of one split.

    images: uint8, shape (images, 3, height, width), RGB from 0 to 255.
    labels: int64, shape (images,), indices into `classes`.
    mean, std: per channel, of images scaled to [0, 1]; `batches` subtracts and divides by them.
    """

    images: torch.Tensor
    labels: torch.Tensor
    classes: tuple[str, ...]
    mean: tuple[float, ...] = (0.0, 0.0, 0.0)
    std: tuple[float, ...] = (1.0, 1.0, 1.0)

    def __len__(self) -> int:
        return len(self.labels)


def normalized(split: Split, images: torch.Tensor) -> torch.Tensor:
    """uint8 images of `split` as the float32 input of a network, same shape."""
    mean = torch.tensor(split.mean).view(1, -1, 1, 1)
    std = torch.tensor(split.std).view(1, -1, 1, 1)
    return images.float().div_(255).sub_(mean).div_(std)


def batches(split: Split, size: int) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Network inputs (size, 3, height, width) and labels (size,), always in the same order; the last batch may be smaller."""
    for start in range(0, len(split), size):
        yield (
            normalized(split, split.images[start : start + size]),
            split.labels[start : start + size],
        )


def save_split(split: Split, path: Path) -> None:
    """Writes a split as one safetensors file, which load_split reads."""
    # One entry: safetensors writes several in another order each time, and no two files were the same.
    facts = {"classes": split.classes, "mean": split.mean, "std": split.std}
    with written_whole(path) as temporary:
        save_file(
            {"images": split.images.contiguous(), "labels": split.labels},
            temporary,
            {"split": json.dumps(facts)},
        )


def load_split(path: Path) -> Split:
    """The images are mapped, not read: parallel jobs share their pages."""
    with safe_open(path, framework="pt") as file:
        facts = json.loads(file.metadata()["split"])
        return Split(
            images=file.get_tensor("images"),
            labels=file.get_tensor("labels"),
            classes=tuple(facts["classes"]),
            mean=tuple(facts["mean"]),
            std=tuple(facts["std"]),
        )
