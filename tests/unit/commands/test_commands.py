"""What `make status`, `make front` and `make verify` say, of files that jobs have written."""

import json
import time
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest
import yaml

from paretopress.__main__ import main
from paretopress.commands import front, status, verify
from paretopress.commands.advice import PROFILE, Advice
from paretopress.config.study import Study
from paretopress.config.variables import Design
from paretopress.errors import UserError
from paretopress.imports import PACKAGE
from paretopress.jobs.job import job
from paretopress.jobs.journal import Journal
from paretopress.jobs.sealed import sealed
from paretopress.runs.planned import Planned
from paretopress.tables import write_csv

RESULTS = Path("results/s")
TESTED = "design_id,test_accuracy,test_feasible\ndesign-1,0.79,False\ndense,0.88,True\n"
STUDY = Study.model_validate(
    {
        "study": "s",
        "seeds": [1, 2],
        "dataset": {"kind": "digits"},
        "networks": {"vgg": {"architecture": {"name": "vgg16_slim"}}},
        "budget": {"evaluations": 20, "initial": 10},
        "methods": [{"family": "random"}],
    }
)


class Values(dict):
    """The named values of a rule, as Snakemake gives them: also by attribute."""

    __getattr__ = dict.__getitem__


def made(output: Path, text: str, *inputs: Path) -> None:
    """Writes a file of the study as a job does that reads the inputs."""
    given = SimpleNamespace(
        rule="made",
        scriptdir=str(PACKAGE.parent),
        input=list(map(str, inputs)),
        output=[str(output)],
        log=[str(RESULTS / "logs" / "made.log")],
        params=Values(),
        wildcards=Values(),
    )
    with job(given):
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(text, encoding="utf-8")


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)


def front_table(designs: int) -> str:
    """A front of so many designs, and the dense network's row."""
    rows = [
        {
            "design_id": f"design-{number}",
            **asdict(Design(2, 0, 0.5, 0.0, 0, 0, number % 2)),
            "nonzero_rate": number / 10,
            "accuracy": 0.8 + number / 100,
            "method": "random",
            "seed": 1,
            "found_by": 1,
        }
        for number in range(1, designs + 1)
    ]
    dense = {**rows[0], "design_id": "dense", "nonzero_rate": 1.0, "accuracy": 0.9, "seed": None}
    write_csv(pd.DataFrame([*rows, dense]), "front.csv")
    return Path("front.csv").read_text(encoding="utf-8")


def test_the_front_shows_its_smallest_designs_and_the_dense_accuracy():
    made(RESULTS / "fronts" / "vgg.csv", front_table(7))
    made(RESULTS / "fronts" / "vgg.test.csv", TESTED)
    with pytest.raises(UserError, match=r"report\.html: not there yet"):
        front.show(STUDY, RESULTS)
    made(RESULTS / "report.html", "<html>")
    lines = front.show(STUDY, RESULTS).splitlines()
    assert lines[1] == "vgg: 7 designs on the front; dense accuracy 90.00% (88.00% on test images)"
    assert [line.split()[0] for line in lines[2:7]] == ["10.0%", "20.0%", "30.0%", "40.0%", "50.0%"]
    assert "82.00% accuracy  design-2  Linear" in lines[3], "not in the table of the test"
    assert (
        "81.00% accuracy (79.00% on test images, below the floor)  design-1  Linear: 50.0% of the biases zero, all layers"
        in lines[2]
    )
    assert [", int8" in line for line in lines[2:7]] == [True, False, True, False, True]
    assert lines[7].strip().startswith("and 2 more, larger and more accurate, in results/s")
    report = (
        "report: results/s/report.html is of an earlier state: not all baselines and runs are done"
    )
    assert lines[-2] == report, "the same as status says"
    assert report in status.show(STUDY, RESULTS)


@pytest.mark.parametrize(
    ("metrics", "words"),
    [
        (
            {"repaired": {"accuracy": {"validation": 0.915, "test": 0.875}}},
            ", repaired 91.50% (87.50%)",
        ),
        ({}, ""),
    ],
)
def test_the_front_shows_the_dense_network_repaired_and_the_floor(metrics, words):
    made(RESULTS / "fronts" / "vgg.csv", front_table(1))
    made(RESULTS / "fronts" / "vgg.test.csv", TESTED)
    made(RESULTS / "report.html", "<html>")
    file = RESULTS / "baselines" / "vgg" / "metrics.json"
    made(file, json.dumps({"accuracy": {"validation": 0.9, "test": 0.88}} | metrics))
    line = front.show(STUDY, RESULTS).splitlines()[1]
    dense = "vgg: 1 design on the front; dense accuracy 90.00% (88.00% on test images)"
    assert line == f"{dense}{words}, floor 85.60% (83.60%)", "4.4 points below"
    file.write_text("{} ", encoding="utf-8")
    with pytest.raises(UserError, match=r"metrics\.json: damaged or edited"):
        front.show(STUDY, RESULTS)


