"""A table with a row for each run of a study, own and imported ones alike: what the statistics, the figures and the claims rest on."""

from typing import Any

import pandas as pd

from ..tables import RUN_COLUMNS, records
from .method_names import FACTORS

RUN_TABLE_COLUMNS = [
    *RUN_COLUMNS,
    *FACTORS,
    "imported",
    "evaluations",
    "complete",
    "threshold",
    "hypervolume",
    "initial_hypervolume",
    "zero_accuracy_hypervolume",
    "feasible",
    "negative_rates",
    "convolutions_both",
    "infills",
    "fallbacks",
    "evaluation_seconds",
    "search_seconds",
]


def is_complete(evaluations: pd.DataFrame, budget: int) -> bool:
    """Whether a run's rows are every evaluation from 1 to at least the budget."""
    numbers = evaluations["evaluation"].tolist()
    return numbers == list(range(1, len(numbers) + 1)) and len(numbers) >= budget


def carried_forward(history: pd.DataFrame, runs: pd.DataFrame, budget: int) -> pd.DataFrame:
    """The history with the last hypervolume of each complete run repeated up to `budget` evaluations: no more was to be found in it."""
    ended = (
        history.groupby(RUN_COLUMNS, sort=False)
        .last()
        .reset_index()
        .merge(runs.loc[runs["complete"], RUN_COLUMNS], on=RUN_COLUMNS)
    )
    rows = [
        {**row, "evaluation": number}
        for row in records(ended)
        for number in range(row["evaluation"] + 1, budget + 1)
    ]
    return (
        pd.concat([history, pd.DataFrame(rows, columns=history.columns)], ignore_index=True)
        if rows
        else history
    )


def run_row(
    evaluations: pd.DataFrame,
    iterations: pd.DataFrame,
    timings: pd.DataFrame,
    volumes: dict[str, Any],
    budget: int,
    *,
    imported: bool,
) -> dict[str, Any]:
    """What the run table says of one run, without its names. volumes: the content of hypervolume.json.

    Hypervolumes are those after `budget` evaluations, so that methods are compared at equal budgets; a run may have more (imported), or
    fewer and yet be complete: one of the study's own ends early only where its method finds no new network.

    initial_hypervolume: after the initial sample; missing where the phases are not known. feasible, negative_rates: numbers of
    evaluations; convolutions_both: of those that prune weights and biases of convolutions. fallbacks: infills drawn at random; missing for
    methods without surrogates. seconds: missing where not all are known.
    """
    initial = int((evaluations["phase"] == "initial").sum())
    surrogate = iterations[iterations["surrogate_front_size"].notna()]
    measured = timings[timings["step"] == "evaluation"]
    searches = timings[timings["step"] == "search"]
    return {
        "evaluations": len(evaluations),
        "imported": imported,
        "complete": not imported or is_complete(evaluations, budget),
        "threshold": volumes["threshold"],
        "hypervolume": volumes["history"][:budget][-1],
        "initial_hypervolume": volumes["history"][initial - 1] if initial else None,
        "zero_accuracy_hypervolume": volumes["zero_accuracy_reference"]["history"][:budget][-1],
        "feasible": int(evaluations["feasible"].sum()),
        "negative_rates": int((evaluations["nonzero_rate"] < 0).sum()),
        "convolutions_both": int(
            ((evaluations["conv_scope"] > 0) & (evaluations["conv_target"] > 1)).sum()
        ),
        "infills": int((evaluations["phase"] == "infill").sum()),
        "fallbacks": int(surrogate["fallbacks"].sum()) if len(surrogate) else None,
        "evaluation_seconds": measured["seconds"].sum()
        if len(measured) == len(evaluations)
        else None,
        "search_seconds": searches["seconds"].sum() if len(searches) else None,
    }
