"""The variables of a design: their names, their values, and what each value means.

The first seven are x1 to x7 of the paper, with the domains of its Table 1. A variable more is one
more field of `Design`, and what it does to a plan (`compression.plans`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from types import MappingProxyType
from typing import Any

NONE, RANDOM, ALL = 0, 1, 2
BIAS, WEIGHT, BOTH = 0, 1, 2
FLOAT_BITS = 32  # bits of a weight that is not rounded
LEAST_AMOUNT, LARGEST_AMOUNT = 0.001, 0.999  # where a study does not say
AMOUNT_DIGITS = 6

SCOPE_VALUES = {NONE: "none", RANDOM: "a random subset", ALL: "all layers"}
TARGET_VALUES = {BIAS: "biases", WEIGHT: "weights", BOTH: "weights and biases"}
QUANTIZATION_VALUES = {0: "none", 1: "dynamic int8 of the Linear layers"}
BITS_VALUES = {**dict.fromkeys(range(2, 9), ""), FLOAT_BITS: "float32"}

_SHARE = (
    "share of the {} layers that becomes zero, of each tensor (allocation uniform) or of all "
    "weights (lamp)"
)


def _field(meaning: str, symbol: str, values: Mapping[int, str], untouched: float = 0) -> Any:
    """A field of `Design`. Its default, `untouched`, leaves the network alone."""
    return field(
        default=untouched, metadata={"meaning": meaning, "symbol": symbol, "values": values}
    )


@dataclass(frozen=True)
class Design:
    """One design. A variable that is not given leaves the network alone.

    Attributes:
        linear_scope: Linear layers to prune: 0 none, 1 a random subset, 2 all.
        conv_scope: The same for the convolution layers.
        linear_amount: Fraction in (0, 1) of the entries of each chosen tensor of the Linear
            layers. These entries become zero.
        conv_amount: The same for the convolution layers.
        linear_target: Tensors of the Linear layers to prune: 0 bias, 1 weight, 2 both.
        conv_target: The same for the convolution layers.
        quantization: 0 none, 1 dynamic int8 of the Linear layers.
        linear_bits: Bits that each weight of a Linear layer is rounded to, 2 to 8. 32: not rounded.
        conv_bits: The same for the convolution layers.

    Example:
        >>> design = Design(linear_scope=2, linear_amount=0.914, linear_target=1)
        >>> design.conv_scope, design.conv_bits
        (0, 32)
    """

    linear_scope: int = _field("Linear layers to prune", "x1", SCOPE_VALUES)
    conv_scope: int = _field("convolution layers to prune", "x2", SCOPE_VALUES)
    linear_amount: float = _field(_SHARE.format("Linear"), "x3", {}, 0.0)
    conv_amount: float = _field(_SHARE.format("convolution"), "x4", {}, 0.0)
    linear_target: int = _field("what is pruned of the Linear layers", "x5", TARGET_VALUES)
    conv_target: int = _field("what is pruned of the convolution layers", "x6", TARGET_VALUES)
    quantization: int = _field("quantisation", "x7", QUANTIZATION_VALUES)
    linear_bits: int = _field(
        "bits of each weight of the Linear layers", "", BITS_VALUES, FLOAT_BITS
    )
    conv_bits: int = _field(
        "bits of each weight of the convolution layers", "", BITS_VALUES, FLOAT_BITS
    )


@dataclass(frozen=True)
class Known:
    """What is known of a variable before any study.

    Attributes:
        meaning: What it decides, in words.
        symbol: The paper's symbol, such as "x1". Empty for a variable beyond the paper.
        values: Each value and its meaning. Empty for an amount: any number in (0, 1).
        untouched: The value that leaves the network alone.
    """

    meaning: str
    symbol: str
    values: Mapping[int, str]
    untouched: float

    @property
    def choice(self) -> str:
        """The values with their meanings, such as "0 none, 1 all". Empty for an amount."""
        return ", ".join(f"{value} {meaning}".rstrip() for value, meaning in self.values.items())

    @property
    def usual(self) -> list[int]:
        """The values in a space that does not list any: all of the paper's, else `untouched`."""
        return list(self.values) if self.symbol else [int(self.untouched)]


VARIABLES: Mapping[str, Known] = MappingProxyType(
    {
        known.name: Known(untouched=getattr(Design(), known.name), **known.metadata)
        for known in fields(Design)
    }
)
OF_THE_PAPER = tuple(name for name, known in VARIABLES.items() if known.symbol)
INTEGER_VARIABLES = tuple(name for name, known in VARIABLES.items() if known.values)
