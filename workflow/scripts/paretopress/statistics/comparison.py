"""All tables that compare methods by their hypervolumes."""

import pandas as pd

from .factors import factors
from .levels import level_pairs, levels
from .pairs import pairwise
from .ranks import friedman, ranks


def comparison_tables(runs: pd.DataFrame, level: float, smallest: float) -> dict[str, pd.DataFrame]:
    """Compare the methods of each network.

    Args:
        runs: The run table of a study.
        level: The significance level of every test, in (0, 1).
        smallest: The smallest difference that matters, as a share of the mean hypervolume.

    Returns:
        The tables by their names under statistics/.
    """
    return {
        "friedman": friedman(runs, level),
        "ranks": ranks(runs),
        "pairwise": pairwise(runs, level, smallest),
        "factors": factors(runs, level),
        "levels": levels(runs),
        "level_pairs": level_pairs(runs, level, smallest),
    }
