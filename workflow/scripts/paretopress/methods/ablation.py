"""The paper's method with parts of it replaced, to see what each one is worth (docs/search.md)."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from ..config.number_types import Count, Folds, Population
from ..search.archive import Archive, Target, spend_budget
from ..search.beliefs import Belief
from ..search.improvement import best_together
from ..search.infills import Candidate
from ..search.selection import Selection
from .surrogate import SurrogateSearch

MSE = "mse"


@dataclass(frozen=True)
class Ablation(SurrogateSearch):
    """The paper's method with both metrics mse, so that one model serves accuracy and constraint.

    Attributes:
        exact_size: Whether the size follows from the design, and has no surrogate.
        expected_improvement: Whether the infills are those of the surrogate front that promise most
            hypervolume together. An accuracy is then normal around its prediction, with the root of
            the surrogate's cross-validated mean squared error as its deviation.
        initial: The first designs of the initial sample to start from, None for all.
        population, generations, infills, folds: As in SurrogateSearch.
    """

    exact_size: bool = False
    expected_improvement: bool = False
    initial: Count | None = None
    objective_metric: str = field(default=MSE, init=False)
    constraint_metric: str = field(default=MSE, init=False)
    population: Population = 50
    generations: Count = 1000
    infills: Count = 2
    folds: Folds = 5
    infill_rule: str = field(default="random", init=False)
    _sizes: dict[bytes, float] = field(default_factory=dict, init=False, repr=False, compare=False)

    def run(self, archive: Archive, after_iteration: Callable[[Archive], None]) -> None:
        """Spend the archive's budget, and call `after_iteration` after each iteration."""
        self._sizes.clear()
        spend_budget(archive, self._propose, after_iteration, self.initial)

    def _modelled(self, target: Target) -> Iterable[str]:
        functions = super()._modelled(target)
        return [name for name in functions if not self.exact_size or name != target.size]

    def _predicted(
        self, target: Target, asked: np.ndarray, selections: Mapping[str, Selection]
    ) -> Sequence[np.ndarray]:
        if not self.exact_size:
            return super()._predicted(target, asked, selections)
        vectors = target.canonical_vectors(asked)
        predicted = [selection.surrogate.predict(vectors) for selection in selections.values()]
        # Many vectors are the same network.
        keys = [row.tobytes() for row in vectors]
        for row, key in zip(asked, keys, strict=True):
            if key not in self._sizes:
                plan = target.canonical(target.space.design(row))[1]
                self._sizes[key] = target.known_size(plan)
        return [np.array([self._sizes[key] for key in keys]), *predicted]

    def _chosen(
        self,
        new: list[Candidate],
        archive: Archive,
        selections: Mapping[str, Selection],
        rng: np.random.Generator,
    ) -> list[Candidate]:
        if not self.expected_improvement:
            return super()._chosen(new, archive, selections, rng)
        size, loss = np.array([candidate.objectives for candidate in new]).T
        model = selections["accuracy"]
        # Independent: the covariances of the belief are those of the rows of its spread.
        spread = np.sqrt(-model.scores.get(model.name, 0.0) * len(new)) * np.eye(len(new))
        belief = Belief(-loss, spread)
        best = best_together(
            archive.front(), archive.target.threshold, size, belief, self.infills, rng
        )
        return [new[index] for index in best]
