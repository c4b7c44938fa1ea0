"""Search spaces for tests, and the designs in them."""

from typing import Any

import numpy as np

from paretopress.compression.designs import SearchSpace, space_of, values_of
from paretopress.compression.plans import Plan
from paretopress.config.variables import Design
from paretopress.search.archive import Target


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


def result_of(target: Target, plan: Plan) -> dict[str, Any]:
    """The numbers of an evaluation that a table of evaluations has."""
    found = target.evaluate(plan)
    return {key: getattr(found, key) for key in ("nonzero_rate", "accuracy", "seconds")}
