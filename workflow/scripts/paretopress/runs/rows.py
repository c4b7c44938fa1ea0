"""The run table: one row for each run of a study, own or imported.

The statistics, the figures and the claims are computed from it.
"""

from typing import Any

import pandas as pd

from ..config.sizes import SIZES
from ..search.hypervolume import scaled_hypervolume
from ..tables import RUN_COLUMNS, records
from .method_names import FACTORS

RUN_TABLE_COLUMNS = [
    *RUN_COLUMNS,
    *FACTORS,
    "imported",
    "evaluations",
    "complete",
    "threshold",
    "size",
    "hypervolume",
    "nonzero_rate_hypervolume",
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
    """Tell whether a run has every evaluation from 1 to at least the budget.

    Args:
        evaluations: The rows of the run, in order, with the column evaluation.
        budget: The number of true evaluations of a complete run.

    Returns:
        True if no evaluation is missing.
    """
    numbers = evaluations["evaluation"].tolist()
    return numbers == list(range(1, len(numbers) + 1)) and len(numbers) >= budget


def carried_forward(history: pd.DataFrame, runs: pd.DataFrame, budget: int) -> pd.DataFrame:
    """Repeat the last hypervolume of each complete run up to the budget.

    A complete run with fewer evaluations ended because its method found no new network.

    Args:
        history: A row for each evaluation of each run, with its hypervolume.
        runs: The run table.
        budget: The number of true evaluations up to which the history goes on.

    Returns:
        The history, with the repeated rows at its end.
    """
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


def may_fall_back(iterations: pd.DataFrame) -> pd.Series:
    """Tell which iterations have a model, or infills drawn at random in place of others."""
    models = iterations.filter(items=["surrogate_front_size", "accuracy_surrogate"])
    return models.notna().any(axis=1) | (iterations["fallbacks"] > 0)


def run_row(
    evaluations: pd.DataFrame,
    iterations: pd.DataFrame,
    timings: pd.DataFrame,
    volumes: dict[str, Any],
    budget: int,
    *,
    imported: bool,
) -> dict[str, Any]:
    """Make the row of one run in the run table, without network, method and seed.

    Hypervolumes are those after `budget` evaluations, so that methods are compared at equal
    budgets. An imported run may have more evaluations. An own run may have fewer and yet be
    complete: it ends early only if its method finds no new network.

    Args:
        evaluations: The evaluations.csv of the run.
        iterations: The iterations.csv of the run.
        timings: The timings.csv of the run.
        volumes: The content of the run's hypervolume.json.
        budget: The number of true evaluations that are compared.
        imported: Whether the run was made elsewhere.

    Returns:
        The columns of the row. size is what the hypervolumes are of. nonzero_rate_hypervolume is that of the paper's size, whatever the
        study minimises. initial_hypervolume is that after the initial sample, and missing
        if the phases are not known. feasible and negative_rates are numbers of evaluations.
        convolutions_both is the number of evaluations that prune both weights and biases of
        convolutions. fallbacks is the number of infills drawn at random in place of others, and
        missing if no iteration tells of a model or of such an infill. evaluation_seconds is missing if the time of any evaluation is not
        known, and search_seconds if no time of a search is known.
    """
    compared = evaluations[:budget]
    rates, accuracy = compared["nonzero_rate"].to_numpy(), compared["accuracy"].to_numpy()
    initial = int((evaluations["phase"] == "initial").sum())
    told = iterations[may_fall_back(iterations)]
    measured = timings[timings["step"] == "evaluation"]
    searches = timings[timings["step"] == "search"]
    return {
        "evaluations": len(evaluations),
        "imported": imported,
        "complete": not imported or is_complete(evaluations, budget),
        "threshold": volumes["threshold"],
        "size": next(name for name in SIZES if name in volumes["reference"]),
        "hypervolume": volumes["history"][:budget][-1],
        "nonzero_rate_hypervolume": scaled_hypervolume(rates, accuracy, volumes["threshold"]),
        "initial_hypervolume": volumes["history"][initial - 1] if initial else None,
        "zero_accuracy_hypervolume": volumes["zero_accuracy_reference"]["history"][:budget][-1],
        "feasible": int(evaluations["feasible"].sum()),
        "negative_rates": int((evaluations["nonzero_rate"] < 0).sum()),
        "convolutions_both": int(
            ((evaluations["conv_scope"] > 0) & (evaluations["conv_target"] > 1)).sum()
        ),
        "infills": int((evaluations["phase"] == "infill").sum()),
        "fallbacks": int(told["fallbacks"].sum()) if len(told) else None,
        "evaluation_seconds": measured["seconds"].sum()
        if len(measured) == len(evaluations)
        else None,
        "search_seconds": searches["seconds"].sum() if len(searches) else None,
    }
