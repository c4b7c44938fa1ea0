"""Tables of evaluations: valid ones come out as they went in, a wrong cell is told by file, line and column, any bytes are an answer."""

import csv
import gzip
import re

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fuzz.tables import WRONG, rows, table_at, text_of
from paretopress.errors import UserError
from paretopress.runs.imported import read_evaluations
from paretopress.runs.tables import evaluation_table
from paretopress.tables import read_table, write_csv

FORMULA = re.compile(r"^[=+@\t\r]|^-(?![\d.]+(e[+-]?\d+)?$)")


@given(rows(), st.data())
def test_a_valid_table_reads_back_as_it_was_written(tmp_path, table, data):
    names = data.draw(
        st.dictionaries(
            st.sampled_from(list(table[0])),
            st.text("abc =+@é\"',", min_size=1, max_size=4),
            max_size=3,
        )
    )
    names = {key: f"{key} {name.strip()}" for key, name in names.items()}
    style = {
        "quoting": data.draw(st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL])),
        "lineterminator": data.draw(st.sampled_from(["\n", "\r\n"])),
    }
    content = text_of(table, names, **style).encode(
        data.draw(st.sampled_from(["utf-8", "utf-8-sig"]))
    )
    (tmp_path / "a.csv").write_bytes(
        gzip.compress(content, 1) if data.draw(st.booleans()) else content
    )
    runs = read_evaluations(table_at(str(tmp_path / "a.csv"), names))
    assert sum(map(len, runs.values())) == len(table)
    for given_row in table:
        run = runs[given_row["network"], given_row["method"], given_row["seed"]]
        found = next(row for row in run if row["evaluation"] == given_row["evaluation"])
        assert {key: found[key] for key in given_row} == given_row
    for run in runs.values():
        assert [row["evaluation"] for row in run] == sorted(row["evaluation"] for row in run)
        write_csv(evaluation_table(run, 0.5), str(tmp_path / "evaluations.csv"))
        again = read_table(tmp_path / "evaluations.csv")
        assert again["accuracy"].tolist() == [row["accuracy"] for row in run]
        with open(tmp_path / "evaluations.csv", encoding="utf-8", newline="") as file:
            assert not [cell for cells in csv.reader(file) for cell in cells if FORMULA.match(cell)]


@given(rows(), st.data())
def test_a_wrong_cell_is_told_by_file_line_and_column(tmp_path, table, data):
    place = data.draw(st.integers(0, len(table) - 1))
    key = data.draw(st.sampled_from(list(table[0])))
    table[place] = table[place] | {key: data.draw(st.sampled_from(WRONG[key]))}
    (tmp_path / "a.csv").write_text(text_of(table, {}, lineterminator="\n"), encoding="utf-8")
    with pytest.raises(UserError) as refused:
        read_evaluations(table_at(str(tmp_path / "a.csv")))
    assert f"a.csv, line {place + 2}: column {key!r} = " in str(refused.value)
    assert "Allowed" in str(refused.value)


def runs_or_refusal(path) -> pd.DataFrame | None:
    """The runs of a table of any bytes, each as its evaluations.csv would be; None where it is refused with its name."""
    try:
        runs = read_evaluations(table_at(str(path)))
    except UserError as error:
        if path.name not in str(error) or max(map(len, str(error).splitlines())) > 5000:
            raise
        return None
    return pd.concat([evaluation_table(run, 0.5) for run in runs.values()])


@given(
    st.binary(max_size=300) | st.text("ab,\"\n\r\x00;'\t01.=-é").map(str.encode),
    st.booleans(),
    st.sampled_from(["", "network,method,seed,evaluation,accuracy,nonzero_rate\n"]),
)
def test_any_bytes_are_refused_with_the_name_of_the_file(tmp_path, content, packed, header):
    content = header.encode() + content
    (tmp_path / "any.csv").write_bytes(gzip.compress(content, 1) if packed else content)
    assert runs_or_refusal(tmp_path / "any.csv") is None


@given(rows(), st.data())
def test_damaged_bytes_are_read_or_refused(tmp_path, table, data):
    content = text_of(table, {}).encode()
    content = bytearray(gzip.compress(content, 1) if data.draw(st.booleans()) else content)
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(content)))
        content[place : place + data.draw(st.integers(0, 4))] = data.draw(st.binary(max_size=3))
    (tmp_path / "any.csv").write_bytes(bytes(content))
    runs = runs_or_refusal(tmp_path / "any.csv")
    assert runs is None or runs["accuracy"].between(0, 1).all()
