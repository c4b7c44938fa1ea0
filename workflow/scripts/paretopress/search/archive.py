"""One search under a budget of true evaluations: what a method is given, and what it leaves behind.

A method proposes designs; the archive evaluates each distinct network once, keeps all of them in order, and knows what is left
of the budget. Everything is recorded in the journal, and all randomness comes from (seed, stream, iteration): a search that
died and is started again replays its records and ends with the same bytes as one that never died.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from functools import partial
from time import perf_counter
from types import MappingProxyType
from typing import Any, Protocol

import numpy as np

from ..compression.designs import Design, SearchSpace, sample_design
from ..compression.evaluation import Measurement
from ..compression.plans import Plan
from ..errors import UserError
from ..jobs.journal import Journal
from .objectives import constraint_value, feasible_front, minimized

# A space can have fewer distinct networks than a budget has evaluations; a sampler that meets only known ones must end.
ATTEMPTS = 10_000


def generator(seed: int, stream: str, iteration: int = 0) -> np.random.Generator:
    """Independent random numbers for each (run seed, purpose, iteration)."""
    return np.random.default_rng([seed, iteration, *stream.encode()])


@dataclass(frozen=True)
class Target:
    """What is searched: the space, the canonical form of a design, its true evaluation, the accuracy threshold tau."""

    space: SearchSpace
    canonical: Callable[[Design], tuple[Design, Plan]]
    evaluate: Callable[[Plan], Measurement]
    threshold: float


def measured(target: Target, plan: Plan) -> Measurement:
    """The true evaluation of a network. Raises UserError where it gives no fractions (NaN, infinity), which nothing can be made of."""
    measurement = target.evaluate(plan)
    _check(plan.design_id, measurement.nonzero_rate, measurement.accuracy)
    return measurement


def _check(design_id: str, nonzero_rate: float, accuracy: float) -> None:
    for name, value in (("nonzero_rate", nonzero_rate), ("accuracy", accuracy)):
        if not 0 <= value <= 1:
            raise UserError(
                f"design {design_id}: its measured {name} is {value}, and must lie between 0 and 1. No search can go on with it: mend the "
                "evaluation, and start again; what was evaluated before is kept."
            )


@dataclass(frozen=True)
class Evaluation:
    """One true evaluation; phase is initial, infill or generation."""

    evaluation: int
    phase: str
    iteration: int
    design_id: str
    design: Design
    nonzero_rate: float
    accuracy: float
    seconds: float

    def row(self) -> dict[str, Any]:
        """The evaluation and its design's variables by column."""
        return {**asdict(self), **asdict(self.design)}


@dataclass(frozen=True)
class Iteration:
    """One iteration of a method, before its designs were evaluated.

    infills: the designs to evaluate, best first: where the budget ends among them, the head of them is.
    surrogate_front: feasible non-dominated designs found on the surrogates, None without any.
    fallbacks: how many of the infills, the last ones, were drawn at random because the surrogate front
    held too few new designs; reason says which case it was.
    surrogates, scores: by function of objectives.FUNCTIONS.
    """

    infills: list[Design]
    surrogate_front: int | None = None
    fallbacks: int = 0
    fallback_reason: str = ""
    surrogates: dict[str, str] = field(default_factory=dict)
    scores: dict[str, dict[str, float]] = field(default_factory=dict)


def sample_initial(target: Target, count: int, seed: int) -> list[tuple[Design, Plan]]:
    """`count` distinct networks, drawn uniformly from the space: the initial sample that all methods of a seed share.

    Raises UserError where the space holds fewer.
    """
    rng = generator(seed, "initial")
    found: dict[str, tuple[Design, Plan]] = {}
    for _ in range(ATTEMPTS):
        design, plan = target.canonical(sample_design(target.space, rng))
        found.setdefault(plan.design_id, (design, plan))
        if len(found) == count:
            return list(found.values())
    raise UserError(
        f"budget.initial = {count}: only {len(found)} distinct networks were met in {ATTEMPTS:,} random designs. "
        "Lower budget.initial, or widen search_space."
    )


