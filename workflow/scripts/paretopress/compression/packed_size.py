"""The bytes of a packed network, from its plan alone.

A tensor with zeros has a mask, at its entropy, and its other entries. An entry has 32 bits, or
those that a plan rounds it to, and a rounded weight has a scale of 32 bits for each output channel.
The weights of Linear layers that are quantised to int8 have 8 bits and one scale. All else is
float32.
"""

from math import log2

from ..config.variables import FLOAT_BITS
from .layers import LAYER_KINDS, Layer, Layout, tensor_name
from .plans import Plan

INT8_BITS = 8


def mask_bits(entries: int, zeros: int) -> float:
    """The entropy of a mask in bits: that of so many zeros at random places."""
    if zeros in (0, entries):
        return 0.0
    share = zeros / entries
    return -entries * (share * log2(share) + (1 - share) * log2(1 - share))


def tensor_bits(entries: int, zeros: int, bits: int = FLOAT_BITS, scales: int = 0) -> float:
    """Compute the bits of one packed tensor.

    Args:
        entries: Its entries.
        zeros: Those that are zero.
        bits: Bits of each other entry.
        scales: Number of its scales, if its entries are rounded.

    Returns:
        The bits. An entry is not rounded where the scales would take more than that saves, and a
        tensor has no mask where it would take more than the zeros.

    Example:
        >>> tensor_bits(entries=1000, zeros=500, bits=4, scales=10)
        3320.0
    """
    left = entries - zeros
    values = min(FLOAT_BITS * left, bits * left + FLOAT_BITS * scales)
    return min(float(FLOAT_BITS * entries), mask_bits(entries, zeros) + values)


def _layer_bits(layer: Layer, plan: Plan, zeros: dict[str, int], bits: dict[str, int]) -> float:
    name, bias = (tensor_name(layer.name, part) for part in ("weight", "bias"))
    rounded, scales = bits.get(name, FLOAT_BITS), layer.channels if name in bits else 0
    if plan.quantized and layer.int8 and rounded > INT8_BITS:
        rounded, scales = INT8_BITS, 1
    weight = tensor_bits(layer.weight, zeros.get(name, 0), rounded, scales)
    return weight + tensor_bits(layer.bias, zeros.get(bias, 0))


def dense_bytes(layout: Layout) -> int:
    """The bytes of the dense network with all its entries as float32."""
    return FLOAT_BITS // 8 * layout.entries


def bytes_rate(plan: Plan, layout: Layout) -> float:
    """Compute the bytes of the packed network of a plan, over those of the dense float32 network.

    Args:
        plan: The plan, from `plans.canonical`.
        layout: The layers of the network, from `layout_of`.

    Returns:
        The share, in [0, 1]. The zeros that a trained network holds already are not known, and
        count as entries that are left.

    Example:
        >>> from torch import nn
        >>> from paretopress.compression.layers import layout_of
        >>> layout = layout_of(nn.Sequential(nn.Flatten(), nn.Linear(1000, 10, bias=False)))
        >>> bytes_rate(Plan((("1.weight", 5000),), quantized=False), layout)
        0.53125
    """
    zeros, bits = dict(plan.zeros), dict(plan.bits)
    packed = sum(
        _layer_bits(layer, plan, zeros, bits)
        for kind in LAYER_KINDS
        for layer in getattr(layout, kind)
    )
    others = FLOAT_BITS * layout.others
    return (packed + others) / (FLOAT_BITS * layout.entries)
