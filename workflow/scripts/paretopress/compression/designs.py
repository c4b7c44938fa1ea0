"""The seven decision variables: one design, the space of all designs, uniform samples of it.

The mapping of the variables is that of DESIGN_VARIABLES below (paper, Table 1 gives the domains).
"""

from dataclasses import astuple, dataclass
from typing import Any

import numpy as np

AMOUNT_DIGITS = 6
NONE, RANDOM, ALL = 0, 1, 2
BIAS, WEIGHT, BOTH = 0, 1, 2

VARIABLES = (
    "linear_scope",
    "conv_scope",
    "linear_amount",
    "conv_amount",
    "linear_target",
    "conv_target",
    "quantization",
)
INTEGER = np.array([True, True, False, False, True, True, True])
INTEGER_VARIABLES = tuple(name for name, integer in zip(VARIABLES, INTEGER, strict=True) if integer)


@dataclass(frozen=True)
class Design:
    """x1 to x7 of the paper.

    linear_scope, conv_scope: 0 no layer, 1 a random subset of the layers, 2 all layers.
    linear_amount, conv_amount: fraction in (0, 1) of the entries of each chosen tensor that are set to zero.
    linear_target, conv_target: 0 bias, 1 weight, 2 both.
    quantization: 0 none, 1 dynamic int8 of the Linear layers.
    """

    linear_scope: int
    conv_scope: int
    linear_amount: float
    conv_amount: float
    linear_target: int
    conv_target: int
    quantization: int

    def vector(self) -> np.ndarray:
        """The design as float64, shape (7,), in the order of VARIABLES."""
        return np.array(astuple(self), dtype=float)


def design_from_vector(vector: np.ndarray) -> Design:
    """The design nearest to a vector of shape (7,): integers rounded, amounts to AMOUNT_DIGITS decimals."""
    values: list[Any] = [
        round(float(value)) if integer else round(float(value), AMOUNT_DIGITS)
        for value, integer in zip(vector, INTEGER, strict=True)
    ]
    return Design(*values)


@dataclass(frozen=True)
class SearchSpace:
    """Bounds of the amounts, both in (0, 1); the integers have the domains of the paper's Table 1."""

    linear_amount: tuple[float, float]
    conv_amount: tuple[float, float]

    def lower(self) -> np.ndarray:
        return np.array([0, 0, self.linear_amount[0], self.conv_amount[0], 0, 0, 0], dtype=float)

    def upper(self) -> np.ndarray:
        return np.array([2, 2, self.linear_amount[1], self.conv_amount[1], 2, 2, 1], dtype=float)


def sample_vectors(space: SearchSpace, count: int, rng: np.random.Generator) -> np.ndarray:
    """`count` designs drawn uniformly, shape (count, 7). Integers are drawn as such: a rounded uniform halves its end values."""
    lower, upper = space.lower(), space.upper()
    integers = rng.integers(lower.astype(int), upper.astype(int) + 1, size=(count, len(VARIABLES)))
    floats = rng.uniform(lower, upper, size=(count, len(VARIABLES)))
    return np.where(INTEGER, integers, np.clip(floats.round(AMOUNT_DIGITS), lower, upper))


def sample_design(space: SearchSpace, rng: np.random.Generator) -> Design:
    """One design drawn uniformly."""
    return design_from_vector(sample_vectors(space, 1, rng)[0])


def sample_seed(seed: int, initial_seed: int | None) -> int:
    """The seed of a run's initial sample, and of its random subsets of layers: that of the one sample
    that all runs share (the config's budget.initial_seed), else the run's own."""
    return seed if initial_seed is None else initial_seed
