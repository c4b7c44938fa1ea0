"""The report's numbers on the methods of one network: their tests, and the limits of these."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import pandas as pd

from ..config.sizes import NONZERO_RATE, functions_of
from ..runs.rows import may_fall_back
from ..tables import records

MOST_PAIRS = 15


@dataclass(frozen=True)
class Compared:
    """The comparison of all methods, or of the surrogate settings alone.

    Attributes:
        kind: "methods" or "settings".
        friedman: The row of the Friedman test. It has a note in place of numbers where there are
            too few methods or seeds.
        pairs: The pairs that differ most, at most MOST_PAIRS, the better method first.
        pair_count: The number of all pairs.
        significant_pairs: The number of those that differ significantly.
    """

    kind: str
    friedman: Mapping[str, Any]
    pairs: Sequence[Mapping[str, Any]]
    pair_count: int
    significant_pairs: int


@dataclass(frozen=True)
class OnTest:
    """The comparison of the methods by the test accuracies of each run's front.

    Attributes:
        methods: A row for each method, best mean first: search_hypervolume and hypervolume are the
            means over its runs in the search and on the test images, search_hypervolume_rank and
            hypervolume_rank the mean ranks among these runs.
        friedman: The rows of the Friedman tests on the test images.
        factors: The rows of the tests of the two metrics there.
    """

    methods: Sequence[Mapping[str, Any]]
    friedman: Sequence[Mapping[str, Any]]
    factors: Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Comparison:
    """The comparisons of the methods of one network.

    Attributes:
        network: The name of the network.
        methods: A row of the summary for each method, best mean first. Those with incomplete runs
            come last.
        incomplete: The methods with runs that lack evaluations.
        longer: The rows of methods whose complete runs have more evaluations than the budget.
        ended_early: The rows of methods whose complete runs have fewer.
        negative_rates: The number of evaluations with a non-zero rate below 0.
        convolutions_both: The number of those that prune weights and biases of convolutions.
        compared: The comparison of all methods, and that of the surrogate settings.
        factors: The rows of the tests of the two metrics.
        level_pairs: The rows of the pairs of metrics whose difference is known.
        surrogates: How often each surrogate was chosen, by function.
        fallbacks: The number of infills drawn at random.
        fallbacks_known: Whether any method tells its fallbacks.
        empty_fronts: The number of iterations in which the surrogates had an empty front.
        used_up_fronts: The number of those in which it held too few new designs.
        without_surrogate: The number of those in which no surrogate could be fitted.
        on_test: The comparison on the test images. None if the study does not ask for it, and for
            networks that only its tables of evaluations know.
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
    level_pairs: Sequence[Mapping[str, Any]]
    surrogates: Sequence[Mapping[str, Any]]
    fallbacks: int
    fallbacks_known: bool
    empty_fronts: int
    used_up_fronts: int
    without_surrogate: int
    on_test: OnTest | None


def surrogate_shares(iterations: pd.DataFrame, size: str) -> list[dict[str, Any]]:
    """How often each surrogate was chosen for each function.

    Args:
        iterations: The table of iterations of surrogate settings.
        size: The size that was minimised, a key of `config.sizes.SIZES`.

    Returns:
        Rows {function, iterations, shares: {surrogate: share}}, the shares in [0, 1].
    """
    rows = []
    for function, title in functions_of(size).items():
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
        "difference": -pair["difference"],
        "difference_low": -pair["difference_high"],
        "difference_high": -pair["difference_low"],
    }
    return {**pair, **swapped, "rank_difference": -pair["rank_difference"]}


def _incomplete(runs: pd.DataFrame) -> list[dict[str, Any]]:
    """The methods with incomplete runs: how many, and their least and most evaluations."""
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
    own = pairwise[pairwise["compared"] == row["compared"]]
    # Holm makes many p equal to 1. Among equal ones the ranks tell which pairs differ most.
    distance = -own["rank_difference"].abs()
    own = own.assign(distance=distance).sort_values(["p_siegel_friedman", "distance"])
    own = own.drop(columns="distance")
    pairs = [_better_first(pair) for pair in records(own.head(MOST_PAIRS))]
    return Compared(row["compared"], row, pairs, len(own), int(own["significant"].sum()))


def _distinct(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows of both comparisons, or one row where they are the same.

    They are the same if only surrogate settings took part. The row has the note of the comparison
    of all methods then, which says what was left out.
    """
    same = len({row["methods"] for row in rows}) < len(rows)
    return [{**rows[1], "note": rows[0]["note"]}] if same and rows[0]["methods"] else rows


def _of_network(tables: Mapping[str, pd.DataFrame], network: str) -> dict[str, pd.DataFrame]:
    """The rows of one network in each table."""
    return {name: table[table["network"] == network] for name, table in tables.items()}


def _on_test(own: Mapping[str, pd.DataFrame]) -> OnTest | None:
    """The comparison on the test images by its tables."""
    if not own or own["runs"].empty:
        return None
    volumes = ["search_hypervolume", "hypervolume"]
    runs = own["runs"]
    ranks = runs.groupby("seed")[volumes].rank(ascending=False).add_suffix("_rank")
    methods = runs[["method", *volumes]].join(ranks).groupby("method", sort=False).mean()
    methods = methods.sort_values("hypervolume", ascending=False).reset_index()
    return OnTest(
        records(methods),
        _distinct(records(own["friedman"])),
        records(own["factors"].dropna(subset="p")),
    )


def comparison(
    network: str,
    statistics: Mapping[str, pd.DataFrame],
    iterations: pd.DataFrame,
    budget: int,
    size: str = NONZERO_RATE,
    on_test: Mapping[str, pd.DataFrame] = MappingProxyType({}),
) -> Comparison:
    """Collect the report's numbers on the methods of one network.

    Args:
        network: The name of the network.
        statistics: The tables under statistics/ by name, of all networks.
        iterations: The table of iterations of this network.
        budget: The number of true evaluations of a run.
        size: The size that was minimised, a key of `config.sizes.SIZES`.
        on_test: The tables under statistics/ on the test images by name, of all networks. Empty if
            the study does not ask for them.

    Returns:
        The numbers.
    """
    own = _of_network(statistics, network)
    ranks = own["ranks"][own["ranks"]["compared"] == "methods"][["method", "mean_rank"]]
    summary = own["summary"].merge(ranks, on="method", how="left")
    summary = summary.assign(cut=summary["complete_runs"] < summary["runs"]).sort_values(
        ["cut", "mean"], ascending=[True, False]
    )
    complete = summary[summary["complete_runs"] == summary["runs"]]
    searched = iterations[may_fall_back(iterations)]
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
        level_pairs=records(own["level_pairs"].dropna(subset="difference")),
        surrogates=surrogate_shares(searched, size),
        fallbacks=int(searched["fallbacks"].sum()),
        fallbacks_known=bool(summary["fallback_rate"].notna().any()),
        empty_fronts=int((reasons == "empty front").sum()),
        used_up_fronts=int(reasons.isin(["no new design", "too few new designs"]).sum()),
        without_surrogate=int((reasons == "no surrogate").sum()),
        on_test=_on_test(_of_network(on_test, network)),
    )
