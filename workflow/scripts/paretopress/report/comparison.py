"""What the report says of the methods on one network: the tests in numbers, and what keeps them from saying more."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from ..search.objectives import FUNCTIONS
from ..tables import records

MOST_PAIRS = 15


@dataclass(frozen=True)
class Compared:
    """One family of methods that were compared: all methods, or the surrogate settings alone.

    friedman: the row of the omnibus test, with a note in place of numbers where there is too little; pairs: the most different ones.
    """

    kind: str
    friedman: Mapping[str, Any]
    pairs: Sequence[Mapping[str, Any]]
    pair_count: int
    significant_pairs: int


@dataclass(frozen=True)
class Comparison:
    """The methods of one network. methods: a row of the summary for each, best mean first, those with incomplete runs last.

    incomplete: methods with runs that lack evaluations; longer, ended_early: of methods with complete runs that have more or
    fewer than the budget. surrogates: how often each was chosen, by function.
    """

    network: str
    methods: Sequence[Mapping[str, Any]]
    incomplete: Sequence[Mapping[str, Any]]
    longer: Sequence[Mapping[str, Any]]
    ended_early: Sequence[Mapping[str, Any]]
    negative_rates: int
    convolutions_both: int
    compared: Sequence[Compared]
    factors: Sequence[Mapping[str, Any]]
    surrogates: Sequence[Mapping[str, Any]]
    fallbacks: int
    fallbacks_known: bool
    empty_fronts: int
    used_up_fronts: int
    without_surrogate: int


def surrogate_shares(iterations: pd.DataFrame) -> list[dict[str, Any]]:
    """How often each surrogate was chosen, by function: rows {function, iterations, shares: {surrogate: share}}."""
    rows = []
    for function, title in FUNCTIONS.items():
        chosen = iterations[f"{function}_surrogate"].dropna()
        if len(chosen):
            rows.append(
                {
                    "function": title,
                    "iterations": len(chosen),
                    "shares": chosen.value_counts(normalize=True).to_dict(),
                }
            )
    return rows


def _better_first(pair: dict[str, Any]) -> dict[str, Any]:
    """The pair with the method of the better mean rank first."""
    if not pair["rank_difference"] < 0:
        return pair
    swapped = {
        "method": pair["other_method"],
        "other_method": pair["method"],
        "a12": 1 - pair["a12"],
    }
    return {**pair, **swapped, "rank_difference": -pair["rank_difference"]}


def _incomplete(runs: pd.DataFrame) -> list[dict[str, Any]]:
    """Methods with incomplete runs: how many of their runs are so, and between which numbers of evaluations these have."""
    grouped = runs[~runs["complete"].astype(bool)].groupby("method", sort=False)["evaluations"]
    return [
        {
            "method": method,
            "incomplete": len(own),
            "runs": int((runs["method"] == method).sum()),
            "least": own.min(),
            "most": own.max(),
        }
        for method, own in grouped
    ]


def _compared(row: Mapping[str, Any], pairwise: pd.DataFrame) -> Compared:
    own = pairwise[pairwise["compared"] == row["compared"]].sort_values(
        "p_siegel_friedman", kind="stable"
    )
    pairs = [_better_first(pair) for pair in records(own.head(MOST_PAIRS))]
    return Compared(row["compared"], row, pairs, len(own), int(own["significant"].sum()))


def _distinct(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """One of the two comparisons where they are the same, since no other method took part; with the note on what was left out."""
    same = len({row["methods"] for row in rows}) < len(rows)
    return [{**rows[1], "note": rows[0]["note"]}] if same and rows[0]["methods"] else rows


def comparison(
    network: str, statistics: Mapping[str, pd.DataFrame], iterations: pd.DataFrame, budget: int
) -> Comparison:
    """statistics: the tables of statistics/ by name, of all networks; iterations: those of this network."""
    own = {name: table[table["network"] == network] for name, table in statistics.items()}
    ranks = own["ranks"][own["ranks"]["compared"] == "methods"][["method", "mean_rank"]]
    summary = own["summary"].merge(ranks, on="method", how="left")
    summary = summary.assign(cut=summary["complete_runs"] < summary["runs"]).sort_values(
        ["cut", "mean"], ascending=[True, False]
    )
    complete = summary[summary["complete_runs"] == summary["runs"]]
    searched = iterations[iterations["surrogate_front_size"].notna()]
    reasons = searched["fallback_reason"]
    return Comparison(
        network=network,
        methods=records(summary),
        incomplete=_incomplete(own["runs"]),
        longer=records(complete[complete["most_evaluations"] > budget]),
        ended_early=records(complete[complete["least_evaluations"] < budget]),
        negative_rates=int(summary["negative_rates"].sum()),
        convolutions_both=int(own["runs"]["convolutions_both"].sum()),
        compared=[_compared(row, own["pairwise"]) for row in _distinct(records(own["friedman"]))],
        factors=records(own["factors"]),
        surrogates=surrogate_shares(searched),
        fallbacks=int(searched["fallbacks"].sum()),
        fallbacks_known=bool(summary["fallback_rate"].notna().any()),
        empty_fronts=int((reasons == "empty front").sum()),
        used_up_fronts=int(reasons.isin(["no new design", "too few new designs"]).sum()),
        without_surrogate=int((reasons == "no surrogate").sum()),
    )
