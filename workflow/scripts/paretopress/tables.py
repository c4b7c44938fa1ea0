"""Read and write the CSV files of a study, everywhere in the same way."""

from pathlib import Path
from typing import Any

import pandas as pd

from .jobs.files import written_whole

RUN_COLUMNS = ["network", "method", "seed"]
OF_LAYERS = ("linear_layers", "conv_layers", "layers_without_macs")
NAMES = ("network", "method", "other_method", "design_id", *OF_LAYERS)


def read_table(path: str | Path) -> pd.DataFrame:
    """Read a CSV file of a study.

    Args:
        path: The file. An empty field is a missing value.

    Returns:
        The table. Its columns of names hold text, even if a name looks like a number or like "NA".
    """
    return pd.read_csv(path, dtype=dict.fromkeys(NAMES, str), keep_default_na=False, na_values=[""])


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Convert a table to a list with one dictionary for each row, by column."""
    return [
        {str(column): value for column, value in row.items()} for row in table.to_dict("records")
    ]


def write_csv(table: pd.DataFrame, path: str) -> None:
    """Write a table to a CSV file, which is written whole or not at all.

    Args:
        table: The table. Its index is not written. A float is written in the shortest form that
            reads back as the same number.
        path: The file to write.

    Raises:
        UserError: The file cannot be written, for example because the disk is full.
    """
    with written_whole(path) as temporary:
        table.to_csv(temporary, index=False, lineterminator="\n")
