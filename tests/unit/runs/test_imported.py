"""Tables of evaluations made elsewhere: read as they are, refused with file, line and column."""

import csv
import gzip
from pathlib import Path

import pandas as pd
import pytest
import yaml
from cases import cases
from hypothesis import given, settings
from hypothesis import strategies as st

from paretopress.config.evaluation_tables import EvaluationTable
from paretopress.config.validation import read_study
from paretopress.config.variables import OF_THE_PAPER
from paretopress.errors import UserError
from paretopress.report.networks import in_words
from paretopress.runs.imported import read_evaluations
from paretopress.runs.planned import imported_runs
from paretopress.runs.rows import is_complete
from paretopress.runs.tables import evaluation_table, with_integers
from paretopress.tables import read_table, write_csv

HEADER = "network,method,seed,evaluation,accuracy,nonzero_rate"
ROWS = ["vgg16,own-way,1,1,0.8,0.5", "vgg16,own-way,1,2,0.7,0.4", "vgg16,own-way,2,1,0.9,0.9"]
NETWORKS = {"vgg16": {"threshold": 0.75, "dense_accuracy": 0.8}}


def table_of(path: Path, *lines: str, **settings: object) -> EvaluationTable:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return EvaluationTable.model_validate({"path": str(path), "networks": NETWORKS, **settings})


def test_rows_become_runs_in_the_order_of_their_numbers(tmp_path):
    runs = read_evaluations(table_of(tmp_path / "a.csv", HEADER, *reversed(ROWS)))
    assert list(runs) == [("vgg16", "own-way", 2), ("vgg16", "own-way", 1)]
    evaluations = evaluation_table(runs["vgg16", "own-way", 1], 0.75)
    assert evaluations["evaluation"].tolist() == [1, 2]
    assert evaluations["feasible"].tolist() == [True, False]
    assert evaluations["violation"].tolist() == pytest.approx([0, 0.05])
    assert evaluations[list(OF_THE_PAPER)].isna().all(axis=None)


def test_gzip_other_column_names_a_byte_order_mark_and_empty_lines_are_read(tmp_path):
    path = tmp_path / "a.csv.gz"
    text = "\ufeffmodel,kind,metric,run,number,top1,rate,x3,duration,more\n\nvgg16,own,mse,7,1,0.8,-0.03,0.25,,text\nvgg16,random,,7,1,1,1,,12.5,\n"
    path.write_bytes(gzip.compress(text.encode()))
    columns = {
        "network": "model", "method": ["kind", "metric"], "seed": "run", "evaluation": "number", "accuracy": "top1",
        "nonzero_rate": "rate", "linear_amount": "x3", "seconds": "duration",
    }  # fmt: skip
    runs = read_evaluations(
        EvaluationTable.model_validate(
            {"path": str(path), "networks": NETWORKS, "columns": columns}
        )
    )
    assert list(runs) == [("vgg16", "own-mse", 7), ("vgg16", "random", 7)]
    first, second = (rows[0] for rows in runs.values())
    assert (first["nonzero_rate"], first["linear_amount"], first["seconds"]) == (-0.03, 0.25, None)
    assert (second["linear_amount"], second["seconds"]) == (None, 12.5)


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        pytest.param(["network,method,seed,evaluation,accuracy", *ROWS], ["line 1", "'nonzero_rate'", "there are: network"], id="column missing"),
        pytest.param([HEADER + ",accuracy", *ROWS], ["line 1", "'accuracy'", "2 times"], id="column twice"),
        pytest.param([HEADER, ROWS[0], "vgg16,own-way,1,2,0.7"], ["line 3", "5 cells", "6"], id="short row"),
        pytest.param([HEADER, "vgg16,own-way,1,1,O.8,0.5"], ["line 2", "'accuracy' = 'O.8'", "not a number"], id="no number"),
        pytest.param([HEADER, "vgg16,own-way,1,1,80.3,0.5"], ["line 2", "'accuracy' = '80.3'", "divided by 100"], id="percentage"),
        pytest.param([HEADER, "vgg16,own-way,1,1,nan,0.5"], ["line 2", "'accuracy' = 'nan'", "finite"], id="nan"),
        pytest.param([HEADER, "vgg16,own-way,1,1,,0.5"], ["line 2", "'accuracy' = ''", "not a number"], id="empty"),
        pytest.param([HEADER, "vgg16,own-way,1,1,0.8,-1.5"], ["line 2", "'nonzero_rate' = '-1.5'", "from -1 to 1"], id="rate far below 0"),
        pytest.param([HEADER, "vgg16,own-way,1.5,1,0.8,0.5"], ["line 2", "'seed' = '1.5'", "whole number"], id="seed"),
        pytest.param([HEADER, "vgg16,own-way,1,0,0.8,0.5"], ["line 2", "'evaluation' = '0'", "at least 1"], id="evaluation"),
        pytest.param([HEADER, "vgg16,../up,1,1,0.8,0.5"], ["line 2", "'method' = '../up'", "not a name"], id="method"),
        pytest.param([HEADER, "alexnet,own-way,1,1,0.8,0.5"], ["line 2", "'network' = 'alexnet'", "without a threshold", "vgg16"], id="network"),
        pytest.param([HEADER, ROWS[0], ROWS[1], ROWS[0]], ["line 4", "'evaluation' = 1", "line 2 is that evaluation"], id="twice"),
        pytest.param([HEADER + ",seconds", ROWS[0] + ",-2"], ["line 2", "'seconds' = '-2'", "negative time"], id="seconds"),
        pytest.param([HEADER, "vgg16," + 200_000 * "x"], ["line 2", "not CSV"], id="cell without end"),
        pytest.param([HEADER], ["no evaluation in it"], id="no row"),
        pytest.param([], ["line 1", "no column 'network'"], id="empty file"),
    ],
)  # fmt: skip
def test_a_malformed_table_is_refused_with_file_line_and_column(lines, said, tmp_path):
    table = table_of(tmp_path / "mine.csv", *lines)
    with pytest.raises(UserError) as refused:
        read_evaluations(table)
    for words in ("mine.csv", "Allowed", *said):
        assert words in str(refused.value)


