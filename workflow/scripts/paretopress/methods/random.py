"""Random search: the yardstick that every other method must beat at the same budget."""

from collections.abc import Callable
from dataclasses import dataclass

from ..search.archive import Archive, Iteration, generator, spend_budget


@dataclass(frozen=True)
class RandomSearch:
    """The shared initial sample, then uniformly drawn designs of new networks, one at a time."""

    def run(self, archive: Archive, after_iteration: Callable[[Archive], None]) -> None:
        spend_budget(archive, self._propose, after_iteration)

    def _propose(self, archive: Archive, iteration: int) -> Iteration:
        design = archive.random_new_design(generator(archive.seed, "random", iteration))
        return Iteration([] if design is None else [design])
