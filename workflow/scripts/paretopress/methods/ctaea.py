"""Plain CTAEA on true evaluations (paper, section 5.3)."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from ..compression.designs import design_from_vector
from ..search.archive import Archive, Evaluation, Iteration, generator
from ..search.ctaea import Ctaea
from ..search.objectives import constraint_value, minimized

# Generations in a row without a new network; the space is then used up as far as CTAEA can tell.
STALE_GENERATIONS = 100


@dataclass(frozen=True)
class PlainCtaea:
    """CTAEA with `population` designs; its first generation is the head of the shared initial sample.

    It goes on until the budget of distinct networks is spent. A network that comes up again costs
    nothing, so that there can be more generations than budget / population; the last one can be cut
    short.
    """

    population: int

    def run(self, archive: Archive, after_iteration: Callable[[Archive], None]) -> None:
        space = archive.target.space
        archive.take_initial(self.population)
        # Folded amounts lie under the lower bound, where pymoo's operators are undefined; they are inert, so any amount will do.
        first = np.clip(archive.vectors(), space.lower(), space.upper())
        algorithm = Ctaea(
            space, self.population, first, generator(archive.seed, f"ctaea-{self.population}")
        )
        generation = stale = 0
        while archive.left and stale < STALE_GENERATIONS:
            asked = [design_from_vector(vector) for vector in algorithm.ask()]
            if not asked:
                return
            generation += 1
            before = archive.left
            evaluated: list[Evaluation] = []
            for design in archive.propose(generation, partial(Iteration, asked)):
                if archive.left or archive.knows(design):
                    evaluated.append(archive.evaluate(design, "generation", generation))
            stale = 0 if archive.left < before else stale + 1
            archive.finish_iteration()
            after_iteration(archive)
            if archive.left:
                rates = np.array([evaluation.nonzero_rate for evaluation in evaluated])
                accuracies = np.array([evaluation.accuracy for evaluation in evaluated])
                algorithm.tell(
                    minimized(rates, accuracies),
                    constraint_value(accuracies, archive.target.threshold),
                )
