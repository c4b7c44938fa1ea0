"""Claims about what was found: the designs of a network against the dense network."""

import math
from dataclasses import dataclass

import pandas as pd
from scipy.stats import fisher_exact

from ...fronts.union import DENSE
from ...search.objectives import POINTS, accuracy_threshold
from ...words import counted
from ..extremes import best_and_worst
from .evidence import (
    NOT_SUPPORTED,
    SUPPORTED,
    UNDECIDED,
    Evidence,
    Finding,
    p_text,
)
from .least import LEAST_RUNS

LARGEST_RATE = 0.5  # "many weights": at least half of them
ALLOWED_POINTS = 1.0  # "about the original accuracy", in percentage points; the paper's own floor lies 4.4 below it
WEIGHTS = 1  # of conv_target: 0 biases, 1 weights, 2 both
IMPROVING = "the dense network was still improving when its training ended"
NETWORKS = "statistics/networks.csv"


def _doubtful(evaluations: pd.DataFrame) -> pd.Series | None:
    """Which evaluations have a non-zero rate that may be wrong; None where that cannot be told. evaluations: all of one network.

    The published code of the paper counts the entries of a convolution twice where its weights and biases are pruned. Rates below 0 cannot
    be and give such a table away; then every rate of that kind is doubtful, those that could be too. A fraction between weights and both
    is taken for both. Rates below 0 of another kind, or unknown targets, leave open which others are wrong.
    """
    impossible, targets = evaluations["nonzero_rate"] < 0, evaluations["conv_target"]
    if not impossible.any():
        return impossible
    both = targets > WEIGHTS
    return both if targets.notna().all() and both[impossible].all() else None


