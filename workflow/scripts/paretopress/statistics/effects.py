"""Effect sizes of differences between groups, and the exact test of paired differences."""

import numpy as np
from scipy.optimize import brentq
from scipy.special import ndtri
from scipy.stats import nct, ncx2, rankdata, wilcoxon
from scipy.stats import t as student

# Pairs. It is scipy's own limit, and a double still counts their 2^50 choices of signs exactly.
MOST_EXACT = 50
EXACT, APPROXIMATION = "exact", "normal approximation"
# The columns of `shift` and `equivalence` in tables of pairs.
DIFFERENCE_COLUMNS = ["difference", "difference_low", "difference_high", "margin", "p_equivalence"]


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


def kendall_w_interval(chi2: float, blocks: int, methods: int, level: float) -> tuple[float, float]:
    """The interval of the expected Kendall's W.

    Friedman's chi2 is taken to follow a noncentral chi2 distribution, as in `ranks.friedman_power`.
    Without any effect, the expected W is 1 / blocks.

    Args:
        chi2: The statistic of Friedman's test.
        blocks: The number of blocks.
        methods: The number of methods.
        level: Each end is beyond the expected W with at most this probability, in (0, 1).

    Returns:
        Both ends, in [0, 1]. The lower one is 0 where it is not excluded that there is no effect.
    """
    freedom = methods - 1

    def expected(share: float) -> float:
        """The W with which a chi2 up to this one has a probability of `share`."""
        most = blocks * freedom  # of the statistic, and so more than any expectation of W needs
        if ncx2.cdf(chi2, freedom, 0) <= share:
            return 1 / blocks
        if ncx2.cdf(chi2, freedom, most) >= share:
            return 1.0
        excess = brentq(lambda excess: ncx2.cdf(chi2, freedom, excess) - share, 0, most)
        return min(1.0, (freedom + excess) / most)

    low, high = expected(1 - level), expected(level)
    return low if low > 1 / blocks else 0.0, high


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
    if signed_rank_method(differences) == APPROXIMATION:
        result = wilcoxon(nonzero, alternative=alternative, method="asymptotic")
        return float(result.statistic), float(result.pvalue)
    doubled = np.rint(2 * rankdata(np.abs(nonzero))).astype(int)  # ties have half ranks
    shares, reached = _signed_rank_sums(doubled), int(doubled[nonzero > 0].sum())
    sides = {"greater": shares[reached:].sum(), "less": shares[: reached + 1].sum()}
    if alternative in sides:
        return reached / 2, float(sides[alternative])
    # The smaller sum, as in scipy.
    return min(reached, int(doubled.sum()) - reached) / 2, min(1.0, 2 * float(min(sides.values())))


def signed_rank_power(differences: np.ndarray, effect: float, level: float) -> float:
    """The probability that the one-sided signed-rank test finds a shift, before it is made.

    The differences are taken to be normal, with the deviation that they have. The test is then as
    powerful as a t test of 3 / pi as many (Hodges and Lehmann 1956).

    Args:
        differences: Paired differences, shape (n,).
        effect: The true shift, above 0.
        level: The significance level, in (0, 1).

    Returns:
        The probability: 0 where so few differences are never significant.
    """
    count = len(differences)
    if 0.5**count > level:
        return 0.0
    deviation = float(differences.std(ddof=1))
    if deviation == 0:
        return 1.0
    shifted = effect / deviation * np.sqrt(3 / np.pi * count)
    return float(nct.sf(student.isf(level, count - 1), count - 1, shifted))


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
    counts = np.zeros(ranks.sum() + 1)
    counts[0] = 1
    for rank in ranks:
        counts[rank:] = counts[rank:] + counts[:-rank]
    return counts / counts.sum()


def shift(differences: np.ndarray, level: float) -> tuple[float, float, float]:
    """The Hodges-Lehmann estimate of paired differences, and its interval (1963).

    Args:
        differences: Paired differences, shape (n,).
        level: Each end is beyond the true shift with at most this probability, in (0, 1).

    Returns:
        The median of the means of all pairs, and both ends: the shifts that one-sided signed-rank
        tests at `level` do not refuse. Infinite where no shift can be refused.

    Example:
        >>> import numpy as np
        >>> shift(np.array([1.0, 2.0, 3.0, 4.0, 5.0]), level=0.05)
        (3.0, 1.0, 5.0)
    """
    count = len(differences)
    rows, columns = np.triu_indices(count)
    means = np.sort((differences[rows] + differences[columns]) / 2)
    if count <= MOST_EXACT:
        refused = np.cumsum(_signed_rank_sums(np.arange(1, count + 1))) <= level
        cut = int(np.count_nonzero(refused))  # as many means on each side are beyond the interval
    else:
        deviation = np.sqrt(count * (count + 1) * (2 * count + 1) / 24)
        cut = int(len(means) / 2 + ndtri(level) * deviation)
    ends = (float(means[cut - 1]), float(means[-cut])) if cut else (-np.inf, np.inf)
    return float(np.median(means)), *ends


def equivalence(differences: np.ndarray, margin: float) -> float:
    """Test that paired differences are smaller than a margin, whatever their sign.

    Two one-sided signed-rank tests must both be significant (Schuirmann 1987).

    Args:
        differences: Paired differences, shape (n,).
        margin: The margin, above 0.

    Returns:
        The larger p of both tests.

    Example:
        >>> import numpy as np
        >>> equivalence(np.array([0.1, -0.1, 0.2, 0.0, -0.2]), margin=1.0)
        0.03125
    """
    return max(
        signed_rank(differences + margin, "greater")[1],
        signed_rank(differences - margin, "less")[1],
    )


def of_differences(differences: np.ndarray, level: float, margin: float) -> dict[str, float]:
    """The columns DIFFERENCE_COLUMNS of paired differences of shape (n,), n above 0.

    Ends of the interval are missing where they are infinite.
    """
    shifted = [end if np.isfinite(end) else np.nan for end in shift(differences, level)]
    found = (*shifted, margin, equivalence(differences, margin))
    return dict(zip(DIFFERENCE_COLUMNS, found, strict=True))
