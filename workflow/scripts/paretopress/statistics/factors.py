"""Main effects of the two factors of the surrogate settings, and their interaction.

The factors are the metric of the objectives and the metric of the constraint.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import kruskal

from ..runs.method_names import FACTORS
from .effects import epsilon_squared, rank_biserial, signed_rank
from .extremes import settings_of
from .permutations import interaction
from .ranks import (
    LARGE_W,
    LEAST_BLOCKS,
    block_test,
    complete_methods,
    friedman_power,
    mean_ranks,
    too_few,
)

LEAST_LEVELS = 2
KRUSKAL_WALLIS, FRIEDMAN, SIGNED_RANK = "Kruskal-Wallis", "Friedman", "Wilcoxon signed-rank"
INTERACTION, PERMUTATION = "interaction", "permutation"
FACTOR_COLUMNS = [
    "network", "factor", "test", "levels", "runs", "blocks", "statistic", "p", "p_permutation",
    "effect", "effect_low", "effect_high", "effect_size", "power", "best_level",
    "significance_level", "significant", "note",
]  # fmt: skip


@dataclass(frozen=True)
class Factor:
    """The runs of one network's surrogate settings, by the levels of one factor.

    Attributes:
        network: The name of the network.
        name: The name of the factor, one of FACTORS.
        runs: The runs of the settings whose runs are all complete.
        blocks: The mean hypervolumes over the levels of the other factor, with a row for each seed
            and a column for each level. So the common part of a seed's runs is in one block.
        left_out: A sentence on the levels and seeds that the blocks leave out, or "".
    """

    network: str
    name: str
    runs: pd.DataFrame
    blocks: pd.DataFrame
    left_out: str

    @property
    def levels(self) -> list[str]:
        """The levels of the factor, in the order of the runs."""
        return list(dict.fromkeys(self.runs[self.name]))

    @property
    def title(self) -> str:
        """The name of the factor in words."""
        return self.name.replace("_", " ")

    def values(self, level: str) -> np.ndarray:
        """The final hypervolumes of all runs of a level, shape (n,)."""
        return self.runs.loc[self.runs[self.name] == level, "hypervolume"].to_numpy()

    def why_untestable(self) -> str:
        """Explain why no test of the factor says anything. Empty if a test may."""
        if len(self.levels) < LEAST_LEVELS:
            return too_few(len(self.levels), f"levels for a test of the {self.title}", LEAST_LEVELS)
        if (seeds := self.runs["seed"].nunique()) < LEAST_BLOCKS:
            return too_few(seeds, f"seeds for a test of the {self.title}", LEAST_BLOCKS)
        return (
            "All runs of all levels are equal." if self.runs["hypervolume"].nunique() == 1 else ""
        )


def _blocks(runs: pd.DataFrame, name: str, other: str) -> tuple[pd.DataFrame, str]:
    """The blocks of a factor, and a sentence on the levels and seeds that they leave out.

    A level of the other factor is left out if it has no run with some level of this one. Then a
    seed is left out if it lacks a run.
    """
    wide = runs.pivot(index="seed", columns=[other, name], values="hypervolume")
    levels, others = (list(dict.fromkeys(runs[factor])) for factor in (name, other))
    shared = [each for each in others if all((each, level) in wide for level in levels)]
    complete = wide[[(each, level) for each in shared for level in levels]].dropna()
    names = [f"{other.replace('_', ' ')} {each}" for each in others if each not in shared]
    names += (
        [f"seed {seed}" for seed in sorted(set(wide.index) - set(complete.index))] if shared else []
    )
    blocks = complete.T.groupby(level=name).mean().T.reindex(columns=levels)
    return (
        blocks,
        f"Left out of the blocks because not every level has a run with it: {', '.join(names)}."
        if names
        else "",
    )


def factors_of_study(runs: pd.DataFrame) -> Iterator[Factor]:
    """Yield both factors of each network in the run table of a study."""
    for network in dict.fromkeys(runs["network"]):
        kept = complete_methods(settings_of(runs[runs["network"] == network]))
        for name, other in (FACTORS, FACTORS[::-1]):
            yield Factor(str(network), name, kept, *_blocks(kept, name, other))


def _over_all_runs(factor: Factor) -> dict[str, Any]:
    test = kruskal(*map(factor.values, factor.levels))
    ranks = (
        factor.runs["hypervolume"]
        .rank(ascending=False)
        .groupby(factor.runs[factor.name], sort=False)
        .mean()
    )
    return {
        "test": KRUSKAL_WALLIS,
        "statistic": test.statistic,
        "p": test.pvalue,
        "effect": epsilon_squared(test.statistic, len(factor.runs)),
        "effect_size": "epsilon squared",
        "best_level": ranks.idxmin(),
    }


def _over_blocks(factor: Factor, level: float) -> dict[str, Any]:
    """Test the factor over the blocks: Friedman's test, or with two levels the signed-rank test.

    With two levels, the ranks of Friedman's test would be no more than signs.
    """
    table, count, test = (
        factor.blocks,
        len(factor.blocks),
        FRIEDMAN if len(factor.levels) > LEAST_LEVELS else SIGNED_RANK,
    )
    row = {
        "test": test,
        "blocks": count,
        "effect_size": "Kendall's W" if test == FRIEDMAN else "rank-biserial correlation",
    }
    if count < LEAST_BLOCKS:
        return {
            **row,
            "note": too_few(count, f"blocks for a test of the {factor.title}", LEAST_BLOCKS),
        }
    if (table.nunique(axis=1) == 1).all():
        return {**row, "note": "All levels are equal in every block."}
    if test == FRIEDMAN:
        found = block_test(table, level)
        return {
            **row, "statistic": found["chi2"], "p": found["p"],
            "p_permutation": found["p_permutation"], "effect": found["kendall_w"],
            "effect_low": found["kendall_w_low"], "effect_high": found["kendall_w_high"],
            "power": friedman_power(*table.shape, level, LARGE_W),
            "best_level": mean_ranks(table).idxmin(),
        }  # fmt: skip
    differences = (table.iloc[:, 0] - table.iloc[:, 1]).to_numpy()
    statistic, p = signed_rank(differences, "two-sided")
    better = int(rank_biserial(differences) < 0)
    return {
        **row, "statistic": statistic, "p": p, "effect": abs(rank_biserial(differences)),
        "best_level": table.columns[better],
    }  # fmt: skip


def _of_interaction(runs: pd.DataFrame) -> dict[str, Any] | None:
    """Test the interaction of both factors over the runs of one network's settings.

    None where a factor has one level, so that there is no interaction.
    """
    levels = [list(dict.fromkeys(runs[factor])) for factor in FACTORS]
    if min(map(len, levels)) < LEAST_LEVELS:
        return None
    wide = runs.pivot(index="seed", columns=list(FACTORS), values="hypervolume")
    cells = wide.reindex(columns=pd.MultiIndex.from_product(levels)).dropna()
    row = {"test": PERMUTATION, "levels": cells.shape[1], "blocks": len(cells)}
    if len(cells) < LEAST_BLOCKS:
        what = f"seeds with all {cells.shape[1]} settings for a test of the interaction"
        return {**row, "note": too_few(len(cells), what, LEAST_BLOCKS)}
    share, p = interaction(cells.to_numpy().reshape(-1, *map(len, levels)))
    if np.isnan(p):
        return {**row, "note": "No seed has any interaction."}
    return {
        **row, "p": p, "p_permutation": p, "effect": share,
        "effect_size": "common share of the seeds' interactions",
    }  # fmt: skip


def factors(runs: pd.DataFrame, level: float) -> pd.DataFrame:
    """Test the main effect of each factor on the hypervolume of the surrogate settings.

    Kruskal-Wallis' test is over all runs by level, with epsilon squared as its effect. It assumes
    independent runs, though those of a seed share their initial sample. Friedman's test does not.
    Its blocks are the seeds, of means over the levels of the other factor, and its effect is
    Kendall's W. With two levels, Wilcoxon's signed-rank test takes its place, and the effect is the
    rank-biserial correlation without its sign. The interaction is tested over the seeds.

    Args:
        runs: The run table of a study.
        level: The significance level, in (0, 1).

    Returns:
        Two rows for each network and factor, one for each test, and one for the interaction where
        both factors have levels. The note names the levels and seeds that the blocks leave out.
        With fewer than 2 levels or 3 seeds, there is one row, with a note instead of numbers.
        p_permutation, effect_low, effect_high and power are as in `ranks.friedman`. significant is
        by p_permutation where it is known, else by p, and False without a test.
    """
    rows = []
    for factor in factors_of_study(runs):
        base = _row(factor, level)
        if reason := factor.why_untestable():
            rows.append({**base, "note": reason})
            continue
        blocked = _over_blocks(factor, level)
        blocked["note"] = " ".join(filter(None, (blocked.get("note"), factor.left_out)))
        rows += [base | _over_all_runs(factor), base | blocked]
        if factor.name == FACTORS[-1] and (found := _of_interaction(factor.runs)):
            rows.append({**base, "factor": INTERACTION, **found})
    table = pd.DataFrame(rows, columns=FACTOR_COLUMNS).astype({"blocks": "Int64"})
    deciding = table["p_permutation"].fillna(table["p"]).astype(float)
    return table.assign(significant=deciding <= level)


def _row(factor: Factor, level: float) -> dict[str, Any]:
    """What all rows of a factor have in common, with empty numbers."""
    texts = dict.fromkeys(("test", "effect_size", "best_level", "note"), "")
    return {
        **dict.fromkeys(FACTOR_COLUMNS, np.nan), **texts, "network": factor.network,
        "factor": factor.name, "levels": len(factor.levels), "runs": len(factor.runs),
        "significance_level": level,
    }  # fmt: skip
