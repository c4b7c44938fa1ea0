"""Read the files of many runs together.

The path of a run's file says which run it is.
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

import pandas as pd

from ..tables import RUN_COLUMNS, read_table


def run_of(path: str) -> dict[str, str | int]:
    """Return the network, method and seed of a run by the path of one of its files.

    Args:
        path: .../runs/{network}/{method}/seed-{seed}/NAME.

    Returns:
        The keys network, method and seed.
    """
    network, method, seed = Path(path).parts[-4:-1]
    return {"network": network, "method": method, "seed": int(seed.removeprefix("seed-"))}


def read_tables(paths: Iterable[str]) -> pd.DataFrame:
    """Read one CSV file of every run into one table.

    Args:
        paths: One file for each run.

    Returns:
        The rows in the order of the paths. The columns network, method and seed come first.
    """
    tables = []
    for path in paths:
        table = read_table(path)
        for position, (column, value) in enumerate(run_of(path).items()):
            table.insert(position, column, value)
        tables.append(table)
    return pd.concat([table for table in tables if len(table)] or tables, ignore_index=True)


def rows_of_run(table: pd.DataFrame, run: Mapping[str, str | int]) -> pd.DataFrame:
    """Select the rows of one run.

    Args:
        table: Rows with the columns network, method and seed.
        run: The network, method and seed of the run.

    Returns:
        The rows of that run.
    """
    return table[(table[RUN_COLUMNS] == pd.Series(run)).all(axis=1)]


def read_hypervolumes(paths: Iterable[str]) -> pd.DataFrame:
    """Read the hypervolume of every run after each of its evaluations.

    Args:
        paths: The hypervolume.json of every run.

    Returns:
        A row for each evaluation of each run: network, method, seed, evaluation (from 1) and
        hypervolume (scaled, in [0, 1]).
    """
    rows = []
    for path in paths:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
        rows += [
            {**run_of(path), "evaluation": index, "hypervolume": value}
            for index, value in enumerate(content["history"], start=1)
        ]
    return pd.DataFrame(rows)
