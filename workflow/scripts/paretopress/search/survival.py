"""CTAEA's survival (Li et al. 2019, algorithms 1 to 4), as in pymoo but without its cost.

Both archives are the same as pymoo's `CADASurvival` gives, row by row and with the same random
numbers. pymoo makes a distance matrix for each design that it removes. Here one matrix serves the
whole generation, and each niche is looked at again only after it changed.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from pymoo.functions import load_function
from pymoo.util.nds.non_dominated_sorting import NonDominatedSorting
from scipy.spatial.distance import cdist

# The weight that stands for 0 in the fitness, as in pymoo.
LEAST_WEIGHT = 1e-4

perpendicular_distance = load_function("calc_perpendicular_distance")


@dataclass(frozen=True)
class Population:
    """Evaluated designs: vectors (n, d), objectives (n, 2) and constraint violation (n,)."""

    X: np.ndarray
    F: np.ndarray
    violation: np.ndarray

    def __len__(self) -> int:
        return len(self.X)

    def take(self, rows: np.ndarray | slice) -> "Population":
        """The designs of some rows, in their order."""
        return Population(self.X[rows], self.F[rows], self.violation[rows])


def joined(populations: Iterable[Population]) -> Population:
    """Put populations one after another."""
    parts = list(populations)
    return Population(
        np.concatenate([part.X for part in parts]),
        np.concatenate([part.F for part in parts]),
        np.concatenate([part.violation for part in parts]),
    )


@dataclass(frozen=True)
class Niches:
    """The nearest reference direction of each design, and its fitness there (lower is better)."""

    niche: np.ndarray
    fitness: np.ndarray


def niches_of(F: np.ndarray, ideal: np.ndarray, directions: np.ndarray) -> Niches:
    """Assign designs to reference directions.

    Args:
        F: Objectives, shape (n, 2).
        ideal: Ideal point, shape (2,).
        directions: Reference directions, shape (m, 2).

    Returns:
        The direction of least perpendicular distance, and the achievement scalarization along it.
    """
    above = F - ideal
    niche = perpendicular_distance(above, directions).argmin(axis=1)
    weights = np.where(directions == 0, LEAST_WEIGHT, directions)[niche]
    return Niches(niche, (above / weights).max(axis=1))


class Crowding:
    """The designs that CTAEA removes from its convergence archive, one at a time.

    Each is the worst of a most crowded niche, where two designs that are closer to each other than
    the worst to any design give up the worse of both (algorithm 2 of Li et al.).

    Args:
        F: Objectives, shape (n, 2).
        niche, fitness: Niche and fitness of each, shape (n,).
        rng: Generator of the order of close pairs.
    """

    def __init__(
        self, F: np.ndarray, niche: np.ndarray, fitness: np.ndarray, rng: np.random.Generator
    ) -> None:
        self._distances = cdist(F, F)
        np.fill_diagonal(self._distances, np.inf)
        self._fitness: list[float] = fitness.tolist()
        self._rng = rng
        self._members: dict[int, list[int]] = {number: [] for number in np.unique(niche).tolist()}
        for row, number in enumerate(niche.tolist()):
            self._members[number].append(row)
        # Worst design, its nearest design, and the closest pair if it is to be looked at instead.
        self._known: dict[int, tuple[int, int, tuple[int, int] | None]] = {}

    def survivors(self, keep: int) -> np.ndarray:
        """Remove designs until `keep` are left, and return these, ascending."""
        for _ in range(len(self._fitness) - keep):
            self._remove()
        return np.sort(np.concatenate([rows for rows in self._members.values() if rows]))

    def _remove(self) -> None:
        most = max(map(len, self._members.values()))
        removed, crowded, worst_fitness = -1, -1, -1.0
        for niche, rows in self._members.items():
            if len(rows) == most:
                row = self._worst(niche, rows)
                if self._fitness[row] > worst_fitness:
                    removed, crowded, worst_fitness = row, niche, self._fitness[row]
        self._members[crowded].remove(removed)
        self._distances[:, removed] = np.inf
        self._known.pop(crowded)
        for niche, (_, nearest, _) in list(self._known.items()):
            if nearest == removed:
                del self._known[niche]

    def _worst(self, niche: int, rows: list[int]) -> int:
        if niche not in self._known:
            self._known[niche] = self._looked_at(rows)
        worst, _, pair = self._known[niche]
        if pair is None:
            return worst
        shuffled = list(pair)
        self._rng.shuffle(shuffled)
        return max(shuffled, key=self._fitness.__getitem__)

    def _looked_at(self, rows: list[int]) -> tuple[int, int, tuple[int, int] | None]:
        fitness = self._fitness
        worst = max(rows, key=fitness.__getitem__)
        nearest = int(self._distances[worst].argmin())
        least = self._distances[worst, nearest]
        between = self._distances[np.ix_(rows, rows)] - least
        first, second = divmod(int(between.argmin()), len(rows))
        closest, pair = between[first, second], (rows[first], rows[second])
        # pymoo compares a fitness with a row number here.
        equal = closest == 0 and any(fitness[row] > worst for row in pair)
        return worst, nearest, pair if closest < 0 or equal else None


def convergence_rows(
    population: Population, niches: Niches, keep: int, rng: np.random.Generator
) -> np.ndarray:
    """Choose the next convergence archive (algorithm 2).

    Args:
        population: The archive and the new designs.
        niches: Their niches and fitness.
        keep: Designs to keep, at most as many as there are.
        rng: Generator of the order of close pairs.

    Returns:
        Rows of the population. With too few feasible designs, the best infeasible ones follow.
    """
    feasible = np.flatnonzero(population.violation == 0)
    missing = keep - len(feasible)
    if missing == 0:
        return feasible
    if missing > 0:
        others = np.flatnonzero(population.violation > 0)
        violation = population.violation[others]
        losses = np.column_stack([violation, niches.fitness[others]])
        fronts = NonDominatedSorting().do(losses, n_stop_if_ranked=missing)
        if sum(map(len, fronts)) > missing:
            fronts[-1] = fronts[-1][np.argsort(violation[fronts[-1]])]
        return np.concatenate([feasible, others[np.concatenate(fronts)[:missing]]])
    fronts = NonDominatedSorting().do(population.F[feasible], n_stop_if_ranked=keep)
    best = feasible[np.concatenate(fronts)]
    if len(best) == keep:
        return best
    crowding = Crowding(population.F[best], niches.niche[best], niches.fitness[best], rng)
    return best[crowding.survivors(keep)]


def _best(rows: list[int], F: list[list[float]], fitness: list[float]) -> int:
    """The row of least fitness that no row dominates.

    A row that dominates another of the same niche has at most its fitness.
    """
    least = min(fitness[row] for row in rows)
    equal = [row for row in rows if fitness[row] == least]
    return next(
        row
        for row in equal
        if not any(
            F[other][0] <= F[row][0] and F[other][1] <= F[row][1] and F[other] != F[row]
            for other in equal
        )
    )


def diversity_rows(
    F: np.ndarray, niches: Niches, candidates: np.ndarray, convergence: np.ndarray, keep: int
) -> np.ndarray:
    """Choose the next diversity archive (algorithm 3).

    Args:
        F: Objectives of all designs, shape (n, 2).
        niches: Their niches and fitness.
        candidates: Rows of the archive and of the new designs.
        convergence: Rows of the new convergence archive.
        keep: Designs to keep, the number of reference directions.

    Returns:
        Rows of the candidates, first those of niches where the convergence archive has few designs.
        These are all where there are fewer than `keep`.
    """
    if len(candidates) < keep:
        return candidates
    waiting: list[list[int]] = [[] for _ in range(keep)]
    for row, niche in zip(candidates.tolist(), niches.niche[candidates].tolist(), strict=True):
        waiting[niche].append(row)
    present = np.bincount(niches.niche[convergence], minlength=keep).tolist()
    objectives, fitness = F.tolist(), niches.fitness.tolist()
    chosen: list[int] = []
    size = 0
    while len(chosen) < keep:
        size += 1
        for rows, there in zip(waiting, present, strict=True):
            for _ in range(min(size - there, len(rows), keep - len(chosen))):
                best = rows[0] if len(rows) == 1 else _best(rows, objectives, fitness)
                rows.remove(best)
                chosen.append(best)
    return np.array(chosen)
