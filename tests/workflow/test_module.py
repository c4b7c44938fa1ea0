"""ParetoPress as a module of another workflow, which lies elsewhere: planned, run, killed, gone on with; and a path with a space."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
import yaml
from paths import ROOT
from project import TINY, without_make
from references import DEFAULT_MOVES, MADE_ON, machine
from warm_interpreter import interpreter

from paretopress.jobs.provenance import damaged_and_outdated, recorded_files

pytestmark = pytest.mark.slow

NETWORK = TINY["networks"]["first"]
OWN = {"name": "file", "path": "own/network.py", "function": "build_network"}
STUDY = TINY | {
    "seeds": [1],
    "networks": {"first": NETWORK | {"architecture": OWN}},
    "methods": [{"family": "random"}],
    "budget": {"evaluations": 40, "initial": 10},  # long enough to be met in the middle
}
THEIRS = {
    "study": "theirs",
    "evaluation_tables": {
        "theirs": {
            "path": "own/table.csv",
            "networks": {"other": {"dense_accuracy": 0.9, "images": 100, "threshold": 0.8}},
        }
    },
}
# With everything that a person can bring.
BROUGHT = STUDY | {
    "dataset": {"kind": "folder", "path": "own/images", "validation_fraction": 0.5},
    "networks": {"first": {"architecture": OWN, "weights": "own/first.safetensors"}},
    "evaluation_tables": THEIRS["evaluation_tables"],
}
HOOKS = ("onstart", "onsuccess", "onerror")
FIRST, SECOND = Path("first/results/tiny"), Path("results/tiny")
THIRD = Path("deep/er/results/theirs")
RUN = "runs/first/random/seed-1"


def module(name: str, config: str, *more: str, rename: str = "", snakefile: str | None = None):
    """The lines of a Snakefile for a module of this clone."""
    given = [f"snakefile: {snakefile or repr(str(ROOT / 'Snakefile'))}", f"config: {config}", *more]
    return "\n    ".join([f"module {name}:", *given]) + f"\nuse rule * from {name}{rename}\n"


class Outer:
    """A workflow in a folder of its own, which also has a folder `workflow`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "workflow" / "scripts").mkdir(parents=True)
        for place in ("train/a", "train/b", "test/a", "test/b"):
            (folder / "own" / "images" / place).mkdir(parents=True)
        shutil.copy2(ROOT / "tests" / "tiny_network.py", folder / "own" / "network.py")
        (folder / "own" / "first.safetensors").write_bytes(b"\x02" + bytes(7) + b"{}")
        (folder / "own" / "table.csv").write_text(
            "network,method,seed,evaluation,accuracy,nonzero_rate\nother,random,1,1,0.85,0.5\n"
        )

    def command(self, *arguments: str) -> list[str]:
        profile = ["--workflow-profile", str(ROOT / "profiles" / "default")]
        return ["-m", "snakemake", *profile, "--cores", "2", *arguments]

    def snakemake(self, *arguments: str, code: int = 0) -> str:
        command = [interpreter(), *self.command(*arguments)]
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, check=False)
        said = done.stdout + done.stderr
        assert done.returncode == code, said[-5000:]
        return said

    def write(self, config: dict, *modules: str) -> None:
        (self.folder / "config.yaml").write_text(yaml.safe_dump(config, sort_keys=False))
        lines = ['configfile: "config.yaml"\n', *modules]
        (self.folder / "Snakefile").write_text("\n".join(lines))


@pytest.fixture
def outer(tmp_path) -> Outer:
    return Outer(tmp_path)


def test_the_lines_of_the_page_on_modules_are_enough(outer):
    page = (ROOT / "docs" / "module.md").read_text(encoding="utf-8")
    lines = re.search(r"((?:    .*\n|\n)*?)(?=\n`config\.yaml` is)", page).group(1)
    outer.write(STUDY)
    text = re.sub("^    ", "", lines, flags=re.MULTILINE)
    text = text.replace("/path/to/ParetoPress", str(ROOT))
    (outer.folder / "Snakefile").write_text(text)
    planned = outer.snakemake("--dry-run")
    assert "output: results/tiny/report.html" in planned
    assert re.search(r"^all +1$", planned, re.MULTILINE), "what the module is for, by itself"


