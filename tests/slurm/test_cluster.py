"""The SLURM profile on a real SLURM of one machine: whatever happens to a job, its node or Snakemake, the same bytes in the end.

One study, whose seeds meet the faults: each search is held in the middle of its work until its own has happened.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest
from cases import EVERY_TEST
from cluster import DEADLINE, HOW_TO_INSTALL, NODE, Cluster, missing_programs, wait_until
from held_network import ASKED, HELD, HOLD, HUNGRY
from project import METHODS, RESULTS, TINY, Project

pytestmark = [pytest.mark.slow, pytest.mark.slurm]

# What happens to the search of a seed: to its first job, and to its second one.
FAULTS = {
    1: "cancelled, then left to itself by a Snakemake that is killed, and cancelled by the next one",
    2: "at its time limit, then left to itself by a Snakemake that is killed, and done before the next one",
    3: "out of memory, then asked to stop before its time limit",
}
ENDS = {
    1: ["CANCELLED", "CANCELLED", "COMPLETED"],
    2: ["TIMEOUT", "COMPLETED"],
    3: ["FAILED", "FAILED", "COMPLETED"],
}
# One network, which can be held in the middle of a search, and one method.
ARCHITECTURE = {"name": "file", "path": "tests/slurm/held_network.py", "function": "build_network"}
STUDY = TINY | {
    "seeds": list(FAULTS),
    "networks": {"first": TINY["networks"]["first"] | {"architecture": ARCHITECTURE}},
    "methods": [TINY["methods"][0]],
    "budget": {"evaluations": 16, "initial": 10, "initial_seed": 1},
}
RUNS = {seed: f"runs/first/{METHODS[0]}/seed-{seed}" for seed in FAULTS}
FILES = ("evaluations.csv", "iterations.csv", "hypervolume.json")
# What the searches lead to.
WANTED = [str(RESULTS / name) for name in ("statistics/summary.csv", "fronts/first.csv")]
# So that jobs with more than one thread are among them.
THREADS = ("--set-threads", "search=2")
ON_THE_CLUSTER = ("--profile", "profiles/slurm", *THREADS)


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
    def started(self, *targets: str) -> Iterator[subprocess.Popen[bytes]]:
        """Snakemake at work on the targets, or the whole study; it ends with the block."""
        snakemake = [self.python, "tests/slurm/looking_often.py", "--configfile", "tiny.yaml"]
        command = [*snakemake, *ON_THE_CLUSTER, "--", *targets]
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

    def hold(self, seed: int) -> None:
        """From its second evaluation on, each job that searches with a seed waits to be released."""
        (self.folder / HOLD).mkdir(exist_ok=True)
        (self.folder / HOLD / str(seed)).touch()

    def release(self, seed: int) -> None:
        (self.folder / HOLD / str(seed)).unlink()

    def held(self, seed: int) -> str:
        """The id of the job that searches with a seed, as soon as it is held."""
        held = self.folder / HELD / str(seed)
        wait_until(held.exists, f"seed {seed} is held; see {self.said}")
        held.unlink()
        [job] = self.searches(seed, "RUNNING")
        return job

    def searches(self, seed: int, *states: str) -> list[str]:
        return self.cluster.jobs(*states, comment=f"rule_search_.*_{seed}")

    def ended(self, job: str, state: str) -> None:
        wait_until(lambda: self.cluster.field(job, "JobState") == state, f"job {job}: {state}")


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


@contextmanager
def drained(cluster: Cluster) -> Iterator[None]:
    """The node takes no new job until the block ends."""
    cluster.run("scontrol", "update", f"nodename={NODE}", "state=drain", "reason=test")
    try:
        yield
    finally:
        cluster.run("scontrol", "update", f"nodename={NODE}", "state=resume")


def wait_for_the_drained_node(cluster: Cluster) -> None:
    wait_until(lambda: cluster.jobs("PENDING"), "a job waits")
    for job in cluster.jobs("PENDING"):
        wait_until(
            lambda job=job: re.search(r"DRAINED|UnavailableNodes", cluster.field(job, "Reason")),
            "it waits for the drained node",
        )


def faults_of_jobs(project: ClusterProject) -> dict[int, str]:
    """Each in the middle of a search, which is then submitted again; the jobs that are held in the end, by seed."""
    cluster = project.cluster
    first = {seed: project.held(seed) for seed in (1, 2)}
    cluster.run("scancel", first[1])
    end_in(1, cluster, first[2])
    for job, state in ((first[1], "CANCELLED"), (first[2], "TIMEOUT")):
        project.ended(job, state)
    wait_until(
        lambda: project.searches(3, "FAILED", "OUT_OF_MEMORY"), "the hungry job of seed 3 ends"
    )
    for seed in FAULTS:  # said again by the first job until it ended, that of seed 3 by a thread
        (project.folder / HELD / str(seed)).unlink(missing_ok=True)
        (project.folder / ASKED / str(seed)).unlink(missing_ok=True)
    stopped = project.held(3)
    # The limit comes so near that the profile's own signal is due: five minutes before it.
    end_in(270, cluster, stopped)
    wait_until((project.folder / ASKED / "3").exists, "SLURM sends the profile's signal")
    project.release(3)
    project.ended(stopped, "FAILED")
    left = {seed: project.held(seed) for seed in (1, 2)}
    wait_until(
        lambda: re.search(r"\d+ of \d+ done, search network=first .* seed=3", project.output()),
        f"seed 3 is searched; see {project.said}",
    )
    return left


@pytest.fixture(scope="module")
def disturbed(cluster, local, tmp_path_factory) -> ClusterProject:
    """The searches on the cluster (in `make test-all` the whole study), after all that happened to it and one more run of the README's command."""
    project = ClusterProject(tmp_path_factory.mktemp("disturbed"), cluster)
    if not EVERY_TEST:
        project.take(local, "dataset", "baselines", "designs")
    for seed in FAULTS:
        project.hold(seed)
    (project.folder / HUNGRY).mkdir()
    (project.folder / HUNGRY / "3").touch()
    with ExitStack() as stack:
        with drained(cluster):
            snakemake = stack.enter_context(project.started())
            wait_for_the_drained_node(cluster)
        left = faults_of_jobs(project)
        assert snakemake.poll() is None
        snakemake.kill()
    refused = project.snakemake(*ON_THE_CLUSTER)
    assert refused.returncode != 0
    assert "--unlock" in refused.stdout + refused.stderr
    assert project.snakemake("--unlock").returncode == 0
    for job in left.values():
        project.ended(job, "RUNNING")  # nobody but the one who has the lock ends it
    project.release(2)
    project.ended(left[2], "COMPLETED")
    with project.started(*([] if EVERY_TEST else WANTED)) as snakemake:
        project.ended(left[1], "CANCELLED")
        project.release(1)
        assert snakemake.wait(timeout=DEADLINE) == 0, project.output()[-8000:]
        said = project.output()
    assert f"Cancelled job {left[1]} of an earlier Snakemake here" in said
    return project


