"""The space of a study's designs: its variables, vectors of designs, and uniform samples."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ..config.variables import (
    AMOUNT_DIGITS,
    INTEGER_VARIABLES,
    LARGEST_AMOUNT,
    LEAST_AMOUNT,
    VARIABLES,
    Design,
)

EVERY_AMOUNT = {"minimum": LEAST_AMOUNT, "maximum": LARGEST_AMOUNT}
# The values of n designs by variable: of each variable that a study lists, shape (n,).
Values = dict[str, np.ndarray]


def design_of(values: Mapping[str, Any]) -> Design:
    """Make a design.

    Args:
        values: Values by variable, perhaps with other keys. Variables that are not there leave the
            network alone.

    Returns:
        The design.

    Example:
        >>> design_of({"linear_scope": 2.0, "linear_amount": 0.914, "seed": 1}).linear_scope
        2
    """
    numbers: dict[str, Any] = {
        name: int(values[name]) if name in INTEGER_VARIABLES else float(values[name])
        for name in VARIABLES
        if name in values
    }
    return Design(**numbers)


def values_of(designs: Sequence[Design]) -> Values:
    """The values of n designs by variable, each float64 of shape (n,)."""
    return {
        name: np.array([getattr(design, name) for design in designs], dtype=float)
        for name in VARIABLES
    }


@dataclass(frozen=True)
class Variable:
    """A variable of a search space: values to choose from, or an interval.

    Attributes:
        name: A field of Design.
        symbol: The paper's symbol, such as "x1". Empty for a variable beyond the paper.
        values: The values in ascending order, in a vector by their index. Empty for an interval.
        interval: Lower and upper bound, both included. None for values.
    """

    name: str
    symbol: str
    values: tuple[float, ...] = ()
    interval: tuple[float, float] | None = None

    @property
    def bounds(self) -> tuple[float, float]:
        """The lower and the upper bound in a vector."""
        return self.interval or (0.0, len(self.values) - 1.0)

    def indices(self, values: np.ndarray) -> np.ndarray:
        """The index of the nearest of its values for each of `values`, shape (n,)."""
        known = np.array(self.values)
        return np.searchsorted((known[1:] + known[:-1]) / 2, values)


@dataclass(frozen=True)
class SearchSpace:
    """The designs that a search may propose.

    A vector of a design has a number for each variable that has more than one value: the index of
    the value, or the amount itself.

    Attributes:
        variables: The variables that the study lists, in the order of the columns of its tables.

    Example:
        >>> amount = {"minimum": 0.1, "maximum": 0.9}
        >>> space = space_of({"conv_amount": amount, "conv_bits": [3, 4, 8]})
        >>> [variable.name for variable in space.free]  # doctest: +NORMALIZE_WHITESPACE
        ['linear_scope', 'conv_scope', 'linear_amount', 'conv_amount', 'linear_target',
         'conv_target', 'quantization', 'conv_bits']
        >>> space.upper().tolist()
        [2.0, 2.0, 0.999, 0.9, 2.0, 2.0, 1.0, 2.0]
        >>> space.design(np.array([0, 2, 0.5, 0.8, 0, 1, 0, 1])).conv_bits
        4
    """

    variables: tuple[Variable, ...]

    @property
    def names(self) -> list[str]:
        """The names of the variables, in the order of the columns of tables."""
        return [variable.name for variable in self.variables]

    @cached_property
    def free(self) -> tuple[Variable, ...]:
        """The variables with more than one value, in the order of vectors."""
        return tuple(known for known in self.variables if len(known.values) != 1)

    @cached_property
    def integer(self) -> np.ndarray:
        """Whether a number of a vector is an index, shape (d,)."""
        return np.array([not known.interval for known in self.free], dtype=bool)

    def lower(self) -> np.ndarray:
        """The lower bounds of vectors, float64 of shape (d,)."""
        return np.array([known.bounds[0] for known in self.free], dtype=float)

    def upper(self) -> np.ndarray:
        """The upper bounds of vectors, float64 of shape (d,)."""
        return np.array([known.bounds[1] for known in self.free], dtype=float)

    def values(self, X: np.ndarray) -> Values:
        """Read vectors of shape (n, d). Indices and amounts are rounded."""
        found = {
            known.name: np.full(len(X), known.values[0]) for known in self.variables if known.values
        }
        for known, column in zip(self.free, X.T, strict=True):
            found[known.name] = (
                np.round(column, AMOUNT_DIGITS)
                if known.interval
                else np.array(known.values)[np.rint(column).astype(int)]
            )
        return found

    def vectors(self, values: Values) -> np.ndarray:
        """Write n designs as vectors, float64 of shape (n, d).

        A value that is not in the space, as a canonical form may have, has the index of the nearest
        one. An amount stays as it is.
        """
        columns = [
            values[known.name] if known.interval else known.indices(values[known.name])
            for known in self.free
        ]
        return np.column_stack(columns).astype(float)

    def design(self, vector: np.ndarray) -> Design:
        """The design nearest to a vector of shape (d,)."""
        return design_of({name: value[0] for name, value in self.values(vector[None]).items()})


def space_of(settings: Mapping[str, Any]) -> SearchSpace:
    """Build a search space.

    Args:
        settings: By variable, a list of values, or {"minimum": ..., "maximum": ...}, as in
            `search_space` of the config. The paper's variables that are not there have the domains
            of its Table 1. Others that are not there leave the network alone. Other keys are not
            read.

    Returns:
        The space. A variable beyond the paper is in it if some of its values change the network.

    Example:
        >>> space_of({"quantization": [0]}).names[-1]
        'quantization'
    """
    variables = []
    for name, known in VARIABLES.items():
        asked = settings.get(name, known.usual or EVERY_AMOUNT)
        if isinstance(asked, Mapping):
            interval = (float(asked["minimum"]), float(asked["maximum"]))
            variables.append(Variable(name, known.symbol, interval=interval))
        elif known.symbol or list(asked) != known.usual:
            variables.append(Variable(name, known.symbol, tuple(sorted(map(float, asked)))))
    return SearchSpace(tuple(variables))


def sample_vectors(space: SearchSpace, count: int, rng: np.random.Generator) -> np.ndarray:
    """Draw designs uniformly.

    Integers are drawn as integers. Rounded uniform numbers would have their end values half as
    often as the others.

    Args:
        space: The designs to draw from.
        count: Number of designs.
        rng: Generator of the draws.

    Returns:
        Their vectors, float64 of shape (count, d).
    """
    lower, upper = space.lower(), space.upper()
    integers = rng.integers(lower.astype(int), upper.astype(int) + 1, size=(count, len(lower)))
    floats = rng.uniform(lower, upper, size=(count, len(lower)))
    return np.where(space.integer, integers, np.clip(floats.round(AMOUNT_DIGITS), lower, upper))


def sample_design(space: SearchSpace, rng: np.random.Generator) -> Design:
    """Draw one design uniformly.

    Args:
        space: The designs to draw from.
        rng: Generator of the draws.

    Returns:
        The design.

    Example:
        >>> space = space_of({"linear_amount": {"minimum": 0.05, "maximum": 0.95}})
        >>> design = sample_design(space, np.random.default_rng(1))
        >>> 0.05 <= design.linear_amount <= 0.95
        True
        >>> design == sample_design(space, np.random.default_rng(1))
        True
    """
    return space.design(sample_vectors(space, 1, rng)[0])


def sample_seed(seed: int, initial_seed: int | None) -> int:
    """The seed of a run's initial sample and of its random subsets of layers.

    Args:
        seed: The run's own seed.
        initial_seed: The config's budget.initial_seed, the seed of one sample that all runs share.

    Returns:
        `initial_seed` where there is one, else `seed`.
    """
    return seed if initial_seed is None else initial_seed