def test_the_front_marks_a_rate_below_zero():
    made(RESULTS / "fronts" / "vgg.csv", front_table(7).replace(",0.1,", ",-0.1,", 1))
    made(RESULTS / "fronts" / "vgg.test.csv", TESTED)
    made(RESULTS / "report.html", "<html>")
    assert " (a rate below 0, as imported)" in front.show(STUDY, RESULTS).splitlines()[2]


def test_a_value_is_not_taken_for_a_config_file(capsys, monkeypatch):
    monkeypatch.setattr("sys.argv", ["paretopress", "front", "--config", "seeds=[1]"])
    with pytest.raises(SystemExit):
        main()
    assert "unrecognized arguments: --config" in capsys.readouterr().err


def test_verify_counts_what_is_whole_and_tells_apart_what_is_outdated_and_what_is_gone():
    with pytest.raises(UserError, match="nothing is recorded there"):
        verify.show(STUDY, RESULTS)
    weights, metrics, table = (RESULTS / name for name in ("w.bin", "m.json", "t.csv"))
    made(weights, "first")
    made(metrics, "{}", weights)
    made(table, "a\n1\n", metrics)
    assert verify.show(STUDY, RESULTS) == "results/s: 3 files, each as its job wrote it"
    made(weights, "second")
    table.unlink()
    lines = verify.show(STUDY, RESULTS).splitlines()
    assert lines[0] == "results/s: 2 files, each as its job wrote it"
    assert lines[1].startswith("Of an earlier config")
    assert lines[2].strip().startswith(f"{metrics}: made from another {weights}")
    assert lines[3].startswith("Recorded and gone")
    assert lines[4:] == [f"  {table}"]
    weights.write_text("edited", encoding="utf-8")
    with pytest.raises(UserError, match=r"w\.bin: damaged or edited"):
        verify.show(STUDY, RESULTS)


def test_the_status_tells_waiting_running_stopped_and_finished_searches_apart():
    planned = Planned(STUDY, str(RESULTS))
    first, second = planned.own_runs
    RESULTS.mkdir(parents=True)
    assert "s: 2 runs, 2 waiting" in status.show(STUDY, RESULTS)
    journal = Journal(Path(planned.search_journal(first)), "job")
    journal.report(12, 20, 0.25, 60.0)
    assert "seed 1: running 12/20 hv 0.2500, 1 min 00 s left" in status.show(STUDY, RESULTS)
    # A report from before this process began is of a dead one whose number it has.
    journal.report(12, 20, 0.25, 60.0)
    mark = Path(planned.search_journal(first)) / "status.json"
    before = {"done": 12, "total": 20, "hypervolume": 0.25, "accuracy": None, "seconds_left": 60.0}
    now = status.read_status(mark.parent)
    assert now is not None
    others = {"process": now.process, "host": now.host, "updated": time.time() - 10**9}
    mark.write_text(sealed({**before, **others}), encoding="utf-8")
    assert "seed 1: stopped 12/20 hv 0.2500, goes on from there" in status.show(STUDY, RESULTS)
    made(Path(planned.run_file(second, "evaluations.csv")), "")
    made(Path(planned.run_file(second, "hypervolume.json")), '{"hypervolume": 0.5}')
    shown = status.show(STUDY, RESULTS)
    assert "s: 2 runs, 1 done, 1 stopped" in shown
    assert "seed 2: done hv 0.5000" in shown


def test_one_is_no_plural_in_what_the_commands_print():
    one = STUDY.model_copy(update={"seeds": [1]})
    RESULTS.mkdir(parents=True)
    assert "s: 1 run, 1 waiting" in status.show(one, RESULTS)
    made(RESULTS / "fronts" / "vgg.csv", front_table(1))
    assert verify.show(one, RESULTS) == "results/s: 1 file, each as its job wrote it"
    made(RESULTS / "fronts" / "vgg.test.csv", TESTED)
    made(RESULTS / "report.html", "<html>")
    assert "vgg: 1 design on the front; dense" in front.show(one, RESULTS)
    made(RESULTS / "fronts" / "vgg.csv", front_table(6))
    assert "and 1 more, larger and more accurate, in results/s" in front.show(one, RESULTS)