def test_the_prefix_is_of_what_is_made_and_not_of_what_is_brought(outer):
    outer.write(BROUGHT, module("paretopress", "config", 'prefix: "first"', rename=" as its_*"))
    planned = outer.snakemake("--dry-run")
    inputs = set(re.findall(r"[^ ,]+", " ".join(re.findall(r"^ +input: (.*)$", planned, re.M))))
    brought = {"own/images", "own/network.py", "own/first.safetensors", "own/table.csv"}
    template = os.path.relpath(ROOT / "workflow" / "report" / "report.html.j2", outer.folder)
    assert {*brought, template} <= inputs
    assert {path for path in inputs if not path.startswith("first/results/tiny/")} >= brought
    assert not [path for path in inputs if path.startswith("results/")]
    assert "output: first/results/tiny/report.html" in planned


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"more": ['replace_prefix: {"results/": "made/"}']}, "Allowed: neither of them"),
        ({"more": ['pathvars:\n        study="elsewhere"']}, "elsewhere and results/tiny"),
        ({"config": "dict(config, seeds='one')"}, "`config` of module paretopress: seeds"),
    ],
    ids=["replaced", "pathvar", "config"],
)
def test_what_a_module_cannot_have_is_refused_with_a_sentence(outer, given, said):
    given = {"config": "config", "more": [], **given}
    outer.write(STUDY, module("paretopress", given.pop("config"), *given.pop("more"), **given))
    refusal = outer.snakemake("--dry-run", code=1)
    assert said in refusal
    assert "Traceback" not in refusal


def test_a_package_that_hides_the_one_of_the_module_is_refused(outer):
    (outer.folder / "workflow" / "__init__.py").touch()
    outer.write(STUDY, module("paretopress", "config"))
    refusal = outer.snakemake("--dry-run", code=1)
    assert "the folder `workflow` of the outer project no Python package" in refusal


def test_two_copies_in_one_workflow_are_refused(outer):
    copy = outer.folder / "copy"
    shutil.copytree(ROOT / "workflow", copy / "workflow")
    shutil.copy2(ROOT / "Snakefile", copy / "Snakefile")
    both = [
        module("first", "config", 'prefix: "first"', rename=" as first_*"),
        module("second", "config", rename=" as second_*", snakefile='"copy/Snakefile"'),
    ]
    outer.write(STUDY, *both)
    assert f"Two copies of ParetoPress in one workflow: {ROOT} and " in outer.snakemake(
        "--dry-run", code=1
    )


