"""Every pair of methods of a network: the tests that follow a Friedman or a Kruskal-Wallis test, and A12."""

from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
import scikit_posthocs

from .effects import a12
from .ranks import comparisons, mean_ranks, why_untestable

PAIRWISE_COLUMNS = [
    "network",
    "compared",
    "method",
    "other_method",
    "rank_difference",
    "p_siegel_friedman",
    "p_nemenyi",
    "p_dunn",
    "a12",
    "significant",
]


def siegel_friedman(table: pd.DataFrame) -> pd.DataFrame:
    """p of each pair of columns by Siegel and Castellan's test on the ranks within the rows, Holm-adjusted over all pairs."""
    return scikit_posthocs.posthoc_siegel_friedman(table, p_adjust="holm")


def nemenyi_friedman(table: pd.DataFrame) -> pd.DataFrame:
    """p of each pair of columns by Nemenyi's test on the ranks within the rows, which is adjusted for all pairs by itself."""
    return scikit_posthocs.posthoc_nemenyi_friedman(table)


def dunn(values: pd.DataFrame, group: str) -> pd.DataFrame:
    """p of each pair of groups by Dunn's test on the ranks over all runs (that of Kruskal-Wallis), Holm-adjusted over all pairs.

    values: a row for each run, with its `hypervolume` and its group in the column `group`.
    """
    return scikit_posthocs.posthoc_dunn(
        values, val_col="hypervolume", group_col=group, p_adjust="holm"
    )


def _pair(table: pd.DataFrame, first: str, second: str) -> dict[str, Any]:
    ranks = mean_ranks(table)
    return {
        "method": first,
        "other_method": second,
        "rank_difference": ranks[second] - ranks[first],
        "a12": a12(table[first].to_numpy(), table[second].to_numpy()),
    }


def pairwise(runs: pd.DataFrame, level: float) -> pd.DataFrame:
    """Every pair of compared methods once, for each network over all methods and over the surrogate settings.

    rank_difference: mean rank of other_method minus that of method, above 0 where method is better, as a12 is above 0.5 there.
    p: missing where the Friedman table has a note in place of numbers. p_dunn takes the seeds for independent groups. significant: by
    p_siegel_friedman; False for want of a test.
    """
    rows = []
    for comparison in comparisons(runs):
        table = comparison.hypervolumes
        tests: dict[str, pd.DataFrame] = {}
        if not why_untestable(table, comparison.compared, "seeds"):
            tests = {
                "p_siegel_friedman": siegel_friedman(table),
                "p_nemenyi": nemenyi_friedman(table),
                "p_dunn": dunn(table.melt(value_name="hypervolume"), "method"),
            }
        for first, second in combinations(table.columns if len(table) else (), 2):
            row = {
                "network": comparison.network,
                "compared": comparison.compared,
                **_pair(table, first, second),
            }
            row |= dict.fromkeys(("p_siegel_friedman", "p_nemenyi", "p_dunn"), np.nan)
            row |= {name: test.loc[first, second] for name, test in tests.items()}
            rows.append({**row, "significant": bool(row["p_siegel_friedman"] <= level)})
    return pd.DataFrame(rows, columns=PAIRWISE_COLUMNS)
