"""BoTorch's qLogNEHVI with the floor as an outcome constraint, with or without the exact size."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Literal

import botorch  # noqa: F401  A file that lacks its package is refused by its own imports.
import numpy as np

from ..config.number_types import Count
from ..search.archive import Archive, Iteration, generator, spend_budget
from ..search.hypervolume import REFERENCE
from ..search.objectives import scaled_loss
from ..search.proposals import proposed_by
from ._botorch import Effort, Problem, proposals

INSTALL = "pip install -e '.[peers]'"


@dataclass(frozen=True)
class BotorchQlognehvi:
    """The noisy expected hypervolume improvement of a batch, on Gaussian processes.

    Attributes:
        size: "exact", where the size follows from the design, or "modelled", as the accuracy is.
        infills: Designs to evaluate in each iteration.
        initial: The first designs of the initial sample to start from, None for all.
        samples, drawn, kept, moves: How long the acquisition function is searched, as in
            `_botorch.Effort`.
    """

    size: Literal["exact", "modelled"] = "exact"
    infills: Count = 2
    initial: Count | None = None
    samples: Count = Effort.samples
    drawn: Count = Effort.drawn
    kept: Count = Effort.kept
    moves: Count = Effort.moves

    def run(self, archive: Archive, after_iteration: Callable[[Archive], None]) -> None:
        """Spend the archive's budget, and call `after_iteration` after each iteration."""
        spend_budget(archive, self._propose, after_iteration, self.initial)

    def _propose(self, archive: Archive, iteration: int) -> Iteration:
        rng = generator(archive.seed, "botorch_qlognehvi", iteration)
        vectors = self._vectors(archive, int(rng.integers(2**31)))
        return proposed_by(vectors, archive, self.infills, rng, iteration)

    def _vectors(self, archive: Archive, seed: int) -> Iterator[np.ndarray]:
        """Propose vectors of the space. Both objectives are scaled to the feasible box."""
        target, space = archive.target, archive.target.space
        lower, width = space.lower(), space.upper() - space.lower()

        @cache
        def known_size(row: bytes) -> float:
            design = space.design(lower + np.frombuffer(row) * width)
            return target.known_size(target.canonical(design)[1])

        def known_loss(X: np.ndarray) -> np.ndarray:
            return -np.array([known_size(row.tobytes()) for row in X])

        problem = Problem(
            levels=[len(known.values) for known in space.free],
            reference=(-REFERENCE).tolist(),
            # The last outcome is at -1 where the accuracy is tau.
            violation=lambda outcomes: -REFERENCE[1] - outcomes[..., 1],
            known={0: known_loss} if self.size == "exact" else {},
            fold=lambda X: (target.canonical_vectors(lower + X * width) - lower) / width,
        )
        size, accuracy = (archive.objectives() * [1, -1]).T
        X = (archive.vectors() - lower) / width
        effort = Effort(self.samples, self.drawn, self.kept, self.moves)
        Y = -scaled_loss(size, accuracy, target.threshold)
        found = lower + proposals(X, Y, problem, self.infills, seed, effort) * width
        # Amounts without effect are 0, which is below their lower bound.
        yield from np.clip(found, lower, space.upper())
