"""Methods ranked by their final hypervolumes; the blocks are the seeds of one network."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import chi2 as chi2_distribution
from scipy.stats import friedmanchisquare, ncx2, studentized_range

from .effects import kendall_w
from .extremes import settings_of

LEAST_METHODS, LEAST_BLOCKS = 3, 3
METHODS, SETTINGS = "methods", "settings"
RANK_COLUMNS = ["network", "compared", "method", "mean_rank"]
FRIEDMAN_COLUMNS = [
    "network",
    "compared",
    "blocks",
    "methods",
    "chi2",
    "p",
    "kendall_w",
    "critical_difference",
    "largest_difference",
    "least_kendall_w",
    "shared_sample",
    "significance_level",
    "significant",
    "note",
]
ONE_SAMPLE = "All seeds began from one and the same initial sample: the blocks are not independent, and the result holds for that sample."


def complete_methods(runs: pd.DataFrame) -> pd.DataFrame:
    """The runs of the methods all of whose runs are complete; runs: of one network."""
    return runs[runs.groupby("method")["complete"].transform("all").astype(bool)]


def blocks(runs: pd.DataFrame) -> pd.DataFrame:
    """Final hypervolumes of one network: a row for each seed, a column for each method, in the order of the runs.

    Only methods all of whose runs are complete, and only seeds in which each of these has a run.
    """
    kept = complete_methods(runs)
    table = kept.pivot(index="seed", columns="method", values="hypervolume")
    return table[list(dict.fromkeys(kept["method"]))].dropna()


def has_shared_sample(runs: pd.DataFrame) -> bool:
    """Whether all runs of each method have one and the same initial hypervolume although there are several seeds.

    By method, since methods may evaluate initial samples of different sizes. An initial hypervolume of 0 (nothing feasible) tells nothing.
    """
    known = runs[runs["initial_hypervolume"].notna()]
    if known["seed"].nunique() < 2 or not (known["initial_hypervolume"] > 0).any():
        return False
    return bool((known.groupby("method")["initial_hypervolume"].nunique() == 1).all())


@dataclass(frozen=True)
class ComparedMethods:
    """Methods of one network that are compared on common seeds.

    compared: methods (all of them) or settings (the surrogate settings alone). hypervolumes: see `blocks`.
    notes: sentences on what was left out and on what the blocks are.
    """

    network: str
    compared: str
    hypervolumes: pd.DataFrame
    shared_sample: bool
    notes: tuple[str, ...]


def comparisons(runs: pd.DataFrame) -> Iterator[ComparedMethods]:
    """For each network the comparison of all methods, and that of the surrogate settings. runs: the run table of a study."""
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
                f"Left out because not all of their runs have every evaluation: {', '.join(incomplete)}."
                if incomplete
                else "",
                f"Left out because not all {compared} have a run with it: seed {', '.join(missing)}."
                if missing
                else "",
                ONE_SAMPLE if shared else "",
            )
            yield ComparedMethods(
                str(network), compared, table, shared, tuple(note for note in notes if note)
            )


def mean_ranks(table: pd.DataFrame) -> pd.Series:
    """Mean rank of each column within the rows: 1 is the largest hypervolume, ties share the mean of their ranks."""
    return table.rank(axis=1, ascending=False).mean()


def too_few(count: int, things: str, least: int) -> str:
    """The sentence that says so; things: a plural, with what they are too few for."""
    noun, _, purpose = things.partition(" ")
    return f"{count} {noun if count != 1 else noun.removesuffix('s')} {'are' if count != 1 else 'is'} too few {purpose}; it needs {least}."


def why_untestable(table: pd.DataFrame, compared: str, unit: str) -> str:
    """Why a Friedman test of the columns over the rows says nothing; empty where it does. unit: the plural of what a row is."""
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
    """The upper quantile with infinite degrees of freedom, kept since scipy integrates a second for it."""
    return float(studentized_range.isf(level, methods, math.inf))


def critical_difference(blocks: int, methods: int, level: float) -> float:
    """Nemenyi's: mean ranks that differ by less cannot be told apart, q sqrt(k (k + 1) / (6 n)) for k methods in n blocks.

    q is the upper quantile of the studentized range with infinite degrees of freedom, over sqrt(2) (Demsar 2006, equation 8 and table 5).
    """
    q = _studentized_range(level, methods) / math.sqrt(2)
    return float(q * math.sqrt(methods * (methods + 1) / (6 * blocks)))


def least_kendall_w(blocks: int, methods: int, level: float) -> float:
    """The least Kendall's W that the Friedman test would find significant; above 1 where it can find nothing."""
    return kendall_w(float(chi2_distribution.isf(level, methods - 1)), blocks, methods)


def friedman_power(blocks: int, methods: int, level: float, w: float) -> float:
    """Probability that the Friedman test is significant where Kendall's W is expected to be `w`.

    Under differences chi2 is taken to be noncentral chi2 with the mean that W = `w` gives it, which lets it vary more than a W near 1 can.
    """
    freedom = methods - 1
    excess = max(0.0, blocks * freedom * w - freedom)
    return float(ncx2.sf(chi2_distribution.isf(level, freedom), freedom, excess))


def friedman(runs: pd.DataFrame, level: float) -> pd.DataFrame:
    """Friedman test of equal methods (Friedman 1937), for each network over all methods and over the surrogate settings.

    runs: the run table. p is that of the chi2 approximation (scipy's friedmanchisquare, corrected for ties). Where there are fewer than 3
    blocks or 3 methods, or no difference at all, the note says so in place of numbers, and `significant` is False for want of a test.
    largest_difference: the largest difference of mean ranks there can be, methods - 1, to hold the critical difference against.
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
        if not reason:
            test = friedmanchisquare(*table.to_numpy().T)
            row |= {
                "chi2": test.statistic,
                "p": test.pvalue,
                "kendall_w": kendall_w(test.statistic, count, methods),
            }
            row["significant"] = bool(test.pvalue <= level)
        row["note"] = " ".join([reason, *comparison.notes]).strip()
        rows.append(row)
    return pd.DataFrame(rows, columns=FRIEDMAN_COLUMNS)


def ranks(runs: pd.DataFrame) -> pd.DataFrame:
    """Mean rank of every compared method over the seeds, best first; 1 is the largest hypervolume."""
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
