"""Faults of whole studies, in real Snakemake runs of one training: whatever happens, the same bytes in the end."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from project import RESULTS, TINY, Project

pytestmark = pytest.mark.slow

SECOND = TINY["networks"]["second"]
STUDY = TINY | {
    "networks": {"second": SECOND | {"training": SECOND["training"] | {"batch_size": 200}}}
}
OUTPUTS = [
    str(RESULTS / "baselines" / "second" / file) for file in ("weights.safetensors", "history.csv")
]
JOURNAL = RESULTS / "progress" / "second" / "training"
SNAKEMAKE = [
    sys.executable,
    "-m",
    "snakemake",
    "--configfile",
    "tiny.yaml",
    "--cores",
    "1",
]


def started(project: Project) -> subprocess.Popen[str]:
    """Snakemake at work on the training, in a process group of its own as in a terminal."""
    return subprocess.Popen(
        [*SNAKEMAKE, *OUTPUTS],
        cwd=project.folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def wait_for(study: subprocess.Popen[str], condition: Callable[[], object]) -> None:
    while not condition():
        assert study.poll() is None, study.stdout.read()
        time.sleep(
            0.002
        )  # the wait for a condition; what comes after it takes hundreds of times as long


def outputs(project: Project) -> list[bytes]:
    return [(project.folder / path).read_bytes() for path in OUTPUTS]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory) -> Project:
    """A training that a second Snakemake on its folder did not disturb."""
    project = Project(tmp_path_factory.mktemp("undisturbed"))
    project.configure(STUDY)
    project.complete(1, str(RESULTS / "dataset" / "train.safetensors"))
    study = started(project)
    wait_for(study, (project.folder / JOURNAL).exists)
    os.killpg(study.pid, signal.SIGSTOP)  # so that it cannot end before the second one begins
    second = project.snakemake("--cores", "1", *OUTPUTS)
    os.killpg(study.pid, signal.SIGCONT)
    assert second.returncode != 0
    assert (
        "no other Snakemake process is trying to create the same files"
        in second.stdout + second.stderr
    )
    told, _ = study.communicate()
    assert study.returncode == 0, told
    assert "goes on after epoch" not in project.read("logs/baselines/second.log").decode()
    return project


@pytest.fixture
def project(undisturbed, tmp_path) -> Project:
    """A project with the images, before the training."""
    project = Project(tmp_path)
    project.configure(STUDY)
    project.take(undisturbed, "dataset")
    return project


def test_a_study_that_is_stopped_and_then_killed_before_snakemake_noted_the_end_repeats_no_epoch(
    project, undisturbed
):
    journal = project.folder / JOURNAL
    study = started(project)
    wait_for(study, lambda: list(journal.glob("checkpoint/epoch-*-*.pt")))
    os.killpg(study.pid, signal.SIGTERM)
    told, _ = study.communicate()
    assert study.returncode != 0
    stopped = re.search(
        r"stopped by a signal after epoch (\d) of 6\. Start the study again: it goes on from there\.",
        told,
    )
    assert stopped, told
    status = project.command("status").stdout
    assert re.search(
        r"second \(baseline stopped at epoch \d/6, accuracy 0\.\d+, goes on from there\)", status
    ), status
    study = started(project)
    wait_for(study, (journal / "finished").exists)
    os.killpg(study.pid, signal.SIGKILL)
    assert study.wait() == -signal.SIGKILL
    assert (
        f"goes on after epoch {stopped[1]} of 6"
        in project.read("logs/baselines/second.log").decode()
    )
    assert project.snakemake("--unlock").returncode == 0
    project.complete(1, *OUTPUTS)
    log = project.read("logs/baselines/second.log").decode()
    assert "goes on after epoch 6 of 6" in log
    assert ", loss " not in log
    assert outputs(project) == outputs(undisturbed)
    assert not journal.exists(), "Snakemake has noted the end"


@pytest.mark.usefixtures("_mounts")
def test_a_read_only_and_then_full_results_folder_costs_nothing_but_a_rerun(
    project, undisturbed, namespace
):
    """A checkpoint is three times as large as the weights: the first one finds room, the second one does not."""
    weights = Path(undisturbed.folder / OUTPUTS[0]).stat().st_size
    images = sum(path.stat().st_size for path in (project.folder / RESULTS / "dataset").iterdir())
    run = " ".join([*SNAKEMAKE, *OUTPUTS])
    script = f"""
        mount -t tmpfs -o size={images + 5 * weights} tmpfs /mnt
        cp -a results/. /mnt
        mount --bind /mnt results
        mount -o remount,ro,bind results
        {run} --dry-run > dry.txt 2>&1; echo $? > dry.code
        {run} > read-only.txt 2>&1; echo $? > read-only.code
        mount -o remount,rw,bind results
        {run} > full.txt 2>&1; echo $? > full.code
        mount -o remount,size=100M /mnt
        {run} > last.txt 2>&1; echo $? > last.code
        cp -a results kept; umount results; cp -a kept/. results
    """
    done = subprocess.run(
        [*namespace, "bash", "-c", script],
        cwd=project.folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    code, told = (
        {
            name: (project.folder / f"{name}.{kind}").read_text()
            for name in ("dry", "read-only", "full", "last")
        }
        for kind in ("code", "txt")
    )
    assert code["dry"] == "0\n", told["dry"]
    assert code["read-only"] == code["full"] == "1\n"
    assert (
        f"{RESULTS}: no results can be written there, the folder or its file system is read-only"
        in told["read-only"]
    )
    assert "Error in rule" not in told["read-only"], "refused before the first job"
    assert re.search(
        r"-new\.pt: cannot be written, the disk is full\. Free some space and start the study again",
        told["full"],
    ), told["full"]
    assert code["last"] == "0\n", told["last"]
    assert (
        "goes on after epoch 1 of 6"
        in told["last"] + project.read("logs/baselines/second.log").decode()
    )
    assert outputs(project) == outputs(undisturbed)
