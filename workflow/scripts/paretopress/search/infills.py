"""Infill rules: which of the new designs of the surrogate front are evaluated for real."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.spatial.distance import cdist

from ..compression.designs import Design
from ..compression.plans import Plan


@dataclass(frozen=True)
class Candidate:
    """A design of the surrogate front; objectives: what the surrogates predict, minimised: (nonzero_rate, -accuracy)."""

    design: Design
    plan: Plan
    objectives: tuple[float, float]


# candidates, known front of shape (n, 2), how many are wanted (fewer than there are), random numbers -> the chosen ones
InfillRule = Callable[[list[Candidate], np.ndarray, int, np.random.Generator], list[Candidate]]


def drawn_uniformly(
    candidates: list[Candidate], known: np.ndarray, count: int, rng: np.random.Generator
) -> list[Candidate]:
    """Drawn uniformly (paper, section 4)."""
    return [candidates[index] for index in rng.choice(len(candidates), count, replace=False)]


def farthest(
    candidates: list[Candidate], known: np.ndarray, count: int, rng: np.random.Generator
) -> list[Candidate]:
    """The farthest, in objective space, from the nearest point of the known front (the paper's published code).

    Both objectives are fractions and are not scaled. Without a known front all are equally far, and they are drawn.
    """
    if not len(known):
        return drawn_uniformly(candidates, known, count, rng)
    distances = cdist(np.array([candidate.objectives for candidate in candidates]), known).min(
        axis=1
    )
    return [candidates[index] for index in np.argsort(-distances, kind="stable")[:count]]


INFILL_RULES: dict[str, InfillRule] = {"random": drawn_uniformly, "objective_distance": farthest}
