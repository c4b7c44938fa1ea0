"""Compressed networks: which entries a design sets to zero, how many are left, dynamic int8 quantisation.

A design is first turned into a plan: how many entries of which tensor are set to zero, and whether the Linear layers
are quantised. Two designs are the same network exactly if they have the same plan, whatever their variables say.
"""

import copy
import hashlib
import json
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn.parameter import is_lazy

from .designs import ALL, BIAS, BOTH, NONE, RANDOM, WEIGHT, Design
from .errors import UserError
from .magnitudes import selection_entries, zero_smallest

LAYER_KINDS: dict[str, tuple[type[nn.Module], ...]] = {
    "linear": (nn.Linear,),
    "conv": (nn.Conv1d, nn.Conv2d, nn.Conv3d),
}
TARGETS = {BIAS: ("bias",), WEIGHT: ("weight",), BOTH: ("weight", "bias")}
# Chance of each layer to be in a random subset, as in the paper's published code.
SUBSET_PROBABILITY = 2 / 3

ReadTensor = Callable[[str], torch.Tensor]


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


def _layers(network: nn.Module, kind: str) -> Iterator[tuple[str, dict[str, torch.Tensor]]]:
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
            for name, tensors in _layers(network, kind)
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


def subset_seed(seed: int, initial_seed: int | None) -> int:
    """What random subsets of layers are drawn from in the run of `seed`: where all runs share one initial sample, its seed."""
    return seed if initial_seed is None else initial_seed


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


def prune_smallest(tensor: torch.Tensor, zeros: int) -> torch.Tensor:
    """A copy with the `zeros` entries of smallest magnitude set to zero, ties as magnitudes.zero_smallest breaks them."""
    pruned = tensor.detach().clone(memory_format=torch.contiguous_format)
    zero_smallest(pruned, zeros)
    return pruned


def with_tensors(network: nn.Module, tensors: Mapping[str, torch.Tensor]) -> nn.Module:
    """A copy of `network` with the given parameters and buffers, by name; its other parameters are those of `network`."""
    memo: dict[int, Any] = {id(parameter): parameter for parameter in network.parameters()}
    for name, parameter in network.named_parameters(remove_duplicate=False):
        if name in tensors:
            memo[id(parameter)] = nn.Parameter(tensors[name], requires_grad=parameter.requires_grad)
    for name, buffer in network.named_buffers(remove_duplicate=False):
        if name in tensors:
            memo[id(buffer)] = tensors[name]
    # A tensor is replaced wherever the network holds it, in its own attributes and in layers that share it, too.
    return copy.deepcopy(network, memo)


def copies_of(network: nn.Module) -> ReadTensor:
    """A parameter of `network` by name, as a contiguous copy."""
    parameters = dict(network.named_parameters(remove_duplicate=False))
    return lambda name: parameters[name].detach().clone(memory_format=torch.contiguous_format)


def prune(network: nn.Module, plan: Plan, read: ReadTensor | None = None) -> nn.Module:
    """A pruned float copy of `network`, which stays as it is; what is not pruned is shared with it.

    read: gives a parameter of `network` by name as a contiguous tensor of the caller's own; without it, a copy of that in memory.
    """
    read = read or copies_of(network)
    sizes = {
        name: parameter.numel()
        for name, parameter in network.named_parameters(remove_duplicate=False)
    }
    pruned: dict[str, torch.Tensor] = {}
    # What takes most memory to select comes first, while the fewest copies are there.
    for name, zeros in sorted(plan.zeros, key=lambda item: -selection_entries(sizes[item[0]])):
        pruned[name] = read(name)
        zero_smallest(pruned[name], zeros)
    return with_tensors(network, pruned)


def quantize_in_place(network: nn.Module) -> None:
    """Gives a network dynamic int8 Linear layers: per-tensor weights, one activation scale for each batch."""
    linear = {name: module for name, module in network.named_modules() if type(module) is nn.Linear}
    with warnings.catch_warnings():
        # Both announce that these functions move to torchao, whose int8 is another scheme; the pinned torch has them.
        warnings.filterwarnings(
            "ignore", message="torch.ao.quantization is deprecated", category=DeprecationWarning
        )
        warnings.filterwarnings("ignore", message="torch.quantize_per_tensor", category=UserWarning)
        while (
            linear
        ):  # one at a time, so that the float weights of each leave memory before the next
            name, layer = linear.popitem()
            torch.ao.quantization.quantize_dynamic(network, {name}, dtype=torch.qint8, inplace=True)
            # What torch left there refers to the layer itself, which would keep it until garbage is collected.
            layer.__dict__.pop("qconfig", None)


def nonzero_rate(network: nn.Module) -> float:
    """Objective f1: non-zero entries / entries, over the weights and biases of the Linear and convolution layers.

    Counted on the float network (quantised modules hide their tensors): prune, count, then quantise.
    """
    tensors = [
        tensor
        for kind in LAYER_KINDS
        for _, tensors in _layers(network, kind)
        for tensor in tensors.values()
    ]
    return sum(int(torch.count_nonzero(tensor)) for tensor in tensors) / sum(
        tensor.numel() for tensor in tensors
    )


def count_and_quantize(pruned: nn.Module, plan: Plan) -> tuple[nn.Module, float]:
    """A pruned network of the caller's own, quantised in place where the plan says so, and its non-zero rate."""
    rate = nonzero_rate(pruned)
    if plan.quantized:
        quantize_in_place(pruned)
    return pruned, rate


def compress(network: nn.Module, plan: Plan) -> tuple[nn.Module, float]:
    """The compressed copy of `network` that is to be evaluated, and its non-zero rate."""
    return count_and_quantize(prune(network, plan), plan)
