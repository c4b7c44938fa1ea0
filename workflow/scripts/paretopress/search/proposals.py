"""What becomes of proposed designs: new networks are kept, and random ones complete an iteration."""

import logging
from collections.abc import Iterable, Iterator

import numpy as np

from ..config.variables import Design
from .archive import Archive
from .evaluations import Iteration

NO_NEW_DESIGN = "no new design"
OUTSIDE = "a proposal outside the space"
ROUNDING = 1e-6  # how far a number may lie outside its bounds because of rounding

log = logging.getLogger(__name__)


def completed(
    archive: Archive,
    proposed: Iterable[Design],
    count: int,
    rng: np.random.Generator,
    reason: str = NO_NEW_DESIGN,
) -> Iteration:
    """Keep the proposed designs of new networks, and draw what is missing at random.

    Args:
        archive: The evaluations so far.
        proposed: At most `count` designs, best first.
        count: Designs of the iteration. There may be fewer where random draws find no new network.
        rng: Generator of the draws.
        reason: Why designs were drawn at random, if any were.

    Returns:
        The iteration, with the random designs last and counted as fallbacks.
    """
    infills: dict[str, Design] = {}
    for design in proposed:
        if not archive.knows(design):
            infills.setdefault(archive.target.canonical(design)[1].design_id, design)
    kept = len(infills)
    while len(infills) < count and (drawn := archive.random_new_design(rng, infills)) is not None:
        infills[archive.target.canonical(drawn)[1].design_id] = drawn
    fallbacks = len(infills) - kept
    return Iteration(
        list(infills.values()),
        fallbacks=fallbacks,
        fallback_reason=reason if fallbacks else "",
    )


def failure(error: Exception, iteration: int) -> str:
    """The reason for random designs where a sampler fails. The log tells more than a table can."""
    log.warning("iteration %d: the sampler failed (%r); designs are random", iteration, error)
    return f"the sampler failed: {type(error).__name__}"


def proposed_by(
    vectors: Iterator[np.ndarray],
    archive: Archive,
    count: int,
    rng: np.random.Generator,
    iteration: int,
) -> Iteration:
    """Take the first new networks that the sampler of a library proposes, whatever it does.

    It may fail, repeat itself, propose known networks, or leave the space. Random designs take the
    place of these proposals, and the log tells of a failure. A lack of memory is no fault of the
    sampler.

    Args:
        vectors: The proposals as vectors of the space, computed as they are taken.
        archive: The evaluations so far.
        count: Designs of the iteration.
        rng: Generator of the draws.
        iteration: The number of the iteration.

    Returns:
        The iteration.
    """
    space = archive.target.space
    lower, upper = space.lower(), space.upper()
    found: dict[str, Design] = {}
    reason = NO_NEW_DESIGN
    try:
        for vector in vectors:
            inside = np.clip(vector, lower, upper)
            if not (np.abs(inside - vector) <= ROUNDING).all():  # no number is not within either
                if reason != OUTSIDE:
                    log.warning("iteration %d: %s: %s", iteration, OUTSIDE, vector)
                reason = OUTSIDE
                continue
            design = space.design(inside)
            if not archive.knows(design):
                found.setdefault(archive.target.canonical(design)[1].design_id, design)
            if len(found) == count:
                break
    except MemoryError:
        raise
    except Exception as error:
        reason = failure(error, iteration)
    return completed(archive, list(found.values()), count, rng, reason)
