"""Claims about methods: their hypervolumes, compared within the seeds of a network."""

import math
import re
from collections.abc import Callable
from typing import Any

import pandas as pd

from ...words import counted
from ..extremes import best_and_worst, settings_of
from ..factors import KRUSKAL_WALLIS
from ..ranks import LEAST_BLOCKS, LEAST_METHODS, SETTINGS, blocks, complete_methods, friedman_power
from .evidence import (
    NOT_SUPPORTED,
    NOTHING_FEASIBLE,
    SUPPORTED,
    UNDECIDED,
    Evidence,
    Finding,
    direction,
    nothing_feasible,
    p_text,
    signed_rank_test,
)
from .least import LARGE_W, POWER, of_best_and_worst, of_metric

PLAIN_CTAEA = re.compile(r"ctaea-\d+x\d+")
RUNS = "statistics/runs.csv"


def _settings_row(evidence: Evidence, network: str) -> dict[str, Any]:
    table = evidence.friedman
    row = table[(table["network"] == network) & (table["compared"] == SETTINGS)].iloc[0]
    return {**row, "note": "" if pd.isna(row["note"]) else row["note"]}


def metric_without_effect(evidence: Evidence, network: str) -> Finding:
    """Judge whether the selection metric has no effect on the hypervolume.

    Any significant test refutes the claim. Without one it is supported only if a large effect would
    probably have been found. Settings that are all equal leave nothing to test, which decides
    nothing.

    Args:
        evidence: The tables of the study.
        network: The name of the network.

    Returns:
        The finding, with the seeds as blocks.
    """
    row, factors = _settings_row(evidence, network), evidence.factors
    own = factors[
        (factors["network"] == network) & (factors["test"] != KRUSKAL_WALLIS) & factors["p"].notna()
    ]
    tested = {"Friedman over the settings": row["p"]} if pd.notna(row["p"]) else {}
    tested |= {
        f"{name.replace('_', ' ')} ({test} over seeds)": p
        for name, test, p in own[["factor", "test", "p"]].itertuples(index=False)
    }
    # Holm's first step, which alone decides whether any test is significant.
    p = min(1.0, len(tested) * min(tested.values())) if tested else math.nan
    verdict, reason, needs, numbers = (
        UNDECIDED,
        "",
        "",
        [f"{name}: {p_text(value)}" for name, value in tested.items()],
    )
    if pd.notna(row["p"]):
        power = friedman_power(int(row["blocks"]), int(row["methods"]), evidence.level, LARGE_W)
        numbers += [
            f"Kendall's W {row['kendall_w']:.2f}",
            f"a large effect (W = {LARGE_W:g}) is found with probability {power:.2f}",
        ]
        verdict, reason = (
            SUPPORTED,
            "No test is significant, and a large effect would probably have been found.",
        )
        if power < POWER:
            verdict, reason = (
                UNDECIDED,
                f"No test is significant, but {counted(row['blocks'], 'block')} might well not "
                "show a large effect.",
            )
    if p <= evidence.level:
        verdict, reason = (
            NOT_SUPPORTED,
            f"The smallest p is significant, Holm-adjusted over {counted(len(tested), 'test')}: "
            f"{p_text(p)}.",
        )
    if nothing_feasible(complete_methods(settings_of(evidence.runs_of(network)))):
        reason = NOTHING_FEASIBLE
    elif verdict == UNDECIDED:
        needs = of_metric(evidence.level, int(row["methods"])).sentence(int(row["blocks"]))
    return Finding(
        "The selection metric has no significant effect on the hypervolume "
        f"(at {evidence.level:g}, Holm-adjusted).",
        "Friedman over the settings; Friedman or signed-rank test of each factor over seeds",
        "; ".join(numbers),
        verdict,
        f"{reason} {row['note']}".strip() + needs,
        ("statistics/friedman.csv", "statistics/factors.csv"),
        p,
        int(row["blocks"]),
    )


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
    numbers += f", median difference {differences.median():+.4f}; {medians}"
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


