"""Comparison of methods by their final hypervolumes; the blocks are the seeds of one network."""

from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
import scikit_posthocs
from scipy.stats import friedmanchisquare

LEAST_METHODS, LEAST_BLOCKS = 3, 2


def blocks(final: pd.DataFrame, network: str) -> pd.DataFrame:
    """Final hypervolumes of one network: a row for each seed, a column for each method."""
    own = final[final["network"] == network]
    return own.pivot(index="seed", columns="method", values="hypervolume")[list(dict.fromkeys(own["method"]))]


def summary(history: pd.DataFrame, final: pd.DataFrame, iterations: pd.DataFrame, evaluations: pd.DataFrame) -> pd.DataFrame:
    """A row for each network and method: hypervolume over seeds, its part due to the initial sample, feasibility, fallbacks.

    gain: median over seeds of final hypervolume minus that of the initial sample. fallback_rate: share of the infills that
    were drawn at random because the surrogate front held too few new designs; empty for methods without surrogates.
    """
    rows = []
    initial = evaluations[evaluations["phase"] == "initial"].groupby(["network", "method", "seed"]).size()
    for (network, method), own in final.groupby(["network", "method"], sort=False):
        values = own["hypervolume"].to_numpy()
        gains = []
        for seed, value in zip(own["seed"], values, strict=True):
            run = history[(history["network"] == network) & (history["method"] == method) & (history["seed"] == seed)]
            gains.append(value - run.iloc[int(initial[(network, method, seed)]) - 1]["hypervolume"])
        mine = evaluations[(evaluations["network"] == network) & (evaluations["method"] == method)]
        steps = iterations[(iterations["network"] == network) & (iterations["method"] == method)]
        surrogate = steps["surrogate_front_size"].notna().any()
        rows.append(
            {
                "network": network,
                "method": method,
                "runs": len(values),
                "median": np.median(values),
                "mean": values.mean(),
                "standard_deviation": values.std(ddof=1) if len(values) > 1 else np.nan,
                "minimum": values.min(),
                "maximum": values.max(),
                "gain": np.median(gains),
                "feasible_share": mine["feasible"].mean(),
                "fallback_rate": steps["fallbacks"].sum() / max(1, (mine["phase"] == "infill").sum()) if surrogate else np.nan,
            }
        )
    return pd.DataFrame(rows)


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
