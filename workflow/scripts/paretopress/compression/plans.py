"""Compressed networks: which entries a design sets to zero, how many are left, dynamic int8 quantisation.

A design is first turned into a plan: how many entries of which tensor are set to zero, and whether the Linear layers
are quantised. Two designs are the same network exactly if they have the same plan, whatever their variables say.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn
from torch.nn.parameter import is_lazy

from ..errors import UserError
from .designs import ALL, BIAS, BOTH, NONE, RANDOM, WEIGHT, Design

LAYER_KINDS: dict[str, tuple[type[nn.Module], ...]] = {
    "linear": (nn.Linear,),
    "conv": (nn.Conv1d, nn.Conv2d, nn.Conv3d),
}


TARGETS = {BIAS: ("bias",), WEIGHT: ("weight",), BOTH: ("weight", "bias")}


# Chance of each layer to be in a random subset, as in the paper's published code.
SUBSET_PROBABILITY = 2 / 3


@dataclass(frozen=True)
class Layer:
    """A prunable layer: its name in the network, and how many entries its weight and (0 without one) its bias have."""

    name: str
    weight: int
    bias: int


@dataclass(frozen=True)
class Layout:
    """The prunable layers of a network, in the order of its modules; quantizable: whether dynamic int8 changes any of them."""

    linear: tuple[Layer, ...]
    conv: tuple[Layer, ...]
    quantizable: bool


@dataclass(frozen=True)
class Plan:
    """What a design does to one network: entries set to zero by tensor ("features.0.weight"), and quantisation or not."""

    zeros: tuple[tuple[str, int], ...]
    quantized: bool

    @property
    def design_id(self) -> str:
        """12 hexadecimal digits, equal for equal plans."""
        return hashlib.sha256(json.dumps([self.zeros, self.quantized]).encode()).hexdigest()[:12]


def _tensors(layer: nn.Module) -> dict[str, torch.Tensor]:
    """The weight of a Linear or convolution layer, and its bias where it has one."""
    return dict(layer.named_parameters(recurse=False))


def layers_of(network: nn.Module, kind: str) -> Iterator[tuple[str, dict[str, torch.Tensor]]]:
    """Name and tensors of each layer of a kind; of layers that share a weight the first, so that it is pruned and counted once."""
    seen: set[int] = set()
    for name, module in network.named_modules():
        if not isinstance(module, LAYER_KINDS[kind]):
            continue
        tensors = _tensors(module)
        if "weight" not in tensors or is_lazy(tensors["weight"]):
            raise UserError(
                f"the layer {name} ({type(module).__name__}) has no weight of its own to prune: it is reparametrised, or lazy. "
                "Remove weight or spectral normalisation (torch.nn.utils.parametrize.remove_parametrizations), and give lazy layers sizes."
            )
        if id(tensors["weight"]) not in seen:
            seen.add(id(tensors["weight"]))
            yield name, tensors


def layout_of(network: nn.Module) -> Layout:
    """The prunable layers of `network`.

    Raises UserError: a layer's weight is reparametrised or not there yet.
    """

    def layers(kind: str) -> tuple[Layer, ...]:
        return tuple(
            Layer(
                name, tensors["weight"].numel(), tensors["bias"].numel() if "bias" in tensors else 0
            )
            for name, tensors in layers_of(network, kind)
        )

    # Subclasses of Linear stay as they are when torch quantises.
    quantizable = any(type(module) is nn.Linear for module in network.modules())
    return Layout(linear=layers("linear"), conv=layers("conv"), quantizable=quantizable)


def zeros_of(amount: float, size: int) -> int:
    """Entries set to zero in a tensor of `size` entries; rounded as torch.nn.utils.prune rounds a fraction."""
    return round(amount * size)


def _zeros_by_layer(layers: tuple[Layer, ...], amount: float, target: int) -> list[dict[str, int]]:
    """For each layer the tensors that lose entries, and how many; a missing bias and a count of 0 do not appear."""
    return [
        {
            f"{layer.name}.{tensor}": zeros
            for tensor in TARGETS[target]
            if (zeros := zeros_of(amount, getattr(layer, tensor)))
        }
        for layer in layers
    ]


def _subset(kind: str, counts: list[dict[str, int]], seed: int) -> list[bool]:
    """The layers of a random subset: the same for the same counts and run seed, whatever else the design holds."""
    digest = hashlib.sha256(json.dumps([seed, kind, counts]).encode()).digest()
    rng = np.random.default_rng(int.from_bytes(digest[:16]))
    return list(rng.random(len(counts)) < SUBSET_PROBABILITY)


def _chosen(kind: str, scope: int, counts: list[dict[str, int]], seed: int) -> list[bool]:
    if scope == RANDOM:
        return _subset(kind, counts, seed)
    return [scope == ALL] * len(counts)


def _canonical_kind(
    kind: str, layers: tuple[Layer, ...], scope: int, amount: float, target: int, seed: int
) -> tuple[tuple[tuple[str, int], ...], tuple[int, float, int]]:
    """The tensors of one kind that lose entries, and the canonical (scope, amount, target) of the same pruning."""
    has_bias = any(layer.bias for layer in layers)
    target = WEIGHT if target == BOTH and not has_bias else target
    counts = _zeros_by_layer(layers, amount, target)
    chosen = _chosen(kind, scope, counts, seed)
    effective = [bool(zeros) for zeros in counts]
    used = [take and works for take, works in zip(chosen, effective, strict=True)]
    if not any(used):
        return (), (NONE, 0.0, BIAS)
    zeros = tuple(
        item
        for layer_zeros, take in zip(counts, used, strict=True)
        if take
        for item in layer_zeros.items()
    )
    return zeros, (ALL if used == effective else RANDOM, amount, target)


def canonical(design: Design, layout: Layout, seed: int) -> tuple[Design, Plan]:
    """The design with everything folded away that has no effect in the run of `seed`, and the plan of its network.

    Folded away: amount and target where nothing is pruned, a target that the layers lack, a random subset that holds every
    layer or none, quantisation where no layer can be quantised. `canonical` of the result is the result. What is left may still
    differ in amounts that round to the same counts: the plan alone decides which designs are the same network.
    """
    linear, (linear_scope, linear_amount, linear_target) = _canonical_kind(
        "linear",
        layout.linear,
        design.linear_scope,
        design.linear_amount,
        design.linear_target,
        seed,
    )
    conv, (conv_scope, conv_amount, conv_target) = _canonical_kind(
        "conv", layout.conv, design.conv_scope, design.conv_amount, design.conv_target, seed
    )
    quantized = bool(design.quantization and layout.quantizable)
    folded = Design(
        linear_scope,
        conv_scope,
        linear_amount,
        conv_amount,
        linear_target,
        conv_target,
        int(quantized),
    )
    return folded, Plan(zeros=linear + conv, quantized=quantized)
