"""How large a difference between groups is, whatever its p: effect sizes, and the exact test of paired differences."""

import numpy as np
from scipy.stats import rankdata, wilcoxon

MOST_EXACT = (
    50  # pairs; scipy's own limit. Their 2^50 signs are still counted without rounding in a double
)
EXACT, APPROXIMATION = "exact", "normal approximation"


def a12(first: np.ndarray, second: np.ndarray) -> float:
    """Chance that a value of `first` exceeds one of `second`, ties half (Vargha and Delaney 2000); shapes (n,) and (m,)."""
    difference = first[:, None] - second[None, :]
    return float(((difference > 0) + 0.5 * (difference == 0)).mean())


def kendall_w(chi2: float, blocks: int, methods: int) -> float:
    """Agreement of the blocks on the order of the methods, from Friedman's chi2, in [0, 1]; 1 is one order in all (Kendall, Smith 1939)."""
    return chi2 / (blocks * (methods - 1))


def epsilon_squared(h: float, values: int) -> float:
    """Share of the rank variance that lies between the groups, from Kruskal and Wallis' H over all `values` (Kelley 1935), in [0, 1]."""
    return h / (values - 1)


def rank_biserial(differences: np.ndarray) -> float:
    """Rank sum of the positive minus that of the negative paired differences, as a share of both (Kerby 2014), in [-1, 1].

    Zeros are left out; 0 where all are.
    """
    nonzero = differences[differences != 0]
    ranks = rankdata(np.abs(nonzero))
    return float((ranks * np.sign(nonzero)).sum() / ranks.sum()) if len(nonzero) else 0.0


def signed_rank(differences: np.ndarray, alternative: str) -> tuple[float, float]:
    """(statistic, p) of Wilcoxon's signed-rank test of paired differences, shape (n,); p is 1 where all are 0.

    alternative: two-sided, greater (the differences lie above 0) or less. Zeros are dropped. The p is what `signed_rank_method` says;
    exact is over all signs that the differences could have, ties among them too, which scipy's own exact distribution takes for none.
    """
    nonzero = differences[differences != 0]
    if not len(nonzero):
        return 0.0, 1.0
    result = wilcoxon(nonzero, alternative=alternative, method="asymptotic")
    if signed_rank_method(differences) == APPROXIMATION:
        return float(result.statistic), float(result.pvalue)
    doubled = np.rint(2 * rankdata(np.abs(nonzero))).astype(int)  # ties have half ranks
    shares, reached = _signed_rank_sums(doubled), int(doubled[nonzero > 0].sum())
    sides = {"greater": shares[reached:].sum(), "less": shares[: reached + 1].sum()}
    p = sides[alternative] if alternative in sides else min(1.0, 2 * min(sides.values()))
    return float(result.statistic), float(p)


def signed_rank_method(differences: np.ndarray) -> str:
    """How `signed_rank` comes to the p of these differences: exact up to 50 that are not 0, the normal approximation beyond."""
    return EXACT if np.count_nonzero(differences) <= MOST_EXACT else APPROXIMATION


def _signed_rank_sums(ranks: np.ndarray) -> np.ndarray:
    """Share of all 2^n choices of signs in which the ranks with a plus sum to 0, 1, 2, ...; ranks: whole numbers, shape (n,)."""
    counts = np.ones(1)
    for rank in ranks:
        counts = np.pad(counts, (0, rank)) + np.pad(counts, (rank, 0))
    return counts / counts.sum()
