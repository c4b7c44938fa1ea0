"""Results that an earlier version recorded: they are read, checked, and judged to the digit."""

import shutil

import pandas as pd
import pytest
from paths import ROOT

from paretopress.commands import front, verify
from paretopress.config.evaluation_tables import EvaluationTable
from paretopress.config.validation import read_study
from paretopress.errors import UserError
from paretopress.jobs.provenance import damaged_and_outdated, recorded_files, verified
from paretopress.jobs.sealed import EARLIER, FORMAT, Unreadable, sealed, unsealed
from paretopress.runs.hypervolume import run_hypervolume
from paretopress.runs.imported import read_evaluations

RECORDED = ROOT / "tests" / "recorded"
TINY = "results/tiny"
STUDY = read_study(
    {
        "study": "tiny",
        "seeds": [1, 2],
        "dataset": {"kind": "digits"},
        "networks": {
            name: {"architecture": {"name": "vgg16_slim"}} for name in ("first", "second")
        },
        "constraint": {"floor": 0.05},
        "methods": [{"family": "random"}],
    },
    [],
)
FORMATS = [1]


@pytest.mark.parametrize("number", FORMATS)
def test_files_of_an_earlier_format_are_verified_and_damage_is_seen(number, tmp_path):
    study = tmp_path / "tiny"
    shutil.copytree(RECORDED / f"format-{number}" / TINY, study)
    files = recorded_files(study)
    assert len(files) == 6
    assert damaged_and_outdated(study, files) == ([], [])
    assert len(verified(study, map(str, files))) == len(files)
    assert verify.show(STUDY, study) == f"{study}: 6 files, each as its job wrote it"
    (study / "report.html").touch()
    shown = front.show(STUDY, study)
    for network in STUDY.networks:
        assert f"{network}: " in shown
        table = pd.read_csv(study / "fronts" / f"{network}.csv")
        assert table["design_id"].isin(shown.split()).any()
    edited = study / "fronts" / "first.csv"
    edited.write_bytes(edited.read_bytes().replace(b"0", b"1", 1))
    with pytest.raises(UserError, match=r"damaged or edited, not what rule union_front wrote"):
        front.show(STUDY, study)


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
