"""CSV files of this project, read and written the same way everywhere."""

from pathlib import Path
from typing import Any

import pandas as pd

from .jobs.files import written_whole

RUN_COLUMNS = ["network", "method", "seed"]
NAMES = ("network", "method", "other_method", "design_id")


def read_table(path: str | Path) -> pd.DataFrame:
    """A CSV file of this project: names stay text even where they look like numbers or like "NA"."""
    return pd.read_csv(path, dtype=dict.fromkeys(NAMES, str), keep_default_na=False, na_values=[""])


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows as dictionaries by column."""
    return [
        {str(column): value for column, value in row.items()} for row in table.to_dict("records")
    ]


def write_csv(table: pd.DataFrame, path: str) -> None:
    """Floats in the shortest form that reads back to the same number; the file is written whole or not at all."""
    with written_whole(path) as temporary:
        table.to_csv(temporary, index=False, lineterminator="\n")
