"""The costs of a study and its machines, from the timings of its runs."""

from dataclasses import dataclass
from typing import Any

import pandas as pd

from ..tables import RUN_COLUMNS, records

SECONDS_PER_HOUR = 3600
COST_COLUMNS = [
    "network",
    "method",
    "runs",
    "timed",
    "median_seconds",
    "sample_hours",
    "evaluation_hours",
    "search_hours",
    "memory",
]

MACHINE = ["processor", "threads", "device"]


@dataclass(frozen=True)
class TimeUnit:
    """A unit of time.

    Attributes:
        name: Its name in the plural.
        seconds: Its length in seconds.
    """

    name: str
    seconds: float


UNITS = (TimeUnit("hours", 3600.0), TimeUnit("minutes", 60.0), TimeUnit("seconds", 1.0))
LEAST_UNITS = 3  # of the unit in the longest time, at least; the largest such unit is taken


def unit_of(seconds: float) -> TimeUnit:
    """The unit for times of which the longest is `seconds`."""
    return next((unit for unit in UNITS if seconds >= LEAST_UNITS * unit.seconds), UNITS[-1])


def machines(timings: pd.DataFrame) -> list[dict[str, Any]]:
    """List the machines on which the study's own runs were made.

    Args:
        timings: The timings of all runs.

    Returns:
        Rows with processor, threads, device and runs, the most frequent first. The device is ""
        without a GPU. Empty if no processor is known.
    """
    known = timings.dropna(subset=["processor"])
    devices = known.reindex(columns=["device"])["device"].astype(object).fillna("")
    known = known.assign(device=devices).drop_duplicates([*RUN_COLUMNS, *MACHINE])
    counted = known.groupby(MACHINE).size().rename("runs").reset_index()
    return records(counted.sort_values("runs", ascending=False))


def costs(timings: pd.DataFrame) -> pd.DataFrame:
    """Sum the times of each network and method.

    The initial sample is evaluated once for all methods that share it. `sample_hours` of each of
    these methods holds its time.

    Args:
        timings: The timings of all runs.

    Returns:
        A row for each network and method: the runs, the timed evaluations, the median seconds of
        one evaluation, the hours of the initial samples, of the other evaluations and of the
        searches, and the largest peak memory of a job in bytes. Methods without a known time are
        left out. sample_hours and search_hours are missing if no such step was timed, and memory
        if it is not known.
    """
    rows = []
    for (network, method), own in timings.groupby(["network", "method"], sort=False):
        evaluations, searches = own[own["step"] == "evaluation"], own[own["step"] == "search"]
        sample = (evaluations["iteration"] == 0).fillna(False)
        rows.append(
            {
                "network": network,
                "method": method,
                "runs": len(own[RUN_COLUMNS].drop_duplicates()),
                "timed": len(evaluations),
                "median_seconds": evaluations["seconds"].median(),
                "sample_hours": evaluations.loc[sample, "seconds"].sum() / SECONDS_PER_HOUR
                if sample.any()
                else None,
                "evaluation_hours": evaluations.loc[~sample, "seconds"].sum() / SECONDS_PER_HOUR,
                "search_hours": searches["seconds"].sum() / SECONDS_PER_HOUR
                if len(searches)
                else None,
                "memory": own["memory"].max(),
            }
        )
    return pd.DataFrame(rows, columns=COST_COLUMNS)