def finished_study() -> Path:
    """All that the status looks at, made by jobs from each other; the path of the run table."""
    planned = Planned(STUDY, str(RESULTS))
    baseline, tables = RESULTS / "baselines" / "vgg", RESULTS / "runs" / "vgg" / "runs.csv"
    made(baseline / "weights.safetensors", "w")
    made(baseline / "gate.passed", "")
    volumes = [Path(planned.run_file(run, "hypervolume.json")) for run in planned.own_runs]
    for run, volume in zip(planned.own_runs, volumes, strict=True):
        evaluations = Path(planned.run_file(run, "evaluations.csv"))
        made(evaluations, "e", baseline / "weights.safetensors")
        made(volume, '{"hypervolume": 0.5}', evaluations)
    made(tables, "t", *volumes)
    made(RESULTS / "config.yaml", yaml.safe_dump(STUDY.model_dump(mode="json")))
    made(RESULTS / "report.html", "<html>", tables)
    return tables


def test_the_status_says_where_the_report_is_of_an_earlier_state():
    tables, report = finished_study(), RESULTS / "report.html"
    assert status.show(STUDY, RESULTS).endswith(f"\nreport: {report}")
    earlier = f"report: {report} is of an earlier state: "

    def shown(study: Study = STUDY) -> str:
        return status.show(study, RESULTS, Advice("my study.yaml"))

    assert earlier + "its config has other values" in shown(
        STUDY.model_copy(
            update={"statistics": STUDY.statistics.model_copy(update={"significance_level": 0.01})}
        )
    )
    more = shown(STUDY.model_copy(update={"seeds": [1, 2, 3]}))
    assert earlier + "not all baselines and runs are done" in more
    assert more.endswith(
        "To bring it up to date: snakemake --cores all --configfile 'my study.yaml'"
    )
    # A run that is evaluated again: what rests on it is still as it was, down to the report.
    evaluations = Path(
        Planned(STUDY, str(RESULTS)).run_file(Planned(STUDY, "").own_runs[0], "evaluations.csv")
    )
    made(evaluations, "other")
    assert earlier + "results that it rests on were made again since" in shown()
    made(evaluations, "e", RESULTS / "baselines" / "vgg" / "weights.safetensors")
    assert shown().endswith(f"\nreport: {report}")
    (RESULTS / "provenance" / "runs" / "vgg" / "runs.csv.json").unlink()
    assert tables.is_file()
    assert earlier + "results that it rests on were made again since" in shown()
    (RESULTS / "baselines" / "vgg" / "gate.passed").unlink()
    assert earlier + "not all baselines and runs are done" in shown()


@pytest.mark.parametrize(
    ("advice", "command"),
    [
        (Advice("config/paper.yaml"), "snakemake --cores all --configfile config/paper.yaml"),
        (Advice("a b.yaml"), "snakemake --cores all --configfile 'a b.yaml'"),
        (
            Advice("study.yaml", "first"),
            f"snakemake first/results/s/report.html --cores all --workflow-profile {PROFILE}",
        ),
    ],
)
def test_before_a_study_ran_the_commands_name_the_one_that_starts_it_here(advice, command):
    results = Path(advice.prefix) / RESULTS
    told = status.show(STUDY, results, advice)
    assert told.startswith(f"s: nothing of this study is here yet, there is no folder {results}.")
    assert told.endswith(f"To start it: {command}")
    assert "waiting" not in told
    for show in (front.show, verify.show):
        with pytest.raises(UserError, match=r"not there yet|nothing is recorded") as refused:
            show(STUDY, results, advice)
        assert str(refused.value).endswith(f": {command}")


def test_the_cure_of_a_damaged_file_is_a_command_that_is_right_here():
    table = RESULTS / "fronts" / "vgg.csv"
    made(table, front_table(1))
    made(RESULTS / "fronts" / "vgg.test.csv", TESTED)
    made(RESULTS / "report.html", "<html>")
    table.write_text("edited", encoding="utf-8")
    for show in (front.show, verify.show):
        for advice, options in (
            (Advice("my.yaml"), "--configfile my.yaml, the file first"),
            (Advice("my.yaml", "."), f"--workflow-profile {PROFILE}, the file first"),
        ):
            with pytest.raises(UserError, match="damaged or edited") as refused:
                show(STUDY, RESULTS, advice)
            assert f"(snakemake {table} --cores 1 {options})" in str(refused.value)
