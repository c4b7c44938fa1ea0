"""Effect sizes of differences between groups, and the exact test of paired differences."""

import numpy as np
from scipy.stats import rankdata, wilcoxon

# Pairs. It is scipy's own limit, and a double still counts their 2^50 choices of signs exactly.
MOST_EXACT = 50
EXACT, APPROXIMATION = "exact", "normal approximation"


def a12(first: np.ndarray, second: np.ndarray) -> float:
    """Vargha and Delaney's A12: the chance that a value of one group exceeds one of the other.

    Ties count half (Vargha and Delaney 2000).

    Args:
        first: Values of the first group, shape (n,).
        second: Values of the second group, shape (m,).

    Returns:
        A number in [0, 1]. It is above 0.5 if the values of `first` tend to be larger.

    Example:
        >>> import numpy as np
        >>> a12(np.array([3.0, 4.0]), np.array([1.0, 3.0]))
        0.875
    """
    difference = first[:, None] - second[None, :]
    return float(((difference > 0) + 0.5 * (difference == 0)).mean())


def kendall_w(chi2: float, blocks: int, methods: int) -> float:
    """Kendall's W: the agreement of the blocks on the order of the methods.

    It is computed from Friedman's chi2 (Kendall and Smith 1939).

    Args:
        chi2: The statistic of Friedman's test.
        blocks: The number of blocks.
        methods: The number of methods.

    Returns:
        A number in [0, 1]. It is 1 if all blocks have the same order.

    Example:
        >>> kendall_w(chi2=8.0, blocks=5, methods=3)
        0.8
    """
    return chi2 / (blocks * (methods - 1))


def epsilon_squared(h: float, values: int) -> float:
    """Epsilon squared: the share of the rank variance between the groups (Kelley 1935).

    Args:
        h: Kruskal and Wallis' H.
        values: The number of values in all groups together.

    Returns:
        A number in [0, 1].
    """
    return h / (values - 1)


def rank_biserial(differences: np.ndarray) -> float:
    """The matched-pairs rank-biserial correlation of paired differences (Kerby 2014).

    It is the rank sum of the positive differences minus that of the negative ones, as a share of
    both together. Differences of 0 are left out.

    Args:
        differences: Paired differences, shape (n,).

    Returns:
        A number in [-1, 1]. It is 0 if all differences are 0.

    Example:
        >>> import numpy as np
        >>> rank_biserial(np.array([2.0, -1.0, 0.0]))
        0.3333333333333333
    """
    nonzero = differences[differences != 0]
    ranks = rankdata(np.abs(nonzero))
    return float((ranks * np.sign(nonzero)).sum() / ranks.sum()) if len(nonzero) else 0.0


def signed_rank(differences: np.ndarray, alternative: str) -> tuple[float, float]:
    """Wilcoxon's signed-rank test of paired differences.

    Differences of 0 are dropped. `signed_rank_method` says which kind of p is computed. The exact p
    is over all signs that the differences could have. It takes account of ties, unlike the exact
    distribution of scipy.

    Args:
        differences: Paired differences, shape (n,).
        alternative: two-sided, greater (the differences are above 0) or less.

    Returns:
        The statistic and p. p is 1 if all differences are 0.
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
    """Name the kind of p that `signed_rank` computes.

    Args:
        differences: Paired differences, shape (n,).

    Returns:
        EXACT for at most MOST_EXACT differences that are not 0, else APPROXIMATION.
    """
    return EXACT if np.count_nonzero(differences) <= MOST_EXACT else APPROXIMATION


def _signed_rank_sums(ranks: np.ndarray) -> np.ndarray:
    """The share of the 2^n choices of signs by the sum (0, 1, 2, ...) of the positive ranks.

    The ranks are whole numbers of shape (n,).
    """
    counts = np.ones(1)
    for rank in ranks:
        counts = np.pad(counts, (0, rank)) + np.pad(counts, (rank, 0))
    return counts / counts.sum()
