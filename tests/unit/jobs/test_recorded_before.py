"""Results that an earlier version recorded: they are read, checked, and judged to the digit."""

import shutil

import pandas as pd
import pytest
from paths import ROOT

from paretopress.config.evaluation_tables import EvaluationTable
from paretopress.jobs.provenance import Damaged, damaged_and_outdated, recorded_files, verified
from paretopress.jobs.sealed import EARLIER, FORMAT, Unreadable, sealed, unsealed
from paretopress.runs.hypervolume import run_hypervolume
from paretopress.runs.imported import read_evaluations

RECORDED = ROOT / "tests" / "recorded"
TINY = "results/tiny"
FORMATS = [1]


@pytest.mark.parametrize("number", FORMATS)
def test_files_of_an_earlier_format_are_verified_and_damage_is_seen(number, tmp_path):
    study = tmp_path / "tiny"
    shutil.copytree(RECORDED / f"format-{number}" / TINY, study)
    files = recorded_files(study)
    assert {file.name for file in files} == {"evaluations.csv", "runs.csv"}
    assert damaged_and_outdated(study, files) == ([], [])
    assert len(verified(study, map(str, files))) == len(files)
    files[0].write_bytes(files[0].read_bytes().replace(b"True", b"true", 1))
    with pytest.raises(Damaged, match=r"damaged or edited, not what rule join_runs wrote"):
        verified(study, map(str, files))


@pytest.mark.parametrize("number", FORMATS)
def test_evaluations_of_an_earlier_format_have_the_hypervolumes_that_were_recorded(number):
    folder = RECORDED / f"format-{number}" / TINY / "runs" / "first"
    recorded = pd.read_csv(folder / "runs.csv").set_index(["network", "method", "seed"])
    (threshold,) = set(recorded["threshold"])
    table = EvaluationTable.model_validate(
        {"path": str(folder / "evaluations.csv"), "networks": {"first": {"threshold": threshold}}}
    )
    runs = read_evaluations(table)
    assert set(runs) == set(recorded.index)
    for run, rows in runs.items():
        evaluations = pd.DataFrame(rows)
        judged = run_hypervolume(
            evaluations["nonzero_rate"].to_numpy(), evaluations["accuracy"].to_numpy(), threshold
        )
        assert judged["hypervolume"] == recorded.loc[run, "hypervolume"]


def test_of_every_earlier_format_there_are_recorded_files():
    assert list(EARLIER) == FORMATS
    assert {path.name for path in RECORDED.iterdir()} == {f"format-{number}" for number in FORMATS}


def test_a_later_format_is_refused(monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr("paretopress.jobs.sealed.FORMAT", FORMAT + 1)
        text = sealed({"accuracy": 0.5}).encode()
    with pytest.raises(Unreadable, match=f"written in format {FORMAT + 1}, this version reads"):
        unsealed(text, EARLIER)
