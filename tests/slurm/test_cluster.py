"""The SLURM profile on a real SLURM of one machine: whatever happens to a job, its node or Snakemake, the same bytes in the end.

One study, whose seeds meet the faults: each search is held in the middle of its work until its own has happened.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest
from cluster import DEADLINE, HOW_TO_INSTALL, NODE, Cluster, missing_programs, wait_until
from held_network import ASKED, HELD, HOLD, HUNGRY
from project import METHODS, RESULTS, TINY, Project

pytestmark = [pytest.mark.slow, pytest.mark.slurm]

# What happens to the search of a seed.
CANCELLED, TIMEOUT, STOPPED, MEMORY, LEFT_RUNNING, LEFT_ENDED = SEEDS = range(1, 7)
FAULTS = {
    "a job is cancelled": CANCELLED,
    "a job reaches its time limit": TIMEOUT,
    "a job is asked to stop before its time limit": STOPPED,
    "a job runs out of memory": MEMORY,
    "Snakemake is killed and its job still runs": LEFT_RUNNING,
    "Snakemake is killed and its job has ended": LEFT_ENDED,
}
SUBMITTED_AGAIN = (CANCELLED, TIMEOUT, STOPPED, MEMORY)  # by the Snakemake that submitted them
# One network, which can be held in the middle of a search, and one method.
ARCHITECTURE = {"name": "file", "path": "tests/slurm/held_network.py", "function": "build_network"}
STUDY = TINY | {
    "seeds": list(SEEDS),
    "networks": {"first": TINY["networks"]["first"] | {"architecture": ARCHITECTURE}},
    "methods": [TINY["methods"][0]],
    "budget": {"evaluations": 16, "initial": 10, "initial_seed": 1},
}
RUNS = {seed: f"runs/first/{METHODS[0]}/seed-{seed}" for seed in SEEDS}
FILES = ("evaluations.csv", "iterations.csv", "hypervolume.json")
THREADS = (
    "--set-threads",
    "train_baseline=2",
)  # so that a job with more than one thread is among them
ON_THE_CLUSTER = (
    "--profile", "profiles/slurm", "--slurm-init-seconds-before-status-checks", "2",
    *THREADS,
)  # fmt: skip


class ClusterProject(Project):
    """A project whose Snakemake submits to the cluster, with true starts of every interpreter."""

    deadline = DEADLINE

    def __init__(self, folder: Path, cluster: Cluster) -> None:
        super().__init__(folder)
        self.configure(STUDY)
        self.cluster, self.environment = cluster, cluster.environment
        self.python = sys.executable
        self.submitted: list[list[str]] = []  # the rules of the jobs of each Snakemake

    @contextmanager
    def started(self) -> Iterator[subprocess.Popen[bytes]]:
        """Snakemake at work on the whole study; it ends with the block."""
        command = [self.python, "-m", "snakemake", "--configfile", "tiny.yaml", *ON_THE_CLUSTER]
        with open(self.said, "wb") as output:
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
            self.submitted.append(
                re.findall(r"has been submitted .*slurm_logs/(\w+?)/", self.output())
            )

    @property
    def said(self) -> Path:
        return self.folder / f"snakemake-{len(self.submitted) + 1}.txt"

    def output(self) -> str:
        return self.said.read_text(encoding="utf-8")

    def hold(self, *seeds: int) -> None:
        """From its third evaluation on, the search of each of the seeds waits to be released."""
        for seed in seeds:
            (self.folder / HOLD / str(seed)).parent.mkdir(exist_ok=True)
            (self.folder / HOLD / str(seed)).touch()

    def release(self, seed: int) -> None:
        (self.folder / HOLD / str(seed)).unlink()

    def search(self, seed: int) -> str:
        """The id of the job that searches with a seed, as soon as it is held."""
        wait_until((self.folder / HELD / str(seed)).exists, f"seed {seed} is held; see {self.said}")
        [job] = self.searches(seed, "RUNNING")
        return job

    def searches(self, seed: int, *states: str) -> list[str]:
        return self.cluster.jobs(*states, comment=f"rule_search_.*_{seed}")

    def ended(self, job: str, state: str) -> None:
        wait_until(lambda: self.cluster.field(job, "JobState") == state, f"job {job}: {state}")

    def finished_searches(self) -> int:
        return len(re.findall(r"Finished jobid: \d+ \(Rule: search\)", self.output()))


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


def end_in(seconds: int, cluster: Cluster, job: str) -> None:
    """Moves the job's time limit, which a script can give in whole minutes only."""
    end = datetime.now() + timedelta(seconds=seconds)
    cluster.run("scontrol", "update", f"jobid={job}", f"EndTime={end:%Y-%m-%dT%H:%M:%S}")


