"""Run methods on tables, each with many seeds, through the doors that a study has."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from functools import cache
from time import process_time
from typing import Any

from paretopress.methods import build_method
from paretopress.search.archive import Archive, Evaluation, sample_initial
from paretopress.search.hypervolume import scaled_hypervolume
from paretopress.search.objectives import feasible_front

from .tables import Table, load

BUDGET, INITIAL = 100, 50  # as in the paper
EVALUATIONS = (20, 30, 50, 70, 100)

Method = Mapping[str, Any]


class Memory:
    """A journal that keeps nothing: no search of a table is worth going on with."""

    def has(self, kind: str, name: str) -> bool:
        return False

    def remember(
        self, kind: str, name: str, compute: Callable[[], dict[str, Any]]
    ) -> dict[str, Any]:
        return compute()


@dataclass(frozen=True)
class Run:
    """A search of a table by one method with one seed."""

    table: str
    name: str
    method: Method
    seed: int


loaded = cache(load)


@cache
def sample(table: str, seed: int) -> list[Evaluation]:
    """The evaluated initial sample of a seed, shared by all methods."""
    target = loaded(table).target()
    drawn = sample_initial(target, INITIAL, seed)
    found = []
    for number, (design, plan) in enumerate(drawn, start=1):
        measured = target.evaluate(plan)
        found.append(
            Evaluation(
                number, "initial", 0, plan.design_id, design, measured.nonzero_rate,
                target.bytes_rate(plan), measured.accuracy, 0.0,
            )
        )  # fmt: skip
    return found


def volumes(table: Table, archive: Archive) -> dict[str, float]:
    """The scaled hypervolumes after some evaluations. A search that ended early keeps its last."""
    sizes, losses = archive.objectives().T
    threshold = table.threshold_of("validation")
    return {
        f"at_{count}": scaled_hypervolume(sizes[:count], -losses[:count], threshold)
        for count in EVALUATIONS
    }


def on_test_images(table: Table, archive: Archive) -> float:
    """The scaled hypervolume of the front that was found, by its accuracies on the test images."""
    found = feasible_front(archive.objectives(), archive.constraint())
    names = [archive.evaluations[index].design_id for index in found]
    sizes = archive.objectives()[found, 0]
    return scaled_hypervolume(sizes, table.test_accuracies(names), table.threshold_of("test"))


def search(run: Run) -> Archive:
    """Make a run, and return what it found."""
    table = loaded(run.table)
    archive = Archive(table.target(), BUDGET, run.seed, sample(run.table, run.seed), Memory())  # type: ignore[arg-type]
    build_method(**run.method).run(archive, lambda archive: None)
    return archive


def searched(run: Run) -> dict[str, Any]:
    """Make a run, and return its row."""
    sample(run.table, run.seed)  # is no part of the seconds
    start = process_time()
    archive = search(run)
    seconds = process_time() - start
    table = loaded(run.table)
    return {
        "method": run.name, "seed": run.seed, **volumes(table, archive),
        "test": on_test_images(table, archive),
        "evaluations": len(archive.evaluations),
        "fallbacks": sum(iteration["fallbacks"] for iteration in archive.iterations),
        "seconds": seconds,
    }  # fmt: skip


def all_of(runs: Iterable[Run], processes: int) -> Iterator[dict[str, Any]]:
    """The rows of runs, as they end."""
    with ProcessPoolExecutor(processes) as pool:
        for made in as_completed([pool.submit(searched, run) for run in runs]):
            yield made.result()
