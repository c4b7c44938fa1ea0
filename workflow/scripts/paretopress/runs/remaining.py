"""What is left of a study, and the forecast of it: from its plan and the files of its jobs."""

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from ..jobs.logs import duration
from ..words import counted
from .forecast import Cost, Times, cost, read_times, taken
from .planned import Planned

SAMPLES = "initial samples"  # beside the methods, which have no spaces in their names
FORECAST = "forecast.json"


def _recorded(journal: str, file: str, most: int) -> int:
    """The evaluations of a job that are done, of at most `most`.

    The journal counts before the file, which may be of a smaller budget.
    """
    if (folder := Path(journal)).is_dir():
        return min(most, sum(1 for _ in folder.glob("evaluations/*.json")))
    return most if Path(file).is_file() else 0


def remaining(planned: Planned, network: str, times: Times) -> dict[str, Cost]:
    """Forecast what is left to do for a network.

    Args:
        planned: The plan of the study.
        network: One of its own networks.
        times: What was measured of it. Methods that are not in it are left out.

    Returns:
        The cost of the SAMPLES, and of the own evaluations of each method, by its name.
    """
    budget, seeds = planned.study.budget, planned.study.seeds
    initial = min(budget.initial, budget.evaluations)
    left = sum(
        initial
        - _recorded(
            planned.journal(network, "initial", f"seed-{seed}"),
            f"{planned.results}/designs/{network}/seed-{seed}.csv",
            initial,
        )
        for seed in planned.sample_seeds()
    )
    costs = {SAMPLES: cost(times, left)}
    for method in planned.methods:
        if (step := times.steps.get(method)) is None:
            continue
        own = budget.evaluations - taken(step, budget.initial, budget.evaluations)
        runs = [run for run in planned.own_runs if run[:2] == (network, method)]
        done = sum(
            _recorded(planned.search_journal(run), planned.run_file(run, "evaluations.csv"), own)
            for run in runs
        )
        costs[method] = cost(times, own * len(seeds) - done, step)
    return costs


def forecast_line(planned: Planned, network: str, times: Times) -> str:
    """Say in a line what is left to do for a network; nothing if nothing is left."""
    left = sum(remaining(planned, network, times).values(), Cost())
    if not left.evaluations:
        return ""
    files = [
        planned.run_file(run, "evaluations.csv")
        for run in planned.own_runs
        if run.network == network
    ]
    done = sum(Path(file).is_file() for file in files)
    return (
        f"forecast of {network}: {duration(left.evaluating)} of evaluations and "
        f"{duration(left.searching)} of searches, one after the other on "
        f"{counted(times.threads, 'thread')}; {left.memory / 1e9:.1f} GB each "
        f"(done: {done:,} of {counted(len(files), 'run')})"
    )


def forecast_lines(planned: Planned) -> Iterator[str]:
    """Yield the line of each network of a study that has its forecast.json already."""
    for network in planned.study.networks:
        # A forecast shall never stop a study.
        with suppress(OSError, ValueError, LookupError, TypeError):
            path = Path(planned.results, "baselines", network, FORECAST)
            if line := forecast_line(planned, network, read_times(path.read_text("utf-8"))):
                yield line
