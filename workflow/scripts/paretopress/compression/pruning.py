"""Make compressed networks: set entries to zero, round, count the non-zero, quantise to int8."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.ao.nn.quantized import dynamic
from torch.ao.quantization.qconfig import default_dynamic_qconfig

from .channels import channels_first
from .dynamic_int8 import DynamicInt8Linear
from .layers import (
    LAYER_KINDS,
    is_quantizable,
    layers_of,
    transposed_weights,
    with_tensors,
)
from .magnitudes import ZEROING, selection_entries
from .plans import Plan
from .rounding import round_weight

ReadTensor = Callable[[str], torch.Tensor]


def copies_of(network: nn.Module) -> ReadTensor:
    """Return a function that gives a parameter of `network` by name, as a contiguous copy."""
    parameters = dict(network.named_parameters(remove_duplicate=False))
    return lambda name: parameters[name].detach().clone(memory_format=torch.contiguous_format)


@dataclass(frozen=True)
class Pruned:
    """A pruned and rounded float copy of a network.

    Attributes:
        network: The copy.
        scales: The scales of each rounded weight by name, from `rounding.round_weight`.
    """

    network: nn.Module
    scales: dict[str, torch.Tensor]


def prune(network: nn.Module, plan: Plan, read: ReadTensor | None = None) -> Pruned:
    """Make a pruned and rounded float copy of a network.

    Args:
        network: The network, which stays as it is. The copy shares all tensors that do not change.
        plan: The zeros of each tensor, and the bits of each rounded weight.
        read: Function that gives a parameter by name, as a contiguous tensor that `prune` may
            change. The default copies the parameter in memory.

    Returns:
        The copy, and the scales of its rounded weights.

    Raises:
        KeyError: The plan names a tensor that `network` lacks.
        UserError: A weight that is rounded has numbers that are not finite.
    """
    read = read or copies_of(network)
    sizes = {
        name: parameter.numel()
        for name, parameter in network.named_parameters(remove_duplicate=False)
    }
    changed: dict[str, torch.Tensor] = {}
    # The tensors that need most memory for the selection come first, while few copies exist.
    for name, zeros in sorted(plan.zeros, key=lambda item: -selection_entries(sizes[item[0]])):
        changed[name] = read(name)
        ZEROING[plan.ties](changed[name], zeros)
    scales, groups = {}, transposed_weights(network)
    for name, bits in plan.bits:
        changed[name] = changed[name] if name in changed else read(name)
        with channels_first(changed[name], groups.get(name)) as rows:
            scales[name] = round_weight(rows, bits, name)
    return Pruned(with_tensors(network, changed), scales)


def _int8(layer: nn.Linear) -> nn.Module:
    """torch's dynamic int8 layer of a Linear layer, the one that its `from_float` makes.

    That function packs an empty weight of the same size first, and takes memory for both.
    """
    weight, observer = layer.weight.detach(), default_dynamic_qconfig.weight()
    observer(weight)
    step, zero = observer.calculate_qparams()
    with warnings.catch_warnings():
        # torch's int8 moves to torchao, whose int8 is another scheme. The pinned torch still has
        # it.
        warnings.filterwarnings("ignore", message="torch.quantize_per_tensor", category=UserWarning)
        codes = torch.quantize_per_tensor(weight, float(step), int(zero), torch.qint8)
        made = dynamic.Linear(1, 1)
    made.in_features, made.out_features = layer.in_features, layer.out_features
    made.set_weight_bias(codes, layer.bias)
    return made


def int8_of(layer: nn.Linear) -> nn.Module:
    """The dynamic int8 layer of a Linear layer: torch's own on the CPU, its like elsewhere."""
    return _int8(layer) if layer.weight.is_cpu else DynamicInt8Linear(layer)


def quantize_in_place(network: nn.Module, int8: Callable[[Any], nn.Module] = int8_of) -> None:
    """Make the Linear layers dynamic int8 layers, wherever the network holds them.

    These have one scale for each weight tensor, and one activation scale for each batch. Layers
    that share weight and bias share the int8 weight too.

    Args:
        network: The network.
        int8: Makes the int8 layer of a Linear layer.
    """
    layers = [
        (layer, (id(layer.weight), id(layer.bias)))
        for layer in network.modules()
        if is_quantizable(layer)
    ]
    made: dict[tuple[int, int], nn.Module] = {}
    # One at a time, so that the float weights of each leave memory before the next.
    while layers:
        layer, tensors = layers.pop()
        new = made.setdefault(tensors, made.get(tensors) or int8(layer))
        # The object stays, so that no other place of it still has the float layer. It keeps all
        # that a network may have given it.
        for name in ("weight", "bias"):
            layer._parameters.pop(name)
        layer.__class__ = type(new)
        parts = {name: vars(new)[name] | vars(layer)[name] for name in ("_modules", "_buffers")}
        vars(layer).update({**vars(new), **vars(layer), **parts})


def nonzero_rate(network: nn.Module) -> float:
    """Objective f1: the share of non-zero entries in the Linear and convolution layers.

    Prune first, then count, then quantise: quantised modules hide their tensors.

    Args:
        network: The float network.

    Returns:
        Non-zero entries divided by all entries, over weights and biases, in [0, 1].

    Raises:
        UserError: The weight of a layer is reparametrised or lazy.
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
    """Count the non-zero entries of a pruned network, and quantise it in place if the plan says so.

    Args:
        pruned: The pruned network, which belongs to the caller.
        plan: The plan.

    Returns:
        `pruned` itself, and its non-zero rate in [0, 1].
    """
    rate = nonzero_rate(pruned)
    if plan.quantized:
        quantize_in_place(pruned)
    return pruned, rate


def compress(network: nn.Module, plan: Plan) -> tuple[nn.Module, float]:
    """Make the compressed copy of a network.

    Args:
        network: The trained float network, which stays as it is. The copy shares its tensors that
            do not change.
        plan: The changes, from `canonical`.

    Returns:
        The copy, pruned, rounded and quantised as the plan says. And its non-zero rate in [0, 1].

    Raises:
        KeyError: The plan names a tensor that `network` lacks.
        UserError: The weight of a layer is reparametrised or lazy, or has numbers that are not
            finite and is rounded.

    Example:
        >>> from paretopress.compression.plans import Plan
        >>> network = nn.Sequential(nn.Flatten(), nn.Linear(16, 4, bias=False))
        >>> compressed, rate = compress(network, Plan((("1.weight", 48),), quantized=False))
        >>> rate
        0.25
    """
    return count_and_quantize(prune(network, plan).network, plan)
