"""Rank the methods by their final hypervolumes. The blocks are the seeds of one network."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import chi2 as chi2_distribution
from scipy.stats import friedmanchisquare, ncx2, studentized_range

from .effects import kendall_w, kendall_w_interval
from .extremes import settings_of
from .permutations import friedman_permuted

LEAST_METHODS, LEAST_BLOCKS = 3, 3
METHODS, SETTINGS = "methods", "settings"
LARGE_W = 0.5  # Kendall's W is a correlation of ranks; 0.5 is Cohen's "large" (1988)
RANK_COLUMNS = ["network", "compared", "method", "mean_rank"]
FRIEDMAN_COLUMNS = [
    "network", "compared", "blocks", "methods", "chi2", "p", "p_permutation", "kendall_w",
    "kendall_w_low", "kendall_w_high", "critical_difference", "largest_difference",
    "least_kendall_w", "power", "shared_sample", "significance_level", "significant", "note",
]  # fmt: skip
ONE_SAMPLE = (
    "All seeds began from one and the same initial sample: the blocks are not independent, and the "
    "result holds for that sample."
)


def complete_methods(runs: pd.DataFrame) -> pd.DataFrame:
    """Select the runs of one network whose method has only complete runs."""
    return runs[runs.groupby("method")["complete"].transform("all").astype(bool)]


def blocks(runs: pd.DataFrame) -> pd.DataFrame:
    """Arrange the final hypervolumes of one network in blocks.

    Args:
        runs: The rows of one network in the run table.

    Returns:
        A row for each seed, a column for each method in the order of the runs. A method is left
        out unless all its runs are complete, then a seed unless each remaining method has a run.
    """
    kept = complete_methods(runs)
    table = kept.pivot(index="seed", columns="method", values="hypervolume")
    return table[list(dict.fromkeys(kept["method"]))].dropna()


def has_shared_sample(runs: pd.DataFrame) -> bool:
    """Tell whether the runs of several seeds of one network began from one initial sample.

    They did if all runs of each method have the same initial hypervolume. Methods are looked at one
    by one, because their initial samples may have different sizes. If every initial hypervolume is
    0 (nothing feasible), nothing is known, and the answer is False.
    """
    known = runs[runs["initial_hypervolume"].notna()]
    if known["seed"].nunique() < 2 or not (known["initial_hypervolume"] > 0).any():
        return False
    return bool((known.groupby("method")["initial_hypervolume"].nunique() == 1).all())


@dataclass(frozen=True)
class ComparedMethods:
    """Methods of one network that are compared on common seeds.

    Attributes:
        network: The name of the network.
        compared: METHODS (all methods) or SETTINGS (the surrogate settings alone).
        hypervolumes: The blocks, see `blocks`.
        shared_sample: Whether all seeds began from one initial sample.
        notes: Sentences on the methods and seeds left out, and on a shared sample.
    """

    network: str
    compared: str
    hypervolumes: pd.DataFrame
    shared_sample: bool
    notes: tuple[str, ...]


def comparisons(runs: pd.DataFrame) -> Iterator[ComparedMethods]:
    """Yield two comparisons of each network: of all methods, and of the surrogate settings."""
    for network in dict.fromkeys(runs["network"]):
        own = runs[runs["network"] == network]
        for compared, chosen in ((METHODS, own), (SETTINGS, settings_of(own))):
            table = blocks(chosen)
            kept = chosen[chosen["method"].isin(table.columns)]
            shared = has_shared_sample(kept)
            incomplete = [
                name for name in dict.fromkeys(chosen["method"]) if name not in table.columns
            ]
            missing = [str(seed) for seed in sorted(set(kept["seed"])) if seed not in table.index]
            notes = (
                "Left out because not all of their runs have every evaluation: "
                f"{', '.join(incomplete)}."
                if incomplete
                else "",
                f"Left out because not all {compared} have a run with it: "
                f"seed {', '.join(missing)}."
                if missing
                else "",
                ONE_SAMPLE if shared else "",
            )
            yield ComparedMethods(
                str(network), compared, table, shared, tuple(note for note in notes if note)
            )


def mean_ranks(table: pd.DataFrame) -> pd.Series:
    """The mean rank of each column within the rows: 1 is the largest, ties share their mean."""
    return table.rank(axis=1, ascending=False).mean()


def too_few(count: int, things: str, least: int) -> str:
    """Say in a sentence that things (a plural and a purpose: "seeds for a test") are too few."""
    noun, _, purpose = things.partition(" ")
    counted = f"{count} {noun} are" if count != 1 else f"{count} {noun.removesuffix('s')} is"
    return f"{counted} too few {purpose}; it needs {least}."


def why_untestable(table: pd.DataFrame, compared: str, unit: str) -> str:
    """Explain why a Friedman test of a table says nothing.

    Args:
        table: A row for each block, a column for each method or level.
        compared: The plural of a column, as in "methods".
        unit: The plural of a row, as in "seeds".

    Returns:
        The reason as a sentence. Empty if the test can be made.
    """
    count, methods = table.shape
    if methods < LEAST_METHODS:
        return too_few(methods, f"{compared} for a Friedman test", LEAST_METHODS)
    if count < LEAST_BLOCKS:
        return too_few(count, f"{unit} as blocks for a Friedman test", LEAST_BLOCKS)
    if (table.nunique(axis=1) == 1).all():
        return f"All {compared} are equal in all {unit}."
    return ""


@cache
def _studentized_range(level: float, methods: int) -> float:
    """The upper quantile with infinite degrees of freedom. It is cached: scipy takes a second."""
    return float(studentized_range.isf(level, methods, math.inf))


def critical_difference(blocks: int, methods: int, level: float) -> float:
    """Nemenyi's critical difference of mean ranks.

    It is q sqrt(k (k + 1) / (6 n)) for k methods in n blocks. q is the upper quantile of the
    studentized range with infinite degrees of freedom, over sqrt(2) (Demsar 2006, equation 8 and
    table 5).

    Args:
        blocks: The number of blocks.
        methods: The number of methods.
        level: The significance level, in (0, 1).

    Returns:
        The difference. Mean ranks that differ by less cannot be told apart.
    """
    q = _studentized_range(level, methods) / math.sqrt(2)
    return float(q * math.sqrt(methods * (methods + 1) / (6 * blocks)))


def least_kendall_w(blocks: int, methods: int, level: float) -> float:
    """The least Kendall's W that is significant in the Friedman test, above 1 if none is."""
    return kendall_w(float(chi2_distribution.isf(level, methods - 1)), blocks, methods)


