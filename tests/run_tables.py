"""Run tables for tests: made from hypervolumes, and that of the paper's authors from their raw evaluations; a published example."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from paretopress.runs.hypervolume import run_hypervolume
from paretopress.runs.method_names import FACTORS, factors_of
from paretopress.runs.rows import RUN_TABLE_COLUMNS, run_row
from paretopress.tables import RUN_COLUMNS

AUTHORS_THRESHOLD, AUTHORS_BUDGET = 0.76, 100
# Demsar 2006, table 6: ranks of C4.5, C4.5+m, C4.5+cf and C4.5+m+cf on 14 data sets.
DEMSAR = [
    (4, 3, 2, 1), (1, 2, 3, 4), (4, 1, 2, 3), (4, 1, 3, 2), (4, 2, 3, 1), (1, 2.5, 4, 2.5), (3, 2, 4, 1),
    (2.5, 2.5, 4, 1), (4, 3, 2, 1), (2.5, 2.5, 2.5, 2.5), (4, 2.5, 1, 2.5), (3, 2, 4, 1), (4, 1, 2, 3), (3, 1, 4, 2),
]  # fmt: skip


def run_table(
    hypervolumes: Mapping[str, Sequence[float]], network: str = "n", **columns: Any
) -> pd.DataFrame:
    """A run of each method for each of its hypervolumes, with seeds from 1; columns: values that differ from those of a plain run."""
    plain = {
        "imported": False,
        "evaluations": 10,
        "complete": True,
        "threshold": 0.8,
        "size": "nonzero_rate",
        "zero_accuracy_hypervolume": 0.5,
        "feasible": 5,
        "negative_rates": 0,
        "convolutions_both": 0,
        "infills": 4,
        "fallbacks": None,
        "evaluation_seconds": None,
        "search_seconds": None,
    }
    rows = [
        # Each seed has an initial sample of its own.
        {
            "network": network,
            "method": method,
            "seed": seed,
            **factors_of(method),
            **plain,
            "initial_hypervolume": 0.001 * seed,
        }
        | {"hypervolume": value, **columns}
        for method, values in hypervolumes.items()
        for seed, value in enumerate(values, start=1)
    ]
    return pd.DataFrame(rows, columns=RUN_TABLE_COLUMNS)


def authors_evaluations(shared_data: Path) -> pd.DataFrame:
    """The authors' VGG16 evaluations with the names of this project; plain CTAEA has its final populations only."""
    raw = pd.read_csv(shared_data / "authors-vgg16.csv.gz").rename(
        columns={"run": "seed", "x2": "conv_scope", "x6": "conv_target"}
    )
    setting = "surrogate-" + raw["objective_metric"] + "-" + raw["constraint_metric"]
    raw["method"] = raw["method"].where(raw["objective_metric"].isna(), setting)
    raw["design_id"] = (
        raw.groupby(
            [
                *(f"x{index}" for index in (1, 3, 4, 5, 7)),
                "conv_scope",
                "conv_target",
                "nonzero_rate",
                "accuracy",
            ],
            dropna=False,
        )
        .ngroup()
        .astype(str)
    )
    return raw.drop(columns=list(FACTORS)).assign(feasible=raw["accuracy"] >= AUTHORS_THRESHOLD)


def authors_runs(evaluations: pd.DataFrame) -> pd.DataFrame:
    """Their run table; evaluations: those of `authors_evaluations`."""
    none = pd.DataFrame({"surrogate_front_size": [], "fallbacks": [], "step": [], "seconds": []})
    rows = []
    for run, own in evaluations.groupby(RUN_COLUMNS, sort=False):
        volumes = run_hypervolume(
            own["nonzero_rate"].to_numpy(), own["accuracy"].to_numpy(), AUTHORS_THRESHOLD
        )
        names = dict(zip(RUN_COLUMNS, run, strict=True))
        rows.append(
            {
                **names,
                **factors_of(names["method"]),
                **run_row(own, none, none, volumes, AUTHORS_BUDGET, imported=True),
            }
        )
    return pd.DataFrame(rows, columns=RUN_TABLE_COLUMNS)
