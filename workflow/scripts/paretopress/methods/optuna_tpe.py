"""Optuna's tree-structured Parzen estimator (Bergstra et al. 2011), with the constraint."""

from collections.abc import Callable
from dataclasses import dataclass

from optuna.samplers import TPESampler

from ..config.number_types import Count
from ..search.archive import Archive, Iteration, generator, spend_budget
from ..search.proposals import proposed_by
from ._optuna import sampled

INSTALL = "pip install -e '.[peers]'"


@dataclass(frozen=True)
class OptunaTpe:
    """The sampler with Optuna's own settings.

    Attributes:
        infills: Designs to evaluate in each iteration.
        initial: The first designs of the initial sample to start from, None for all.
        asks: Proposals of an iteration before designs are drawn at random. Many may be of known
            networks.
    """

    infills: Count = 2
    initial: Count | None = None
    asks: Count = 50

    def run(self, archive: Archive, after_iteration: Callable[[Archive], None]) -> None:
        """Spend the archive's budget, and call `after_iteration` after each iteration."""
        spend_budget(archive, self._propose, after_iteration, self.initial)

    def _propose(self, archive: Archive, iteration: int) -> Iteration:
        rng = generator(archive.seed, "optuna_tpe", iteration)
        sampler = TPESampler(seed=int(rng.integers(2**31)))
        vectors = sampled(archive, sampler, self.asks)
        return proposed_by(vectors, archive, self.infills, rng, iteration)
