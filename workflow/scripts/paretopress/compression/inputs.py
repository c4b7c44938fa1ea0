"""The batches of a split as inputs of a network, on its device."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch

from ..dataset.split import Split, normalized
from .tally import CPU

AT_MOST = 2**31  # bytes of images that stay on another device


@dataclass(frozen=True)
class Inputs(Sequence[torch.Tensor]):
    """Batches of network inputs, float32 of shape (images, 3, height, width).

    Attributes:
        split: The images.
        parts: The images of each batch: a slice, or indices.
        device: The device of the batches. They stay there, up to AT_MOST bytes, if it is not the CPU.
    """

    split: Split
    parts: Sequence[slice | torch.Tensor]
    device: torch.device = CPU

    def __len__(self) -> int:
        return len(self.parts)

    def __getitem__(self, at: int) -> torch.Tensor:  # type: ignore[override]
        kept = self._kept
        # A network may change its inputs in place.
        return self._made(at) if kept is None else kept[at].clone()

    def _made(self, at: int) -> torch.Tensor:
        # The CPU divides: CUDA would multiply by the reciprocal, which rounds otherwise.
        return normalized(self.split, self.split.images[self.parts[at]]).to(self.device)

    @cached_property
    def _kept(self) -> list[torch.Tensor] | None:
        images = sum(len(self.split.labels[part]) for part in self.parts)
        size = images * self.split.images[0].numel() * torch.float32.itemsize
        if self.device == CPU or size > AT_MOST:
            return None
        return [self._made(at) for at in range(len(self))]


def slices(images: int, size: int) -> list[slice]:
    """Divide images into batches of `size`. The last one may be smaller."""
    return [slice(start, start + size) for start in range(0, images, size)]
