"""Summarise the runs of each method.

The tests are in `ranks`, `pairs` and `factors`.
"""

import pandas as pd

SUMMARY_COLUMNS = [
    "network",
    "method",
    "imported",
    "size",
    "runs",
    "complete_runs",
    "least_evaluations",
    "most_evaluations",
    "mean",
    "median",
    "standard_deviation",
    "minimum",
    "maximum",
    "zero_accuracy_median",
    "gain",
    "feasible_share",
    "fallback_rate",
    "negative_rates",
]


def summary(runs: pd.DataFrame) -> pd.DataFrame:
    """Summarise the runs of each network and method.

    Args:
        runs: The run table of a study.

    Returns:
        A row for each network and method, over all its runs. complete_runs is the number of runs
        with every evaluation. The columns from mean to maximum are of the final hypervolume.
        zero_accuracy_median is the median hypervolume with the reference point (size 1,
        accuracy 0). gain is the median of final minus initial hypervolume, and missing if the
        initial one is not known. feasible_share is a share of the evaluations. fallback_rate is the
        share of the infills that were drawn at random, over the runs in which it is known, and
        missing for methods without surrogates. negative_rates is the number of evaluations with
        a non-zero rate below 0.
    """
    known = runs["fallbacks"].notna()
    wide = runs.assign(
        gain=runs["hypervolume"] - runs["initial_hypervolume"],
        infills=runs["infills"].where(known),
    )
    grouped = wide.groupby(["network", "method"], sort=False)
    table = grouped.agg(
        imported=("imported", "all"),
        size=("size", "first"),
        runs=("seed", "size"),
        complete_runs=("complete", "sum"),
        least_evaluations=("evaluations", "min"),
        most_evaluations=("evaluations", "max"),
        mean=("hypervolume", "mean"),
        median=("hypervolume", "median"),
        standard_deviation=("hypervolume", "std"),
        minimum=("hypervolume", "min"),
        maximum=("hypervolume", "max"),
        zero_accuracy_median=("zero_accuracy_hypervolume", "median"),
        gain=("gain", "median"),
        negative_rates=("negative_rates", "sum"),
    )
    table["feasible_share"] = grouped["feasible"].sum() / grouped["evaluations"].sum()
    # min_count=1, because a sum over no known run must be missing, not 0.
    table["fallback_rate"] = grouped["fallbacks"].sum(min_count=1) / grouped["infills"].sum(
        min_count=1
    )
    return table.reset_index()[SUMMARY_COLUMNS]
