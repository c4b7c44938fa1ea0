"""The paper's method (section 4): CTAEA on surrogates that are chosen anew in each iteration."""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from ..config.candidates import SURROGATES, path_of
from ..config.regressors import regressor_class
from ..config.sizes import functions_of
from ..search.archive import Archive, Iteration, Target, generator, spend_budget
from ..search.ctaea import Ctaea
from ..search.infills import INFILL_RULES, Candidate
from ..search.objectives import constraint_value, feasible_front, minimized
from ..search.proposals import NO_NEW_DESIGN, completed
from ..search.selection import (
    Comparison,
    MappedComparison,
    NoSurrogateError,
    Selection,
    select_surrogate,
)
from ..search.surrogates import SurrogateError, unchecked

NO_SURROGATE = "no surrogate"

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class SurrogateSearch:
    """A search on surrogates, after an evaluated random initial sample.

    Each iteration chooses the surrogates, runs CTAEA on them, and evaluates a few infills.

    Attributes:
        objective_metric: Metric that compares the surrogates of both objectives.
        constraint_metric: Metric that compares the surrogates of the constraint.
        population: Population of CTAEA on the surrogates.
        generations: Generations of CTAEA on the surrogates.
        infills: Designs to evaluate in each iteration.
        folds: Folds of the cross-validation.
        infill_rule: A key of INFILL_RULES.
        candidates: The regressors to choose from: keys of SURROGATES, or dotted names of classes.
    """

    objective_metric: str
    constraint_metric: str
    population: int
    generations: int
    infills: int
    folds: int
    infill_rule: str
    candidates: Sequence[str] = tuple(SURROGATES)

    def __post_init__(self) -> None:
        # An import takes up to seconds, which shall not count as the time of an iteration.
        for name in self.candidates:
            regressor_class(path_of(name))

    def run(self, archive: Archive, after_iteration: Callable[[Archive], None]) -> None:
        """Spend the archive's budget, and call `after_iteration` after each iteration."""
        spend_budget(archive, self._propose, after_iteration)

    def _propose(self, archive: Archive, iteration: int) -> Iteration:
        rng = generator(
            archive.seed, f"surrogate-{self.objective_metric}-{self.constraint_metric}", iteration
        )
        with unchecked():
            selections, front = self._found(archive, iteration, rng)
        new = [candidate for candidate in front if not archive.knows(candidate.design)]
        chosen = new if len(new) <= self.infills else self._chosen(new, archive, selections, rng)
        reason = _reason(len(front), len(new)) if selections else NO_SURROGATE
        return replace(
            completed(
                archive, [candidate.design for candidate in chosen], self.infills, rng, reason
            ),
            surrogate_front=len(front),
            surrogates={function: selection.name for function, selection in selections.items()},
            scores={function: dict(selection.scores) for function, selection in selections.items()},
        )

    def _chosen(
        self,
        new: list[Candidate],
        archive: Archive,
        selections: Mapping[str, Selection],
        rng: np.random.Generator,
    ) -> list[Candidate]:
        """Choose the infills among more new designs of the surrogate front than are wanted."""
        return INFILL_RULES[self.infill_rule](new, archive.front(), self.infills, rng)

    def _found(
        self, archive: Archive, iteration: int, rng: np.random.Generator
    ) -> tuple[dict[str, Selection], list[Candidate]]:
        """The surrogate of each function, and the front that CTAEA finds on them.

        A candidate that fails in the search is left out, and the search starts again. Both results
        are empty where no candidate can be used for a function.
        """
        left_out: dict[str, str] = {}
        while True:
            try:
                selections = self._select(archive, iteration, rng, left_out)
                return selections, self._search(archive, selections, rng)
            except SurrogateError as error:
                left_out[error.name] = error.reason
            except NoSurrogateError as error:
                log.warning("iteration %d: %s; the infills are drawn at random", iteration, error)
                return {}, []

    def _modelled(self, target: Target) -> Iterable[str]:
        """The functions that have a surrogate."""
        return functions_of(target.size)

    def _select(
        self,
        archive: Archive,
        iteration: int,
        rng: np.random.Generator,
        left_out: Mapping[str, str],
    ) -> dict[str, Selection]:
        """Choose a surrogate for each function, fitted to all evaluations so far.

        The constraint is tau minus the accuracy. So it shares fits with the accuracy, and has a
        metric of its own.
        """
        X, seed = archive.vectors(), int(rng.integers(2**31))
        size, accuracy = (
            Comparison(X, values, self.folds, seed, self.candidates)
            for values in (archive.objectives()[:, 0], -archive.objectives()[:, 1])
        )
        constraint = MappedComparison(
            accuracy, partial(constraint_value, threshold=archive.target.threshold)
        )
        settings = {
            archive.target.size: (size, self.objective_metric),
            "accuracy": (accuracy, self.objective_metric),
            "constraint": (constraint, self.constraint_metric),
        }
        selections: dict[str, Selection] = {}
        for function in self._modelled(archive.target):
            compared, metric = settings[function]
            try:
                selections[function] = select_surrogate(compared, metric, rng, left_out)
            except NoSurrogateError as error:
                raise NoSurrogateError(
                    f"no surrogate of the {function} can be used ({error})"
                ) from error
            for name, reason in selections[function].left_out.items():
                log.warning(
                    "iteration %d: %s is left out as a surrogate of the %s (%s)",
                    iteration,
                    name,
                    function,
                    reason,
                )
        return selections

    def _predicted(
        self, target: Target, asked: np.ndarray, selections: Mapping[str, Selection]
    ) -> Sequence[np.ndarray]:
        """Size, accuracy and constraint of vectors of shape (n, d), each of shape (n,)."""
        vectors = target.canonical_vectors(asked)
        return [
            selections[function].surrogate.predict(vectors)
            for function in functions_of(target.size)
        ]

    def _search(
        self, archive: Archive, selections: dict[str, Selection], rng: np.random.Generator
    ) -> list[Candidate]:
        """Run CTAEA on the surrogates, and return the distinct networks of its feasible front."""
        target = archive.target
        space = target.space
        algorithm = Ctaea(space, self.population, np.empty((0, len(space.lower()))), rng)
        for _ in range(self.generations):
            asked = algorithm.ask()
            if not len(asked):
                break
            size, accuracy, constraint = self._predicted(target, asked, selections)
            algorithm.tell(minimized(size, accuracy), np.asarray(constraint, dtype=float))
        X, objectives, violation = algorithm.population()
        found: dict[str, Candidate] = {}
        for index in feasible_front(objectives, violation):
            design, plan = target.canonical(space.design(X[index]))
            found[plan.design_id] = Candidate(
                design, plan, (float(objectives[index, 0]), float(objectives[index, 1]))
            )
        return list(found.values())


def _reason(front: int, new: int) -> str:
    """The reason for random infills, from the size of the surrogate front and its new designs."""
    if not front:
        return "empty front"
    return "too few new designs" if new else NO_NEW_DESIGN
