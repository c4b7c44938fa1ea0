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
    """Round the integer columns. pymoo's rounding repair would round the amounts too."""

    def _do(self, problem: Problem, X: np.ndarray, **kwargs: object) -> np.ndarray:
        return np.where(INTEGER, np.rint(X), X)


class CompressionProblem(Problem):
    """Two objectives to minimise and one constraint (g <= 0).

    Their values are computed elsewhere, and `Ctaea.tell` passes them on.
    """

    def __init__(self, space: SearchSpace) -> None:
        super().__init__(
            n_var=len(VARIABLES), n_obj=2, n_ieq_constr=1, xl=space.lower(), xu=space.upper()
        )


class BoundedSurvival(CADASurvival):
    """pymoo's survival for spaces that may have fewer distinct designs than the population.

    pymoo fills its diversity archive niche by niche until it is full. It never ends if there are
    too few designs. Here all designs survive then.
    """

    def _updateCA(
        self, pop: Population, n_survive: int, random_state: np.random.Generator | None = None
    ) -> Population:
        return super()._updateCA(pop, min(n_survive, len(pop)), random_state=random_state)

    def _updateDA(self, pop: Population, Hd: Population, n_survive: int) -> Population:
        # The first generation may have lost duplicates. pymoo then looks at too few niches.
        return Hd if len(Hd) < len(self.ref_dirs) else super()._updateDA(pop, Hd, n_survive)


class Ctaea:
    """A search with CTAEA in steps: `ask` for designs, evaluate them, `tell` the results.

    Args:
        space: Bounds of the designs.
        population: Size of the population and number of Das-Dennis reference directions.
        first: First designs of the first generation, shape (m, 7), m <= population. The others are
            drawn uniformly.
        rng: Generator of the draws, and of the seed of pymoo.
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
        """The vectors of the next generation, shape (n, 7).

        n may be less than the population where the space has few new designs.
        """
        self._asked = self._algorithm.ask()
        return (
            np.atleast_2d(self._asked.get("X"))
            if len(self._asked)
            else np.empty((0, len(VARIABLES)))
        )

    def tell(self, objectives: np.ndarray, constraint: np.ndarray) -> None:
        """Pass on the results of the designs of the last `ask`, row by row.

        Args:
            objectives: Objectives to minimise, shape (n, 2).
            constraint: Constraint, feasible where <= 0, shape (n,).
        """
        self._asked.set("F", objectives, "G", constraint[:, None])
        self._algorithm.tell(infills=self._asked)

    def population(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The convergence archive, which may have infeasible designs.

        Returns:
            Vectors of shape (n, 7), objectives of shape (n, 2) and constraint of shape (n,).
        """
        pop = self._algorithm.pop
        return pop.get("X"), pop.get("F"), pop.get("G")[:, 0]
