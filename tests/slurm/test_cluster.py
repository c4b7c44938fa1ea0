"""The SLURM profile on a real SLURM of one machine: whatever happens to a job, its node or Snakemake, one more run ends with the same bytes.

The scenarios run at the same time, each in a project of its own: much of their time is that of waiting for a queue.
"""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Self

import pandas as pd
import pytest
from cluster import DEADLINE, HOW_TO_INSTALL, NODE, Cluster, missing_programs, wait_until
from held_network import ASKED, HELD, HOLD, HUNGRY
from project import METHODS, RESULTS, TINY, Project

pytestmark = [pytest.mark.slow, pytest.mark.slurm]

# One network, which can be held in the middle of a search, one seed, two methods.
ARCHITECTURE = {"name": "file", "path": "tests/slurm/held_network.py", "function": "build_network"}
STUDY = TINY | {
    "seeds": [1],
    "networks": {"first": TINY["networks"]["first"] | {"architecture": ARCHITECTURE}},
    "methods": [TINY["methods"][0], TINY["methods"][2]],
    "budget": {"evaluations": 30, "initial": 10},
}
RUNS = [f"runs/first/{method}/seed-1" for method in (METHODS[0], METHODS[2])]
THREADS = (
    "--set-threads",
    "train_baseline=2",
)  # so that a job with more than one thread is among them
PROFILE = ("--profile", "profiles/slurm", "--slurm-init-seconds-before-status-checks", "2")
NO_RETRIES = ("--retries", "0")
SEARCH = RUNS[0]
SEARCHED = str(RESULTS / SEARCH / "evaluations.csv")
FILES = ("evaluations.csv", "iterations.csv")


class StudyProject(Project):
    """A project with the study of these tests."""

    deadline = DEADLINE

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.configure(STUDY)


