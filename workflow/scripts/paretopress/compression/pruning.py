"""Compressed networks: entries set to zero, those left counted, dynamic int8 quantisation."""

import copy
import warnings
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import nn

from .magnitudes import selection_entries, zero_smallest
from .plans import LAYER_KINDS, Plan, layers_of

ReadTensor = Callable[[str], torch.Tensor]


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
        for _, tensors in layers_of(network, kind)
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
