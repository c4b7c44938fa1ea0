"""The costs of a study beside what was forecast of them."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import pandas as pd

from ..runs.forecast import Times, run_cost
from ..statistics.costs import SECONDS_PER_HOUR

PARTS = ("sample_hours", "evaluation_hours", "search_hours")


def with_forecasts(
    costs: Iterable[Mapping[str, Any]], forecasts: Mapping[str, Times], budget: Mapping[str, Any]
) -> Iterator[dict[str, Any]]:
    """Add what was forecast to rows of costs.

    Args:
        costs: The rows of costs.csv.
        forecasts: What was measured of each network before its searches, as far as it is known.
        budget: The section `budget` of the config.

    Yields:
        The rows with their `hours` in all. And with `forecast_hours` of as many whole runs and
        `forecast_memory` in bytes, both None without a forecast.
    """
    for row in costs:
        times, hours, memory = forecasts.get(row["network"]), None, None
        if times and row["method"] in times.steps:
            whole = run_cost(times, row["method"], budget["initial"], budget["evaluations"])
            hours, memory = row["runs"] * whole.seconds / SECONDS_PER_HOUR, whole.memory
        yield {
            **row,
            "hours": sum(row[part] for part in PARTS if pd.notna(row[part])),
            "forecast_hours": hours,
            "forecast_memory": memory,
        }