@pytest.fixture(scope="module")
def local(cluster, tmp_path_factory) -> Project:
    """The study on this machine without a cluster, up to the front of its network."""
    project = Project(tmp_path_factory.mktemp("local"))
    project.configure(STUDY)
    hypervolumes = [str(RESULTS / run / "hypervolume.json") for run in RUNS.values()]
    project.complete(2, *THREADS, "--", *hypervolumes, str(RESULTS / "fronts" / "first.csv"))
    return project


def test_a_study_on_the_cluster_has_the_bytes_of_the_local_run(disturbed, local):
    for name in ("fronts/first.csv", "baselines/first/weights.safetensors"):
        assert disturbed.read(name) == local.read(name), name
    targets = () if EVERY_TEST else WANTED
    assert disturbed.to_do(*targets) == [], "a local run takes over what the cluster did"


@pytest.mark.parametrize("seed", FAULTS, ids=FAULTS.get)
def test_the_bytes_are_the_same_and_each_fault_costs_one_more_job_where_one_is(
    seed, disturbed, local
):
    for name in FILES:
        file = f"{RUNS[seed]}/{name}"
        assert disturbed.read(file) == local.read(file), file
    cluster = disturbed.cluster
    states = [cluster.field(job, "JobState") for job in disturbed.searches(seed, "all")]
    # What the daemon of SLURM 22.05 kills for its memory is FAILED there, later OUT_OF_MEMORY.
    assert [state.replace("OUT_OF_MEMORY", "FAILED") for state in states] == ENDS[seed]


def test_a_job_that_ran_out_of_memory_gets_more_and_one_that_stops_says_so(disturbed):
    failed, second, _ = disturbed.searches(3, "all")
    asked = [disturbed.cluster.field(job, "TRES") for job in (failed, second)]
    assert [re.search(r"mem=(\w+)", tres).group(1) for tres in asked] == ["3000M", "6000M"]
    [log] = (disturbed.folder / ".snakemake" / "slurm_logs").rglob(f"{failed}.log")
    assert "exceeded memory limit" in log.read_text(encoding="utf-8")
    first = (disturbed.folder / "snakemake-1.txt").read_text(encoding="utf-8")
    assert "stopped by a signal after" in first, "the log of the job"


def test_the_threads_of_a_rule_reach_its_script(disturbed):
    timings = pd.read_csv(disturbed.folder / RESULTS / RUNS[1] / "timings.csv")
    infills = timings["iteration"] > 0
    assert set(timings.loc[infills, "threads"]) == {2}
    assert set(timings.loc[~infills, "threads"]) == {1}


def test_what_follows_the_searches_of_a_network_is_one_job_and_small_rules_are_none(disturbed):
    first, second = disturbed.submitted
    before = ["rule_dataset", "rule_train_baseline", "rule_dense_metrics", "rule_initial_designs"]
    assert sorted(first) == sorted(
        [*(before if EVERY_TEST else []), "rule_check_network", *["rule_search"] * 7]
    )
    of_fronts = ["rule_test_front", "rule_front_sizes", "rule_inference_time"]
    assert sorted(second) == sorted([
        "rule_search", "group_finished_runs_hypervolume_join_runs_tabulate_runs", *(of_fronts if EVERY_TEST else []),
    ])  # fmt: skip
