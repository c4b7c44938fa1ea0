"""CTAEA on true evaluations, without surrogates (paper, section 5.3)."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from ..search.archive import Archive, Iteration, generator
from ..search.ctaea import Ctaea

# Generations in a row without a new network. CTAEA then finds no more networks in the space.
STALE_GENERATIONS = 100


@dataclass(frozen=True)
class PlainCtaea:
    """CTAEA on true evaluations, until the budget of distinct networks is spent.

    The first generation is the start of the shared initial sample. A known network costs nothing.
    So there may be more generations than budget / population. The budget may end within the last
    one.

    Attributes:
        population: Designs in a generation.
    """

    population: int

    def run(self, archive: Archive, after_iteration: Callable[[Archive], None]) -> None:
        """Spend the archive's budget, and call `after_iteration` after each generation."""
        space = archive.target.space
        archive.take_initial(self.population)
        # Amounts without effect are 0. This is below the lower bound, where crossover and mutation
        # are undefined. They have no effect, so any amount in the bounds will do.
        first = np.clip(archive.vectors(), space.lower(), space.upper())
        algorithm = Ctaea(
            space, self.population, first, generator(archive.seed, f"ctaea-{self.population}")
        )
        generation = stale = 0
        while archive.left and stale < STALE_GENERATIONS:
            asked = [space.design(vector) for vector in algorithm.ask()]
            if not asked:
                return
            generation += 1
            before = archive.left
            designs = archive.propose(generation, partial(Iteration, asked))
            evaluated = archive.evaluate_all(designs, "generation", generation)
            stale = 0 if archive.left < before else stale + 1
            archive.finish_iteration()
            after_iteration(archive)
            if archive.left:
                algorithm.tell(archive.objectives(evaluated), archive.constraint(evaluated))