@dataclass(frozen=True)
class _Removals:
    """What the runs of a setting found among the designs near the dense network's accuracy whose rates are not doubtful.

    seeds: of the runs. near: these designs. doubtful: the designs with few enough weights by a rate that is doubtful.
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
        """The same of the initial sample alone; None where not all phases are known."""
        phases = self.near["phase"]
        return self._smallest(self.near[phases == "initial"]) if phases.notna().all() else None

    @property
    def beyond(self) -> int:
        """Runs whose search found a design with few enough weights and with fewer than any of the initial sample; 0 without phases."""
        if self.drawn is None:
            return 0
        return int(((self.smallest <= LARGEST_RATE) & (self.smallest < self.drawn)).sum())

    def in_words(self) -> str:
        found = self.smallest[self.smallest < math.inf]
        sample = "it is not known which designs are of the initial sample"
        if self.drawn is not None:
            alone = (self.drawn <= LARGEST_RATE).sum()
            sample = f"in {alone} of them the initial sample alone has one, in {self.beyond} the search found one smaller than any there"
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
            f"In {open_ones} of {counted(count, 'run')} such networks have rates that may be wrong, and no others do.",
        )
    if count < LEAST_RUNS:
        return (
            UNDECIDED,
            f"Every run did, but {counted(count, 'run')} {'is' if count == 1 else 'are'} too few; it takes {LEAST_RUNS}.",
        )
    drawn = found.drawn is not None and bool((found.drawn <= LARGEST_RATE).all())
    random = (
        " Random designs did it in every run: its initial sample alone has such a network."
        if drawn
        else ""
    )
    if shared_sample and found.beyond < LEAST_RUNS:
        few = f"All share one initial sample; {found.beyond} {'is' if found.beyond == 1 else 'are'} known to have searched out a smaller such network, it takes {LEAST_RUNS}."
        return UNDECIDED, f"Every run did.{random} {few}"
    return SUPPORTED, f"Every run did, by accuracy on the images of the search.{random}"


def weights_removed(evidence: Evidence, network: str) -> Finding:
    """Counted in every complete run of the best setting, since a run is what a user gets; one without such a design refutes it.

    The claim is about weights, whatever removed them: that random designs of the initial sample have as few is said but does not refute
    it. Where all seeds share one initial sample, what that has is one event and not one for each run: then at least 3 runs must have
    searched out a design with fewer weights than any such one of the sample. Rates that may be wrong count neither for a run nor against
    it, see `_doubtful`.
    """
    statement = (
        f"Every run of the best surrogate setting finds a feasible network with at most {LARGEST_RATE:.0%} of the weights non-zero "
        f"and within {ALLOWED_POINTS:g} percentage point of the dense network's accuracy."
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
        numbers += f"; {counted(left_out, 'evaluation')} with pruned weights and biases of convolutions left out, since some such have rates below 0"
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


def _candidates(
    evidence: Evidence, network: str
) -> tuple[pd.DataFrame, float, float, int, str, tuple[str, ...]]:
    """(design_id and accuracy of the solutions, dense accuracy, images, candidates that were picked from, images in words, files).

    Test images that the search did not use say most, and there the front alone is picked from. On the images of the search, every distinct
    design evaluated was, feasible or not.
    """
    test, split = (
        evidence.tests.get(network),
        evidence.networks.set_index("network").loc[network, "split"],
    )
    if test is not None and network in evidence.test_images and split != "test":
        rows = test[["design_id", "test_accuracy"]].rename(columns={"test_accuracy": "accuracy"})
        designs, dense = (
            rows[rows["design_id"] != DENSE],
            float(rows.loc[rows["design_id"] == DENSE, "accuracy"].iloc[0]),
        )
        files = (f"fronts/{network}.test.csv", f"baselines/{network}/metrics.json")
        return (
            designs,
            dense,
            evidence.test_images[network],
            len(designs),
            "of the test split, front designs",
            files,
        )
    own = evidence.evaluations_of(network)
    solutions = own.loc[own["feasible"].astype(bool), ["design_id", "accuracy"]].drop_duplicates(
        "design_id"
    )
    dense, images = evidence.number(network, "dense_accuracy"), evidence.number(network, "images")
    files = (f"runs/{network}/evaluations.csv", NETWORKS)
    return (
        solutions,
        dense,
        images,
        own["design_id"].nunique(),
        "of the search, all feasible designs",
        files,
    )


def more_accurate(evidence: Evidence, network: str) -> Finding:
    """The best of the solutions against the dense network, Bonferroni over all that it was picked from.

    Both classify the same images; the test takes them for different ones, which makes it conservative.
    """
    statement = "Some solutions are more accurate than the dense network."
    test = "exact one-sided Fisher test of the best solution, Bonferroni"
    designs, dense, images, candidates, where, files = _candidates(evidence, network)
    if designs.empty or math.isnan(dense) or math.isnan(images):
        lacking = (
            "There is no feasible design."
            if designs.empty
            else "The dense network's accuracy or the number of images is not known."
        )
        return Finding(statement, test, "", UNDECIDED, lacking, files)
    best = float(designs["accuracy"].max())
    above = int((designs["accuracy"] > dense).sum())
    right, dense_right = round(best * images), round(dense * images)
    single = fisher_exact(
        [[right, images - right], [dense_right, images - dense_right]], alternative="greater"
    ).pvalue
    p = min(1.0, candidates * float(single))
    numbers = (
        f"{above} of {len(designs)} above the dense network's {dense:.4f}, the best at {best:.4f} "
        f"({POINTS * (best - dense):+.2f} points); {counted(round(images), 'image')} {where}, picked from {candidates}"
    )
    if above == 0:
        verdict, reason = NOT_SUPPORTED, "None is."
    elif p <= evidence.level:
        verdict, reason = (
            SUPPORTED,
            f"{p_text(p)} is at most {evidence.level:g}, the picking of the best paid for.",
        )
    else:
        verdict, reason = (
            UNDECIDED,
            f"Some are, but within chance for the best of {candidates} on {counted(round(images), 'image')} ({p_text(p)}).",
        )
    if (rise := evidence.improving.get(network)) is not None:
        numbers += f"; {IMPROVING} (validation accuracy {POINTS * rise:+.1f} points)"
        files = (*files, f"baselines/{network}/history.csv")
        if verdict == SUPPORTED:
            verdict = UNDECIDED
            reason = (
                f"{p_text(p)}, but {IMPROVING}: trained for longer, it may be as accurate itself."
            )
    return Finding(statement, test, numbers, verdict, reason, files, p)
