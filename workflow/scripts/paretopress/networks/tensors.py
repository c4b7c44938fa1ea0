"""The tensors of a network from its weight file: mapped on the CPU, resident on other devices."""

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import torch
from safetensors import safe_open
from torch import nn

from .fitting import Fitted, fitted
from .stored import wanted_by
from .weights import PART


@dataclass(frozen=True)
class Mapped:
    """Tensors on the CPU, which stay in their file until they are used.

    Attributes:
        structure: The network.
        weights: The safetensors file that `save_weights` wrote for it.
    """

    structure: nn.Module
    weights: Path

    def fitted(self) -> Fitted:
        """The weights. They leave memory together with the network that they are given."""
        found = fitted(self.structure, self.weights)
        for name, key in found.keys.items():
            if found.tensors[name].numel() >= PART:
                # A mapping of its own ends when this tensor is no longer used.
                with safe_open(self.weights, framework="pt") as file:
                    found.tensors[name] = file.get_tensor(key)
        return found

    @cached_property
    def _keys(self) -> dict[str, str]:
        """The name in the file by each name of a tensor. One with several names is there once."""
        keys = fitted(self.structure, self.weights).keys
        first = wanted_by(self.structure).first
        return {name: keys[own] for name, own in first.items() if own in keys}

    def read(self, name: str) -> torch.Tensor:
        """Read one tensor of the file into memory of its own, part by part."""
        key = self._keys[name]
        with safe_open(self.weights, framework="pt") as file:
            mapped = file.get_tensor(key)
        if mapped.numel() < PART or mapped.dim() == 0:
            return mapped.clone()
        own = torch.empty_like(mapped)
        rows = max(1, PART // mapped[0].numel())
        for start in range(0, len(own), rows):
            # Each part has its own mapping, which returns its memory at the end.
            with safe_open(self.weights, framework="pt") as file:
                own[start : start + rows] = file.get_slice(key)[start : start + rows]
        return own


@dataclass(frozen=True)
class Resident:
    """Tensors on another device, where they stay between designs.

    Attributes:
        structure: The network.
        weights: The file, as `fitted` reads it.
        device: The device.
    """

    structure: nn.Module
    weights: Path
    device: torch.device

    @cached_property
    def _there(self) -> Fitted:
        found = fitted(self.structure, self.weights)
        there = {name: tensor.to(self.device) for name, tensor in found.tensors.items()}
        return replace(found, tensors=there)

    @cached_property
    def _first(self) -> dict[str, str]:
        return wanted_by(self.structure).first

    def fitted(self) -> Fitted:
        """The weights. Networks share the parameters, and not the buffers, which they may change."""
        buffers = {name for name, _ in self.structure.named_buffers(remove_duplicate=False)}
        tensors = {
            name: tensor.clone() if name in buffers else tensor
            for name, tensor in self._there.tensors.items()
        }
        return replace(self._there, tensors=tensors)

    def read(self, name: str) -> torch.Tensor:
        """Copy one tensor on the device."""
        return self._there.tensors[self._first[name]].clone(memory_format=torch.contiguous_format)


def moved(network: nn.Module, device: torch.device) -> nn.Module:
    """Move a network, with the tensors that its modules hold as plain attributes, and return it."""
    for module in network.modules():
        held = {
            key: value for key, value in vars(module).items() if isinstance(value, torch.Tensor)
        }
        vars(module).update({key: value.to(device) for key, value in held.items()})
    return network.to(device)
