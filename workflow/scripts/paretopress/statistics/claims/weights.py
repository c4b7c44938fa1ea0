"""The claim about weights: every run removes many of them and keeps the accuracy."""

import math
from dataclasses import dataclass

import pandas as pd

from ...search.objectives import accuracy_threshold
from ...words import are, counted
from ..extremes import best_and_worst
from .evidence import (
    NOT_SUPPORTED,
    SUPPORTED,
    UNDECIDED,
    Evidence,
    Finding,
)
from .least import LEAST_RUNS

LARGEST_RATE = 0.5  # "many weights": at least half of them
# "About the original accuracy", in percentage points; the paper's own floor lies 4.4 below it.
ALLOWED_POINTS = 1.0
WEIGHTS = 1  # of conv_target: 0 biases, 1 weights, 2 both
NETWORKS = "statistics/networks.csv"


def _doubtful(evaluations: pd.DataFrame) -> pd.Series | None:
    """Find the evaluations whose non-zero rate may be wrong.

    The paper's published code counts the entries of a convolution twice if both its weights and its
    biases are pruned. Rates below 0 are impossible and reveal such a table. Then every rate of that
    kind is doubtful, also a possible one. A fraction between weights and both counts as both.

    Args:
        evaluations: All evaluations of one network.

    Returns:
        Whether each rate may be wrong. None if rates below 0 are of another kind or a target is
        not known: it is open then which others are wrong.
    """
    impossible, targets = evaluations["nonzero_rate"] < 0, evaluations["conv_target"]
    if not impossible.any():
        return impossible
    both = targets > WEIGHTS
    return both if targets.notna().all() and both[impossible].all() else None


@dataclass(frozen=True)
class _Removals:
    """The designs near the dense network's accuracy that the runs of a setting found.

    Attributes:
        seeds: The seeds of the runs.
        near: Those of the designs whose rates are not doubtful.
        doubtful: Those with few enough weights by a rate that is doubtful.
    """

    seeds: list[int]
    near: pd.DataFrame
    doubtful: pd.DataFrame

    def _smallest(self, designs: pd.DataFrame) -> pd.Series:
        smallest = designs.groupby("seed")["nonzero_rate"].min()
        return smallest.reindex(self.seeds, fill_value=math.inf)

    @property
    def smallest(self) -> pd.Series:
        """The smallest non-zero rate by seed, infinite without a design."""
        return self._smallest(self.near)

    @property
    def drawn(self) -> pd.Series | None:
        """The same of the initial sample alone. None if not all phases are known."""
        phases = self.near["phase"]
        return self._smallest(self.near[phases == "initial"]) if phases.notna().all() else None

    @property
    def beyond(self) -> int:
        """The number of runs whose search removed more weights than any design of their sample.

        Only designs with few enough weights count. It is 0 without phases.
        """
        if self.drawn is None:
            return 0
        return int(((self.smallest <= LARGEST_RATE) & (self.smallest < self.drawn)).sum())

    def in_words(self) -> str:
        """The counts of runs and the smallest rates, as the evidence has them."""
        found = self.smallest[self.smallest < math.inf]
        sample = "it is not known which designs are of the initial sample"
        if self.drawn is not None:
            alone = (self.drawn <= LARGEST_RATE).sum()
            sample = (
                f"in {alone} of them the initial sample alone has one, "
                f"in {self.beyond} the search found one smaller than any there"
            )
        few = (self.smallest <= LARGEST_RATE).sum()
        ends = f"; smallest non-zero rates {found.min():.3f} to {found.max():.3f}"
        return f"{few} of {counted(len(self.seeds), 'run')} ({sample}){ends if len(found) else ''}"


