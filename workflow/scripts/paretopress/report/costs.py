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
        The rows with `forecast_hours` of as many whole runs, `of_forecast`, the hours that they
        took by those, and `forecast_memory` in bytes. All are None without a forecast.
    """
    for row in costs:
        times = forecasts.get(row["network"])
        hours = of_forecast = memory = None
        if times and row["method"] in times.steps:
            whole = run_cost(times, row["method"], budget["initial"], budget["evaluations"])
            hours = row["runs"] * whole.seconds / SECONDS_PER_HOUR
            memory = whole.memory
            took = sum(row[part] for part in PARTS if pd.notna(row[part]))
            of_forecast = took / hours if hours else None
        yield {
            **row,
            "forecast_hours": hours,
            "of_forecast": of_forecast,
            "forecast_memory": memory,
        }
