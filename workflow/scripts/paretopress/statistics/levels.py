"""Summarise and compare the levels of both factors of the surrogate settings."""

from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from .effects import DIFFERENCE_COLUMNS, a12, of_differences
from .factors import factors_of_study
from .pairs import SMALLEST_EFFECT, dunn, siegel_friedman
from .ranks import mean_ranks, why_untestable

LEVEL_COLUMNS = [
    "network", "factor", "level", "runs", "mean", "median", "standard_deviation", "mean_rank",
]  # fmt: skip
LEVEL_PAIR_COLUMNS = [
    "network", "factor", "level", "other_level", "p_siegel_friedman", "p_dunn", "a12",
    "significant", *DIFFERENCE_COLUMNS,
]  # fmt: skip


def levels(runs: pd.DataFrame) -> pd.DataFrame:
    """Summarise the hypervolume by level of each factor, over all runs.

    mean_rank is that within the blocks (1 is the largest), and missing without blocks.
    """
    rows = []
    for factor in factors_of_study(runs):
        ranks = mean_ranks(factor.blocks)
        for level in factor.levels:
            values = pd.Series(factor.values(level))
            rows.append(
                {
                    "network": factor.network,
                    "factor": factor.name,
                    "level": level,
                    "runs": len(values),
                    "mean": values.mean(),
                    "median": values.median(),
                    "standard_deviation": values.std(),
                    "mean_rank": ranks[level],
                }
            )
    return pd.DataFrame(rows, columns=LEVEL_COLUMNS)


def level_pairs(
    runs: pd.DataFrame, level: float, smallest: float = SMALLEST_EFFECT
) -> pd.DataFrame:
    """Compare every pair of levels of each factor, by the tests after those of `factors` and A12.

    A12 and p_dunn are over all runs, p_siegel_friedman is over the blocks. It is missing with two
    levels, because the test of the factor is then that of the pair. The p are missing if `factors`
    has a note instead of numbers. significant is by p_siegel_friedman, and False without a test.
    The other columns are of the differences over the blocks, as in `pairs.pairwise`. They are
    missing without blocks.
    """
    rows = []
    for factor in factors_of_study(runs):
        blocks, margin = factor.blocks, smallest * float(factor.runs["hypervolume"].mean())
        tests: dict[str, pd.DataFrame] = {}
        if not factor.why_untestable():
            tests["p_dunn"] = dunn(factor.runs, factor.name)
            if not why_untestable(factor.blocks, "levels", "blocks"):
                tests["p_siegel_friedman"] = siegel_friedman(factor.blocks)
        for first, second in combinations(factor.levels, 2):
            row: dict[str, Any] = {
                "network": factor.network,
                "factor": factor.name,
                "level": first,
                "other_level": second,
            }
            row |= {
                "p_siegel_friedman": np.nan,
                "p_dunn": np.nan,
                "a12": a12(factor.values(first), factor.values(second)),
            }
            row |= {name: test.loc[first, second] for name, test in tests.items()}
            if len(blocks):
                row |= of_differences((blocks[first] - blocks[second]).to_numpy(), level, margin)
            rows.append({**row, "significant": bool(row["p_siegel_friedman"] <= level)})
    return pd.DataFrame(rows, columns=LEVEL_PAIR_COLUMNS)