class Archive:
    """Every true evaluation of one run, in order; a budget counts distinct networks.

    machine: what a step's seconds are told with (threads, processor); it is recorded with them, since
    a search can go on elsewhere.
    """

    def __init__(
        self,
        target: Target,
        budget: int,
        seed: int,
        initial: Iterable[Evaluation],
        journal: Journal,
        machine: Mapping[str, Any] = MappingProxyType({}),
    ) -> None:
        self.target = target
        self.budget = budget
        self.seed = seed
        self.initial = tuple(initial)
        self.evaluations: list[Evaluation] = []
        self.iterations: list[dict[str, Any]] = []
        self.timings: list[dict[str, Any]] = []
        self._journal = journal
        self._machine = dict(machine)
        self._known: dict[str, Evaluation] = {}

    @property
    def left(self) -> int:
        return self.budget - len(self.evaluations)

    def knows(self, design: Design) -> bool:
        return self.target.canonical(design)[1].design_id in self._known

    def vectors(self) -> np.ndarray:
        """The evaluated designs, shape (n, 7)."""
        return np.stack([evaluation.design.vector() for evaluation in self.evaluations])

    def objectives(self) -> np.ndarray:
        """Shape (n, 2), minimised."""
        return minimized(
            np.array([evaluation.nonzero_rate for evaluation in self.evaluations]),
            np.array([evaluation.accuracy for evaluation in self.evaluations]),
        )

    def constraint(self) -> np.ndarray:
        """Shape (n,), feasible where <= 0."""
        return constraint_value(
            np.array([evaluation.accuracy for evaluation in self.evaluations]),
            self.target.threshold,
        )

    def front(self) -> np.ndarray:
        """Objectives of the feasible non-dominated evaluations, minimised, shape (n, 2)."""
        objectives = self.objectives()
        return objectives[feasible_front(objectives, self.constraint())]

    def take_initial(self, count: int) -> None:
        """Takes the first `count` designs of the shared initial sample, already evaluated, at the cost of as many evaluations."""
        for evaluation in self.initial[: min(count, self.left)]:
            _check(evaluation.design_id, evaluation.nonzero_rate, evaluation.accuracy)
            self._append(evaluation, {})

    def evaluate(self, design: Design, phase: str, iteration: int) -> Evaluation:
        """The evaluation of `design`'s network: an earlier one at no cost, or a new one that spends one of the budget.

        Raises RuntimeError where the network is new and the budget spent.
        """
        design, plan = self.target.canonical(design)
        if (known := self._known.get(plan.design_id)) is not None:
            return known
        if not self.left:
            raise RuntimeError("the budget of true evaluations is spent")
        record = self._journal.remember(
            "evaluations",
            plan.design_id,
            lambda: {**asdict(measured(self.target, plan)), "machine": self._machine},
        )
        machine = record.pop("machine")
        number = len(self.evaluations) + 1
        evaluation = Evaluation(number, phase, iteration, plan.design_id, design, **record)
        return self._append(evaluation, machine)

    def _append(self, evaluation: Evaluation, machine: Mapping[str, Any]) -> Evaluation:
        self.evaluations.append(evaluation)
        self._known[evaluation.design_id] = evaluation
        self.timings.append(
            {
                "step": "evaluation",
                "iteration": evaluation.iteration,
                "evaluation": evaluation.evaluation,
                "seconds": evaluation.seconds,
                **machine,
            }
        )
        return evaluation

    def propose(self, iteration: int, compute: Callable[[], Iteration]) -> list[Design]:
        """The infills of an iteration: recorded ones after a restart, else computed and recorded."""

        def timed() -> dict[str, Any]:
            start = perf_counter()
            proposal = asdict(compute())
            return {**proposal, "seconds": perf_counter() - start, "machine": self._machine}

        record = self._journal.remember("iterations", f"{iteration:06d}", timed)
        self.timings.append(
            {
                "step": "search",
                "iteration": iteration,
                "evaluation": None,
                "seconds": record.pop("seconds"),
                **record.pop("machine"),
            }
        )
        designs = [Design(**design) for design in record.pop("infills")]
        self.iterations.append(
            {"iteration": iteration, "evaluations": len(self.evaluations), **record}
        )
        return designs

    def finish_iteration(self, left_out: int = 0) -> None:
        """Adds to the latest iteration what its evaluations changed.

        left_out: how many of its infills, the last ones, the budget had no evaluation for.
        """
        latest = self.iterations[-1]
        latest["fallbacks"] = max(0, latest["fallbacks"] - left_out)
        latest["fallback_reason"] = latest["fallback_reason"] if latest["fallbacks"] else ""
        latest |= {"evaluations": len(self.evaluations), "front_size": len(self.front())}

    def random_new_design(
        self, rng: np.random.Generator, excluded: Iterable[str] = ()
    ) -> Design | None:
        """A uniformly drawn design whose network is neither known nor excluded (by id); None where none was met."""
        taken = set(excluded)
        for _ in range(ATTEMPTS):
            design, plan = self.target.canonical(sample_design(self.target.space, rng))
            if plan.design_id not in self._known and plan.design_id not in taken:
                return design
        return None


class Method(Protocol):
    """A search method: spends the archive's budget, calling `after_iteration` after each iteration."""

    def run(self, archive: Archive, after_iteration: Callable[[Archive], None]) -> None: ...


def spend_budget(
    archive: Archive,
    propose: Callable[[Archive, int], Iteration],
    after_iteration: Callable[[Archive], None],
) -> None:
    """The loop of most methods: the shared initial sample, then the infills of one iteration after another.

    propose: an iteration from the archive and its number, counted from 1. It must depend on what was
    evaluated and on the number alone, and on no budget; its random numbers come from
    generator(archive.seed, STREAM, number). So a search that died, or whose budget was raised, goes
    on to the same bytes. An iteration without infills ends the search.
    """
    archive.take_initial(archive.budget)
    iteration = 0
    while archive.left:
        iteration += 1
        infills = archive.propose(iteration, partial(propose, archive, iteration))
        evaluated = [
            archive.evaluate(design, "infill", iteration)
            for design in infills
            if archive.left or archive.knows(design)
        ]
        archive.finish_iteration(left_out=len(infills) - len(evaluated))
        after_iteration(archive)
        if not infills:
            return
