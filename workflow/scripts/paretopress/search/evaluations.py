"""The data of a search: its problem, one true evaluation, one iteration."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

from ..compression.designs import Design, SearchSpace
from ..compression.evaluation import Measurement
from ..compression.plans import Plan
from ..errors import UserError


@dataclass(frozen=True)
class Target:
    """The problem that is searched.

    Attributes:
        space: Bounds of the designs.
        canonical: Function from a design to its canonical form and its plan, such as
            `plans.canonical` for one layout and seed.
        evaluate: Function from a plan to its true evaluation, such as `evaluation.measure` for one
            network and split.
        threshold: tau, the least accuracy that is feasible, in [0, 1).

    Example:
        >>> target = Target(
        ...     space=SearchSpace(linear_amount=(0.05, 0.95), conv_amount=(0.05, 0.95)),
        ...     canonical=lambda design: (design, Plan((("0.weight", 8),), quantized=False)),
        ...     evaluate=lambda plan: Measurement(nonzero_rate=0.2, accuracy=0.9, seconds=0.01),
        ...     threshold=0.85,
        ... )
        >>> design, plan = target.canonical(Design(2, 0, 0.8, 0.5, 1, 1, 0))
        >>> target.evaluate(plan).accuracy >= target.threshold
        True
    """

    space: SearchSpace
    canonical: Callable[[Design], tuple[Design, Plan]]
    evaluate: Callable[[Plan], Measurement]
    threshold: float


def measured(target: Target, plan: Plan) -> Measurement:
    """Evaluate the network of a plan and check the result.

    Args:
        target: The search problem.
        plan: The plan.

    Returns:
        The true evaluation.

    Raises:
        UserError: The non-zero rate or the accuracy is not in [0, 1], for example NaN.
    """
    measurement = target.evaluate(plan)
    check_fractions(plan.design_id, measurement.nonzero_rate, measurement.accuracy)
    return measurement


def check_fractions(design_id: str, nonzero_rate: float, accuracy: float) -> None:
    """Check that both objectives of a design are fractions.

    Args:
        design_id: Id of the design, for the message.
        nonzero_rate: Measured non-zero rate.
        accuracy: Measured accuracy.

    Raises:
        UserError: One of them is not in [0, 1], for example NaN.
    """
    for name, value in (("nonzero_rate", nonzero_rate), ("accuracy", accuracy)):
        if not 0 <= value <= 1:
            raise UserError(
                f"design {design_id}: its measured {name} is {value}, "
                "and must lie between 0 and 1. No search can go on with it: "
                "mend the evaluation, and start again; what was evaluated before is kept."
            )


@dataclass(frozen=True)
class Evaluation:
    """One true evaluation.

    Attributes:
        evaluation: Number of the evaluation in its run, from 1.
        phase: "initial", "infill" or "generation".
        iteration: Number of the iteration, 0 in the initial phase.
        design_id: Id of the plan. Equal ids are equal networks.
        design: The canonical design.
        nonzero_rate: Share of non-zero entries, in [0, 1].
        accuracy: Fraction of correct top-1 predictions, in [0, 1].
        seconds: Wall-clock time of the evaluation.

    Example:
        >>> design = Design(2, 0, 0.8, 0.0, 1, 0, 0)
        >>> first = Evaluation(1, "initial", 0, "f3044cdf3508", design, 0.2, 0.9, seconds=0.4)
        >>> first.row()["linear_amount"]
        0.8
    """

    evaluation: int
    phase: str
    iteration: int
    design_id: str
    design: Design
    nonzero_rate: float
    accuracy: float
    seconds: float

    def row(self) -> dict[str, Any]:
        """The evaluation and the variables of its design, by column."""
        return {**asdict(self), **asdict(self.design)}


@dataclass(frozen=True)
class Iteration:
    """One iteration of a method, before the evaluation of its designs.

    Attributes:
        infills: Designs to evaluate, best first. If the budget ends among them, the rest is left
            out.
        surrogate_front: Number of feasible non-dominated designs on the surrogates, None for a
            method without surrogates.
        fallbacks: Number of infills, the last ones, that were drawn at random. The surrogate front
            had too few new designs for them.
        fallback_reason: Why the front had too few.
        surrogates: Name of the chosen surrogate of each function of objectives.FUNCTIONS.
        scores: Score of each candidate surrogate, for each of these functions.
    """

    infills: list[Design]
    surrogate_front: int | None = None
    fallbacks: int = 0
    fallback_reason: str = ""
    surrogates: dict[str, str] = field(default_factory=dict)
    scores: dict[str, dict[str, float]] = field(default_factory=dict)
