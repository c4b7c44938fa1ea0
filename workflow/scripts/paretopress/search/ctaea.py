"""CTAEA (Li et al. 2019) by pymoo, on the seven mixed variables."""

import numpy as np
from pymoo.algorithms.moo.ctaea import CTAEA, CADASurvival
from pymoo.core.population import Population
from pymoo.core.problem import Problem
from pymoo.core.repair import Repair
from pymoo.core.termination import NoTermination
from pymoo.util.ref_dirs import get_reference_directions

from ..compression.designs import INTEGER, VARIABLES, SearchSpace, sample_vectors


class IntegerRepair(Repair):
    """Rounds the integer columns; pymoo's own rounding repair would round the amounts too."""

    def _do(self, problem: Problem, X: np.ndarray, **kwargs: object) -> np.ndarray:
        return np.where(INTEGER, np.rint(X), X)


class CompressionProblem(Problem):
    """Two objectives to be minimised, one constraint (g <= 0); `ask` and `tell` bring the values from outside."""

    def __init__(self, space: SearchSpace) -> None:
        super().__init__(
            n_var=len(VARIABLES), n_obj=2, n_ieq_constr=1, xl=space.lower(), xu=space.upper()
        )


class BoundedSurvival(CADASurvival):
    """pymoo's survival, except where a narrow space offers fewer distinct designs than the population: there all of them survive.

    pymoo's own fills its diversity archive niche by niche until it is full, and never ends where it cannot be.
    """

    def _updateCA(
        self, pop: Population, n_survive: int, random_state: np.random.Generator | None = None
    ) -> Population:
        return super()._updateCA(pop, min(n_survive, len(pop)), random_state=random_state)

    def _updateDA(self, pop: Population, Hd: Population, n_survive: int) -> Population:
        # Duplicates are taken out of the first generation; pymoo then looks at fewer niches than there are.
        return Hd if len(Hd) < len(self.ref_dirs) else super()._updateDA(pop, Hd, n_survive)


class Ctaea:
    """One CTAEA run as ask and tell.

    population: its size, the number of Das-Dennis reference directions.
    first: vectors of shape (m, 7), m <= population, that open the first generation; the rest of it is drawn uniformly.
    """

    def __init__(
        self, space: SearchSpace, population: int, first: np.ndarray, rng: np.random.Generator
    ) -> None:
        drawn = sample_vectors(space, population - len(first), rng)
        directions = get_reference_directions("das-dennis", 2, n_partitions=population - 1)
        sampling = np.vstack([first, drawn])
        self._algorithm = CTAEA(
            directions,
            sampling=sampling,
            repair=IntegerRepair(),
            survival=BoundedSurvival(directions),
        )
        self._algorithm.setup(
            CompressionProblem(space),
            termination=NoTermination(),
            seed=int(rng.integers(2**31)),
            verbose=False,
        )
        self._asked = Population()

    def ask(self) -> np.ndarray:
        """The next generation's vectors, shape (n, 7); n may be under the population size where the space is nearly used up."""
        self._asked = self._algorithm.ask()
        return (
            np.atleast_2d(self._asked.get("X"))
            if len(self._asked)
            else np.empty((0, len(VARIABLES)))
        )

    def tell(self, objectives: np.ndarray, constraint: np.ndarray) -> None:
        """objectives: (n, 2), minimised; constraint: (n,), feasible where <= 0; rows as asked."""
        self._asked.set("F", objectives, "G", constraint[:, None])
        self._algorithm.tell(infills=self._asked)

    def population(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Vectors (n, 7), objectives (n, 2) and constraint (n,) of the convergence archive; it can hold infeasible rows."""
        pop = self._algorithm.pop
        return pop.get("X"), pop.get("F"), pop.get("G")[:, 0]
