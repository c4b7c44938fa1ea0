"""Random search: the yardstick that every other method must beat at the same budget."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from ..search import Archive, Iteration, generator


@dataclass(frozen=True)
class RandomSearch:
    """The shared initial sample, then uniformly drawn designs of new networks, one at a time."""

    def run(self, archive: Archive, after_iteration: Callable[[Archive], None]) -> None:
        archive.take_initial(archive.budget)
        iteration = 0
        while archive.left:
            iteration += 1
            design = archive.random_new_design(generator(archive.seed, "random", iteration))
            if design is None:
                return
            for proposed in archive.propose(iteration, partial(Iteration, [design])):
                archive.evaluate(proposed, "infill", iteration)
            archive.finish_iteration()
            after_iteration(archive)