def friedman_power(blocks: int, methods: int, level: float, w: float) -> float:
    """The probability that the Friedman test is significant if `w` is the expected Kendall's W.

    The statistic is taken to follow the noncentral chi2 distribution whose mean belongs to W = `w`.
    For a W near 1 this distribution varies more than the statistic can.
    """
    freedom = methods - 1
    excess = max(0.0, blocks * freedom * w - freedom)
    return float(ncx2.sf(chi2_distribution.isf(level, freedom), freedom, excess))


def block_test(table: pd.DataFrame, level: float) -> dict[str, float]:
    """Friedman's test of a table that `why_untestable` has nothing against, with Kendall's W."""
    test, size = friedmanchisquare(*table.to_numpy().T), table.shape
    low, high = kendall_w_interval(test.statistic, *size, level)
    return {
        "chi2": test.statistic, "p": test.pvalue,
        "p_permutation": friedman_permuted(table.to_numpy()),
        "kendall_w": kendall_w(test.statistic, *size), "kendall_w_low": low, "kendall_w_high": high,
    }  # fmt: skip


def friedman(runs: pd.DataFrame, level: float) -> pd.DataFrame:
    """Friedman's test of equal methods (Friedman 1937), over all methods and over the settings.

    Args:
        runs: The run table of a study, with the columns network, method, seed, hypervolume,
            initial_hypervolume and complete.
        level: The significance level, in (0, 1).

    Returns:
        Two rows for each network: one over all methods, one over the surrogate settings. p is that
        of the chi2 approximation (scipy's friedmanchisquare, corrected for ties), p_permutation
        that over permutations within the blocks, which decides on significant. kendall_w_low and
        _high are the ends of its interval at 1 - 2 level, power is that of a W of LARGE_W.
        largest_difference is methods - 1, the largest possible difference of mean ranks, for
        comparison with the critical difference. With fewer than 3 blocks or 3 methods, or without
        any difference, the note says so instead of numbers, and significant is False.

    Example:
        >>> import pandas as pd
        >>> volumes = {"random": [0.5, 0.6, 0.5], "ctaea": [0.6, 0.7, 0.8], "own": [0.7, 0.8, 0.9]}
        >>> runs = pd.DataFrame(
        ...     {"network": "vgg16", "method": method, "seed": seed, "complete": True,
        ...      "hypervolume": volumes[method][seed - 1], "initial_hypervolume": 0.1 * seed}
        ...     for method in volumes for seed in (1, 2, 3)
        ... )
        >>> table = friedman(runs, level=0.05)
        >>> print(table.loc[0, "compared"], table.loc[0, "kendall_w"].round(6))
        methods 1.0
    """
    rows = []
    for comparison in comparisons(runs):
        table = comparison.hypervolumes
        count, methods = table.shape
        reason = why_untestable(table, comparison.compared, "seeds")
        row: dict[str, Any] = dict.fromkeys(FRIEDMAN_COLUMNS, np.nan)
        row |= {
            "network": comparison.network,
            "compared": comparison.compared,
            "blocks": count,
            "methods": methods,
        }
        row |= {
            "shared_sample": comparison.shared_sample,
            "significance_level": level,
            "significant": False,
        }
        if count >= LEAST_BLOCKS and methods >= LEAST_METHODS:
            row["critical_difference"] = critical_difference(count, methods, level)
            row["largest_difference"] = methods - 1
            row["least_kendall_w"] = least_kendall_w(count, methods, level)
            row["power"] = friedman_power(count, methods, level, LARGE_W)
        if not reason:
            row |= block_test(table, level)
            row["significant"] = bool(row["p_permutation"] <= level)
        row["note"] = " ".join([reason, *comparison.notes]).strip()
        rows.append(row)
    return pd.DataFrame(rows, columns=FRIEDMAN_COLUMNS)


