"""Where the output channels of a weight lie: not in the first dimension of transposed ones."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

TRANSPOSED = (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)


def swapped_channels(weight: torch.Tensor, groups: int) -> torch.Tensor:
    """Put the output channels of a transposed convolution first, or back again.

    Args:
        weight: Shape (inputs, outputs / groups, ...), or (outputs, inputs / groups, ...).
        groups: The groups of the layer.

    Returns:
        A tensor of the other of both shapes, a view where torch can make one.
    """
    return weight.unflatten(0, (groups, -1)).transpose(1, 2).flatten(0, 1)


@contextmanager
def channels_first(weight: torch.Tensor, groups: int | None) -> Iterator[torch.Tensor]:
    """A weight with its output channels in the first dimension, contiguous, to change in place.

    Args:
        weight: The contiguous weight of a layer. It has the changes at the end.
        groups: The groups of a transposed convolution. None for every other layer.
    """
    if groups is None:
        yield weight
        return
    rows = swapped_channels(weight, groups).contiguous()
    yield rows
    weight.copy_(swapped_channels(rows, groups))
