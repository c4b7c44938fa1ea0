"""Claims about the surrogate settings, compared with each other within the seeds of a network."""

import math
from typing import Any

import pandas as pd

from ...words import counted
from ..extremes import best_and_worst, settings_of
from ..factors import KRUSKAL_WALLIS
from ..ranks import (
    LARGE_W,
    LEAST_BLOCKS,
    LEAST_METHODS,
    SETTINGS,
    complete_methods,
    friedman_power,
)
from .evidence import (
    NOT_SUPPORTED,
    NOTHING_FEASIBLE,
    SUPPORTED,
    UNDECIDED,
    Evidence,
    Finding,
    nothing_feasible,
    p_text,
)
from .least import of_best_and_worst, of_metric

RUNS = "statistics/runs.csv"


def _settings_row(evidence: Evidence, network: str) -> dict[str, Any]:
    table = evidence.friedman
    row = table[(table["network"] == network) & (table["compared"] == SETTINGS)].iloc[0]
    return {**row, "note": "" if pd.isna(row["note"]) else row["note"]}


def _largest_difference(pairs: pd.DataFrame, smallest: float, level: float) -> tuple[float, str]:
    """Whether pairs of `level_pairs` or `pairwise` differ by less than matters.

    All of them do if each one does, so that no adjustment is needed (Berger 1982).

    Returns:
        The largest p of their tests of equivalence, NaN without any, and how much the intervals
        leave open, in words: "by ...".
    """
    known = pairs[pairs["p_equivalence"].notna()]
    if known.empty:
        return math.nan, ""
    ends = known[["difference_low", "difference_high"]].abs().max(axis=1, skipna=False)
    share = smallest * ends / known["margin"]
    largest = "by an amount that so few seeds do not bound"
    if share.notna().all():
        confidence = f"{1 - 2 * level:.0%}"
        largest = f"by at most {share.max():.1%} of their mean (intervals of {confidence})"
    return float(known["p_equivalence"].max()), largest


def metric_without_effect(evidence: Evidence, network: str) -> Finding:
    """Judge whether the selection metric has no effect on the hypervolume.

    Any significant test refutes the claim. Without one it is supported only if any two metrics are
    shown to differ by less than the smallest effect that matters. Settings that are all equal leave
    nothing to test, which decides nothing.

    Args:
        evidence: The tables of the study.
        network: The name of the network.

    Returns:
        The finding, with the seeds as blocks.
    """
    row, factors = _settings_row(evidence, network), evidence.factors
    own = factors[(factors["network"] == network) & (factors["test"] != KRUSKAL_WALLIS)]
    tested = {"Friedman over the settings": row["p_permutation"]}
    tested |= {
        f"{name.replace('_', ' ')} ({test} over seeds)": p if math.isnan(permuted) else permuted
        for name, test, p, permuted in own[["factor", "test", "p", "p_permutation"]].itertuples(
            index=False
        )
    }
    tested = {name: p for name, p in tested.items() if pd.notna(p)}
    # Holm's first step, which alone decides whether any test is significant.
    p = min(1.0, len(tested) * min(tested.values())) if tested else math.nan
    pairs, smallest = evidence.level_pairs, f"{evidence.smallest:.1%} of the mean hypervolume"
    p_equal, largest = _largest_difference(
        pairs[pairs["network"] == network], evidence.smallest, evidence.level
    )
    numbers = [f"{name}: {p_text(value)}" for name, value in tested.items()]
    verdict, reason, needs = UNDECIDED, "", ""
    if pd.notna(row["p"]):
        w, low, high = (row[name] for name in ("kendall_w", "kendall_w_low", "kendall_w_high"))
        blocks, methods = int(row["blocks"]), int(row["methods"])
        power = friedman_power(blocks, methods, evidence.level / len(tested), LARGE_W)
        numbers += [
            f"Kendall's W {w:.2f} ({low:.2f} to {high:.2f})",
            f"a large effect (W = {LARGE_W:g}) is found with probability {power:.2f} at the "
            "adjusted level",
        ]
    if largest:
        numbers.append(f"the hypervolumes of two metrics differ {largest}")
    if tested and p <= evidence.level:
        verdict, reason = (
            NOT_SUPPORTED,
            f"The smallest p is significant, Holm-adjusted over {counted(len(tested), 'test')}: "
            f"{p_text(p)}.",
        )
        if p_equal <= evidence.level:
            reason += f" But any two metrics are shown to differ by less than {smallest}."
    elif tested and p_equal <= evidence.level:
        verdict, reason = (
            SUPPORTED,
            "No test is significant, and any two metrics are shown to differ by less than "
            f"{smallest} ({p_text(p_equal)}).",
        )
    elif tested:
        reason = (
            f"No test is significant, but it is not excluded that two metrics differ by {smallest} "
            "or more."
        )
    if nothing_feasible(complete_methods(settings_of(evidence.runs_of(network)))):
        reason = NOTHING_FEASIBLE
    elif verdict == UNDECIDED:
        needs = of_metric(evidence.level, int(row["methods"])).sentence(int(row["blocks"]))
    return Finding(
        "The selection metric has no significant effect on the hypervolume "
        f"(at {evidence.level:g}, Holm-adjusted).",
        "Friedman over the settings; Friedman or signed-rank test of each factor over seeds; their "
        "interaction; two one-sided signed-rank tests of each pair of metrics",
        "; ".join(numbers),
        verdict,
        f"{reason} {row['note']}".strip() + needs,
        ("statistics/friedman.csv", "statistics/factors.csv", "statistics/level_pairs.csv"),
        p_equal if verdict == SUPPORTED else p,
        int(row["blocks"]),
    )


def best_differs_from_worst(evidence: Evidence, network: str) -> Finding:
    """Judge whether the best surrogate setting has a larger hypervolume than the worst.

    The two are picked by their means. They are tested as one of all pairs, so that the test
    accounts for the picking. The claim is not supported if no difference between the settings is
    shown, and these two are shown to differ by less than matters. Settings that are all equal leave
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
    p_equal, apart = _largest_difference(chosen, evidence.smallest, evidence.level)
    numbers = (
        f"A12 {effect:.2f}; hypervolumes differ {apart}; mean ranks differ by {difference:.2f}, "
    )
    numbers += f"Nemenyi's critical difference is {critical:.2f} of {largest:.0f} possible"
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
    elif row["p_permutation"] > evidence.level and p_equal <= evidence.level:
        verdict, reason = (
            NOT_SUPPORTED,
            "No difference between the settings is shown "
            f"(Friedman {p_text(row['p_permutation'])}), and these two are shown to differ by less "
            f"than {evidence.smallest:.1%} of the mean hypervolume ({p_text(p_equal)}).",
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
