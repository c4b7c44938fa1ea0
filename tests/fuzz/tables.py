"""Strategies for tables of evaluations: the text of valid ones with their values, and damage to it."""

import csv
import io
from typing import Any

from hypothesis import strategies as st

from paretopress.config.evaluation_tables import EvaluationTable
from paretopress.config.variables import VARIABLES
from paretopress.runs.imported import OPTIONAL, REQUIRED

from .configs import LETTERS

NETWORKS = ("vgg16", "resnet")
SETTINGS = ("surrogate-mse-mape", "surrogate-random-spearman")
Row = dict[str, Any]

method_names = st.sampled_from(SETTINGS) | st.from_regex(
    r"[A-RT-Za-rt-z0-9][A-Za-z0-9_-]{0,8}", fullmatch=True
)
shares = st.floats(0, 1)
CELLS: dict[str, st.SearchStrategy[Any]] = {
    "accuracy": shares,
    "nonzero_rate": st.floats(-1, 1),
    "bytes": st.none() | shares,
    "phase": st.none() | st.text(LETTERS, min_size=1, max_size=5),
    "iteration": st.none() | st.integers(0, 10**6),
    **{
        name: st.none() | st.floats(min(known.values, default=0), max(known.values, default=1))
        for name, known in VARIABLES.items()
    },
    "seconds": st.none() | st.floats(0, 1e6),
}


@st.composite
def rows(draw: st.DrawFn) -> list[Row]:
    """The rows of a table, None for a cell that is empty; all with the same columns."""
    spelled: dict[str, str] = {}
    optional = draw(st.lists(st.sampled_from(OPTIONAL), unique=True))
    runs = st.tuples(
        st.sampled_from(NETWORKS),
        method_names.map(lambda name: spelled.setdefault(name.lower(), name)),
        st.integers(0, 3),
    )
    numbers = draw(
        st.lists(st.tuples(runs, st.integers(1, 200)), min_size=1, max_size=12, unique=True)
    )
    return [
        dict(zip(REQUIRED[:4], (*run, number), strict=True))
        | {key: draw(CELLS[key]) for key in (*REQUIRED[4:], *optional)}
        for run, number in numbers
    ]


def text_of(table: list[Row], names: dict[str, str], **style: Any) -> str:
    """The table as CSV. names: what columns are called instead; style: of csv.writer."""
    file = io.StringIO()
    writer = csv.writer(file, **style)
    writer.writerow([names.get(key, key) for key in table[0]])
    writer.writerows([["" if value is None else value for value in row.values()] for row in table])
    return file.getvalue()


def table_at(path: str, names: dict[str, str] | None = None) -> EvaluationTable:
    columns = {key: [name] if key == "method" else name for key, name in (names or {}).items()}
    return EvaluationTable.model_validate(
        {
            "path": path,
            "networks": {name: {"threshold": 0.5} for name in NETWORKS},
            "columns": columns,
        }
    )


WRONG = {
    "network": ["alexnet", "", "../x", "=1+1"],
    "method": [
        "",
        "a/b",
        "=cmd",
        "surrogate-mse-spearmann",
        "x.csv",
        "x" * 20,
        "é",
        "-x",
        "x" * 101,
        "Surrogate-mse-mse",
    ],
    "seed": ["", "x", "-1", "1.5", "1e30", "nan", "2147483648", "1_0", "٣"],
    "evaluation": ["", "0", "-1", "1.5", "1e400", "inf"],
    "accuracy": ["", "80.3", "80 %", "-0.1", "nan", "O.8", "0,8", "1e-", "--1"],
    "nonzero_rate": ["", "1.1", "-1.5", "inf", "=0.5"],
    "phase": ["=1+1", "@x", "+x", "-x", "a b", "\x00"],
    "iteration": ["-1", "x", "1e19"],
    **{name: ["-0.1", "33", "x", "nan"] for name in VARIABLES},
    "bytes": ["-0.1", "1.5", "x"],
    "seconds": ["-2", "1e300", "x"],
}
