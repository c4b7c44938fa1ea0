"""The tables that each run leaves behind, the study's own and imported ones alike: their columns, and how they are made."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from ..compression.designs import INTEGER_VARIABLES, VARIABLES
from ..search.objectives import FUNCTIONS, SURROGATES, constraint_value

EVALUATION_COLUMNS = [
    "evaluation",
    "phase",
    "iteration",
    "design_id",
    *VARIABLES,
    "nonzero_rate",
    "accuracy",
    "violation",
    "feasible",
]
TIMING_COLUMNS = ["step", "iteration", "evaluation", "seconds", "threads", "processor"]


def iteration_columns() -> list[str]:
    columns = [
        "iteration",
        "evaluations",
        "front_size",
        "surrogate_front_size",
        "fallbacks",
        "fallback_reason",
    ]
    columns += [f"{function}_surrogate" for function in FUNCTIONS]
    return columns + [f"{function}_score_{name}" for function in FUNCTIONS for name in SURROGATES]


def with_integers(table: pd.DataFrame) -> pd.DataFrame:
    """The integer variables as integers, also beside missing ones; a column that holds fractions (imported) stays as it is."""
    whole = [
        name
        for name in INTEGER_VARIABLES
        if name in table and (table[name].dropna() % 1 == 0).all()
    ]
    return table.astype(dict.fromkeys(whole, "Int64"))


def evaluation_table(rows: Iterable[Mapping[str, Any]], threshold: float) -> pd.DataFrame:
    """evaluations.csv: a row for each true evaluation, in order; a column that the rows lack is empty.

    Nothing in it differs between two runs of the same config and seed.
    """
    table = pd.DataFrame(list(rows)).reindex(columns=EVALUATION_COLUMNS)
    violation = constraint_value(table["accuracy"].to_numpy(), threshold)
    table["violation"] = np.maximum(violation, 0)
    table["feasible"] = violation <= 0
    return with_integers(table).astype({"iteration": "Int64"})


def iteration_table(iterations: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """iterations.csv: one row an iteration; columns of surrogates are empty for methods without them."""
    rows = []
    for iteration in iterations:
        row = {
            key: iteration[key]
            for key in ("iteration", "evaluations", "front_size", "fallbacks", "fallback_reason")
        }
        row["surrogate_front_size"] = iteration["surrogate_front"]
        row |= {f"{function}_surrogate": name for function, name in iteration["surrogates"].items()}
        row |= {
            f"{function}_score_{name}": score
            for function, scores in iteration["scores"].items()
            for name, score in scores.items()
        }
        rows.append(row)
    return pd.DataFrame(rows, columns=iteration_columns()).astype({"surrogate_front_size": "Int64"})


def timing_table(steps: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """timings.csv: seconds of each search and each evaluation, with the threads and the processor where they are known."""
    return (
        pd.DataFrame(list(steps))
        .reindex(columns=TIMING_COLUMNS)
        .astype({"iteration": "Int64", "evaluation": "Int64", "threads": "Int64"})
    )
