"""The claim about accuracy: some solutions are more accurate than the dense network."""

import math
from dataclasses import dataclass

import pandas as pd
from scipy.stats import fisher_exact

from ...fronts.union import DENSE
from ...search.objectives import POINTS
from ...words import counted
from .evidence import NOT_SUPPORTED, SUPPORTED, UNDECIDED, Evidence, Finding, p_text

NETWORKS = "statistics/networks.csv"
IMPROVING = "the dense network was still improving when its training ended"


@dataclass(frozen=True)
class _Solutions:
    """The solutions among which one may be more accurate than the dense network.

    Attributes:
        designs: Their design_id and accuracy.
        dense: The accuracy of the dense network on the same images; NaN if it is not known.
        images: The number of these images; NaN if it is not known.
        candidates: The number of designs that the best was picked from.
        where: The images and designs in words.
        files: The files that hold all this.
    """

    designs: pd.DataFrame
    dense: float
    images: float
    candidates: int
    where: str
    files: tuple[str, ...]


def _solutions(evidence: Evidence, network: str) -> _Solutions:
    """The front on the test images, if the search did not use them; else all feasible designs.

    Test images that the search did not use say most. The best is picked from the front alone
    there. On the images of the search it is picked from every distinct design that was evaluated,
    feasible or not.
    """
    test = evidence.tests.get(network)
    split = evidence.networks.set_index("network").loc[network, "split"]
    if test is not None and network in evidence.test_images and split != "test":
        rows = test[["design_id", "test_accuracy"]].rename(columns={"test_accuracy": "accuracy"})
        designs = rows[rows["design_id"] != DENSE]
        return _Solutions(
            designs,
            dense=float(rows.loc[rows["design_id"] == DENSE, "accuracy"].iloc[0]),
            images=evidence.test_images[network],
            candidates=len(designs),
            where="of the test split, front designs",
            files=(f"fronts/{network}.test.csv", f"baselines/{network}/metrics.json"),
        )
    own = evidence.evaluations_of(network)
    feasible = own.loc[own["feasible"].astype(bool), ["design_id", "accuracy"]]
    return _Solutions(
        feasible.drop_duplicates("design_id"),
        dense=evidence.number(network, "dense_accuracy"),
        images=evidence.number(network, "images"),
        candidates=own["design_id"].nunique(),
        where="of the search, all feasible designs",
        files=(f"runs/{network}/evaluations.csv", NETWORKS),
    )


def more_accurate(evidence: Evidence, network: str) -> Finding:
    """Judge whether the best of the solutions is more accurate than the dense network.

    Bonferroni's correction is for all solutions that the best was picked from. Both networks
    classify the same images. The test treats them as different ones, which makes it conservative.
    A dense network that was still improving when its training ended may owe the difference to that:
    it supports nothing, see `still_improving`.

    Args:
        evidence: The tables of the study.
        network: The name of the network.

    Returns:
        The finding, without blocks.
    """
    statement = "Some solutions are more accurate than the dense network."
    test = "exact one-sided Fisher test of the best solution, Bonferroni"
    found = _solutions(evidence, network)
    designs, dense, images, files = found.designs, found.dense, found.images, found.files
    if designs.empty or math.isnan(dense) or math.isnan(images):
        lacking = "The number of images is not known."
        if math.isnan(dense):
            lacking = "The dense network's accuracy is not known."
        if designs.empty:
            lacking = "There is no feasible design."
        return Finding(statement, test, "", UNDECIDED, lacking, files)
    best, shown = float(designs["accuracy"].max()), counted(round(images), "image")
    above = int((designs["accuracy"] > dense).sum())
    right, dense_right = round(best * images), round(dense * images)
    single = fisher_exact(
        [[right, images - right], [dense_right, images - dense_right]], alternative="greater"
    ).pvalue
    p = min(1.0, found.candidates * float(single))
    numbers = (
        f"{above} of {len(designs)} above the dense network's {dense:.4f}, the best at {best:.4f} "
        f"({POINTS * (best - dense):+.2f} points); {shown} {found.where}, "
        f"picked from {found.candidates}"
    )
    if above == 0:
        verdict, reason = NOT_SUPPORTED, "None is."
    elif p <= evidence.level:
        verdict = SUPPORTED
        reason = f"{p_text(p)} is at most {evidence.level:g}, the picking of the best included."
    else:
        verdict = UNDECIDED
        reason = (
            f"Some are, but within chance for the best of {found.candidates} on {shown} "
            f"({p_text(p)})."
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
