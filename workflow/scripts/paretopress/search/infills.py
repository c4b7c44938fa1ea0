"""Infill rules: the choice of new designs of the surrogate front for true evaluations."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.spatial.distance import cdist

from ..compression.plans import Plan
from ..config.variables import Design


@dataclass(frozen=True)
class Candidate:
    """A design of the surrogate front.

    Attributes:
        design: The canonical design.
        plan: Its plan.
        objectives: Predictions of the surrogates, to minimise: size and minus accuracy.
    """

    design: Design
    plan: Plan
    objectives: tuple[float, float]


# Arguments: candidates, known front of shape (n, 2), number of designs to choose (fewer than there
# are), generator. Result: the chosen candidates.
InfillRule = Callable[[list[Candidate], np.ndarray, int, np.random.Generator], list[Candidate]]


def drawn_uniformly(
    candidates: list[Candidate], known: np.ndarray, count: int, rng: np.random.Generator
) -> list[Candidate]:
    """Choose candidates uniformly at random (paper, section 4).

    Args:
        candidates: New designs of the surrogate front.
        known: Front of the true evaluations, which this rule does not use.
        count: Number of candidates to choose.
        rng: Generator of the draws.

    Returns:
        The chosen candidates.
    """
    return [candidates[index] for index in rng.choice(len(candidates), count, replace=False)]


def farthest(
    candidates: list[Candidate], known: np.ndarray, count: int, rng: np.random.Generator
) -> list[Candidate]:
    """Choose the candidates farthest from the known front (the paper's published code).

    The distance of a candidate is that to the nearest point of the front, in objective space. Both
    objectives are fractions and are not scaled. Without a known front, the candidates are drawn
    uniformly.

    Args:
        candidates: New designs of the surrogate front.
        known: Front of the true evaluations, minimised, shape (n, 2).
        count: Number of candidates to choose.
        rng: Generator of the draws where there is no known front.

    Returns:
        The chosen candidates, farthest first.
    """
    if not len(known):
        return drawn_uniformly(candidates, known, count, rng)
    distances = cdist(np.array([candidate.objectives for candidate in candidates]), known).min(
        axis=1
    )
    return [candidates[index] for index in np.argsort(-distances, kind="stable")[:count]]


INFILL_RULES: dict[str, InfillRule] = {"random": drawn_uniformly, "objective_distance": farthest}
