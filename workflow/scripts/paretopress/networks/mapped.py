"""A trained network whose weights are mapped from their file into memory.

Jobs that read the same file share this memory. Pruned tensors belong to their job. They are read in
parts, so that no tensor is in memory twice.
"""

from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import safe_open
from torch import nn

from ..compression.plans import Layout, Plan, layout_of
from ..compression.pruning import count_and_quantize, prune, with_tensors
from .weights import PART, fitting_weights


@dataclass(frozen=True)
class MappedNetwork:
    """A trained network whose weights stay in their file.

    Attributes:
        structure: The network. Its own weights are not used.
        weights: The safetensors file that `save_weights` wrote for it.
    """

    structure: nn.Module
    weights: Path

    def layout(self) -> Layout:
        """List the layers that can be pruned."""
        return layout_of(self.structure)

    def fresh(self) -> nn.Module:
        """Make the trained network, in evaluation mode.

        Weights are read when they are used. They leave memory together with the network.

        Raises:
            UserError: The file cannot be read, or does not fit the network.
        """
        tensors = fitting_weights(self.structure, self.weights)
        for name in [name for name, tensor in tensors.items() if tensor.numel() >= PART]:
            # A mapping of its own ends when this tensor is no longer used.
            with safe_open(self.weights, framework="pt") as file:
                tensors[name] = file.get_tensor(name)
        return with_tensors(self.structure, tensors).eval()

    def read(self, name: str) -> torch.Tensor:
        """Read one tensor of the file into memory of its own, part by part."""
        with safe_open(self.weights, framework="pt") as file:
            mapped = file.get_tensor(name)
        if mapped.numel() < PART or mapped.dim() == 0:
            return mapped.clone()
        own = torch.empty_like(mapped)
        rows = max(1, PART // mapped[0].numel())
        for start in range(0, len(own), rows):
            # Each part has its own mapping, which returns its memory at the end.
            with safe_open(self.weights, framework="pt") as file:
                own[start : start + rows] = file.get_slice(name)[start : start + rows]
        return own

    def pruned(self, plan: Plan) -> nn.Module:
        """Make the pruned float network. Its pruned tensors are in memory once."""
        return prune(self.fresh(), plan, self.read)

    def compress(self, plan: Plan) -> tuple[nn.Module, float]:
        """Make the compressed network, and count its non-zero rate in [0, 1]."""
        return count_and_quantize(self.pruned(plan), plan)


def mapped_network(structure: nn.Module, weights: Path) -> MappedNetwork:
    """Map the weights of a network, and drop those that it was built with.

    Args:
        structure: The network.
        weights: The safetensors file with its trained weights.

    Returns:
        The mapped network.

    Raises:
        UserError: The file cannot be read, or does not fit the network.
    """
    return MappedNetwork(MappedNetwork(structure, weights).fresh(), weights)