@pytest.fixture(scope="module")
def several(tmp_path_factory) -> Outer:
    """The same search in a module with a prefix, killed, and in one without; the third takes over a table."""
    outer = Outer(tmp_path_factory.mktemp("several"))
    wrong = STUDY | {"constraint": {"floor": "much"}}
    modules = [
        module("first", 'config["first"]', 'prefix: "first"', rename=" as first_*"),
        module("second", 'config["second"]', rename=" as second_*"),
        module("third", 'config["third"]', 'prefix: "deep/er/"', rename=" as third_*"),
        *(f"{hook}:\n    first.{hook}()\n    second.{hook}()\n" for hook in HOOKS),
    ]
    outer.write({"first": STUDY, "second": wrong, "third": THEIRS}, *modules)
    refusal = outer.snakemake("--dry-run", code=1)
    line = [*map(str.strip, (outer.folder / "config.yaml").read_text().splitlines())]
    assert f"config.yaml, line {line.index('floor: much') + 1}: constraint.floor" in refusal
    assert "Module second: " in refusal

    exporting, other = STUDY | {"export": {"first": ["knee"]}}, STUDY | {"seeds": [1, 2]}
    outer.write({"first": exporting, "second": other, "third": THEIRS}, *modules)
    target = FIRST / RUN / "evaluations.csv"
    outer.snakemake(str(FIRST / "designs" / "first" / "seed-1.csv"))
    study = subprocess.Popen(
        [sys.executable, *outer.command(str(target))],
        cwd=outer.folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    progress = outer.folder / FIRST / "progress" / "first"
    record = "random-*/seed-1/evaluations/[0-9a-f]*.json"
    while study.poll() is None and not list(progress.glob(record)):
        time.sleep(0.002)
    jobs = psutil.Process(study.pid).children(recursive=True)
    os.killpg(study.pid, signal.SIGKILL)
    assert study.wait() == -signal.SIGKILL
    psutil.wait_procs(jobs, timeout=30)
    assert not (outer.folder / target).exists()
    recorded = list(progress.glob(record))
    times = [path.stat().st_mtime_ns for path in recorded]
    targets = (
        FIRST / "report.html",
        SECOND / RUN / "evaluations.csv",
        THIRD / "runs/other/evaluations.csv",
    )
    told = outer.snakemake("--nolock", *map(str, targets))
    assert "rule second_search:\n    input" in told, (
        "what the outer workflow shows is its own matter"
    )
    assert [path.stat().st_mtime_ns for path in recorded] == times, "it went on from its journal"
    return outer


def test_the_report_and_the_card_of_a_module_give_commands_with_its_prefix(several):
    command = f"paretopress export --configfile {FIRST}/config.yaml --prefix first first "
    (card,) = (several.folder / FIRST / "export" / "first").glob("*/README.md")
    for page in (card, several.folder / FIRST / "report.html"):
        assert command in page.read_text(encoding="utf-8")


def test_two_modules_give_the_same_bytes_whether_killed_or_not(several):
    for name in (
        "baselines/first/weights.safetensors",
        "designs/first/seed-1.csv",
        f"{RUN}/evaluations.csv",
        f"{RUN}/iterations.csv",
    ):
        first, second = ((several.folder / study / name).read_bytes() for study in (FIRST, SECOND))
        assert first == second, name


def test_a_module_gives_the_same_bytes_as_the_plain_study(several):
    if json.loads(MADE_ON.read_text(encoding="utf-8")) != machine():
        pytest.skip("the references were made on another processor, or with other versions")
    found, plain = (
        (folder / name).read_text().splitlines()
        for folder, name in (
            (several.folder / FIRST, f"{RUN}/evaluations.csv"),
            (DEFAULT_MOVES, "runs/first/evaluations.csv"),
        )
    )
    run = "first,random,1,"
    assert found[1:15] == [row.removeprefix(run) for row in plain if row.startswith(run)]


def test_everything_is_under_the_prefix_and_has_its_record(several, monkeypatch):
    made = {path.name for path in several.folder.iterdir()} - {"study.yaml"}
    given = {"own", "workflow", "config.yaml", "Snakefile", ".snakemake"}
    assert made == given | {"first", "deep", "results"}
    monkeypatch.chdir(several.folder)
    recorded = recorded_files(FIRST)
    assert FIRST / RUN / "evaluations.csv" in recorded
    assert damaged_and_outdated(FIRST, recorded) == ([], [])


def test_the_hooks_of_modules_are_called_by_those_of_the_workflow(several):
    """Journals of jobs that are done are removed at the end, but for those that a larger budget goes on from."""
    for study in (FIRST, SECOND):
        kept = {path.name for path in (several.folder / study / "progress" / "first").iterdir()}
        assert "training" not in kept
        assert any(name.startswith("random-") for name in kept)


def test_the_commands_find_a_module_by_its_prefix(several):
    (several.folder / "study.yaml").write_text(yaml.safe_dump(STUDY))
    command = [sys.executable, "-m", "paretopress"]
    told = subprocess.run(
        [*command, "status", "--prefix", "first", "--configfile", "study.yaml"],
        cwd=several.folder,
        env=os.environ | {"PYTHONPATH": str(ROOT / "workflow" / "scripts")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "tiny: 1 run, 1 done" in told.stdout


@pytest.mark.parametrize("name", ["own(1)", "its'", "10$", "c#", "a&b", "[x]"])
def test_make_refuses_an_environment_whose_path_shells_interpret(name, tmp_path):
    folder = tmp_path / name
    folder.mkdir()
    (folder / "Makefile").symlink_to(ROOT / "Makefile")
    made = subprocess.run(
        ["make", "demo"],
        cwd=folder,
        env=without_make(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode != 0
    assert f"as in {folder}/.venv: name another folder" in made.stderr


def test_an_environment_in_a_path_with_a_space_is_refused_before_anything_is_done(tmp_path):
    folder = tmp_path / "a folder"
    folder.mkdir()
    for name in ("Makefile", "Snakefile", "workflow", "config"):
        (folder / name).symlink_to(ROOT / name)
    made = subprocess.run(
        ["make", "demo"],
        cwd=folder,
        env=without_make(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode != 0
    assert "make VENV=/a/folder/without demo" in made.stderr
    assert not (folder / ".venv").exists()
    (folder / ".venv").symlink_to(sys.prefix)
    run = [folder / ".venv/bin/python", "-m", "snakemake", "--cores", "1", "--dry-run"]
    refused = subprocess.run(run, cwd=folder, capture_output=True, text=True, check=False)
    assert refused.returncode != 0
    said = refused.stdout + refused.stderr
    assert f"Snakemake runs in the Python {folder}/.venv/bin/python" in said
    fine = subprocess.run(
        [sys.executable, *run[1:]], cwd=folder, capture_output=True, text=True, check=False
    )
    assert fine.returncode == 0, "the folder itself may have one"
