"""A trained network whose weights stay in their file, mapped into memory: jobs that read the same file share its pages.

What a network only reads stays in those shared pages. What is pruned becomes the job's own, read in parts, so that no tensor is in
memory twice.
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
    """structure: the network, whatever its weights. weights: the safetensors file that save_weights wrote of it."""

    structure: nn.Module
    weights: Path

    def layout(self) -> Layout:
        return layout_of(self.structure)

    def fresh(self) -> nn.Module:
        """The trained network, in evaluation mode. None of its weights is read before it is used, and all leave memory with it.

        Raises UserError: the file cannot be read, or does not fit the structure.
        """
        tensors = fitting_weights(self.structure, self.weights)
        for name in [name for name, tensor in tensors.items() if tensor.numel() >= PART]:
            with safe_open(
                self.weights, framework="pt"
            ) as file:  # a mapping of its own, that ends when this tensor is no longer used
                tensors[name] = file.get_tensor(name)
        return with_tensors(self.structure, tensors).eval()

    def read(self, name: str) -> torch.Tensor:
        """One tensor of the file, of the caller's own."""
        with safe_open(self.weights, framework="pt") as file:
            mapped = file.get_tensor(name)
        if mapped.numel() < PART or mapped.dim() == 0:
            return mapped.clone()
        own = torch.empty_like(mapped)
        rows = max(1, PART // mapped[0].numel())
        for start in range(0, len(own), rows):
            with safe_open(
                self.weights, framework="pt"
            ) as file:  # a mapping for each part, whose pages are given back with it
                own[start : start + rows] = file.get_slice(name)[start : start + rows]
        return own

    def pruned(self, plan: Plan) -> nn.Module:
        """The pruned float network, of the caller's own: its pruned tensors are in memory once."""
        return prune(self.fresh(), plan, self.read)

    def compress(self, plan: Plan) -> tuple[nn.Module, float]:
        """The compressed network that is to be evaluated, and its non-zero rate."""
        return count_and_quantize(self.pruned(plan), plan)


def mapped_network(structure: nn.Module, weights: Path) -> MappedNetwork:
    """Lets go of the weights that `structure` was built with. Raises UserError: see MappedNetwork.fresh."""
    return MappedNetwork(MappedNetwork(structure, weights).fresh(), weights)
