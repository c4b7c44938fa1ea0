"""One search with a budget of true evaluations.

A method proposes designs. The archive evaluates each distinct network once and keeps all
evaluations in order. The journal records them. All random numbers come from the seed, the stream
and the iteration. So a search that died and is started again takes its results from the journal. It
ends with the same bytes as a search that never died.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from functools import partial
from time import perf_counter
from types import MappingProxyType
from typing import Any, Protocol

import numpy as np

from ..compression.designs import Design, sample_design
from ..compression.plans import Plan
from ..errors import UserError
from ..jobs.journal import Journal
from .evaluations import Evaluation, Iteration, Target, check_fractions, measured
from .objectives import constraint_value, feasible_front, minimized

# A small space may have fewer distinct networks than the budget. So the draws must end.
ATTEMPTS = 10_000


def generator(seed: int, stream: str, iteration: int = 0) -> np.random.Generator:
    """Make a generator whose numbers are independent for each run seed, stream and iteration."""
    return np.random.default_rng([seed, iteration, *stream.encode()])


def sample_initial(target: Target, count: int, seed: int) -> list[tuple[Design, Plan]]:
    """Draw the initial sample, which all methods of a seed share.

    The designs are drawn uniformly from the space.

    Args:
        target: The search problem.
        count: Number of distinct networks.
        seed: Seed of the sample.

    Returns:
        `count` canonical designs with different plans, and these plans.

    Raises:
        UserError: ATTEMPTS random designs have fewer distinct networks.

    Example:
        >>> from paretopress.compression.designs import SearchSpace
        >>> from paretopress.compression.plans import Layer, Layout, canonical
        >>> layout = Layout(linear=(Layer("0", weight=99, bias=0),), conv=(), quantizable=True)
        >>> space = SearchSpace(linear_amount=(0.1, 0.9), conv_amount=(0.1, 0.9))
        >>> target = Target(space, partial(canonical, layout=layout, seed=1), None, threshold=0)
        >>> sample = sample_initial(target, count=3, seed=1)
        >>> len({plan.design_id for design, plan in sample})
        3
    """
    rng = generator(seed, "initial")
    found: dict[str, tuple[Design, Plan]] = {}
    for _ in range(ATTEMPTS):
        design, plan = target.canonical(sample_design(target.space, rng))
        found.setdefault(plan.design_id, (design, plan))
        if len(found) == count:
            return list(found.values())
    raise UserError(
        f"budget.initial = {count}: only {len(found)} distinct networks were met "
        f"in {ATTEMPTS:,} random designs. "
        "Lower budget.initial, or widen search_space."
    )


class Archive:
    """All true evaluations of one run, in order. The budget counts distinct networks.

    Args:
        target: The search problem.
        budget: True evaluations that the run may spend, the initial sample included.
        seed: Seed of the run.
        initial: The evaluated initial sample. `take_initial` takes evaluations from it.
        journal: Record of the search on disk. Its evaluations cost no time after a restart.
        machine: Facts that are recorded with each time (threads, processor), since a search may go
            on elsewhere.

    Attributes:
        evaluations: The evaluations so far.
        iterations: A row of facts for each iteration.
        timings: A row with the seconds of each search step and each evaluation.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> from paretopress.compression.designs import SearchSpace
        >>> from paretopress.compression.evaluation import Measurement
        >>> target = Target(
        ...     space=SearchSpace((0.1, 0.9), (0.1, 0.9)),
        ...     canonical=lambda design: (design, Plan((("0.weight", 8),), quantized=False)),
        ...     evaluate=lambda plan: Measurement(nonzero_rate=0.2, accuracy=0.9, seconds=0.01),
        ...     threshold=0.85,
        ... )
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     archive = Archive(target, 2, 1, [], Journal(Path(folder) / "journal", "example"))
        ...     archive.evaluate(Design(2, 0, 0.8, 0.5, 1, 1, 0), "infill", 1).accuracy
        0.9
        >>> archive.left, archive.front().tolist()
        (1, [[0.2, -0.9]])
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
        """The remaining budget, in true evaluations."""
        return self.budget - len(self.evaluations)

    def knows(self, design: Design) -> bool:
        """Tell whether the network of a design was evaluated."""
        return self.target.canonical(design)[1].design_id in self._known

    def vectors(self) -> np.ndarray:
        """The evaluated designs, shape (n, 7), in the order of VARIABLES."""
        return np.stack([evaluation.design.vector() for evaluation in self.evaluations])

    def objectives(self) -> np.ndarray:
        """Non-zero rate and minus accuracy of each evaluation, minimised, shape (n, 2)."""
        return minimized(
            np.array([evaluation.nonzero_rate for evaluation in self.evaluations]),
            np.array([evaluation.accuracy for evaluation in self.evaluations]),
        )

    def constraint(self) -> np.ndarray:
        """Threshold minus accuracy of each evaluation, feasible where <= 0, shape (n,)."""
        return constraint_value(
            np.array([evaluation.accuracy for evaluation in self.evaluations]),
            self.target.threshold,
        )

    def front(self) -> np.ndarray:
        """Objectives of the feasible non-dominated evaluations, minimised, shape (n, 2)."""
        objectives = self.objectives()
        return objectives[feasible_front(objectives, self.constraint())]

    def take_initial(self, count: int) -> None:
        """Take the first `count` designs of the evaluated initial sample.

        Each takes one evaluation from the budget. The budget may end before `count`.

        Raises:
            UserError: A non-zero rate or an accuracy is not in [0, 1].
        """
        for evaluation in self.initial[: min(count, self.left)]:
            check_fractions(evaluation.design_id, evaluation.nonzero_rate, evaluation.accuracy)
            self._append(evaluation, {})

    def evaluate(self, design: Design, phase: str, iteration: int) -> Evaluation:
        """Evaluate the network of a design, unless it was evaluated before.

        A new network takes one evaluation from the budget. A known one is free.

        Args:
            design: Any design.
            phase: "infill" or "generation".
            iteration: Number of the iteration, from 1.

        Returns:
            The new or the earlier evaluation.

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
                "step": "evaluation", "iteration": evaluation.iteration,
                "evaluation": evaluation.evaluation, "seconds": evaluation.seconds, **machine,
            }
        )  # fmt: skip
        return evaluation

    def propose(self, iteration: int, compute: Callable[[], Iteration]) -> list[Design]:
        """Compute and record the infills of an iteration, or return the recorded ones."""

        def timed() -> dict[str, Any]:
            start = perf_counter()
            proposal = asdict(compute())
            return {**proposal, "seconds": perf_counter() - start, "machine": self._machine}

        record = self._journal.remember("iterations", f"{iteration:06d}", timed)
        self.timings.append(
            {
                "step": "search", "iteration": iteration, "evaluation": None,
                "seconds": record.pop("seconds"), **record.pop("machine"),
            }
        )  # fmt: skip
        designs = [Design(**design) for design in record.pop("infills")]
        self.iterations.append(
            {"iteration": iteration, "evaluations": len(self.evaluations), **record}
        )
        return designs

    def finish_iteration(self, left_out: int = 0) -> None:
        """Complete the latest iteration after its evaluations.

        Args:
            left_out: Number of its infills, the last ones, that the budget did not reach.
        """
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


class Method(Protocol):
    """A search method."""

    def run(self, archive: Archive, after_iteration: Callable[[Archive], None]) -> None:
        """Spend the archive's budget, and call `after_iteration` after each iteration."""
        ...


def spend_budget(
    archive: Archive,
    propose: Callable[[Archive, int], Iteration],
    after_iteration: Callable[[Archive], None],
) -> None:
    """Run the loop of most methods: take the initial sample, then evaluate iteration by iteration.

    An iteration without infills ends the search.

    Args:
        archive: The archive with the budget.
        propose: Function from the archive and the number of an iteration (from 1) to the iteration.
            It may depend on the evaluations and the number alone, not on the budget. Its random
            numbers come from `generator(archive.seed, STREAM, number)`. So a search that died, or
            whose budget was raised, goes on to the same bytes.
        after_iteration: Function that is called after each iteration.
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
