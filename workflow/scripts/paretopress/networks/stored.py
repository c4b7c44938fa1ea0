"""What a network stores: its parameters and buffers by name, and the extra state of modules."""

from dataclasses import dataclass

import torch
from torch import nn

from .extra_state import first_keys


def same(one: torch.Tensor, other: torch.Tensor) -> bool:
    """Tell whether two tensors have the same shape and numbers. NaN is the same as NaN."""
    if one.shape != other.shape:
        return False
    if one.dtype.is_floating_point and one.itemsize == 1:  # float8 has no comparison
        one, other = one.float(), other.float()
    return bool(((one == other) | ((one != one) & (other != other))).all())


def plain(tensor: torch.Tensor) -> bool:
    """Tell whether a tensor has its numbers in memory, one after another."""
    return not tensor.is_nested and (
        tensor.layout == torch.strided and tensor.device.type == "cpu" and not tensor.is_quantized
    )


@dataclass(frozen=True)
class Wanted:
    """What a network stores.

    Attributes:
        tensors: Its parameters and buffers. One with several names is here by the first.
        first: The first name of a tensor by each of its names.
        extra: The first key of a module's extra state by each of its keys.
        computed: Buffers that it does not store.
    """

    tensors: dict[str, torch.Tensor]
    first: dict[str, str]
    extra: dict[str, str]
    computed: dict[str, torch.Tensor]

    def names(self) -> list[str]:
        """All names of tensors and keys of extra state."""
        return [*self.first, *self.extra]

    def copies(self) -> dict[str, str]:
        """The other names of tensors, each with the first name."""
        return {name: first for name, first in self.first.items() if name != first}


def wanted_by(network: nn.Module) -> Wanted:
    """List what a network stores."""
    extra = first_keys(network)
    stored = {
        name: value
        for name, value in network.state_dict(keep_vars=True).items()
        if name not in extra and isinstance(value, torch.Tensor)
    }
    names: dict[int, str] = {}
    first = {name: names.setdefault(id(tensor), name) for name, tensor in stored.items()}
    computed = {name: buffer for name, buffer in network.named_buffers() if name not in stored}
    return Wanted({name: stored[name] for name in first.values()}, first, extra, computed)
