"""Search spaces for tests."""

import numpy as np

from paretopress.compression.designs import SearchSpace, space_of, values_of
from paretopress.config.variables import Design


def bounded(linear_amount: tuple[float, float], conv_amount: tuple[float, float]) -> SearchSpace:
    """The paper's seven variables, with these bounds of the amounts."""
    bounds = {"linear_amount": linear_amount, "conv_amount": conv_amount}
    return space_of(
        {name: {"minimum": low, "maximum": high} for name, (low, high) in bounds.items()}
    )


WHOLE = bounded((0.001, 0.999), (0.001, 0.999))


def vector_of(space: SearchSpace, design: Design) -> np.ndarray:
    """The vector of one design."""
    return space.vectors(values_of([design]))[0]
