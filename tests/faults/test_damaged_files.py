"""Files of a finished study, damaged so that Snakemake sees nothing: the job that reads one refuses it by name, and it is made again."""

import contextlib
import re
import runpy
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from cases import cases
from damage import DAMAGES, POSITIONS, damaged, replaced
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from paths import ROOT
from project import METHODS, RESULTS, Project

from paretopress.jobs.provenance import RECORDS, record_path
from paretopress.jobs.sealed import unsealed

pytestmark = pytest.mark.slow

# Every kind of file that a later rule reads.
TRUSTED = {
    "dataset": "dataset/*.safetensors",
    "images": "dataset/images.json",
    "check": "baselines/*/check.json",
    "weights": "baselines/*/weights.safetensors",
    "metrics": "baselines/*/metrics.json",
    "allocation": "baselines/*/allocation.safetensors",
    "epochs": "baselines/*/history.csv",
    "designs": "designs/*/*.csv",
    "evaluations": "runs/*/*/seed-*/evaluations.csv",
    "iterations": "runs/*/*/seed-*/iterations.csv",
    "timings": "runs/*/*/seed-*/timings.csv",
    "hypervolume": "runs/*/*/seed-*/hypervolume.json",
    "tables of all runs": "runs/*/*.csv",
    "fronts": "fronts/*.csv",
    "inference": "inference/*.csv",
    "statistics": "statistics/*.csv",
    "figures": "figures/*.svg",
}


class Values(dict):
    """The named values of a rule, as Snakemake gives them: also by attribute."""

    __getattr__ = dict.__getitem__


@pytest.fixture(scope="module")
def copied(finished, tmp_path_factory) -> Project:
    return Project.copy(finished.folder, tmp_path_factory.mktemp("damaged"))


@pytest.fixture(scope="module")
def readers(copied) -> dict[str, list[dict]]:
    """By file, the records of the jobs that read it."""
    found: dict[str, list[dict]] = {}
    for path in sorted((copied.folder / RESULTS / RECORDS).rglob("*.json")):
        record = unsealed(path.read_bytes())
        for source in record["made_from"]:
            found.setdefault(source, []).append(record)
    return found


def begin(project: Project, record: dict) -> str:
    """Runs the script of a job that is to refuse its inputs; why it does, as its log says."""
    scripts = [f"workflow/scripts/{module.split(' ')[0]}" for module in record["code"]]
    (script,) = (path for path in scripts if (project.folder / path).is_file())
    log = str(RESULTS / "logs" / "begun.log")
    job = SimpleNamespace(
        rule=record["rule"],
        scriptdir=str(ROOT / "workflow" / "scripts"),
        input=list(record["made_from"]),
        output=[],
        log=[log],
        params=Values(record["params"]),
        wildcards=Values(record["wildcards"]),
    )
    with contextlib.chdir(project.folder):
        with pytest.raises(SystemExit):
            runpy.run_path(script, {"snakemake": job})
        return Path(log).read_text(encoding="utf-8")


def files_of(project: Project, kind: str) -> list[str]:
    return sorted(
        str(path.relative_to(project.folder))
        for path in (project.folder / RESULTS).glob(TRUSTED[kind])
    )


def test_every_file_that_a_job_reads_is_of_a_kind_that_is_damaged_here(copied, readers):
    read = {path for path in readers if path.startswith(f"{RESULTS}/")}
    tested = {path for kind in TRUSTED for path in files_of(copied, kind)}
    assert read <= tested
    for kind in TRUSTED:
        assert read & set(files_of(copied, kind)), kind


@pytest.mark.parametrize("kind", TRUSTED)
@given(data=st.data())
@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    deadline=None,
    max_examples=cases(15),
)
def test_the_job_that_reads_a_damaged_file_refuses_it_by_name(copied, readers, kind, data):
    files = [path for path in files_of(copied, kind) if path in readers]
    file = data.draw(st.sampled_from(files))
    reader = data.draw(st.sampled_from(readers[file]))
    damage = data.draw(st.sampled_from([*DAMAGES, "emptied", "swapped"]))
    path = copied.folder / file
    content = path.read_bytes()
    if damage == "swapped":
        new = (copied.folder / data.draw(st.sampled_from(files))).read_bytes()
    else:
        new = b"" if damage == "emptied" else damaged(content, damage, data.draw(POSITIONS))
    assume(new != content)
    with replaced(path, new):
        message = begin(copied, reader)
    assert f"{file}: damaged or edited, not what rule" in message
    assert f"Remove {file}" in message
    assert message.count("damaged") == 1, "no other file is blamed"


