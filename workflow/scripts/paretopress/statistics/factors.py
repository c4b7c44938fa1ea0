"""Main effects of the two factors of the surrogate settings.

The factors are the metric of the objectives and the metric of the constraint.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import friedmanchisquare, kruskal

from ..runs.method_names import FACTORS
from .effects import a12, epsilon_squared, kendall_w, rank_biserial, signed_rank
from .extremes import settings_of
from .pairs import dunn, siegel_friedman
from .ranks import LEAST_BLOCKS, complete_methods, mean_ranks, too_few, why_untestable

LEAST_LEVELS = 2
KRUSKAL_WALLIS, FRIEDMAN, SIGNED_RANK = "Kruskal-Wallis", "Friedman", "Wilcoxon signed-rank"
FACTOR_COLUMNS = [
    "network",
    "factor",
    "test",
    "levels",
    "runs",
    "blocks",
    "statistic",
    "p",
    "effect",
    "effect_size",
    "best_level",
    "significance_level",
    "significant",
    "note",
]
LEVEL_COLUMNS = [
    "network",
    "factor",
    "level",
    "runs",
    "mean",
    "median",
    "standard_deviation",
    "mean_rank",
]
LEVEL_PAIR_COLUMNS = [
    "network",
    "factor",
    "level",
    "other_level",
    "p_siegel_friedman",
    "p_dunn",
    "a12",
    "significant",
]


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


def _over_blocks(factor: Factor) -> dict[str, Any]:
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
        statistic, p = friedmanchisquare(*table.to_numpy().T)
        effect, best = kendall_w(statistic, count, len(factor.levels)), mean_ranks(table).idxmin()
    else:
        differences = (table.iloc[:, 0] - table.iloc[:, 1]).to_numpy()
        statistic, p = signed_rank(differences, "two-sided")
        effect, best = (
            abs(rank_biserial(differences)),
            table.columns[int(rank_biserial(differences) < 0)],
        )
    return {**row, "statistic": statistic, "p": p, "effect": effect, "best_level": best}


def factors(runs: pd.DataFrame, level: float) -> pd.DataFrame:
    """Test the main effect of each factor on the hypervolume of the surrogate settings.

    Kruskal-Wallis' test is over all runs by level, with epsilon squared as its effect. It assumes
    independent runs, though those of a seed share their initial sample. Friedman's test does not.
    Its blocks are the seeds, of means over the levels of the other factor, and its effect is
    Kendall's W. With two levels, Wilcoxon's signed-rank test takes its place, and the effect is the
    rank-biserial correlation without its sign.

    Args:
        runs: The run table of a study.
        level: The significance level, in (0, 1).

    Returns:
        Two rows for each network and factor, one for each test. The note names the levels and seeds
        that the blocks leave out. With fewer than 2 levels or 3 seeds, there is one row, with a
        note instead of numbers. significant is False without a test.
    """
    rows = []
    for factor in factors_of_study(runs):
        base: dict[str, Any] = dict.fromkeys(FACTOR_COLUMNS, np.nan) | {
            "test": "",
            "effect_size": "",
            "best_level": "",
            "note": "",
        }
        base |= {
            "network": factor.network,
            "factor": factor.name,
            "levels": len(factor.levels),
            "runs": len(factor.runs),
        }
        base |= {"significance_level": level}
        if reason := factor.why_untestable():
            rows.append({**base, "note": reason, "significant": False})
            continue
        for result in (_over_all_runs(factor), _over_blocks(factor)):
            row = base | result
            row["note"] = " ".join(
                filter(
                    None, (row["note"], factor.left_out if result["test"] != KRUSKAL_WALLIS else "")
                )
            )
            rows.append({**row, "significant": bool(row["p"] <= level)})
    return pd.DataFrame(rows, columns=FACTOR_COLUMNS).astype({"blocks": "Int64"})


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


def level_pairs(runs: pd.DataFrame, level: float) -> pd.DataFrame:
    """Compare every pair of levels of each factor, by the tests after those of `factors` and A12.

    A12 and p_dunn are over all runs, p_siegel_friedman is over the blocks. It is missing with two
    levels, because the test of the factor is then that of the pair. The p are missing if `factors`
    has a note instead of numbers. significant is by p_siegel_friedman, and False without a test.
    """
    rows = []
    for factor in factors_of_study(runs):
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
            rows.append({**row, "significant": bool(row["p_siegel_friedman"] <= level)})
    return pd.DataFrame(rows, columns=LEVEL_PAIR_COLUMNS)