def test_integer_variables_stay_integers_beside_empty_cells_and_fractions_are_taken_as_given(
    tmp_path,
):
    lines = [HEADER + ",linear_scope,conv_scope", ROWS[0] + ",2,0.55", ROWS[1] + ",,1"]
    rows = read_evaluations(table_of(tmp_path / "a.csv", *lines))["vgg16", "own-way", 1]
    write_csv(evaluation_table(rows, 0.75), str(tmp_path / "evaluations.csv"))
    table = with_integers(read_table(tmp_path / "evaluations.csv"))
    assert table["linear_scope"].tolist() == [2, pd.NA]
    assert table["conv_scope"].tolist() == [0.55, 1.0]
    assert [in_words(*cells) for cells in ((2, 0.5, 1), (pd.NA, 0.5, 1), (0.55, 0.5, 1.2))] == [
        "50.0% of the weights zero, all layers", "not told", "50.0%, scope 0.55, target 1.2",
    ]  # fmt: skip


def test_every_problem_is_said_at_once_up_to_a_limit(tmp_path):
    with pytest.raises(UserError) as refused:
        read_evaluations(table_of(tmp_path / "a.csv", HEADER, *["vgg16,own-way,1,x,y,0.5"] * 30))
    assert len(str(refused.value).splitlines()) <= 12
    assert "line 2: column 'evaluation'" in str(refused.value)
    assert "line 3: column 'accuracy'" in str(refused.value)
    assert "no more is read" in str(refused.value)


@pytest.mark.parametrize(
    "content",
    [gzip.compress(b"network," * 100, mtime=0)[:-9], b"\x1f\x8b", b"network\xff\xfe", b"a\x00,b"],
)
def test_a_file_that_is_no_text_is_refused(content, tmp_path):
    path = tmp_path / "broken.csv.gz"
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"broken\.csv\.gz"):
        read_evaluations(EvaluationTable.model_validate({"path": str(path), "networks": NETWORKS}))


@settings(max_examples=cases(200), deadline=None)
@given(st.lists(st.lists(st.text(max_size=8), max_size=7), min_size=1, max_size=6), st.booleans())
def test_any_text_is_refused_as_what_it_is(tmp_path_factory, rows, with_header):
    path = tmp_path_factory.mktemp("fuzz") / "table.csv"
    with open(path, "w", encoding="utf-8", errors="replace", newline="") as file:
        csv.writer(file).writerows([*([HEADER.split(",")] if with_header else []), *rows])
    with pytest.raises(UserError, match=r"table\.csv"):
        read_evaluations(EvaluationTable.model_validate({"path": str(path), "networks": NETWORKS}))


def study_of(tmp_path: Path, data: dict) -> str:
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump(data, sort_keys=False), encoding="utf-8")
    return str(path)