def drained_and_resumed(project: ClusterProject) -> None:
    """The node takes no new job from before the searches are submitted until all of them wait."""
    cluster = project.cluster
    wait_until(
        lambda: cluster.jobs("RUNNING", comment="rule_initial_designs.*"), "designs are drawn"
    )
    cluster.run("scontrol", "update", f"nodename={NODE}", "state=drain", "reason=test")
    try:
        wait_until(
            lambda: len(cluster.jobs("PENDING", comment="rule_search_.*")) == len(SEEDS),
            "the searches wait",
        )
        for job in cluster.jobs("PENDING"):
            wait_until(
                lambda job=job: re.search(
                    r"DRAINED|UnavailableNodes", cluster.field(job, "Reason")
                ),
                "it waits for the drained node",
            )
    finally:
        cluster.run("scontrol", "update", f"nodename={NODE}", "state=resume")


def faults_of_jobs(project: ClusterProject) -> None:
    """Each in the middle of a search; a job that ends so is submitted again, and is not held."""
    cluster = project.cluster
    jobs = {seed: project.search(seed) for seed in (CANCELLED, TIMEOUT, STOPPED)}
    cluster.run("scancel", jobs[CANCELLED])
    end_in(1, cluster, jobs[TIMEOUT])
    # The limit comes so near that the profile's own signal is due: five minutes before it.
    end_in(270, cluster, jobs[STOPPED])
    wait_until((project.folder / ASKED / str(STOPPED)).exists, "SLURM sends the profile's signal")
    project.release(STOPPED)
    for seed, state in ((CANCELLED, "CANCELLED"), (TIMEOUT, "TIMEOUT"), (STOPPED, "FAILED")):
        project.ended(jobs[seed], state)
    for seed in (CANCELLED, TIMEOUT):
        project.release(seed)
    wait_until(
        lambda: project.finished_searches() == len(SUBMITTED_AGAIN),
        f"what failed is submitted again and ends; see {project.said}",
    )


@pytest.fixture(scope="module")
def disturbed(cluster, tmp_path_factory) -> ClusterProject:
    """The study on the cluster, after all that happened to it and one more run of the README's command."""
    project = ClusterProject(tmp_path_factory.mktemp("disturbed"), cluster)
    project.hold(CANCELLED, TIMEOUT, STOPPED, LEFT_RUNNING, LEFT_ENDED)
    (project.folder / HUNGRY).mkdir()
    (project.folder / HUNGRY / str(MEMORY)).touch()
    with project.started() as snakemake:
        drained_and_resumed(project)
        faults_of_jobs(project)
        left = {seed: project.search(seed) for seed in (LEFT_RUNNING, LEFT_ENDED)}
        assert snakemake.poll() is None
        snakemake.kill()
    refused = project.snakemake(*ON_THE_CLUSTER)
    assert refused.returncode != 0
    assert "--unlock" in refused.stdout + refused.stderr
    assert project.snakemake("--unlock").returncode == 0
    for job in left.values():
        project.ended(job, "RUNNING")  # nobody but the one who has the lock ends it
    project.release(LEFT_ENDED)
    project.ended(left[LEFT_ENDED], "COMPLETED")
    with project.started() as snakemake:
        project.ended(left[LEFT_RUNNING], "CANCELLED")
        project.release(LEFT_RUNNING)
        assert snakemake.wait(timeout=DEADLINE) == 0, project.output()[-8000:]
        said = project.output()
    assert f"Cancelled job {left[LEFT_RUNNING]} of an earlier Snakemake here" in said
    return project


