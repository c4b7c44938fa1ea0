"""One search with a budget of true evaluations: its problem, its data, and its archive.

Random numbers come from seed, stream and iteration, and the journal records each evaluation. So a
search that died and is started again ends with the same bytes as one that never died.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from time import perf_counter
from typing import Any

import numpy as np

from ..compression.designs import SearchSpace, sample_design, values_of
from ..compression.evaluation import Measurement
from ..compression.layers import Layout
from ..compression.packed_size import bytes_rate
from ..compression.plans import Plan, canonical, canonical_values
from ..config.sizes import BYTES, NONZERO_RATE
from ..config.variables import Design
from ..errors import UserError
from ..jobs.journal import Journal
from .evaluations import Evaluation, Iteration
from .objectives import constraint_value, feasible_front, minimized

ATTEMPTS = 10_000  # draws must end, as a small space may have fewer networks than the budget


def generator(seed: int, stream: str, iteration: int = 0) -> np.random.Generator:
    """Make a generator whose numbers are independent for each run seed, stream and iteration."""
    return np.random.default_rng([seed, iteration, *stream.encode()])


@dataclass(frozen=True)
class Target:
    """The problem that is searched.

    Attributes:
        space: The designs that may be proposed.
        layout: Layers of the network.
        seed: Seed of the random subsets of layers, from `sample_seed`.
        evaluate: Gives the true evaluation of a plan, as `evaluation.measure`.
        threshold: tau, the least accuracy that is feasible, in [0, 1).
        size: The size that is minimised, a key of config.sizes.SIZES.
        begin: Takes plans that will be evaluated next, and may begin with several at once.
        kept: Entries of the layers that nothing is done to, which count in the non-zero rate.
    """

    space: SearchSpace
    layout: Layout
    seed: int
    evaluate: Callable[[Plan], Measurement]
    threshold: float
    size: str = NONZERO_RATE
    begin: Callable[[Sequence[Plan]], None] = lambda plans: None
    kept: int = 0

    def bytes_rate(self, plan: Plan) -> float:
        """The bytes of the packed network of a plan, as `packed_size.bytes_rate`."""
        return bytes_rate(plan, self.layout)

    def known_size(self, plan: Plan) -> float:
        """The size of the network of a plan, exact unless the trained one holds zeros already."""
        if self.size == BYTES:
            return self.bytes_rate(plan)
        entries = max(1, self.kept + self.layout.entries - self.layout.others)
        return (entries - sum(zeros for _, zeros in plan.zeros)) / entries

    def canonical(self, design: Design) -> tuple[Design, Plan]:
        """The canonical form and the plan of a design, as `plans.canonical`."""
        return canonical(design, self.layout, self.seed)

    def canonical_vectors(self, X: np.ndarray) -> np.ndarray:
        """The canonical forms of vectors of shape (n, d), which are rounded before."""
        values = canonical_values(self.space.values(X), self.layout, self.seed)
        return self.space.vectors(values)


def measured(target: Target, plan: Plan) -> Measurement:
    """Evaluate the network of a plan, and raise a UserError if a result is not in [0, 1]."""
    measurement = target.evaluate(plan)
    _check(plan.design_id, measurement.nonzero_rate, measurement.accuracy)
    return measurement


def _check(design_id: str, nonzero_rate: float, accuracy: float) -> None:
    for name, value in (("nonzero_rate", nonzero_rate), ("accuracy", accuracy)):
        if not 0 <= value <= 1:
            raise UserError(
                f"design {design_id}: its measured {name} is {value}, and must lie between 0 and 1."
                " Mend the evaluation and start again. Earlier evaluations are kept."
            )


def sample_initial(target: Target, count: int, seed: int) -> list[tuple[Design, Plan]]:
    """Draw the sample of a seed: `count` distinct networks, as canonical designs and their plans.

    Raises:
        UserError: ATTEMPTS random designs have fewer distinct networks.
    """
    rng = generator(seed, "initial")
    found: dict[str, tuple[Design, Plan]] = {}
    for _ in range(ATTEMPTS):
        design, plan = target.canonical(sample_design(target.space, rng))
        found.setdefault(plan.design_id, (design, plan))
        if len(found) == count:
            return list(found.values())
    raise UserError(
        f"budget.initial = {count}: the number of distinct networks among {ATTEMPTS:,} random "
        f"designs is {len(found)}. Lower budget.initial, or widen search_space."
    )


class Archive:
    """All true evaluations of one run, in order. The budget counts distinct networks.

    Args:
        target, seed: The search problem and the seed of the run.
        budget: True evaluations that the run may spend, the initial sample included.
        initial: The evaluated initial sample. `take_initial` takes evaluations from it.
        journal: Record of the search on disk. Its evaluations cost no time after a restart.
        machine: Gives the facts to record with each time (threads, processor, memory).
    """

    def __init__(
        self,
        target: Target,
        budget: int,
        seed: int,
        initial: Iterable[Evaluation],
        journal: Journal,
        machine: Callable[[], Mapping[str, Any]] = dict,
    ) -> None:
        self.target = target
        self.budget = budget
        self.seed = seed
        self.initial = tuple(initial)
        self.evaluations: list[Evaluation] = []
        self.iterations: list[dict[str, Any]] = []
        self.timings: list[dict[str, Any]] = []
        self._journal = journal
        self._machine = machine
        self._known: dict[str, Evaluation] = {}

    @property
    def left(self) -> int:
        """The remaining budget, in true evaluations."""
        return self.budget - len(self.evaluations)

    def knows(self, design: Design) -> bool:
        """Tell whether the network of a design was evaluated."""
        return self.target.canonical(design)[1].design_id in self._known

    def vectors(self) -> np.ndarray:
        """The evaluated designs as vectors of the space, shape (n, d)."""
        designs = [evaluation.design for evaluation in self.evaluations]
        return self.target.space.vectors(values_of(designs))

    def objectives(self, evaluations: Sequence[Evaluation] | None = None) -> np.ndarray:
        """Size and minus accuracy of evaluations, by default of all, minimised, shape (n, 2)."""
        chosen = self.evaluations if evaluations is None else evaluations
        return minimized(
            np.array([getattr(evaluation, self.target.size) for evaluation in chosen]),
            np.array([evaluation.accuracy for evaluation in chosen]),
        )

    def constraint(self, evaluations: Sequence[Evaluation] | None = None) -> np.ndarray:
        """Threshold minus accuracy of evaluations, by default of all, feasible where <= 0, (n,)."""
        return constraint_value(-self.objectives(evaluations)[:, 1], self.target.threshold)

    def front(self) -> np.ndarray:
        """Objectives of the feasible non-dominated evaluations, minimised, shape (n, 2)."""
        objectives = self.objectives()
        return objectives[feasible_front(objectives, self.constraint())]

    def take_initial(self, count: int) -> None:
        """Take the first `count` designs of the initial sample, as far as the budget reaches."""
        for evaluation in self.initial[: min(count, self.left)]:
            _check(evaluation.design_id, evaluation.nonzero_rate, evaluation.accuracy)
            self._append(evaluation, {})

    def evaluate(self, design: Design, phase: str, iteration: int) -> Evaluation:
        """Evaluate the network of a design, or return its earlier evaluation, which is free.

        Raises:
            RuntimeError: The network is new and the budget is spent.
            UserError: A non-zero rate or an accuracy is not in [0, 1].
        """
        design, plan = self.target.canonical(design)
        if (known := self._known.get(plan.design_id)) is not None:
            return known
        if not self.left:
            raise RuntimeError("the budget of true evaluations is spent")
        record = self._journal.remember(
            "evaluations",
            plan.design_id,
            lambda: {**asdict(measured(self.target, plan)), "machine": self._machine()},
        )
        machine = record.pop("machine") | {"differing": record.pop("differing", None)}
        number = len(self.evaluations) + 1
        evaluation = Evaluation(
            number, phase, iteration, plan.design_id, design,
            bytes=self.target.bytes_rate(plan), **record,
        )  # fmt: skip
        return self._append(evaluation, machine)

    def evaluate_all(
        self, designs: Sequence[Design], phase: str, iteration: int
    ) -> list[Evaluation]:
        """Evaluate the designs of an iteration in their order, as far as the budget reaches."""
        plans = {plan.design_id: plan for _, plan in map(self.target.canonical, designs)}
        new = [
            plan
            for name, plan in plans.items()
            if name not in self._known and not self._journal.has("evaluations", name)
        ]
        self.target.begin(new[: self.left])
        return [
            self.evaluate(design, phase, iteration)
            for design in designs
            if self.left or self.knows(design)
        ]

    def _append(self, evaluation: Evaluation, machine: Mapping[str, Any]) -> Evaluation:
        self.evaluations.append(evaluation)
        self._known[evaluation.design_id] = evaluation
        self.timings.append({
            "step": "evaluation", "iteration": evaluation.iteration,
            "evaluation": evaluation.evaluation, "seconds": evaluation.seconds, **machine,
            "path": evaluation.path,
        })  # fmt: skip
        return evaluation

    def propose(self, iteration: int, compute: Callable[[], Iteration]) -> list[Design]:
        """Compute and record the infills of an iteration, or return the recorded ones."""

        def timed() -> dict[str, Any]:
            start = perf_counter()
            proposal = asdict(compute())
            return {**proposal, "seconds": perf_counter() - start, "machine": self._machine()}

        record = self._journal.remember("iterations", f"{iteration:06d}", timed)
        self.timings.append({
            "step": "search", "iteration": iteration, "evaluation": None,
            "seconds": record.pop("seconds"), **record.pop("machine"),
        })  # fmt: skip
        designs = [Design(**design) for design in record.pop("infills")]
        self.iterations.append(
            {"iteration": iteration, "evaluations": len(self.evaluations), **record}
        )
        return designs

    def finish_iteration(self, left_out: int = 0) -> None:
        """Complete the latest iteration; the budget had no evaluation for `left_out` infills."""
        latest = self.iterations[-1]
        latest["fallbacks"] = max(0, latest["fallbacks"] - left_out)
        latest["fallback_reason"] = latest["fallback_reason"] if latest["fallbacks"] else ""
        latest |= {"evaluations": len(self.evaluations), "front_size": len(self.front())}

    def random_new_design(
        self, rng: np.random.Generator, excluded: Iterable[str] = ()
    ) -> Design | None:
        """Draw a design whose network is neither known nor excluded (design ids), or None."""
        taken = set(excluded)
        for _ in range(ATTEMPTS):
            design, plan = self.target.canonical(sample_design(self.target.space, rng))
            if plan.design_id not in self._known and plan.design_id not in taken:
                return design
        return None


def spend_budget(
    archive: Archive,
    propose: Callable[[Archive, int], Iteration],
    after_iteration: Callable[[Archive], None],
    initial: int | None = None,
) -> None:
    """Run the loop of most methods: take the initial sample, then evaluate iteration by iteration.

    Args:
        archive: The archive with the budget.
        propose: Gives an iteration from archive and number, from 1; no infills end the search. It
            depends on evaluations and number alone, with random numbers of `generator(archive.seed,
            STREAM, number)`. So a search with a raised budget goes on to the same bytes.
        after_iteration: Called after each iteration.
        initial: The first designs of the initial sample to take, None for all.
    """
    archive.take_initial(archive.budget if initial is None else initial)
    iteration = 0
    while archive.left:
        iteration += 1
        infills = archive.propose(iteration, partial(propose, archive, iteration))
        evaluated = archive.evaluate_all(infills, "infill", iteration)
        archive.finish_iteration(left_out=len(infills) - len(evaluated))
        after_iteration(archive)
        if not infills:
            return