def _removals_verdict(found: _Removals, shared_sample: bool) -> tuple[str, str]:
    count, reached = len(found.seeds), found.smallest <= LARGEST_RATE
    unclear = set(found.doubtful["seed"])
    if nothing := sum(not done and seed not in unclear for seed, done in reached.items()):
        return NOT_SUPPORTED, f"{nothing} of {counted(count, 'run')} found no such network."
    if open_ones := int((~reached).sum()):
        return (
            UNDECIDED,
            f"In {open_ones} of {counted(count, 'run')} such networks have rates that may be "
            "wrong, and no others do.",
        )
    if count < LEAST_RUNS:
        return (
            UNDECIDED,
            f"Every run did, but {counted(count, 'run')} {are(count)} too few; "
            f"it takes {LEAST_RUNS}.",
        )
    drawn = found.drawn is not None and bool((found.drawn <= LARGEST_RATE).all())
    random = (
        " Random designs did it in every run: its initial sample alone has such a network."
        if drawn
        else ""
    )
    if shared_sample and found.beyond < LEAST_RUNS:
        few = (
            f"All share one initial sample; {found.beyond} {are(found.beyond)} known to have "
            f"searched out a smaller such network, it takes {LEAST_RUNS}."
        )
        return UNDECIDED, f"Every run did.{random} {few}"
    return SUPPORTED, f"Every run did, by accuracy on the images of the search.{random}"


def weights_removed(evidence: Evidence, network: str) -> Finding:
    """Judge whether every run of the best setting removes many weights and keeps the accuracy.

    Every complete run counts, since a user gets one run. One run without such a design refutes the
    claim. The claim is about weights, whatever removed them. If random designs of the initial
    sample have as few, the reason says so, but that does not refute it. If all seeds share one
    initial sample, that sample is one event and not one for each run. Then the search of at least
    LEAST_RUNS runs must have found a design with fewer weights than any such one of the sample.
    Rates that may be wrong count neither for a run nor against it, see `_doubtful`.

    Args:
        evidence: The tables of the study.
        network: The name of the network.

    Returns:
        The finding, with the runs as blocks.
    """
    statement = (
        "Every run of the best surrogate setting finds a feasible network with at most "
        f"{LARGEST_RATE:.0%} of the weights non-zero and within {ALLOWED_POINTS:g} percentage "
        "point of the dense network's accuracy."
    )
    test, runs, dense = (
        "count of runs",
        evidence.runs_of(network),
        evidence.number(network, "dense_accuracy"),
    )
    chosen = best_and_worst(runs)
    if chosen is None or math.isnan(dense):
        lacking = (
            "There are fewer than two settings with complete runs."
            if chosen is None
            else "The dense network's accuracy is not known."
        )
        return Finding(statement, test, "", UNDECIDED, lacking, (NETWORKS,), blocks=0)
    best, files = chosen[0], (f"runs/{network}/evaluations.csv", NETWORKS, "statistics/runs.csv")
    seeds = sorted(runs.loc[(runs["method"] == best) & runs["complete"].astype(bool), "seed"])
    table = evidence.evaluations_of(network)
    doubtful = _doubtful(table)
    if doubtful is None:
        reason = "Some non-zero rates are below 0, and it cannot be told which others are wrong."
        return Finding(statement, test, best, UNDECIDED, reason, files, blocks=len(seeds))
    own = (table["method"] == best) & table["seed"].isin(seeds) & table["feasible"].astype(bool)
    near = own & (
        table["accuracy"]
        >= accuracy_threshold(dense, allowed_drop_points=ALLOWED_POINTS, floor=None)
    )
    found = _Removals(
        seeds,
        table[near & ~doubtful],
        table[near & doubtful & (table["nonzero_rate"] <= LARGEST_RATE)],
    )
    numbers = f"{best}: {found.in_words()}"
    if left_out := int((own & doubtful).sum()):
        numbers += (
            f"; {counted(left_out, 'evaluation')} with pruned weights and biases of convolutions "
            "left out, since some such have rates below 0"
        )
    verdict, reason = _removals_verdict(found, evidence.shares_sample(network))
    return Finding(
        statement,
        test,
        numbers,
        verdict,
        reason + evidence.about_sample(network),
        files,
        blocks=len(seeds),
    )
