"""The union front of a network: what all its runs found together."""

from collections.abc import Callable, Hashable, Mapping

import pandas as pd

from ..compression.designs import VARIABLES
from ..runs.tables import with_integers
from ..search.objectives import constraint_value, feasible_front, minimized

DENSE = "dense"
FRONT_COLUMNS = ["design_id", *VARIABLES, "nonzero_rate", "accuracy", "method", "seed", "found_by"]


def union_front(
    evaluations: pd.DataFrame, dense: Mapping[Hashable, float | None], threshold: float
) -> pd.DataFrame:
    """The non-dominated feasible networks of all runs, smallest first, and the dense network's row (design_id "dense") at the end.

    evaluations: the rows of every run, with its method and seed. method, seed: of the first run that evaluated it; with a random
    subset of layers (scope 1) the seed is part of the design. found_by: number of runs that evaluated the network.
    dense: nonzero_rate and accuracy; where the accuracy is not known (None) there is no such row.
    """
    runs = evaluations.groupby("design_id").size().rename("found_by")
    distinct = evaluations.drop_duplicates("design_id").merge(runs, on="design_id")
    chosen = feasible_front(
        minimized(distinct["nonzero_rate"].to_numpy(), distinct["accuracy"].to_numpy()),
        constraint_value(distinct["accuracy"].to_numpy(), threshold),
    )
    front = distinct.iloc[chosen].sort_values(["nonzero_rate", "design_id"])
    rows = front[FRONT_COLUMNS].to_dict("records")
    if dense["accuracy"] is not None:
        rows.append(
            {
                "design_id": DENSE,
                **dict.fromkeys(VARIABLES, 0),
                **dense,
                "method": "",
                "seed": None,
                "found_by": 0,
            }
        )
    return with_integers(pd.DataFrame(rows, columns=FRONT_COLUMNS)).astype({"seed": "Int64"})


def on_test_images(
    front: pd.DataFrame,
    split: str,
    dense_accuracy: float,
    threshold: float,
    evaluate: Callable[[str], float],
) -> pd.DataFrame:
    """A row for each row of `front`: its accuracy in the search, on the test images, and whether it keeps tau there.

    split: the images of the search; where they are the test images, theirs are the numbers of the front. dense_accuracy: on the
    test images. threshold: tau on the test images. evaluate: gives a design's test accuracy by its id, called for nothing known.
    """
    known = (
        dict(zip(front["design_id"], front["accuracy"], strict=True))
        if split == "test"
        else {DENSE: dense_accuracy}
    )
    table = front[["design_id", "nonzero_rate", "accuracy"]].copy()
    table["test_accuracy"] = [
        known[design_id] if design_id in known else evaluate(design_id)
        for design_id in table["design_id"]
    ]
    table["test_feasible"] = constraint_value(table["test_accuracy"].to_numpy(), threshold) <= 0
    return table