def test_a_run_stands_in_one_place_only(tmp_path):
    table = {"path": table_of(tmp_path / "a.csv", HEADER, *ROWS).path, "networks": NETWORKS}
    data = {"study": "mine", "evaluation_tables": {"one": table, "two": table}}
    with pytest.raises(
        UserError,
        match=r"evaluation_tables\.two.*vgg16, own-way, seed 2 is also in .*a\.csv|vgg16, own-way, seed 1",
    ):
        imported_runs(read_study(data, [study_of(tmp_path, data)]))


OWN_VGG16 = {
    "study": "mine", "seeds": [1], "dataset": {"kind": "digits"}, "constraint": {"floor": 0.75},
    "networks": {"vgg16": {"architecture": {"name": "vgg16_slim"}}}, "methods": [{"family": "random"}],
}  # fmt: skip


@pytest.mark.parametrize(
    ("size", "header", "cells", "refused"),
    [
        ("bytes", "", ("", "", ""), True),
        ("bytes", ",bytes", (",0.1", ",", ",0.3"), True),
        ("bytes", ",bytes", (",0.1", ",0.2", ",0.3"), False),
        ("nonzero_rate", "", ("", "", ""), False),
    ],
)
def test_runs_of_an_own_network_are_compared_by_bytes_only_if_their_table_has_them(
    size, header, cells, refused, tmp_path
):
    lines = [f"{row}{cell}" for row, cell in zip(ROWS, cells, strict=True)]
    table = {"path": table_of(tmp_path / "a.csv", HEADER + header, *lines).path}
    data = OWN_VGG16 | {
        "objectives": {"size": size},
        "evaluation_tables": {"made": table | {"networks": {"vgg16": {"threshold": 0.75}}}},
    }
    study = read_study(data, [study_of(tmp_path, data)])
    if refused:
        with pytest.raises(UserError, match=r"a\.csv .*made.*without bytes.*objectives\.size"):
            imported_runs(study)
    else:
        assert len(imported_runs(study)) == 2


def test_bits_and_bytes_of_a_table_are_read_and_a_table_without_them_keeps_its_ids(tmp_path):
    scopes, header = [f"{row},2" for row in ROWS], f"{HEADER},linear_scope"
    plain = read_evaluations(table_of(tmp_path / "plain.csv", header, *scopes))
    lines = [f"{row},4,0.25" for row in scopes]
    header += ",conv_bits,bytes"
    rounded = read_evaluations(table_of(tmp_path / "bits.csv", header, *lines))
    for run, rows in rounded.items():
        assert all((row["conv_bits"], row["bytes"]) == (4, 0.25) for row in rows)
        ids = [{row["design_id"] for row in tables[run]} for tables in (plain, rounded)]
        assert not ids[0] & ids[1]
    known = [row["design_id"] for rows in plain.values() for row in rows]
    assert known == ["aabda1eed293", "6759ac122718", "1deafce23dd3"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"networks": {}}, ["networks", "at least"]),
        ({"networks": {"vgg16": {}}}, ["evaluation_tables.mine.networks.vgg16.threshold: missing"]),
        ({"path": "absent.csv"}, ["evaluation_tables.mine.path = 'absent.csv'", "no such file"]),
        ({"columns": {"sead": "run"}}, ["evaluation_tables.mine.columns.sead: unknown key", "'seed'"]),
        (None, ["neither networks nor evaluation_tables"]),
    ],
)  # fmt: skip
def test_a_wrong_section_is_refused_with_its_line(change, said, tmp_path):
    table = {"path": table_of(tmp_path / "a.csv", HEADER, *ROWS).path, "networks": NETWORKS}
    data = {"study": "mine"} | (
        {} if change is None else {"evaluation_tables": {"mine": {**table, **change}}}
    )
    with pytest.raises(UserError) as refused:
        read_study(data, [study_of(tmp_path, data)])
    for words in ("mine.yaml", *said):
        assert words in str(refused.value)


@given(st.lists(st.integers(1, 8), min_size=1, max_size=8, unique=True), st.integers(1, 8))
def test_a_run_is_complete_with_every_evaluation_up_to_the_budget(numbers, budget):
    rows = [
        {"evaluation": number, "accuracy": 0.5, "nonzero_rate": 0.5} for number in sorted(numbers)
    ]
    assert is_complete(evaluation_table(rows, 0.4), budget) == (
        set(range(1, max(*numbers, budget) + 1)) == set(numbers)
    )
