"""What the SLURM profile asks of a cluster, without one."""

import re
import stat
import subprocess
import sys

import pytest
import yaml
from paths import ROOT
from project import RESULTS, Project

PROFILE = "profiles/slurm"


@pytest.fixture(scope="module")
def profile() -> dict:
    return yaml.safe_load((ROOT / PROFILE / "config.yaml").read_text(encoding="utf-8"))


def rules() -> dict[str, str]:
    """The text of every rule, by name, with that of the rule which it takes over."""
    found, bases = {}, {}
    for file in (ROOT / "workflow" / "rules").glob("*.smk"):
        text = file.read_text(encoding="utf-8")
        parts = re.split(r"(?m)^(?:use rule (\w+) as|rule) (\w+)(?: with)?:", text)[1:]
        for base, name, body in zip(parts[::3], parts[1::3], parts[2::3], strict=True):
            found[name] = body
            if base:
                bases[name] = base
    return found | {name: found[base] + found[name] for name, base in bases.items()}


def test_the_profile_speaks_of_rules_that_are_there_and_are_submitted(profile):
    named = {*profile["set-resources"], *profile["set-threads"], *profile["groups"]}
    submitted = {name for name, text in rules().items() if "localrule: True" not in text}
    assert named <= submitted
    assert submitted - named == {"dataset"}, "what asks for the defaults"


def test_memory_and_run_time_of_every_rule_grow_with_the_attempt(profile):
    for rule, resources in {
        "by default": profile["default-resources"],
        **profile["set-resources"],
    }.items():
        for name in {"mem_mb", "runtime"} & set(resources):
            first, second = (
                eval(resources[name], {"attempt": attempt, "min": min}) for attempt in (1, 2)
            )
            assert first < second, (rule, name)


def test_what_keeps_a_journal_is_asked_to_stop_before_its_limit(profile):
    with_journal = {name for name, text in rules().items() if "journal=" in text}
    assert with_journal == {
        "train_baseline", "initial_designs", "search", "test_front", "test_run_fronts",
    }  # fmt: skip
    for rule in with_journal:
        assert "--signal=TERM@" in profile["set-resources"][rule]["slurm_extra"], rule


@pytest.mark.slow
def test_the_command_of_the_readme_plans_the_whole_study(tmp_path):
    project = Project(tmp_path)
    command = [
        sys.executable,
        "-m",
        "snakemake",
        "--profile",
        PROFILE,
        "--configfile",
        "config/paper.yaml",
        "--dry-run",
        "--quiet",
        "rules",
    ]
    dry = subprocess.run(command, cwd=project.folder, capture_output=True, text=True, check=False)
    assert dry.returncode == 0, dry.stdout + dry.stderr
    assert re.search(r"search +190\n", dry.stdout + dry.stderr)


@pytest.mark.slow
@pytest.mark.parametrize("configured", [False, True])
def test_a_training_asks_for_a_gpu_only_where_the_profile_says_so(tmp_path, configured):
    """With a stand-in for SLURM that writes down what it is asked and takes no job."""
    project = Project(tmp_path / "project")
    if configured:
        profile = project.folder / PROFILE / "config.yaml"
        text = profile.read_text(encoding="utf-8")
        assert text.count("    # gpu: 1 #") == 1
        profile.write_text(text.replace("    # gpu: 1 #", "    gpu: 1 #"), encoding="utf-8")
    for program, script in {
        "sbatch": f'echo "$@" >> {tmp_path}/asked\nexit 1', "squeue": "true", "sinfo": "true", "scontrol": "false", "sacct": "false",
    }.items():  # fmt: skip
        path = tmp_path / "bin" / program
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
    project.environment["PATH"] = f"{tmp_path / 'bin'}:{project.environment['PATH']}"
    project.complete(2, str(RESULTS / "dataset" / "train.safetensors"))
    training = str(RESULTS / "baselines" / "first" / "weights.safetensors")
    at_once = (
        "--retries",
        "0",
        "--latency-wait",
        "0",
        "--slurm-init-seconds-before-status-checks",
        "1",
    )
    refused = project.snakemake("--profile", PROFILE, *at_once, training)
    assert refused.returncode != 0
    [asked] = (tmp_path / "asked").read_text(encoding="utf-8").splitlines()
    options = asked.split("--wrap")[0]
    assert "--comment rule_train_baseline_wildcards_first" in options
    assert "--cpus-per-task=8" in options
    assert "--mem 8000" in options
    assert "-t 720" in options
    assert "--signal=TERM@1800" in options
    assert ("--gpus=1" in options.split()) == configured, options
