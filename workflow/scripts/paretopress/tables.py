"""Tables of many runs, read from the files of each: where a run's file lies says which run it is."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd

RUN_COLUMNS = ["network", "method", "seed"]
NAMES = ("network", "method", "other_method", "design_id")


def run_of(path: str) -> dict[str, str | int]:
    """{network, method, seed} of a file .../runs/{network}/{method}/seed-{seed}/NAME."""
    network, method, seed = Path(path).parts[-4:-1]
    return {"network": network, "method": method, "seed": int(seed.removeprefix("seed-"))}


def read_table(path: str | Path) -> pd.DataFrame:
    """A CSV file of this project: names stay text even where they look like numbers or like "NA"."""
    return pd.read_csv(path, dtype=dict.fromkeys(NAMES, str), keep_default_na=False, na_values=[""])


def read_tables(paths: Iterable[str]) -> pd.DataFrame:
    """The rows of every run's CSV file, the run's columns first; in the order of the paths."""
    tables = []
    for path in paths:
        table = read_table(path)
        for position, (column, value) in enumerate(run_of(path).items()):
            table.insert(position, column, value)
        tables.append(table)
    return pd.concat([table for table in tables if len(table)] or tables, ignore_index=True)


def read_hypervolumes(paths: Iterable[str]) -> pd.DataFrame:
    """One row for each evaluation of each run: network, method, seed, evaluation (from 1), hypervolume (scaled)."""
    rows = []
    for path in paths:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
        rows += [{**run_of(path), "evaluation": index, "hypervolume": value} for index, value in enumerate(content["history"], start=1)]
    return pd.DataFrame(rows)


def final_hypervolumes(history: pd.DataFrame) -> pd.DataFrame:
    """The last row of each run, in the order of the runs."""
    return history.groupby(RUN_COLUMNS, sort=False).last().reset_index()


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows as dictionaries by column."""
    return [{str(column): value for column, value in row.items()} for row in table.to_dict("records")]


def write_csv(table: pd.DataFrame, path: str) -> None:
    """Floats in the shortest form that reads back to the same number."""
    table.to_csv(path, index=False, lineterminator="\n")
