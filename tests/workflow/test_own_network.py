"""A real Snakemake run on a network of the user's own, with weights from a .pt file and one initial sample for all seeds."""

import pandas as pd
import pytest
import torch
from test_pipeline import Project

from paretopress.networks import build_network

pytestmark = pytest.mark.slow

CODE = """
from torch import nn

def tiny(num_classes, width):
    return nn.Sequential(
        nn.Conv2d(3, width, 3, stride=4), nn.ReLU(), nn.Conv2d(width, width, 3, groups=width), nn.Flatten(), nn.Linear(width * 36, num_classes)
    )
"""
ARCHITECTURE = {"name": "file", "path": "mine.py", "function": "tiny", "arguments": {"width": 4}}
CONFIG = {
    "study": "tiny",
    "seeds": [1, 2],
    "dataset": {"kind": "digits"},
    "networks": {"mine": {"architecture": ARCHITECTURE, "weights": "mine.pt", "gate": {"above_chance": False}}},
    "constraint": {"allowed_drop_points": 50.0},
    "budget": {"evaluations": 12, "initial": 10, "initial_seed": 7},
    "methods": [
        {
            "family": "surrogate",
            "objective_metrics": ["random"],
            "constraint_metrics": ["random"],
            "population": 8,
            "generations": 4,
            "infill_rule": "objective_distance",
        }
    ],
}
RUNS = [f"results/tiny/runs/mine/surrogate-random-random/seed-{seed}/evaluations.csv" for seed in (1, 2)]


@pytest.fixture(scope="module")
def searched(tmp_path_factory) -> Project:
    project = Project(tmp_path_factory.mktemp("own"))
    (project.folder / "mine.py").write_text(CODE, encoding="utf-8")
    torch.manual_seed(0)
    network = build_network(ARCHITECTURE | {"path": str(project.folder / "mine.py")}, 10)
    torch.save({"model": network.state_dict()}, project.folder / "mine.pt")
    project.configure(CONFIG)
    project.complete(2, *RUNS, "results/tiny/fronts/mine.test.csv", "results/tiny/fronts/mine.sizes.csv")
    return project


def test_all_seeds_share_one_initial_sample(searched):
    first, second = (pd.read_csv(searched.folder / run) for run in RUNS)
    initial = first["phase"] == "initial"
    assert initial.sum() == 10
    assert first[initial].equals(second[initial])
    assert not first[~initial].equals(second[~initial])
    assert [path.name for path in (searched.folder / "results/tiny/designs/mine").glob("seed-?.csv")] == ["seed-7.csv"]


def test_an_edited_network_reruns_its_own_jobs(searched):
    assert not {"search", "import_baseline"} & searched.rules_to_do()
    (searched.folder / "mine.py").write_text(CODE + "\n# a comment", encoding="utf-8")
    assert {"import_baseline", "dense_metrics", "initial_designs", "search"} <= searched.rules_to_do()


def test_weights_that_do_not_fit_stop_the_study_before_any_search(searched, tmp_path):
    project = Project(tmp_path)
    project.take(searched, "dataset")
    (project.folder / "mine.py").write_text(CODE, encoding="utf-8")
    (project.folder / "mine.pt").write_bytes((searched.folder / "mine.pt").read_bytes())
    networks = {"mine": {"architecture": ARCHITECTURE | {"arguments": {"width": 6}}, "weights": "mine.pt"}}
    project.configure(CONFIG | {"networks": networks})
    stopped = project.snakemake("--cores", "1")
    assert stopped.returncode != 0
    assert "mine.pt: the weights do not fit the network" in stopped.stderr
    assert "0.weight: shape (4, 3, 3, 3), (6, 3, 3, 3) wanted" in stopped.stderr
    assert not (project.folder / "results/tiny/designs").exists()
