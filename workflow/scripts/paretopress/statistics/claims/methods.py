"""Claims that the surrogate settings beat other methods, within the seeds of a network."""

import re
from collections.abc import Callable

import pandas as pd

from ...words import counted
from ..effects import signed_rank_power
from ..extremes import settings_of
from ..ranks import blocks
from .evidence import (
    NOTHING_FEASIBLE,
    UNDECIDED,
    Evidence,
    Finding,
    direction,
    nothing_feasible,
    signed_rank_test,
)

PLAIN_CTAEA = re.compile(r"ctaea-\d+x\d+")
RUNS = "statistics/runs.csv"


def _medians(runs: pd.DataFrame) -> str:
    """The median hypervolume of each method, with its number of runs."""
    return ", ".join(
        f"{name} {own['hypervolume'].median():.4f} "
        f"({counted(len(own), 'run')}, {int(own['complete'].sum())} of them complete)"
        for name, own in runs.groupby("method", sort=False)
    )


def _surrogate_beats(
    evidence: Evidence, network: str, is_rival: Callable[[str], bool], rivals: str, example: str
) -> Finding:
    """Judge in each seed the mean of all settings against one rival.

    The rival is the one with the largest mean, so that choosing it works against the claim. Methods
    are known by their names, of which `example` is a rival's.
    """
    statement = f"The mean hypervolume of the surrogate settings is larger than that of {rivals}: "
    statement += "the median over seeds of the difference is above 0."
    test, runs = signed_rank_test("seed"), evidence.runs_of(network)
    own, others = settings_of(runs), runs[runs["method"].map(is_rival).astype(bool)]
    if own.empty or others.empty:
        form = "surrogate-mse-mse" if own.empty else example
        return Finding(
            statement,
            test,
            "",
            UNDECIDED,
            f"Methods are recognised by their names. None on this network is like {form}.",
            (RUNS,),
            blocks=0,
        )
    medians = (
        f"median hypervolume of the settings {own['hypervolume'].median():.4f} "
        f"({counted(len(own), 'run')}), of {_medians(others)}"
    )
    surrogates, table = blocks(own), blocks(others)
    seeds = surrogates.index.intersection(table.index)
    if seeds.empty:
        reason = (
            f"There is no seed in which the settings and {rivals} both have runs with every "
            "evaluation."
        )
        return Finding(statement, test, medians, UNDECIDED, reason, (RUNS,), blocks=0)
    if nothing_feasible(
        runs[runs["seed"].isin(seeds) & runs["method"].isin([*surrogates, *table])]
    ):
        return Finding(
            statement, test, medians, UNDECIDED, NOTHING_FEASIBLE, (RUNS,), blocks=len(seeds)
        )
    rival = str(table.loc[seeds].mean().sort_index().idxmax())
    differences = surrogates.loc[seeds].mean(axis=1) - table.loc[seeds, rival]
    test = signed_rank_test("seed", differences.to_numpy())
    verdict, reason, p = direction(differences.to_numpy(), evidence.level, "seed", "ahead")
    numbers = (
        f"mean of {counted(surrogates.shape[1], 'setting')} ahead of {rival} "
        f"in {(differences > 0).sum()} of {counted(len(seeds), 'seed')}"
    )
    power = signed_rank_power(
        differences.to_numpy(),
        evidence.smallest * float(surrogates.loc[seeds].to_numpy().mean()),
        evidence.level,
    )
    numbers += f", median difference {differences.median():+.4f} (one of {evidence.smallest:.1%} "
    numbers += f"of their mean is found with probability {power:.2f}); {medians}"
    return Finding(
        statement,
        test,
        numbers,
        verdict,
        reason + evidence.about_sample(network),
        (RUNS,),
        p,
        len(seeds),
    )


def surrogate_beats_ctaea(evidence: Evidence, network: str) -> Finding:
    """Judge whether the surrogate settings have a larger hypervolume than plain CTAEA."""
    return _surrogate_beats(
        evidence,
        network,
        lambda method: bool(PLAIN_CTAEA.fullmatch(method)),
        "plain CTAEA",
        "ctaea-10x10",
    )


def surrogate_beats_random(evidence: Evidence, network: str) -> Finding:
    """Judge whether the surrogate settings have a larger hypervolume than random search."""
    return _surrogate_beats(
        evidence,
        network,
        lambda method: method == "random",
        "random search with the same budget",
        "random",
    )
