"""The evidence by which a claim is judged, and the finding that judging it gives."""

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
    """The tables of a study on which its claims rest.

    The mappings have one entry for each network. A network that only tables of evaluations know
    may be missing in them.

    Attributes:
        level: The significance level, in (0, 1).
        smallest: The smallest difference of hypervolumes that matters, as a share of their mean.
        runs: The table statistics/runs.csv, of all networks. Its hypervolumes are those of the
            study's size, or those of the paper's from `judge.by_nonzero_rate`.
        every_run: The same table with the runs that the claims do not judge, from which the tests
            below are made.
        networks: The table statistics/networks.csv.
        friedman: The table statistics/friedman.csv.
        factors: The table statistics/factors.csv.
        pairwise: The table statistics/pairwise.csv.
        level_pairs: The table statistics/level_pairs.csv.
        evaluations: Every evaluation of every run, with network, method, seed, design_id,
            nonzero_rate, accuracy and feasible. The columns MAY_BE_MISSING where they are known.
            The seconds are those of imported evaluations alone.
        worst_run_fronts: The front of the worst run of the best setting.
        tests: The union front on the test images, with design_id, nonzero_rate, accuracy,
            test_accuracy and test_feasible.
        passes: The timed passes over all test images, with design_id, repeat and seconds.
        loads: The cores that other work kept busy when the timing began.
        improving: The rise of the validation accuracy at the end of the training, as a fraction,
            of those dense networks alone that were still improving.
        test_images: The number of test images.
        figures: The names of the files under figures/ that the study draws.
    """

    level: float
    smallest: float
    runs: pd.DataFrame
    every_run: pd.DataFrame
    networks: pd.DataFrame
    friedman: pd.DataFrame
    factors: pd.DataFrame
    pairwise: pd.DataFrame
    level_pairs: pd.DataFrame
    evaluations: pd.DataFrame
    worst_run_fronts: Mapping[str, pd.DataFrame]
    tests: Mapping[str, pd.DataFrame]
    passes: Mapping[str, pd.DataFrame]
    loads: Mapping[str, float]
    improving: Mapping[str, float]
    test_images: Mapping[str, int]
    figures: Collection[str]

    def runs_of(self, network: str) -> pd.DataFrame:
        """The runs of one network."""
        return self.runs[self.runs["network"] == network]

    def evaluations_of(self, network: str) -> pd.DataFrame:
        """The evaluations of one network, with empty columns where MAY_BE_MISSING are missing."""
        own = self.evaluations[self.evaluations["network"] == network]
        return own.reindex(columns=list(dict.fromkeys([*own.columns, *MAY_BE_MISSING])))

    def number(self, network: str, column: str) -> float:
        """A number of the network's row in `networks`; NaN where it is not known."""
        return float(pd.to_numeric(self.networks.set_index("network")[column])[network])

    def shares_sample(self, network: str) -> bool:
        """Tell whether all seeds began from one and the same initial sample."""
        own = self.friedman[self.friedman["network"] == network]
        return bool(own["shared_sample"].astype(bool).any())

    def about_sample(self, network: str) -> str:
        """A sentence to add if all seeds share one initial sample; empty if they do not."""
        return f" {ONE_SAMPLE}" if self.shares_sample(network) else ""


@dataclass(frozen=True)
class Finding:
    """The judgement of one claim on one network.

    Attributes:
        statement: The claim in words, with the numbers that it is about.
        test: The name of the test.
        evidence: The numbers behind the verdict, in words.
        verdict: SUPPORTED, NOT_SUPPORTED or UNDECIDED.
        reason: Why this is the verdict.
        files: The files that it rests on, relative to the study's results.
        p: The p of the test for the claim. If it claims no effect, of the test against it, or where
            it is supported, of the one that shows it. NaN without a test.
        blocks: The number of seeds, runs or repeats that the verdict rests on.
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
    """A p with two digits, as in "p = 0.031"."""
    return f"p = {p:.2g}" if p >= 1e-4 else "p < 0.0001"


def nothing_feasible(compared: pd.DataFrame) -> bool:
    """Tell whether there are runs and none of them has a feasible evaluation.

    Their hypervolumes are all 0 then, and say nothing of the methods.
    """
    return len(compared) > 0 and not (compared["feasible"] > 0).any()


def signed_rank_test(unit: str, differences: np.ndarray | None = None) -> str:
    """The name of the test that `direction` makes.

    Args:
        unit: What the differences are between, in the singular.
        differences: The paired differences, shape (n,). With them the name tells how p is found.
    """
    name = f"one-sided Wilcoxon signed-rank test over {unit}s"
    return name if differences is None else f"{name} ({signed_rank_method(differences)})"


def direction(
    differences: np.ndarray, level: float, unit: str, ahead: str
) -> tuple[str, str, float]:
    """Judge a claim that the median of paired differences is above 0.

    It is supported if the test for it is significant and the median is above 0. It is not
    supported if the test for the opposite is significant and the median is below 0. All else
    decides nothing:

    - The differences are within chance either way.
    - The median is not on the side of the test. The test weighs ranks, and so a few large
      differences may outweigh many small ones.
    - There are so few differences that even all on one side could be chance.

    Args:
        differences: The paired differences, shape (n,).
        level: The significance level of each of the two tests, in (0, 1).
        unit: What the differences are between, in the singular.
        ahead: The word for a difference above 0.

    Returns:
        The verdict, its reason, and the p of the one-sided test for the claim.
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
        f"By their ranks the differences lie {side} 0 ({p_text(min(above, below))}), "
        "but their median does not.",
        above,
    )


def least_units(level: float) -> int:
    """The fewest pairs with which an exact one-sided test of paired values can reach `level`.

    All n differences are above 0 with probability 2^-n.
    """
    return math.ceil(-math.log2(level))