class ClusterProject(StudyProject):
    """One whose Snakemake submits to the cluster; whatever happens in the block, nothing of it is left in the queue after it."""

    def __init__(self, folder: Path, cluster: Cluster, local: StudyProject) -> None:
        super().__init__(folder)
        self.cluster, self.local, self.environment = cluster, local, cluster.environment
        self.said = ""  # by its last complete run

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.cluster.cancel(self.folder)

    def hold(self) -> None:
        """From its third evaluation on, the search waits to be released."""
        (self.folder / HOLD).touch()

    def release(self) -> None:
        (self.folder / HOLD).unlink()

    def complete_on_the_cluster(self, *targets: str) -> str:
        """One run of the command that the README gives; what Snakemake says."""
        done = self.snakemake(*PROFILE, *targets)
        self.said = done.stdout + done.stderr
        assert done.returncode == 0, self.said[-8000:]
        return self.said

    @contextmanager
    def started(self, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
        """Snakemake, running; it ends with the block."""
        command = [
            sys.executable,
            "-m",
            "snakemake",
            "--configfile",
            "tiny.yaml",
            *PROFILE,
            *arguments,
        ]
        with open(self.folder / "snakemake.txt", "wb") as output:
            snakemake = subprocess.Popen(
                command,
                cwd=self.folder,
                env=self.environment,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        try:
            yield snakemake
        finally:
            snakemake.kill()
            snakemake.wait()

    def jobs(self, *states: str) -> list[str]:
        return self.cluster.jobs(*states, folder=self.folder)

    def searching(self) -> str:
        """The id of the job that searches, as soon as it is held."""
        wait_until(
            (self.folder / HELD).exists, f"the search is held; see {self.folder}/snakemake.txt"
        )
        [job] = self.jobs("RUNNING")
        return job

    def state(self, job: str) -> str:
        return self.cluster.field(job, "JobState")

    def has_the_bytes_of_the_local_run(self, *names: str) -> None:
        for name in names:
            assert self.read(name) == self.local.read(name), name


def after_a_job_that_ended_as(
    state: str, end: Callable[[Cluster, str], object]
) -> Callable[[ClusterProject], None]:
    """The scenario in which `end` ends the search in the way that SLURM calls `state`, and one rerun completes it."""

    def scenario(project: ClusterProject) -> None:
        project.hold()
        with project.started(*NO_RETRIES, SEARCHED) as snakemake:
            job = project.searching()
            end(project.cluster, job)
            assert snakemake.wait(timeout=DEADLINE) != 0
        assert project.state(job) == state
        assert not (project.folder / SEARCHED).exists()
        project.release()
        project.complete_on_the_cluster(SEARCHED)

    return scenario


def cancel(cluster: Cluster, job: str) -> None:
    cluster.run("scancel", job)


def end_in(seconds: int, cluster: Cluster, job: str) -> None:
    """Moves the job's time limit, which a script can give in whole minutes only."""
    cluster.run(
        "scontrol",
        "update",
        f"jobid={job}",
        f"EndTime={datetime.now() + timedelta(seconds=seconds):%Y-%m-%dT%H:%M:%S}",
    )


def asked_to_stop(project: ClusterProject) -> None:
    """The limit comes so near that the profile's own signal is due: five minutes before it."""
    project.hold()
    with project.started(*NO_RETRIES, SEARCHED) as snakemake:
        end_in(270, project.cluster, project.searching())
        wait_until((project.folder / ASKED).exists, "SLURM sends the signal of the profile")
        project.release()
        assert snakemake.wait(timeout=DEADLINE) != 0
    assert "stopped by a signal after" in (project.folder / "snakemake.txt").read_text(
        encoding="utf-8"
    ), "the log of the job"
    project.complete_on_the_cluster(SEARCHED)


def out_of_memory(project: ClusterProject) -> None:
    """The job takes more than it asked for, in the middle of the search; Snakemake itself submits it again and asks for more."""
    (project.folder / HUNGRY).touch()
    project.complete_on_the_cluster(
        "--set-resources", "search:mem_mb=2000 * attempt", "--", SEARCHED
    )
    assert not (project.folder / HUNGRY).exists()
    [failed] = project.jobs("FAILED", "OUT_OF_MEMORY")
    [done] = project.jobs("COMPLETED")
    asked = [re.search(r"mem=(\w+)", project.cluster.field(job, "TRES")) for job in (failed, done)]
    assert [found and found.group(1) for found in asked] == ["2000M", "4000M"]
    [log] = (project.folder / ".snakemake" / "slurm_logs").rglob(f"{failed}.log")
    assert "exceeded memory limit" in log.read_text(encoding="utf-8")


def drained_and_resumed(project: ClusterProject) -> None:
    project.cluster.run("scontrol", "update", f"nodename={NODE}", "state=drain", "reason=test")
    with project.started(SEARCHED) as snakemake:
        try:
            wait_until(lambda: project.jobs("PENDING"), "the job waits")
            [job] = project.jobs("PENDING")
            wait_until(
                lambda: re.search(
                    r"DRAINED|UnavailableNodes", project.cluster.field(job, "Reason")
                ),
                "it waits for the drained node",
            )
        finally:
            project.cluster.run("scontrol", "update", f"nodename={NODE}", "state=resume")
        assert snakemake.wait(timeout=DEADLINE) == 0
    assert "Nothing to be done" in project.complete_on_the_cluster(SEARCHED)


def kill_snakemake(project: ClusterProject) -> str:
    """Kills Snakemake alone, in the middle of a search; the job that it leaves, held."""
    project.hold()
    with project.started(SEARCHED) as snakemake:
        job = project.searching()
        snakemake.kill()
    refused = project.snakemake(*PROFILE, SEARCHED)
    assert refused.returncode != 0
    assert "--unlock" in refused.stdout + refused.stderr
    assert project.snakemake("--unlock").returncode == 0
    assert project.state(job) == "RUNNING", "nobody but the one who has the lock ends it"
    return job


def killed_snakemake_started_again_beside_its_job(project: ClusterProject) -> None:
    leftover = kill_snakemake(project)
    with project.started(SEARCHED) as snakemake:
        wait_until(
            lambda: project.state(leftover) == "CANCELLED", "the job that was left is cancelled"
        )
        project.release()
        assert snakemake.wait(timeout=DEADLINE) == 0, (project.folder / "snakemake.txt").read_text(
            encoding="utf-8"
        )
    assert f"Cancelled job {leftover} of an earlier Snakemake" in (
        project.folder / "snakemake.txt"
    ).read_text(encoding="utf-8")


def killed_snakemake_started_again_after_its_job(project: ClusterProject) -> None:
    leftover = kill_snakemake(project)
    project.release()
    wait_until(lambda: project.state(leftover) == "COMPLETED", "the job that was left ends")
    assert "Nothing to be done" in project.complete_on_the_cluster(SEARCHED)


KILLED = {
    "a job is cancelled": after_a_job_that_ended_as("CANCELLED", cancel),
    "a job reaches its time limit": after_a_job_that_ended_as("TIMEOUT", partial(end_in, 1)),
    "a job is asked to stop before its time limit": asked_to_stop,
    "a job runs out of memory": out_of_memory,
    "the node is drained and resumed": drained_and_resumed,
    "Snakemake is killed and its job still runs": killed_snakemake_started_again_beside_its_job,
    "Snakemake is killed and its job has ended": killed_snakemake_started_again_after_its_job,
}


@pytest.fixture(scope="module")
def cluster(tmp_path_factory) -> Iterator[Cluster]:
    if missing := missing_programs():
        why = f"no SLURM here ({', '.join(missing)}): {HOW_TO_INSTALL}"
        required = os.environ.get("SLURM_TESTS") == "required" or (
            os.environ.get("CI") and sys.platform == "linux"
        )
        assert not required, f"{why}; here these tests must run"
        pytest.skip(why)
    cluster = Cluster(tmp_path_factory.mktemp("slurm"))
    try:
        cluster.start()
        yield cluster
    finally:
        cluster.stop()


@pytest.fixture(scope="module")
def local(cluster, tmp_path_factory) -> StudyProject:
    """The study on this machine without a cluster, up to the front of its network."""
    project = StudyProject(tmp_path_factory.mktemp("local"))
    wanted = [*(f"{run}/hypervolume.json" for run in RUNS), "fronts/first.csv"]
    project.complete(2, *THREADS, "--", *(str(RESULTS / name) for name in wanted))
    return project


@pytest.fixture(scope="module")
def outcomes(cluster, local, tmp_path_factory) -> Iterator[dict[str, Future[ClusterProject]]]:
    """The projects of the scenarios, by name; the result of one that failed is its failure."""

    def run(folder: Path, scenario: Callable[[ClusterProject], None]) -> ClusterProject:
        with ClusterProject(folder, cluster, local) as project:
            project.take(local, "dataset", "baselines", "designs")
            scenario(project)
        return project

    def complete(folder: Path) -> ClusterProject:
        with ClusterProject(folder, cluster, local) as project:
            project.complete_on_the_cluster(*THREADS)
        return project

    with ThreadPoolExecutor(len(KILLED) + 1) as pool:
        started = {"none": pool.submit(complete, tmp_path_factory.mktemp("complete"))}
        yield started | {
            name: pool.submit(run, tmp_path_factory.mktemp("killed"), scenario)
            for name, scenario in KILLED.items()
        }


def test_a_study_on_the_cluster_has_the_bytes_of_the_local_run(outcomes):
    project = outcomes["none"].result()
    project.has_the_bytes_of_the_local_run(
        *(f"{run}/{name}" for run in RUNS for name in (*FILES, "hypervolume.json")),
        "fronts/first.csv",
        "baselines/first/weights.safetensors",
    )
    assert (project.folder / RESULTS / "report.html").is_file()
    assert project.to_do() == [], "a local run takes over what the cluster did"


def test_the_threads_of_a_rule_reach_its_script(outcomes):
    project = outcomes["none"].result()
    assert "on the CPU, 2 threads" in project.read("logs/baselines/first.log").decode()
    assert (pd.read_csv(project.folder / RESULTS / SEARCH / "timings.csv")["threads"] == 1).all()


def test_what_follows_the_searches_of_a_network_is_one_job_and_small_rules_are_none(outcomes):
    submitted = re.findall(r"slurm_logs/(\w+?)/", outcomes["none"].result().said)
    assert sorted(submitted) == sorted([
        "rule_dataset", "rule_train_baseline", "rule_dense_metrics", "rule_initial_designs", "rule_search", "rule_search",
        "group_finished_runs_hypervolume_join_runs_tabulate_runs", "rule_test_front", "rule_front_sizes", "rule_inference_time",
    ])  # fmt: skip


@pytest.mark.parametrize("scenario", KILLED)
def test_one_rerun_ends_with_the_same_bytes_where(scenario, outcomes):
    project = outcomes[scenario].result()
    project.has_the_bytes_of_the_local_run(*(f"{SEARCH}/{name}" for name in FILES))
    assert not project.jobs("PENDING", "RUNNING")