@pytest.fixture(scope="module")
def local(cluster, tmp_path_factory) -> Project:
    """The study on this machine without a cluster, up to the front of its network."""
    project = Project(tmp_path_factory.mktemp("local"))
    project.configure(STUDY)
    wanted = [*(f"{run}/hypervolume.json" for run in RUNS.values()), "fronts/first.csv"]
    project.complete(2, *THREADS, "--", *(str(RESULTS / name) for name in wanted))
    return project


def test_a_study_on_the_cluster_has_the_bytes_of_the_local_run(disturbed, local):
    for name in ("fronts/first.csv", "baselines/first/weights.safetensors"):
        assert disturbed.read(name) == local.read(name), name
    assert (disturbed.folder / RESULTS / "report.html").is_file()
    assert disturbed.to_do() == [], "a local run takes over what the cluster did"


@pytest.mark.parametrize("fault", FAULTS)
def test_the_bytes_are_the_same_where(fault, disturbed, local):
    for name in FILES:
        file = f"{RUNS[FAULTS[fault]]}/{name}"
        assert disturbed.read(file) == local.read(file), file


def test_each_fault_costs_one_more_job(disturbed):
    """A job that the daemon of SLURM 22.05 kills for its memory is FAILED there, later OUT_OF_MEMORY."""
    for seed in SEEDS:
        states = [
            disturbed.cluster.field(job, "JobState").replace("OUT_OF_MEMORY", "FAILED")
            for job in disturbed.searches(seed, "all")
        ]
        expected = {
            CANCELLED: ["CANCELLED"], TIMEOUT: ["TIMEOUT"], STOPPED: ["FAILED"], MEMORY: ["FAILED"],
            LEFT_RUNNING: ["CANCELLED"], LEFT_ENDED: [],
        }[seed]  # fmt: skip
        assert states == [*expected, "COMPLETED"], seed


def test_a_job_that_stops_says_so_and_one_that_ran_out_of_memory_gets_more(disturbed):
    first = (disturbed.folder / "snakemake-1.txt").read_text(encoding="utf-8")
    assert "stopped by a signal after" in first, "the log of the job"
    failed, done = disturbed.searches(MEMORY, "all")
    asked = [disturbed.cluster.field(job, "TRES") for job in (failed, done)]
    assert [re.search(r"mem=(\w+)", tres).group(1) for tres in asked] == ["3000M", "6000M"]
    [log] = (disturbed.folder / ".snakemake" / "slurm_logs").rglob(f"{failed}.log")
    assert "exceeded memory limit" in log.read_text(encoding="utf-8")


def test_the_threads_of_a_rule_reach_its_script(disturbed):
    assert "on the CPU, 2 threads" in disturbed.read("logs/baselines/first.log").decode()
    timings = pd.read_csv(disturbed.folder / RESULTS / RUNS[1] / "timings.csv")
    assert (timings["threads"] == 1).all()


def test_what_follows_the_searches_of_a_network_is_one_job_and_small_rules_are_none(disturbed):
    first, second = disturbed.submitted
    assert sorted(first) == sorted([
        "rule_dataset", "rule_train_baseline", "rule_dense_metrics", "rule_initial_designs",
        *["rule_search"] * (len(SEEDS) + len(SUBMITTED_AGAIN)),
    ])  # fmt: skip
    assert sorted(second) == sorted([
        "rule_search", "group_finished_runs_hypervolume_join_runs_tabulate_runs", "rule_test_front", "rule_front_sizes",
        "rule_inference_time",
    ])  # fmt: skip
