"""Tests by permutation within the seeds, which need no approximation where the seeds are few."""

import numpy as np
from scipy.stats import permutation_test, rankdata

DRAWS = 9_999  # the least p is 1 / (DRAWS + 1)
SEED = 1


def friedman_permuted(table: np.ndarray) -> float:
    """The p of Friedman's statistic over the orders that the values of each block could have.

    Args:
        table: A row for each block, a column for each method, shape (n, k).

    Returns:
        p: exact where all orders of the blocks are at most DRAWS, else over as many random ones.
    """

    def statistic(*columns: np.ndarray, axis: int) -> np.ndarray:
        return np.sum([column.sum(axis=axis) ** 2 for column in columns], axis=0)

    found = permutation_test(
        rankdata(table, axis=1).T,
        statistic,
        permutation_type="samples",
        vectorized=True,
        n_resamples=DRAWS,
        alternative="greater",
        rng=SEED,
    )
    return float(found.pvalue)


def interaction(cells: np.ndarray) -> tuple[float, float]:
    """Test whether the effect of one factor depends on the level of the other.

    What is left of the values of a seed, without the means of both factors, is its interaction. If
    there is none, the levels of each factor can change places within a seed (Edgington and Onghena
    2007, "Randomization tests", chapter 6; the values of a seed are taken to be exchangeable).

    Args:
        cells: The values by seed and by the levels of both factors, shape (n, a, b).

    Returns:
        The share of the interactions that all seeds have in common, in [0, 1], which is 1 / n on
        average if there is none, and its p over DRAWS random permutations. Both are NaN where no
        seed has any interaction.
    """
    left = cells - cells.mean(axis=1, keepdims=True) - cells.mean(axis=2, keepdims=True)
    left = left + cells.mean(axis=(1, 2), keepdims=True)
    whole = float((left**2).sum())
    if whole <= np.finfo(float).eps * float((cells**2).sum()):
        return np.nan, np.nan

    def share(of_seeds: np.ndarray) -> float:
        return len(cells) * float((of_seeds.mean(axis=0) ** 2).sum()) / whole

    rng, observed = np.random.default_rng(SEED), share(left)
    seeds, first, second = (np.arange(count) for count in cells.shape)
    all_first, all_second = (np.tile(levels, (len(seeds), 1)) for levels in (first, second))
    reached = 0
    for _ in range(DRAWS):
        rows = rng.permuted(all_first, axis=1)
        columns = rng.permuted(all_second, axis=1)
        moved = left[seeds[:, None, None], rows[:, :, None], columns[:, None, :]]
        reached += share(moved) >= observed * (1 - 1e-12)
    return observed, (reached + 1) / (DRAWS + 1)
