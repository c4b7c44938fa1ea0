"""The files of many runs, read together: where a run's file lies says which run it is."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

import pandas as pd

from ..tables import RUN_COLUMNS, read_table


def run_of(path: str) -> dict[str, str | int]:
    """{network, method, seed} of a file .../runs/{network}/{method}/seed-{seed}/NAME."""
    network, method, seed = Path(path).parts[-4:-1]
    return {"network": network, "method": method, "seed": int(seed.removeprefix("seed-"))}


def read_tables(paths: Iterable[str]) -> pd.DataFrame:
    """The rows of every run's CSV file, the run's columns first; in the order of the paths."""
    tables = []
    for path in paths:
        table = read_table(path)
        for position, (column, value) in enumerate(run_of(path).items()):
            table.insert(position, column, value)
        tables.append(table)
    return pd.concat([table for table in tables if len(table)] or tables, ignore_index=True)


def rows_of_run(table: pd.DataFrame, run: Mapping[str, str | int]) -> pd.DataFrame:
    """The rows of one run. run: network, method and seed."""
    return table[(table[RUN_COLUMNS] == pd.Series(run)).all(axis=1)]


def read_hypervolumes(paths: Iterable[str]) -> pd.DataFrame:
    """One row for each evaluation of each run: network, method, seed, evaluation (from 1), hypervolume (scaled)."""
    rows = []
    for path in paths:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
        rows += [
            {**run_of(path), "evaluation": index, "hypervolume": value}
            for index, value in enumerate(content["history"], start=1)
        ]
    return pd.DataFrame(rows)
