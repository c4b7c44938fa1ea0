"""Random search, which every other method must beat at the same budget."""

from collections.abc import Callable
from dataclasses import dataclass

from ..search.archive import Archive, Iteration, generator, spend_budget


@dataclass(frozen=True)
class RandomSearch:
    """The shared initial sample, then designs of new networks drawn uniformly, one at a time."""

    def run(self, archive: Archive, after_iteration: Callable[[Archive], None]) -> None:
        """Spend the archive's budget, and call `after_iteration` after each iteration."""
        spend_budget(archive, self._propose, after_iteration)

    def _propose(self, archive: Archive, iteration: int) -> Iteration:
        design = archive.random_new_design(generator(archive.seed, "random", iteration))
        return Iteration([] if design is None else [design])
