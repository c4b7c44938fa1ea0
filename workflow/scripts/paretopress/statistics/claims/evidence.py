"""What a claim is judged by, and what judging it gives."""

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ...words import counted
from ..effects import signed_rank, signed_rank_method
from ..ranks import ONE_SAMPLE

SUPPORTED, NOT_SUPPORTED, UNDECIDED = "supported", "not supported", "cannot be decided"
PAPER, ADDED = "paper", "added"
NOTHING_FEASIBLE = "No compared run found a feasible design."
# Tables of evaluations made elsewhere need not have them.
MAY_BE_MISSING = ("phase", "linear_scope", "conv_scope", "conv_target", "quantization", "seconds")


@dataclass(frozen=True)
class Evidence:
    """The tables of a study that its claims rest on.

    level: significance level. runs, networks, friedman, factors, pairwise: the tables of these names under statistics/, all networks.
    evaluations: every evaluation of every run, with network, method, seed, design_id, nonzero_rate, accuracy, feasible; phase and
    conv_target where they are known.
    worst_run_fronts: front of the worst run of the best setting. tests: its union front on the test images (design_id, nonzero_rate,
    accuracy, test_accuracy, test_feasible). passes: timed passes over all test images (design_id, repeat, seconds). test_images: how
    many there are. These four are by network; one that is imported may be missing in them. figures: file names under figures/ that the
    study draws.
    """

    level: float
    runs: pd.DataFrame
    networks: pd.DataFrame
    friedman: pd.DataFrame
    factors: pd.DataFrame
    pairwise: pd.DataFrame
    evaluations: pd.DataFrame
    worst_run_fronts: Mapping[str, pd.DataFrame]
    tests: Mapping[str, pd.DataFrame]
    passes: Mapping[str, pd.DataFrame]
    loads: Mapping[str, float]
    improving: Mapping[str, float]
    test_images: Mapping[str, int]
    figures: Collection[str]

    def runs_of(self, network: str) -> pd.DataFrame:
        return self.runs[self.runs["network"] == network]

    def evaluations_of(self, network: str) -> pd.DataFrame:
        """Those of one network, with phase and conv_target, missing where not known."""
        own = self.evaluations[self.evaluations["network"] == network]
        return own.reindex(columns=list(dict.fromkeys([*own.columns, *MAY_BE_MISSING])))

    def number(self, network: str, column: str) -> float:
        """A number of the network's row; NaN where it is not known."""
        return float(pd.to_numeric(self.networks.set_index("network")[column])[network])

    def shares_sample(self, network: str) -> bool:
        """Whether all seeds began from one and the same initial sample."""
        own = self.friedman[self.friedman["network"] == network]
        return bool(own["shared_sample"].astype(bool).any())

    def about_sample(self, network: str) -> str:
        """A sentence where all seeds share one initial sample, to stand behind others; empty otherwise."""
        return f" {ONE_SAMPLE}" if self.shares_sample(network) else ""


@dataclass(frozen=True)
class Finding:
    """One claim judged on one network. p: of the test for the claim or, where it claims no effect, against it; NaN without a test.

    files: relative to the study's results.
    """

    statement: str
    test: str
    evidence: str
    verdict: str
    reason: str
    files: tuple[str, ...]
    p: float = math.nan
    blocks: int | None = None


def p_text(p: float) -> str:
    return f"p = {p:.2g}" if p >= 1e-4 else "p < 0.0001"


def nothing_feasible(compared: pd.DataFrame) -> bool:
    """Whether there are runs and none of them has a feasible evaluation: their hypervolumes are all 0 and say nothing of the methods."""
    return len(compared) > 0 and not (compared["feasible"] > 0).any()


def signed_rank_test(unit: str, differences: np.ndarray | None = None) -> str:
    """The name of the test that `direction` makes; with the way its p is come to where there are differences. unit: singular."""
    name = f"one-sided Wilcoxon signed-rank test over {unit}s"
    return name if differences is None else f"{name} ({signed_rank_method(differences)})"


def direction(
    differences: np.ndarray, level: float, unit: str, ahead: str
) -> tuple[str, str, float]:
    """(verdict, reason, p) of a claim that paired differences, shape (n,), lie above 0 in the median; p: of the one-sided test for it.

    Supported where the test for it is significant and the median above 0; not supported where the test for the opposite is significant
    and the median below 0. All else decides nothing: differences within chance either way, a median that is not on the side of the test
    (which weighs ranks, so that a few large differences may outweigh many small ones), and so few that even all on one side could be
    chance. Each of the two tests is made at `level`. unit: singular. ahead: what being above 0 means.
    """
    above, below = (signed_rank(differences, side)[1] for side in ("greater", "less"))
    units, least = len(differences), least_units(level)
    median = float(np.median(differences)) if units else math.nan
    if units < least:
        every = (
            f"Even {ahead} in every {unit} would give p = {0.5**units:.3g}"
            if units
            else f"There is no {unit} to compare in"
        )
        return UNDECIDED, f"{every}; a test at {level:g} takes {counted(least, unit)}.", above
    if min(above, below) > level:
        tests = f"{p_text(above)}, for the opposite {p_text(below)}"
        return (
            UNDECIDED,
            f"The differences over {counted(units, unit)} are within chance either way ({tests}).",
            above,
        )
    if above <= level and median > 0:
        return SUPPORTED, f"{p_text(above)} is at most {level:g}.", above
    if below <= level and median < 0:
        return (
            NOT_SUPPORTED,
            f"The opposite is significant: {p_text(below)} is at most {level:g}.",
            above,
        )
    side = "above" if above <= level else "below"
    return (
        UNDECIDED,
        f"By their ranks the differences lie {side} 0 ({p_text(min(above, below))}), but their median does not.",
        above,
    )


def least_units(level: float) -> int:
    """The fewest pairs with which an exact one-sided test of paired values can reach `level`: all n above 0 have probability 2^-n."""
    return math.ceil(-math.log2(level))