def ranks(runs: pd.DataFrame) -> pd.DataFrame:
    """Rank the methods of each network over the seeds, and the surrogate settings among themselves.

    Args:
        runs: The run table of a study, with the columns network, method, seed, hypervolume,
            initial_hypervolume and complete.

    Returns:
        The mean rank of every compared method, best first. Rank 1 is the largest hypervolume.

    Example:
        >>> import pandas as pd
        >>> volumes = {"random": [0.5, 0.6], "ctaea": [0.6, 0.7]}
        >>> runs = pd.DataFrame(
        ...     {"network": "vgg16", "method": method, "seed": seed, "complete": True,
        ...      "hypervolume": volumes[method][seed - 1], "initial_hypervolume": 0.1 * seed}
        ...     for method in volumes for seed in (1, 2)
        ... )
        >>> print(ranks(runs)[["method", "mean_rank"]].to_string(index=False, header=False))
         ctaea 1.0
        random 2.0
    """
    rows = [
        {
            "network": comparison.network,
            "compared": comparison.compared,
            "method": method,
            "mean_rank": rank,
        }
        for comparison in comparisons(runs)
        if len(comparison.hypervolumes)
        for method, rank in mean_ranks(comparison.hypervolumes).sort_values(kind="stable").items()
    ]
    return pd.DataFrame(rows, columns=RANK_COLUMNS)
