"""A copy of the project with a tiny study in a folder of its own, and real Snakemake runs in it."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import yaml
from paths import ROOT
from warm_interpreter import interpreter

from paretopress.jobs.provenance import RECORDS

TRAINING = {"epochs": 1, "batch_size": 200, "learning_rate": 0.001}
QUICK = {
    "epochs": 2,
    "batch_size": 20,
    "learning_rate": 0.005,
}  # enough for the tiny network to learn something
LONGER = {**TRAINING, "epochs": 6, "batch_size": 50, "seed": 1}
NO_GATE = {"above_chance": False}  # one epoch teaches little
TINY = {
    "study": "tiny",
    "seeds": [1, 2],
    "dataset": {"kind": "digits"},
    "networks": {
        "first": {
            "architecture": {
                "name": "file",
                "path": "tests/tiny_network.py",
                "function": "build_network",
            },
            "training": QUICK,
            "gate": NO_GATE,
        },
        "second": {
            "architecture": {"name": "vgg16_slim", "width_divisor": 32},
            "training": LONGER,
            "gate": NO_GATE,
        },
    },
    "search_space": {"conv_bits": [32, 4, 2]},
    "compression": {"images": 100, "batch_size": 50},  # of the repair, on 1,078 tiny images
    "constraint": {"floor": 0.05},
    "budget": {"evaluations": 14, "initial": 10},
    "inference_time": {"repeats": 2},
    "methods": [
        {
            "family": "surrogate",
            "objective_metrics": ["mse"],
            "constraint_metrics": ["random"],
            "population": 8,
            "generations": 4,
        },
        {"family": "ctaea", "population": 7},
        {"family": "random"},
    ],
}
METHODS = ["surrogate-mse-random", "ctaea-7x2", "random"]
RESULTS = Path("results/tiny")


class Project:
    """A copy of the project in a folder of its own, and Snakemake in it.

    python: the interpreter of Snakemake and its jobs; `sys.executable` for a true start.
    """

    deadline: float | None = None  # seconds that one run of Snakemake may take

    def __init__(self, folder: Path) -> None:
        self.folder, self.python = folder, interpreter()
        self.environment = dict(os.environ)
        folder.mkdir(parents=True, exist_ok=True)
        listed = subprocess.run(
            ["git", "ls-files", "-co", "--exclude-standard"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
        for name in listed.stdout.splitlines():
            if (ROOT / name).is_file():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, folder / name)
        self.configure(TINY)

    @classmethod
    def copy(cls, other: Path, folder: Path) -> "Project":
        """A copy of the project in another folder with all that it has made."""
        copied = cls.__new__(cls)
        copied.folder, copied.python, copied.environment = folder, interpreter(), dict(os.environ)
        shutil.copytree(other, folder, dirs_exist_ok=True)
        return copied

    def take(self, other: "Project", *results: str) -> None:
        """Takes over results of the other project (of RESULTS, by name), with what Snakemake knows of them."""
        shutil.copytree(
            other.folder / ".snakemake" / "metadata", self.folder / ".snakemake" / "metadata"
        )
        for name in results:
            for path in (name, f"{RECORDS}/{name}"):
                shutil.copytree(other.folder / RESULTS / path, self.folder / RESULTS / path)

    def configure(self, config: dict) -> None:
        (self.folder / "tiny.yaml").write_text(
            yaml.safe_dump(config, sort_keys=False), encoding="utf-8"
        )

    def snakemake(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [self.python, "-m", "snakemake", "--configfile", "tiny.yaml", *arguments]
        return subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=self.deadline,
        )

    def command(self, name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """What a command for people says of the study."""
        command = [
            self.python, "-m", "paretopress", name, "--configfile", "tiny.yaml", *arguments,
        ]  # fmt: skip
        return subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment | {"PYTHONPATH": "workflow/scripts"},
            capture_output=True,
            text=True,
            check=False,
        )

    def complete(self, cores: int, *targets: str) -> None:
        done = self.snakemake("--cores", str(cores), *targets)
        assert done.returncode == 0, done.stderr[-5000:]

    def to_do(self, *targets: str) -> list[str]:
        """The jobs of a dry run, as rule[wildcards], sorted."""
        dry = self.snakemake("--dry-run", "--cores", "2", *targets)
        assert dry.returncode == 0, dry.stderr[-5000:]
        output = dry.stdout + dry.stderr
        jobs = re.findall(r"^(?:local)?rule (\w+):\n((?:    .*\n)*)", output, flags=re.MULTILINE)
        found = []
        for rule, body in jobs:
            wildcards = re.search(r"wildcards: (.*)", body)
            found.append(f"{rule}[{wildcards.group(1) if wildcards else ''}]")
        assert found or "Nothing to be done" in output, output
        return sorted(job for job in found if job != "all[]")

    def rules_to_do(self) -> set[str]:
        return {job.split("[")[0] for job in self.to_do()}

    def kill(self, target: str, condition: Callable[[], object]) -> str:
        """Runs Snakemake for `target` on one core, kills all of it as soon as `condition` holds; what `make status` says of it then."""
        command = [
            sys.executable,
            "-m",
            "snakemake",
            "--configfile",
            "tiny.yaml",
            "--cores",
            "1",
            target,
        ]
        study = subprocess.Popen(
            command,
            cwd=self.folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        while study.poll() is None and not condition():
            time.sleep(
                0.002
            )  # the wait for a condition; what comes after it takes hundreds of times as long
        started = psutil.Process(study.pid).children(recursive=True)
        os.killpg(study.pid, signal.SIGKILL)
        assert study.wait() == -signal.SIGKILL
        psutil.wait_procs(started, timeout=30)
        assert not (self.folder / target).exists()
        shown = self.command("status").stdout
        assert self.snakemake("--unlock").returncode == 0
        return shown

    def read(self, name: str) -> bytes:
        return (self.folder / RESULTS / name).read_bytes()


def without_make() -> dict[str, str]:
    """The environment, without what a make around the tests hands to another one."""
    return {
        name: value
        for name, value in os.environ.items()
        if name != "VENV" and not name.startswith(("MAKE", "MFLAGS"))
    }


@contextmanager
def restored(folder: Path) -> Iterator[None]:
    """Puts back what is edited of a project meanwhile: its configs and its code, not its results."""
    tracked = [
        path
        for path in (*folder.glob("*.*"), *(folder / "workflow").rglob("*.*"))
        if path.is_file() and "__pycache__" not in path.parts
    ]
    before = {path: path.read_bytes() for path in tracked}
    yield
    for path, content in before.items():
        if path.read_bytes() != content:
            path.write_bytes(content)


def edit_code(project: Project, name: str) -> None:
    """Edits what a Python file does."""
    path = project.folder / name
    path.write_text(path.read_text(encoding="utf-8") + "\nEDITED = True\n", encoding="utf-8")


def edit(project: Project, name: str) -> None:
    path = project.folder / name
    path.write_text(path.read_text(encoding="utf-8") + "\n# a comment\n", encoding="utf-8")


def every_run(network: str | None = None, seed: int | None = None) -> list[str]:
    return [
        f"{name}/{method}/seed-{number}"
        for name in ("first", "second")
        for method in METHODS
        for number in (1, 2)
        if network in (None, name) and seed in (None, number)
    ]
