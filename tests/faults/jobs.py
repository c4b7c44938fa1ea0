"""The jobs that are killed here, the folder they run in, and the server that runs them."""

import json
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
IMAGES, CLASSES, BATCH, EPOCHS = 40, 4, 10, 4
NETWORK = {
    "name": "file",
    "path": "counted_network.py",
    "function": "build_network",
    "arguments": {},
}
BOUNDS = {"minimum": 0.05, "maximum": 0.95}
SPACE = {"linear_amount": BOUNDS, "conv_amount": BOUNDS}
BUDGET, INITIAL = 14, 8
GATE = {
    "training": None,
    "gate": {"above_chance": False, "epochs": 5, "least_accuracy": None},
}

PAPERS_MOVES = {"allocation": "uniform", "keep": [], "repair": None}
NO_FILES = {"allocation": [], "training": []}

SEARCH = {
    "script": "run_search.py",
    "rule": "search",
    "input": {
        "weights": "dense.safetensors",
        "metrics": "metrics.json",
        "images": "images.safetensors",
        "designs": "designs.csv",
        "timings": "designs.timings.csv",
        **NO_FILES,
        "own_code": "counted_network.py",
    },
    "output": {name: f"results/study/run/{name}.csv" for name in ("evaluations", "iterations", "timings")},
    "params": {
        "architecture": NETWORK,
        "space": SPACE,
        "moves": PAPERS_MOVES,
        "method": {
            "implementation": "surrogate.SurrogateSearch",
            "settings": {
                "objective_metric": "random", "constraint_metric": "random", "population": 6, "generations": 2, "infills": 2, "folds": 2,
                "infill_rule": "random", "candidates": ["knn", "random_forest", "xgboost", "lightgbm"],
            },
        },
        "budget": BUDGET,
        "initial_seed": None,
        "constraint": {"floor": 0.1, "allowed_drop_points": None},
        "split": "validation",
        "size": "bytes",
        "batch_size": IMAGES,
        "device": "cpu",
        **GATE,
        "journal": "results/study/progress/search",
    },
    "wildcards": {"network": "counted", "method": "surrogate-random-random", "seed": "1"},
    "log": "results/study/logs/search.log",
}  # fmt: skip
INITIAL_DESIGNS = {
    "script": "initial_designs.py",
    "rule": "initial_designs",
    "input": {
        name: SEARCH["input"][name]
        for name in ("weights", "metrics", "images", *NO_FILES, "own_code")
    },
    "output": {
        "designs": "results/study/designs.csv",
        "timings": "results/study/designs.timings.csv",
    },
    "params": {
        "architecture": NETWORK,
        "space": SPACE,
        "moves": PAPERS_MOVES,
        "sample_size": INITIAL,
        "batch_size": IMAGES,
        "device": "cpu",
        "split": "validation",
        **GATE,
        "journal": "results/study/progress/initial",
    },
    "wildcards": {"network": "counted", "seed": "1"},
    "log": "results/study/logs/initial.log",
}
TRAINING = {
    "script": "train_baseline.py",
    "rule": "train_baseline",
    "input": {"train": "images.safetensors", "validation": "images.safetensors", "own_code": "counted_network.py"},
    "output": {"weights": "results/study/baseline/weights.safetensors", "history": "results/study/baseline/history.csv"},
    "params": {
        "architecture": NETWORK,
        "training": {
            "recipe": None, "epochs": EPOCHS, "batch_size": BATCH, "optimizer": "adamw", "learning_rate": 0.01, "weight_decay": 0.01,
            "schedule": "one_cycle", "augmentation": "crop_flip", "seed": 1, "precision": "float32",
        },
        "gate": GATE["gate"],
        "device": "cpu",
        "keep": [],
        "architectures": {},
        "journal": "results/study/progress/training",
    },
    "wildcards": {"network": "counted"},
    "log": "results/study/logs/training.log",
}  # fmt: skip
# Times are no part of what is the same in two runs.
TIMES = ("timings",)


@dataclass(frozen=True)
class Point:
    """Where signals reach a job: at the operation on a file, or the call of a function, of this number."""

    kind: str = "files"
    number: int | None = None
    signals: list[int] = field(default_factory=lambda: [signal.SIGKILL])


class JobServer:
    """The server's process, in a mount namespace of its own where the system allows it."""

    def __init__(self, namespace: list[str]) -> None:
        environment = dict(
            os.environ, OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1"
        )
        command = [*namespace, sys.executable, str(HERE / "job_server.py")]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )
        assert self._process.stdout.readline() == "ready\n"

    def ask(self, request: dict[str, Any]) -> dict[str, Any]:
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def shell(self, command: str) -> str:
        """Runs bash where the jobs run: in the server's namespace."""
        done = self.ask({"command": command})
        assert done["code"] == 0, done["output"]
        return done["output"]

    def close(self) -> None:
        self._process.stdin.close()
        self._process.wait()


class Workplace:
    """A folder with the inputs of the jobs, and the jobs run in it."""

    def __init__(self, server: JobServer, folder: Path, inputs: Path) -> None:
        self.server, self.folder = server, folder
        shutil.copytree(inputs, folder)

    def start(self, job: dict[str, Any], point: Point = Point()) -> int:
        """One process of the job; its exit code, negative for a signal."""
        return self.together(job, point)[0]

    def together(self, job: dict[str, Any], *points: Point) -> list[int]:
        """A process of the job for each point, at the same time; their exit codes."""
        return self.server.ask(
            {"together": [{"folder": str(self.folder), "job": job, "point": vars(point)} for point in points]}
        )["codes"]  # fmt: skip

    def complete(self, job: dict[str, Any]) -> None:
        assert self.start(job) == 0, self.terminal()

    def points(self, job: dict[str, Any], kind: str) -> int:
        """The number of points that a process of the job passes."""
        assert self.start(job, Point(kind)) == 0, self.terminal()
        return json.loads((self.folder / "points.json").read_text())

    def terminal(self) -> str:
        return (self.folder / "terminal.txt").read_text(encoding="utf-8")

    def log(self, job: dict[str, Any]) -> str:
        return (self.folder / job["log"]).read_text(encoding="utf-8")

    def outputs(self, job: dict[str, Any]) -> dict[str, bytes]:
        return {
            name: (self.folder / path).read_bytes()
            for name, path in job["output"].items()
            if name not in TIMES
        }

    def passes(self, kind: str, images: int) -> int:
        """Passes of so many images through the network so far, in training or in evaluation; those of a check have fewer."""
        path = self.folder / "passes.txt"
        return path.read_text().splitlines().count(f"{kind} {images}") if path.exists() else 0

    def evaluations(self) -> int:
        return self.passes("evaluation", IMAGES)

    def training_steps(self) -> int:
        return self.passes("training", BATCH)