def best_differs_from_worst(evidence: Evidence, network: str) -> Finding:
    """Judge whether the best surrogate setting has a larger hypervolume than the worst.

    The two are picked by their means. They are tested as one of all pairs, so that the test
    accounts for the picking. The claim is not supported if no difference between the settings is
    shown although a large effect would probably have been found. Settings that are all equal leave
    nothing to test, which decides nothing.

    Args:
        evidence: The tables of the study.
        network: The name of the network.

    Returns:
        The finding, with the seeds as blocks.
    """
    test, files = (
        "Siegel-Friedman, Holm over all pairs of settings",
        ("statistics/pairwise.csv", "statistics/friedman.csv", RUNS),
    )
    found, row = best_and_worst(evidence.runs_of(network)), _settings_row(evidence, network)
    own = settings_of(evidence.runs_of(network))
    if found is None or nothing_feasible(own[own["complete"].astype(bool)]):
        statement = "One surrogate setting is the best and another the worst."
        lacking = (
            "There are fewer than two settings with complete runs."
            if found is None
            else NOTHING_FEASIBLE
        )
        return Finding(statement, test, "", UNDECIDED, lacking, files, blocks=row["blocks"])
    best, worst = found
    statement = (
        f"The best surrogate setting, {best}, has a larger hypervolume than the worst, {worst}."
    )
    pairs = evidence.pairwise[
        (evidence.pairwise["network"] == network) & (evidence.pairwise["compared"] == SETTINGS)
    ]
    chosen = pairs[pairs["method"].isin(found) & pairs["other_method"].isin(found)]
    enough = row["blocks"] >= LEAST_BLOCKS and row["methods"] >= LEAST_METHODS
    needs = of_best_and_worst(evidence.level, int(row["methods"])).sentence(int(row["blocks"]))
    if chosen.empty or not enough:
        reason = (
            row["note"] or "The two are not compared, since not all of their runs are complete."
        ) + needs
        return Finding(statement, test, "", UNDECIDED, reason, files, blocks=row["blocks"])
    pair = chosen.iloc[0]
    sign = 1 if pair["method"] == best else -1
    effect = pair["a12"] if sign == 1 else 1 - pair["a12"]
    difference, p = sign * pair["rank_difference"], float(pair["p_siegel_friedman"])
    critical, largest = row["critical_difference"], row["largest_difference"]
    numbers = f"A12 {effect:.2f}; mean ranks differ by {difference:.2f}, "
    numbers += f"Nemenyi's critical difference is {critical:.2f} of {largest:.0f} possible"
    power = friedman_power(int(row["blocks"]), int(row["methods"]), evidence.level, LARGE_W)
    if math.isnan(p):
        verdict, reason = UNDECIDED, ""
    elif p <= evidence.level and difference > 0:
        verdict, reason = SUPPORTED, f"{p_text(p)} is at most {evidence.level:g}."
    elif critical >= largest:
        verdict, reason = (
            UNDECIDED,
            f"With {counted(row['blocks'], 'block')} not even the largest possible difference of "
            "ranks is beyond chance.",
        )
    elif difference <= 0:
        verdict, reason = (
            NOT_SUPPORTED,
            "By its ranks within the seeds the best is no better than the worst.",
        )
    elif row["p"] > evidence.level and power >= POWER:
        shown = (
            f"a large effect (Kendall's W = {LARGE_W:g}) would have been found "
            f"with probability {power:.2f}"
        )
        verdict, reason = (
            NOT_SUPPORTED,
            "No difference between the settings is shown "
            f"(Friedman {p_text(row['p'])}), and {shown}.",
        )
    else:
        verdict, reason = (
            UNDECIDED,
            f"With {counted(row['blocks'], 'block')} the difference of the two is within chance "
            f"({p_text(p)}).",
        )
    return Finding(
        statement,
        test,
        numbers,
        verdict,
        f"{reason} {row['note']}".strip() + (needs if verdict == UNDECIDED else ""),
        files,
        p,
        int(row["blocks"]),
    )
