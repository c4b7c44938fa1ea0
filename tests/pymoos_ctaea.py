"""CTAEA by pymoo itself, asked and told like ours: what ours must equal, and is timed against."""

import numpy as np
from pymoo.algorithms.moo.ctaea import CTAEA, CADASurvival
from pymoo.core.population import Population
from pymoo.core.problem import Problem
from pymoo.core.repair import Repair
from pymoo.core.termination import NoTermination
from pymoo.operators.crossover.sbx import SBX
from pymoo.operators.mutation.pm import PM
from pymoo.util.ref_dirs import get_reference_directions

from paretopress.compression.designs import SearchSpace, sample_vectors
from paretopress.search import mating


class IntegerRepair(Repair):
    """Round the integer columns. pymoo's rounding repair would round the amounts too."""

    def __init__(self, integer: np.ndarray) -> None:
        super().__init__()
        self.integer = integer

    def _do(self, problem: Problem, X: np.ndarray, **kwargs: object) -> np.ndarray:
        return np.where(self.integer, np.rint(X), X)


class CompressionProblem(Problem):
    """Two objectives to minimise and one constraint (g <= 0); `tell` passes their values on."""

    def __init__(self, space: SearchSpace) -> None:
        super().__init__(
            n_var=len(space.free), n_obj=2, n_ieq_constr=1, xl=space.lower(), xu=space.upper()
        )


class BoundedSurvival(CADASurvival):
    """pymoo's survival, which never ends where a space has fewer distinct designs than the population."""

    def _updateCA(self, pop, n_survive, random_state=None):
        return super()._updateCA(pop, min(n_survive, len(pop)), random_state=random_state)

    def _updateDA(self, pop, Hd, n_survive):
        return Hd if len(Hd) < len(self.ref_dirs) else super()._updateDA(pop, Hd, n_survive)


class PymoosCtaea:
    """`paretopress.search.ctaea.Ctaea` by pymoo's objects."""

    def __init__(
        self, space: SearchSpace, population: int, first: np.ndarray, rng: np.random.Generator,
        survival: type[CADASurvival] = CADASurvival,
    ) -> None:  # fmt: skip
        drawn = sample_vectors(space, population - len(first), rng)
        directions = get_reference_directions("das-dennis", 2, n_partitions=population - 1)
        self.algorithm = CTAEA(
            directions,
            sampling=np.vstack([first, drawn]),
            crossover=SBX(
                n_offsprings=1, prob=1.0, eta=mating.CROSSOVER_ETA,
                prob_var=mating.CROSSOVER_OF_A_VARIABLE, prob_bin=mating.CROSSOVER_EXCHANGE,
            ),
            mutation=PM(
                prob=mating.MUTATION, eta=mating.MUTATION_ETA,
                prob_var=mating.MUTATED_VARIABLES / len(space.free),
            ),
            repair=IntegerRepair(space.integer),
            survival=survival(directions),
        )  # fmt: skip
        self.algorithm.setup(
            CompressionProblem(space), termination=NoTermination(),
            seed=int(rng.integers(2**31)), verbose=False,
        )  # fmt: skip
        self._asked, self._variables = Population(), len(space.free)

    def ask(self) -> np.ndarray:
        self._asked = self.algorithm.ask()
        return (
            np.atleast_2d(self._asked.get("X"))
            if len(self._asked)
            else np.empty((0, self._variables))
        )

    def tell(self, objectives: np.ndarray, constraint: np.ndarray) -> None:
        self._asked.set("F", objectives, "G", constraint[:, None])
        self.algorithm.tell(infills=self._asked)

    def population(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        pop = self.algorithm.pop
        return pop.get("X"), pop.get("F"), pop.get("CV")[:, 0]
