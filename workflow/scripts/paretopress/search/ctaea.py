"""CTAEA (Li et al. 2019) on the mixed variables of a search space.

Every generation is that of pymoo's `CTAEA` with the same settings and seed.
"""

import numpy as np
from pymoo.util.ref_dirs import get_reference_directions

from ..compression.designs import SearchSpace, sample_vectors
from .mating import crossed, mutated, new_rows, selected, shares_of
from .survival import Population, convergence_rows, diversity_rows, joined, niches_of

# Matings in a row for the new designs of a generation, as in pymoo. A space may have too few.
MATINGS = 100


class Ctaea:
    """A search with CTAEA in steps: `ask` for designs, evaluate them, `tell` the results.

    Args:
        space: The designs to search.
        population: Size of the population and number of Das-Dennis reference directions.
        first: First designs of the first generation, shape (m, d), m <= population. The others are
            drawn uniformly.
        rng: Generator of the draws, and of the seed of the search.
    """

    def __init__(
        self, space: SearchSpace, population: int, first: np.ndarray, rng: np.random.Generator
    ) -> None:
        drawn = sample_vectors(space, population - len(first), rng)
        self._lower, self._upper, self._integer = space.lower(), space.upper(), space.integer
        self._size = population
        self._directions = get_reference_directions("das-dennis", 2, n_partitions=population - 1)
        self._rng = np.random.default_rng(int(rng.integers(2**31)))
        self._ideal = np.full(2, np.inf)
        nothing = Population(np.empty((0, len(self._lower))), np.empty((0, 2)), np.empty(0))
        self._convergence = self._diversity = nothing
        sample = self._with_integers(np.vstack([first, drawn]))
        self._first: np.ndarray | None = new_rows(sample, nothing.X)
        self._asked = nothing.X

    def _with_integers(self, X: np.ndarray) -> np.ndarray:
        return np.where(self._integer, np.rint(X), X)

    def ask(self) -> np.ndarray:
        """The vectors of the next generation, shape (n, d).

        n may be less than the population where the space has few new designs.
        """
        self._asked = self._offspring() if self._first is None else self._first
        return self._asked

    def tell(self, objectives: np.ndarray, constraint: np.ndarray) -> None:
        """Pass on the results of the designs of the last `ask`, row by row.

        Args:
            objectives: Objectives to minimise, shape (n, 2).
            constraint: Constraint, feasible where <= 0, shape (n,).
        """
        new = Population(self._asked, objectives, np.maximum(constraint, 0))
        keep = self._size if self._first is None else len(new)
        self._first = None
        everyone = joined([self._convergence, new, self._diversity])
        known = len(self._convergence) + len(new)
        # Where the space has few new designs, pymoo takes some of the archive for new ones.
        latest = np.arange(max(0, known - keep), known)
        self._ideal = np.min(np.vstack([self._ideal, everyone.F[latest]]), axis=0)
        niches = niches_of(everyone.F, self._ideal, self._directions)
        convergence = convergence_rows(
            everyone.take(slice(known)), niches, min(keep, known), self._rng
        )
        candidates = np.concatenate([np.arange(known, len(everyone)), latest])
        diversity = diversity_rows(everyone.F, niches, candidates, convergence, self._size)
        self._convergence = everyone.take(convergence)
        self._diversity = everyone.take(diversity)

    def population(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The convergence archive, which may have infeasible designs.

        Returns:
            Vectors of shape (n, d), objectives of shape (n, 2) and violation of shape (n,).
        """
        archive = self._convergence
        return archive.X, archive.F, archive.violation

    def _offspring(self) -> np.ndarray:
        parents = joined([self._convergence, self._diversity])
        shares = shares_of(parents)
        known = parents.X
        for _ in range(MATINGS):
            missing = len(parents) + self._size - len(known)
            if not missing:
                break
            pairs = parents.X[selected(parents, shares, missing, self._rng)]
            children = crossed(pairs, self._lower, self._upper, self._rng)
            children = mutated(children, self._lower, self._upper, self._rng)
            known = np.vstack([known, new_rows(self._with_integers(children), known)])
        return known[len(parents) :]
