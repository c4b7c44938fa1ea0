"""NSGA-II (Deb et al. 2002) of pymoo on mixed variables, on true evaluations."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from pymoo.algorithms.moo.nsga2 import RankAndCrowding, binary_tournament
from pymoo.core.evaluator import Evaluator
from pymoo.core.mixed import (
    MixedVariableDuplicateElimination,
    MixedVariableGA,
    MixedVariableMating,
)
from pymoo.core.population import Population as Individuals
from pymoo.core.problem import Problem
from pymoo.core.termination import NoTermination
from pymoo.core.variable import Integer, Real
from pymoo.operators.selection.tournament import TournamentSelection
from pymoo.problems.static import StaticProblem

from ..compression.designs import SearchSpace, sample_vectors
from ..config.number_types import Population
from ..search.archive import Archive, Iteration, generator
from ..search.proposals import NO_NEW_DESIGN, completed, failure

# Generations in a row without a new network, before one is drawn at random.
STALE_GENERATIONS = 10


@dataclass(frozen=True)
class Nsga2:
    """NSGA-II on true evaluations, until the budget of distinct networks is spent.

    The first generation is the start of the shared initial sample. A known network costs nothing.
    Where pymoo finds no new network, a generation is drawn at random.

    Attributes:
        population: Designs in a generation.
    """

    population: Population = 10

    def run(self, archive: Archive, after_iteration: Callable[[Archive], None]) -> None:
        """Spend the archive's budget, and call `after_iteration` after each generation."""
        space = archive.target.space
        archive.take_initial(self.population)
        rng = generator(archive.seed, f"nsga2-{self.population}")
        # Amounts without effect are 0. This is below the lower bound, where crossover and mutation
        # are undefined.
        taken = np.clip(archive.vectors(), space.lower(), space.upper())
        first = np.vstack([taken, sample_vectors(space, self.population - len(taken), rng)])
        algorithm = _started(space, first, int(rng.integers(2**31)))
        generation = stale = 0
        while archive.left:
            generation += 1
            before = archive.left
            stuck = stale == STALE_GENERATIONS
            asked, proposal = self._asked(None if stuck else algorithm, archive, generation)
            designs = archive.propose(generation, partial(replace, proposal))
            evaluated = archive.evaluate_all(designs, "infill", generation)
            stale = 0 if archive.left < before else stale + 1
            archive.finish_iteration(left_out=len(designs) - len(evaluated))
            after_iteration(archive)
            if not designs:
                return
            if archive.left and len(asked):
                results = {
                    "F": archive.objectives(evaluated),
                    "G": archive.constraint(evaluated)[:, None],
                }
                Evaluator().eval(StaticProblem(algorithm.problem, **results), asked)
                algorithm.tell(infills=asked)

    def _asked(
        self, algorithm: MixedVariableGA | None, archive: Archive, generation: int
    ) -> tuple[Individuals, Iteration]:
        """The next generation, and its designs. They are random where pymoo has none or fails."""
        reason = NO_NEW_DESIGN
        try:
            if algorithm and (asked := algorithm.ask()) is not None:
                names = algorithm.problem.vars
                vectors = [[individual.X[name] for name in names] for individual in asked]
                designs = [archive.target.space.design(vector) for vector in np.array(vectors)]
                return asked, Iteration(designs)
        except MemoryError:
            raise
        except Exception as error:
            reason = failure(error, generation)
        rng = generator(archive.seed, f"nsga2-{self.population}", generation)
        return Individuals(), completed(archive, [], self.population, rng, reason)


def _started(space: SearchSpace, first: np.ndarray, seed: int) -> MixedVariableGA:
    """The algorithm with its first generation, vectors of shape (population, d)."""
    kinds = {
        known.name: Real(bounds=known.interval)
        if known.interval
        else Integer(bounds=(0, len(known.values) - 1))
        for known in space.free
    }
    rows = [
        {
            name: float(value) if isinstance(kind, Real) else int(value)
            for (name, kind), value in zip(kinds.items(), vector, strict=True)
        }
        for vector in first
    ]
    # pymoo's own choice of parents for mixed variables is random.
    mating = MixedVariableMating(
        selection=TournamentSelection(func_comp=binary_tournament),
        eliminate_duplicates=MixedVariableDuplicateElimination(),
    )
    algorithm = MixedVariableGA(
        pop_size=len(first),
        sampling=Individuals.new(X=rows),
        mating=mating,
        survival=RankAndCrowding(),
        advance_after_initial_infill=True,
    )
    algorithm.tournament_type = "comp_by_dom_and_crowding"
    algorithm.setup(
        Problem(vars=kinds, n_obj=2, n_ieq_constr=1), termination=NoTermination(), seed=seed
    )
    return algorithm
