"""Expected hypervolume improvement, with the exact size and one model of the accuracy."""

import logging
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache, partial

import numpy as np

from ..compression.designs import sample_vectors
from ..config.number_types import Count
from ..config.variables import Design
from ..search.archive import Archive, Iteration, Target, generator, spend_budget
from ..search.beliefs import ENSEMBLES, Belief, believed
from ..search.improvement import best_together
from ..search.objectives import feasible_front
from ..search.plan_features import plan_features
from ..search.proposals import NO_NEW_DESIGN, completed
from ..search.surrogates import SurrogateError

NEIGHBOURS = 0.1  # of the front's designs, in each iteration, as a share of `candidates`
STEP = 0.05  # of an amount's range, the standard deviation of a neighbour
CHANGED = 2  # variables of a neighbour that change, on average
REDRAWN = 0.3  # probability that an amount that changes is drawn anew
# An accuracy that is this share of 1 - tau below tau, or lower: how much lower says nothing of what
# is feasible. The number, as TREES and the defaults below, is from docs/search.md.
OUT_OF_QUESTION = 0.75

NO_IMPROVEMENT, NO_MODEL = "no improvement expected", "no model"

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Described:
    """A network that could be evaluated: its design, the features of its plan, and its size."""

    design: Design
    design_id: str
    features: np.ndarray
    size: float


def _described(target: Target, design: Design) -> _Described:
    design, plan = target.canonical(design)
    features = plan_features(plan, target.layout)
    return _Described(design, plan.design_id, features, target.known_size(plan))


def _distinct(target: Target, vectors: np.ndarray, met: set[bytes]) -> dict[str, _Described]:
    """The networks of vectors of shape (n, d), by design_id, but those that were met before.

    Args:
        target: The search problem.
        vectors: The vectors.
        met: The canonical vectors of networks that are left out.
    """
    # A canonical form may have a value that the space does not list. So it only tells which vectors
    # are equal, and is not read as a design.
    canonical, first = np.unique(target.canonical_vectors(vectors), axis=0, return_index=True)
    new = [index for row, index in zip(canonical, first, strict=True) if row.tobytes() not in met]
    found = (_described(target, target.space.design(vectors[index])) for index in new)
    return {network.design_id: network for network in found}


@dataclass(frozen=True)
class Ehvi:
    """A search for the designs that promise most hypervolume, among thousands in each iteration.

    The size of a design is known exactly, and the accuracy is objective and constraint at once. So
    one model is enough, and the expected improvement has a closed form.

    Attributes:
        infills: Designs to evaluate in each iteration, chosen together.
        initial: The first designs of the initial sample to start from.
        candidates: Designs that are drawn once, uniformly, to choose from. In each iteration,
            neighbours of the front are added.
    """

    infills: Count = 2
    initial: Count = 10
    candidates: Count = 20_000

    def run(self, archive: Archive, after_iteration: Callable[[Archive], None]) -> None:
        """Spend the archive's budget, and call `after_iteration` after each iteration."""
        target, rng = archive.target, generator(archive.seed, "ehvi")
        vectors = sample_vectors(target.space, self.candidates, rng)
        drawn = _distinct(target, vectors, set())
        met = {row.tobytes() for row in target.canonical_vectors(vectors)}
        evaluated = cache(partial(_described, target))
        propose = partial(self._propose, drawn, met, evaluated)
        spend_budget(archive, propose, after_iteration, self.initial)

    def _propose(
        self,
        drawn: dict[str, _Described],
        met: set[bytes],
        evaluated: Callable[[Design], _Described],
        archive: Archive,
        iteration: int,
    ) -> Iteration:
        target, rng = archive.target, generator(archive.seed, "ehvi", iteration)
        features = [evaluated(evaluation.design).features for evaluation in archive.evaluations]
        known = {evaluation.design_id for evaluation in archive.evaluations}
        near = _neighbours(archive, math.ceil(NEIGHBOURS * self.candidates), rng)
        everything = drawn | _distinct(target, near, met)
        unknown = [network for name, network in everything.items() if name not in known]
        name, belief = _believed(features, unknown, archive, rng, iteration)
        chosen: list[int] = []
        if belief:
            sizes = np.array([network.size for network in unknown])
            front = archive.front()
            chosen = best_together(front, target.threshold, sizes, belief, self.infills, rng)
        reason = NO_IMPROVEMENT if belief else NO_MODEL if unknown else NO_NEW_DESIGN
        infills = [unknown[index].design for index in chosen]
        found = completed(archive, infills, self.infills, rng, reason)
        return replace(found, surrogates={"accuracy": name} if belief else {})


def _believed(
    features: list[np.ndarray],
    unknown: list[_Described],
    archive: Archive,
    rng: np.random.Generator,
    iteration: int,
) -> tuple[str, Belief | None]:
    """The first ensemble that can be fitted, by name, and what it says of unknown networks."""
    if not unknown or not archive.evaluations:
        return "", None
    accuracies = -archive.objectives()[:, 1]
    threshold = archive.target.threshold
    accuracies = np.maximum(accuracies, threshold - OUT_OF_QUESTION * (1 - threshold))
    designs = np.stack([network.features for network in unknown])
    for name in ENSEMBLES:
        try:
            return name, believed(name, np.stack(features), accuracies, designs, rng)
        except SurrogateError as error:
            log.warning("iteration %d: no model of the accuracy by %s", iteration, error)
    return "", None


def _neighbours(archive: Archive, count: int, rng: np.random.Generator) -> np.ndarray:
    """Draw vectors near the designs of the front, or near all designs where there is none."""
    space, vectors = archive.target.space, archive.vectors()
    if not len(vectors):
        return sample_vectors(space, count, rng)
    front = feasible_front(archive.objectives(), archive.constraint())
    # Amounts without effect are 0, which is below their lower bound.
    parents = np.clip(vectors[front] if len(front) else vectors, space.lower(), space.upper())
    near = rng.choice(parents, count)
    width = space.upper() - space.lower()
    moved = np.clip(near + rng.normal(0, STEP, near.shape) * width, space.lower(), space.upper())
    redrawn = space.integer | (rng.random(near.shape) < REDRAWN)
    other = np.where(redrawn, sample_vectors(space, count, rng), moved)
    return np.where(rng.random(near.shape) < CHANGED / near.shape[1], other, near)
