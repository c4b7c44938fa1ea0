"""Compare every pair of methods: A12, and the tests after a Friedman or Kruskal-Wallis test."""

from itertools import combinations

import numpy as np
import pandas as pd
import scikit_posthocs

from .effects import DIFFERENCE_COLUMNS, a12, of_differences
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
    *DIFFERENCE_COLUMNS,
]
SMALLEST_EFFECT = 0.05  # of the mean hypervolume: our own choice, statistics.smallest_effect


def siegel_friedman(table: pd.DataFrame) -> pd.DataFrame:
    """Siegel and Castellan's test of each pair of columns, on the ranks within the rows.

    Args:
        table: A row for each block, a column for each method.

    Returns:
        p of each pair of columns, Holm-adjusted over all pairs.
    """
    return scikit_posthocs.posthoc_siegel_friedman(table, p_adjust="holm")


def nemenyi_friedman(table: pd.DataFrame) -> pd.DataFrame:
    """Nemenyi's test of each pair of columns, on the ranks within the rows.

    Args:
        table: A row for each block, a column for each method.

    Returns:
        p of each pair of columns. The test itself adjusts it for all pairs.
    """
    return scikit_posthocs.posthoc_nemenyi_friedman(table)


def dunn(values: pd.DataFrame, group: str) -> pd.DataFrame:
    """Dunn's test of each pair of groups, on the ranks over all runs as in Kruskal-Wallis.

    Args:
        values: A row for each run, with its `hypervolume` and its group.
        group: The column of the group.

    Returns:
        p of each pair of groups, Holm-adjusted over all pairs.
    """
    return scikit_posthocs.posthoc_dunn(
        values, val_col="hypervolume", group_col=group, p_adjust="holm"
    )


def pairwise(runs: pd.DataFrame, level: float, smallest: float = SMALLEST_EFFECT) -> pd.DataFrame:
    """Compare every pair of methods of each network, and every pair of surrogate settings.

    Args:
        runs: The run table of a study, with the columns network, method, seed, hypervolume,
            initial_hypervolume and complete.
        level: The significance level, in (0, 1).
        smallest: The smallest difference that matters, as a share of the mean hypervolume of the
            compared methods.

    Returns:
        A row for each pair. rank_difference is the mean rank of other_method minus that of method.
        It is above 0, and a12 above 0.5, if method is better. The p are missing if the Friedman
        table has a note instead of numbers. p_dunn assumes that the runs are independent, though
        those of a seed share their initial sample. significant is by p_siegel_friedman, and False
        without a test. difference is the shift of the hypervolumes of method against those of
        other_method over the blocks, with the ends of its interval at 1 - 2 `level`. p_equivalence
        is of the test that it is smaller than margin.

    Example:
        >>> import pandas as pd
        >>> volumes = {"random": [0.5, 0.6, 0.5], "ctaea": [0.6, 0.7, 0.8]}
        >>> runs = pd.DataFrame(
        ...     {"network": "vgg16", "method": method, "seed": seed, "complete": True,
        ...      "hypervolume": volumes[method][seed - 1], "initial_hypervolume": 0.1 * seed}
        ...     for method in volumes for seed in (1, 2, 3)
        ... )
        >>> pairs = pairwise(runs, level=0.05)
        >>> print(pairs.loc[0, "method"], pairs.loc[0, "rank_difference"])
        random -1.0
    """
    rows = []
    for comparison in comparisons(runs):
        table = comparison.hypervolumes
        margin = smallest * float(table.to_numpy().mean()) if table.size else np.nan
        tests: dict[str, pd.DataFrame] = {}
        if not why_untestable(table, comparison.compared, "seeds"):
            tests = {
                "p_siegel_friedman": siegel_friedman(table),
                "p_nemenyi": nemenyi_friedman(table),
                "p_dunn": dunn(table.melt(value_name="hypervolume"), "method"),
            }
        ranks = mean_ranks(table)
        for first, second in combinations(table.columns if len(table) else (), 2):
            one, other = table[first].to_numpy(), table[second].to_numpy()
            row = {
                "network": comparison.network,
                "compared": comparison.compared,
                "method": first,
                "other_method": second,
                "rank_difference": ranks[second] - ranks[first],
                "a12": a12(one, other),
            }
            row |= dict.fromkeys(("p_siegel_friedman", "p_nemenyi", "p_dunn"), np.nan)
            row |= {name: test.loc[first, second] for name, test in tests.items()}
            row |= of_differences(one - other, level, margin)
            rows.append({**row, "significant": bool(row["p_siegel_friedman"] <= level)})
    return pd.DataFrame(rows, columns=PAIRWISE_COLUMNS)
