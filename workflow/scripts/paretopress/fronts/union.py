"""The union front of a network, over all its runs."""

from collections.abc import Callable, Hashable, Mapping
from typing import Any

import pandas as pd

from ..config.sizes import BYTES, NONZERO_RATE
from ..config.variables import VARIABLES
from ..runs.tables import with_integers
from ..search.objectives import constraint_value, feasible_front, minimized

DENSE = "dense"
FOUND = ("nonzero_rate", "bytes", "accuracy", "method", "seed", "found_by")


def union_front(
    evaluations: pd.DataFrame,
    dense: Mapping[Hashable, float | None],
    threshold: float,
    size: str = NONZERO_RATE,
) -> pd.DataFrame:
    """Find the non-dominated feasible networks of all runs.

    Args:
        evaluations: The evaluations of every run, with its method and seed.
        dense: The nonzero_rate and the accuracy of the dense network. The accuracy is None if it
            is not known.
        threshold: The accuracy floor (tau), a fraction.
        size: The size that is minimised, a key of `config.sizes.SIZES`.

    Returns:
        A row for each network, smallest first. method and seed are those of the first run that
        evaluated it. With a random subset of layers (scope 1) the seed is part of the design.
        found_by is the number of runs that evaluated the network. The last row, with the
        design_id "dense", is the dense network's. It is missing if the accuracy is not known.
    """
    runs = evaluations.groupby("design_id").size().rename("found_by")
    distinct = evaluations.drop_duplicates("design_id").merge(runs, on="design_id")
    chosen = feasible_front(
        minimized(distinct[size].to_numpy(), distinct["accuracy"].to_numpy()),
        constraint_value(distinct["accuracy"].to_numpy(), threshold),
    )
    front = distinct.iloc[chosen].sort_values([size, "design_id"])
    columns = ["design_id", *(name for name in VARIABLES if name in evaluations), *FOUND]
    rows = front[columns].to_dict("records")
    if dense["accuracy"] is not None:
        row: dict[Hashable, Any] = {name: known.untouched for name, known in VARIABLES.items()}
        rows.append(
            row
            | {"design_id": DENSE, BYTES: 1.0, **dense, "method": "", "seed": None, "found_by": 0}
        )
    return with_integers(pd.DataFrame(rows, columns=columns)).astype({"seed": "Int64"})


def run_fronts(
    evaluations: pd.DataFrame,
    dense: Mapping[Hashable, float | None],
    threshold: float,
    size: str = NONZERO_RATE,
) -> pd.DataFrame:
    """Find the non-dominated feasible networks of each run.

    Args:
        evaluations, dense, threshold, size: As in `union_front`.

    Returns:
        The rows of the front of each run, in the order of the runs, with its method and seed. The
        last row is the dense network's.
    """
    fronts = [
        union_front(own, {"accuracy": None}, threshold, size)
        for _, own in evaluations.groupby(["method", "seed"], sort=False)
    ]
    last = union_front(evaluations[:0], dense, threshold, size)
    parts = [front for front in (*fronts, last) if len(front)]
    return pd.concat(parts, ignore_index=True).drop(columns="found_by")


def on_test_images(
    front: pd.DataFrame,
    split: str,
    dense_accuracy: float,
    threshold: float,
    evaluate: Callable[[str], float],
) -> pd.DataFrame:
    """Add the accuracy on the test images to the rows of a front.

    Args:
        front: The rows of a front.
        split: The split of the search. If it is "test", the accuracies of the front are used.
        dense_accuracy: The accuracy of the dense network on the test images, a fraction.
        threshold: The accuracy floor (tau) on the test images, a fraction.
        evaluate: Gives the test accuracy of a design by its id. It is called only for designs
            whose test accuracy is not known.

    Returns:
        A row for each design of the front, with the accuracy in the search, the accuracy on the
        test images, and whether the latter keeps the floor.
    """
    known = (
        dict(zip(front["design_id"], front["accuracy"], strict=True))
        if split == "test"
        else {DENSE: dense_accuracy}
    )
    table = front[["design_id", "nonzero_rate", "bytes", "accuracy"]].drop_duplicates("design_id")
    table["test_accuracy"] = [
        known[design_id] if design_id in known else evaluate(design_id)
        for design_id in table["design_id"]
    ]
    table["test_feasible"] = constraint_value(table["test_accuracy"].to_numpy(), threshold) <= 0
    return table
