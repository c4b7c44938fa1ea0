"""What a search records: its true evaluations, and its iterations."""

from dataclasses import asdict, dataclass, field
from typing import Any

from ..config.variables import Design


@dataclass(frozen=True)
class Evaluation:
    """One true evaluation, in the order of the columns of evaluations.csv (docs/outputs.md).

    Evaluations count from 1, iterations from 0 (the initial sample). `phase` is "initial", "infill"
    or "generation". `design` is canonical, and equal values of `design_id` are equal networks.
    `path` is how the images passed, as in `compression.evaluation.Measurement`.
    """

    evaluation: int
    phase: str
    iteration: int
    design_id: str
    design: Design
    nonzero_rate: float
    bytes: float
    accuracy: float
    seconds: float
    path: str = ""

    def row(self) -> dict[str, Any]:
        """The evaluation and the variables of its design, by column."""
        return {**asdict(self), **asdict(self.design)}


@dataclass(frozen=True)
class Iteration:
    """One iteration of a method, before the evaluation of its designs.

    Attributes:
        infills: Designs to evaluate, best first. The last `fallbacks` of them are random.
        surrogate_front: Number of feasible non-dominated designs on the surrogates, if there are.
        fallback_reason: Why the surrogate front had too few new designs.
        surrogates, scores: Chosen surrogate and scores of each of config.sizes.functions_of.
    """

    infills: list[Design]
    surrogate_front: int | None = None
    fallbacks: int = 0
    fallback_reason: str = ""
    surrogates: dict[str, str] = field(default_factory=dict)
    scores: dict[str, dict[str, float]] = field(default_factory=dict)
