"""The tables of each run, own or imported: their columns, and the functions that make them."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from ..config.candidates import SURROGATES
from ..config.sizes import NONZERO_RATE, functions_of
from ..config.variables import INTEGER_VARIABLES, OF_THE_PAPER
from ..search.objectives import constraint_value

TIMING_COLUMNS = [
    "step", "iteration", "evaluation", "seconds", "threads", "processor", "path", "device", "differing",
    "memory",
]  # fmt: skip
INTEGERS = ("iteration", "evaluation", "threads", "differing", "memory")


def evaluation_columns(variables: Iterable[str] = OF_THE_PAPER) -> list[str]:
    """The columns of evaluations.csv.

    Args:
        variables: The variables of the designs.

    Returns:
        The names of the columns.
    """
    return [
        "evaluation",
        "phase",
        "iteration",
        "design_id",
        *variables,
        "nonzero_rate",
        "bytes",
        "accuracy",
        "violation",
        "feasible",
    ]


def iteration_columns(candidates: Iterable[str] = (), size: str = NONZERO_RATE) -> list[str]:
    """The columns of iterations.csv.

    Args:
        candidates: The candidate surrogates. Every table has columns for those of SURROGATES.
        size: The size that is minimised, a key of `config.sizes.SIZES`.

    Returns:
        The names of the columns.
    """
    columns = [
        "iteration",
        "evaluations",
        "front_size",
        "surrogate_front_size",
        "fallbacks",
        "fallback_reason",
    ]
    columns += [f"{function}_surrogate" for function in functions_of(size)]
    names = dict.fromkeys([*SURROGATES, *candidates])
    return columns + [
        f"{function}_score_{name}" for function in functions_of(size) for name in names
    ]


def with_integers(table: pd.DataFrame) -> pd.DataFrame:
    """Give the columns of integers a type that allows missing values.

    Args:
        table: Any variables of a design as columns, or columns of timings.csv.

    Returns:
        The table. A column that holds fractions, as imported ones may, stays as it is.
    """
    whole = [
        name
        for name in (*INTEGER_VARIABLES, *INTEGERS)
        if name in table and (table[name].dropna() % 1 == 0).all()
    ]
    return table.astype(dict.fromkeys(whole, "Int64"))


def evaluation_table(
    rows: Iterable[Mapping[str, Any]],
    threshold: float,
    variables: Iterable[str] = OF_THE_PAPER,
) -> pd.DataFrame:
    """Make evaluations.csv, with a row for each true evaluation.

    Two runs with the same config and seed give the same table.

    Args:
        rows: The evaluations in their order, by column.
        threshold: The accuracy floor (tau), a fraction.
        variables: The variables of the designs.

    Returns:
        The columns of `evaluation_columns`. A column that the rows lack is empty.
    """
    table = pd.DataFrame(list(rows)).reindex(columns=evaluation_columns(variables))
    violation = constraint_value(table["accuracy"].to_numpy(), threshold)
    table["violation"] = np.maximum(violation, 0)
    table["feasible"] = violation <= 0
    return with_integers(table).astype({"iteration": "Int64"})


def iteration_table(
    iterations: Iterable[Mapping[str, Any]],
    candidates: Iterable[str] = (),
    size: str = NONZERO_RATE,
) -> pd.DataFrame:
    """Make iterations.csv, with a row for each iteration.

    Args:
        iterations: The iterations of a search in their order.
        candidates: The candidate surrogates of the search.
        size: The size that is minimised, a key of `config.sizes.SIZES`.

    Returns:
        The columns of `iteration_columns`. Those of surrogates are empty for methods without them.
    """
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
    table = pd.DataFrame(rows, columns=iteration_columns(candidates, size))
    return table.astype({"surrogate_front_size": "Int64"})


def timing_table(steps: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """Make timings.csv, with the seconds of each search step and each evaluation.

    Args:
        steps: The timed steps in their order, by column.

    Returns:
        The columns TIMING_COLUMNS. What is not known is empty, such as the processor.
    """
    return (
        pd.DataFrame(list(steps))
        .reindex(columns=TIMING_COLUMNS)
        .astype(dict.fromkeys(INTEGERS, "Int64"))
    )
