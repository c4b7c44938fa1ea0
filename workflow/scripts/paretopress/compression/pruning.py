"""Make compressed networks: set entries to zero, round, count the non-zero, quantise to int8."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn

from .layers import LAYER_KINDS, layers_of, with_tensors
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
    scales = {}
    for name, bits in plan.bits:
        changed[name] = changed[name] if name in changed else read(name)
        scales[name] = round_weight(changed[name], bits, name)
    return Pruned(with_tensors(network, changed), scales)


def quantize_in_place(network: nn.Module) -> None:
    """Replace the Linear layers by dynamic int8 layers.

    These have one scale for each weight tensor, and one activation scale for each batch.
    """
    linear = {name: module for name, module in network.named_modules() if type(module) is nn.Linear}
    with warnings.catch_warnings():
        # Both warnings say that these functions move to torchao, whose int8 is another scheme. The
        # pinned torch still has them.
        warnings.filterwarnings(
            "ignore", message="torch.ao.quantization is deprecated", category=DeprecationWarning
        )
        warnings.filterwarnings("ignore", message="torch.quantize_per_tensor", category=UserWarning)
        # One at a time, so that the float weights of each leave memory before the next.
        while linear:
            name, layer = linear.popitem()
            torch.ao.quantization.quantize_dynamic(network, {name}, dtype=torch.qint8, inplace=True)
            # torch's qconfig refers to the layer, which would stay until garbage is collected.
            layer.__dict__.pop("qconfig", None)


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
