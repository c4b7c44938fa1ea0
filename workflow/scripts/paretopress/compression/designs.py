"""The seven decision variables: one design, the space of all designs, and uniform samples of it.

Table 1 of the paper gives the domains. The docstring of `Design` says what each value means.
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
    """One design: the variables x1 to x7 of the paper.

    Attributes:
        linear_scope: Linear layers to prune: 0 none, 1 a random subset, 2 all.
        conv_scope: The same for the convolution layers.
        linear_amount: Fraction in (0, 1) of the entries of each chosen tensor of the Linear
            layers. These entries become zero.
        conv_amount: The same for the convolution layers.
        linear_target: Tensors of the Linear layers to prune: 0 bias, 1 weight, 2 both.
        conv_target: The same for the convolution layers.
        quantization: 0 none, 1 dynamic int8 of the Linear layers.

    Example:
        >>> design = Design(2, 0, 0.914, 0.5, 1, 0, 0)
        >>> design.linear_amount
        0.914
        >>> design.vector().tolist()
        [2.0, 0.0, 0.914, 0.5, 1.0, 0.0, 0.0]
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


def rounded(X: np.ndarray) -> np.ndarray:
    """Round integers to whole numbers and amounts to AMOUNT_DIGITS decimals.

    Args:
        X: Vectors in the order of VARIABLES, shape (n, 7) or (7,).

    Returns:
        The rounded vectors, of the same shape.
    """
    return np.where(INTEGER, np.rint(X), np.round(X, AMOUNT_DIGITS))


def design_of(vector: np.ndarray) -> Design:
    """Return the design of a vector of shape (7,) whose integers are whole; amounts stay as given.

    Raises:
        ValueError: The vector does not have seven numbers.
    """
    values: list[Any] = [
        int(value) if integer else float(value)
        for value, integer in zip(vector, INTEGER, strict=True)
    ]
    return Design(*values)


def design_from_vector(vector: np.ndarray) -> Design:
    """Return the design nearest to a vector.

    Args:
        vector: Seven numbers in the order of VARIABLES, shape (7,).

    Returns:
        The design. Integers are rounded, amounts are rounded to AMOUNT_DIGITS decimals.

    Raises:
        ValueError: The vector does not have seven numbers.

    Example:
        >>> design = design_from_vector(np.array([1.8, 0.1, 0.91400004, 0.5, 1, 0, 0]))
        >>> design == Design(2, 0, 0.914, 0.5, 1, 0, 0)
        True
    """
    return design_of(rounded(vector))


@dataclass(frozen=True)
class SearchSpace:
    """The space of all designs. The integers have the domains of the paper's Table 1.

    Attributes:
        linear_amount: Lower and upper bound of the amount of the Linear layers, both in (0, 1).
        conv_amount: The same for the convolution layers.

    Example:
        >>> space = SearchSpace(linear_amount=(0.05, 0.95), conv_amount=(0.1, 0.9))
        >>> space.lower().tolist()
        [0.0, 0.0, 0.05, 0.1, 0.0, 0.0, 0.0]
        >>> space.upper().tolist()
        [2.0, 2.0, 0.95, 0.9, 2.0, 2.0, 1.0]
    """

    linear_amount: tuple[float, float]
    conv_amount: tuple[float, float]

    def lower(self) -> np.ndarray:
        """The lower bounds as float64, shape (7,), in the order of VARIABLES."""
        return np.array([0, 0, self.linear_amount[0], self.conv_amount[0], 0, 0, 0], dtype=float)

    def upper(self) -> np.ndarray:
        """The upper bounds as float64, shape (7,), in the order of VARIABLES."""
        return np.array([2, 2, self.linear_amount[1], self.conv_amount[1], 2, 2, 1], dtype=float)


def sample_vectors(space: SearchSpace, count: int, rng: np.random.Generator) -> np.ndarray:
    """Draw designs uniformly.

    Integers are drawn as integers. Rounded uniform numbers would have their end values half as
    often as the others.

    Args:
        space: Bounds of the designs.
        count: Number of designs.
        rng: Generator of the draws.

    Returns:
        The designs, float64 of shape (count, 7), in the order of VARIABLES.
    """
    lower, upper = space.lower(), space.upper()
    integers = rng.integers(lower.astype(int), upper.astype(int) + 1, size=(count, len(VARIABLES)))
    floats = rng.uniform(lower, upper, size=(count, len(VARIABLES)))
    return np.where(INTEGER, integers, np.clip(floats.round(AMOUNT_DIGITS), lower, upper))


def sample_design(space: SearchSpace, rng: np.random.Generator) -> Design:
    """Draw one design uniformly.

    Args:
        space: Bounds of the design.
        rng: Generator of the draws.

    Returns:
        The design.

    Example:
        >>> space = SearchSpace(linear_amount=(0.05, 0.95), conv_amount=(0.05, 0.95))
        >>> design = sample_design(space, np.random.default_rng(1))
        >>> 0.05 <= design.linear_amount <= 0.95
        True
        >>> design == sample_design(space, np.random.default_rng(1))
        True
    """
    return design_from_vector(sample_vectors(space, 1, rng)[0])


def sample_seed(seed: int, initial_seed: int | None) -> int:
    """The seed of a run's initial sample and of its random subsets of layers.

    Args:
        seed: The run's own seed.
        initial_seed: The config's budget.initial_seed, the seed of one sample that all runs share.

    Returns:
        `initial_seed` where there is one, else `seed`.
    """
    return seed if initial_seed is None else initial_seed