def test_the_commands_name_what_is_damaged(copied):
    assert re.match(
        r"results/tiny: \d+ files, each as its job wrote it\n", copied.command("verify").stdout
    )
    run = f"runs/second/{METHODS[0]}/seed-2/hypervolume.json"
    front = "fronts/first.csv"
    with (
        replaced(copied.folder / RESULTS / run, b""),
        replaced(copied.folder / RESULTS / front, b"design_id\n"),
    ):
        status = copied.command("status")
        assert "12 runs, 11 done, 1 damaged" in status.stdout
        assert re.search(rf"{METHODS[0]} .*seed 2: damaged hypervolume\.json", status.stdout)
        for name, names in (("front", [front]), ("verify", [run, front])):
            refused = copied.command(name)
            assert refused.returncode == 1
            assert "Traceback" not in refused.stderr
            assert [line.split(": ")[0] for line in refused.stderr.splitlines()] == sorted(
                str(RESULTS / file) for file in names
            )


def test_damaged_files_stop_snakemake_and_once_removed_come_out_the_same(finished, copied):
    run = f"runs/second/{METHODS[1]}/seed-2"
    # What is damaged, and a file that is to be made from it.
    made_from = {
        "designs/second/seed-1.csv": f"runs/second/{METHODS[2]}/seed-1/evaluations.csv",
        "baselines/first/weights.safetensors": "baselines/first/metrics.json",
        f"{run}/evaluations.csv": f"{run}/hypervolume.json",
    }
    folder = copied.folder / RESULTS
    with contextlib.ExitStack() as stack:
        for file, wanted in made_from.items():
            stack.enter_context(
                replaced(folder / file, damaged(finished.read(file), "flipped", 4001))
            )
            (folder / wanted).unlink()
        targets = [str(RESULTS / wanted) for wanted in made_from.values()]
        stopped = copied.snakemake("--cores", "2", "--keep-going", *targets)
        assert stopped.returncode != 0
        for file, wanted in made_from.items():
            assert f"Error: {RESULTS / file}: damaged or edited" in stopped.stdout + stopped.stderr
            assert not (folder / wanted).exists()
            (folder / file).unlink()
        copied.complete(2, *(str(RESULTS / file) for file in made_from))
        copied.complete(2, *targets)
        for file in (*made_from, *made_from.values()):
            assert copied.read(file) == finished.read(file), file
        assert (
            not {"search", "initial_designs", "train_baseline", "dense_metrics"}
            & copied.rules_to_do()
        ), "what stays the same is kept"


def test_a_job_killed_between_its_output_and_the_record_is_run_again(finished, tmp_path):
    project = Project.copy(finished.folder, tmp_path)
    output = RESULTS / "runs" / "first" / METHODS[0] / "seed-1" / "hypervolume.json"
    record = record_path(RESULTS, output)
    before = project.read(str(output.relative_to(RESULTS)))
    (tmp_path / output).unlink()
    code = tmp_path / "workflow/scripts/paretopress/jobs/job.py"
    killing = code.read_text(encoding="utf-8").replace(
        "        record_files(",
        "        import os\n        os.killpg(os.getsid(0), 9)\n        record_files(",
    )
    command = [
        sys.executable,
        "-m",
        "snakemake",
        "--configfile",
        "tiny.yaml",
        "--cores",
        "1",
        str(output),
    ]
    with replaced(code, killing.encode()):
        killed = subprocess.run(
            command, cwd=tmp_path, capture_output=True, start_new_session=True, check=False
        )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert (tmp_path / output).read_bytes() == before
    assert not (tmp_path / record).exists()
    assert project.snakemake("--unlock").returncode == 0
    project.complete(1, str(output))
    assert (tmp_path / output).read_bytes() == before
    assert (tmp_path / record).exists()
    assert project.to_do() == []
