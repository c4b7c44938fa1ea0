"""Comparison of methods by their final hypervolumes; the blocks are the seeds of one network."""

from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
import scikit_posthocs
from scipy.stats import friedmanchisquare

from .tables import RUN_COLUMNS

LEAST_METHODS, LEAST_BLOCKS = 3, 2


def blocks(final: pd.DataFrame, network: str) -> pd.DataFrame:
    """Final hypervolumes of one network: a row for each seed, a column for each method."""
    own = final[final["network"] == network]
    return own.set_index(["seed", "method"])["hypervolume"].unstack("method")[list(dict.fromkeys(own["method"]))]


def summary(history: pd.DataFrame, final: pd.DataFrame, iterations: pd.DataFrame, evaluations: pd.DataFrame) -> pd.DataFrame:
    """A row for each network and method: hypervolume over seeds, its part due to the initial sample, feasibility, fallbacks.

    gain: median over seeds of final hypervolume minus that of the initial sample. fallback_rate: share of the infills that
    were drawn at random because the surrogate front held too few new designs; empty for methods without surrogates.
    """
    method = ["network", "method"]
    sample = evaluations[evaluations["phase"] == "initial"].groupby(RUN_COLUMNS).size().rename("evaluation").reset_index()
    start = sample.merge(history, on=[*RUN_COLUMNS, "evaluation"]).rename(columns={"hypervolume": "start"})
    runs = final.merge(start[[*RUN_COLUMNS, "start"]], on=RUN_COLUMNS)
    grouped = runs.assign(gain=runs["hypervolume"] - runs["start"]).groupby(method, sort=False)
    table = grouped["hypervolume"].agg(runs="size", median="median", mean="mean", standard_deviation="std", minimum="min", maximum="max")
    table["gain"] = grouped["gain"].median()
    table["feasible_share"] = evaluations.groupby(method)["feasible"].mean()
    searched = iterations[iterations["surrogate_front_size"].notna()].groupby(method)["fallbacks"].sum()
    table["fallback_rate"] = searched / evaluations[evaluations["phase"] == "infill"].groupby(method).size()
    return table.reset_index()


def friedman(final: pd.DataFrame, significance_level: float) -> pd.DataFrame:
    """Friedman test of equal methods for each network (Friedman 1937), with Kendall's W = chi2 / (blocks (methods - 1)).

    Networks with too few methods or seeds, or without any difference, have a note in place of the numbers.
    """
    rows = []
    for network in dict.fromkeys(final["network"]):
        table = blocks(final, network)
        count, methods = table.shape
        row: dict[str, Any] = {"network": network, "blocks": count, "methods": methods, "significance_level": significance_level}
        row |= {"chi2": np.nan, "p": np.nan, "kendall_w": np.nan, "significant": False, "note": ""}
        if methods < LEAST_METHODS or count < LEAST_BLOCKS:
            row["note"] = f"needs at least {LEAST_METHODS} methods and {LEAST_BLOCKS} seeds"
        elif (table.nunique(axis=1) == 1).all():
            row["note"] = "all methods are equal in every seed"
        else:
            test = friedmanchisquare(*table.to_numpy().T)
            row |= {"chi2": test.statistic, "p": test.pvalue, "kendall_w": test.statistic / (count * (methods - 1))}
            row["significant"] = bool(test.pvalue < significance_level)
        rows.append(row)
    return pd.DataFrame(rows)


def a12(first: np.ndarray, second: np.ndarray) -> float:
    """Chance that a value of `first` exceeds one of `second`, ties half (Vargha and Delaney 2000)."""
    difference = first[:, None] - second[None, :]
    return float(((difference > 0) + 0.5 * (difference == 0)).mean())


def pairwise(final: pd.DataFrame, significance_level: float) -> pd.DataFrame:
    """Every pair of methods of a network: Siegel and Castellan's test on Friedman ranks, Holm-adjusted p, and A12."""
    rows = []
    for network in dict.fromkeys(final["network"]):
        table = blocks(final, network)
        if table.shape[1] < LEAST_METHODS or table.shape[0] < LEAST_BLOCKS:
            continue
        adjusted = scikit_posthocs.posthoc_siegel_friedman(table.to_numpy(), p_adjust="holm").to_numpy()
        for first, second in combinations(range(table.shape[1]), 2):
            rows.append(
                {
                    "network": network,
                    "method": table.columns[first],
                    "other_method": table.columns[second],
                    "p_holm": adjusted[first, second],
                    "a12": a12(table.iloc[:, first].to_numpy(), table.iloc[:, second].to_numpy()),
                    "significant": bool(adjusted[first, second] < significance_level),
                }
            )
    return pd.DataFrame(rows, columns=["network", "method", "other_method", "p_holm", "a12", "significant"])
