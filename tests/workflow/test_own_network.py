"""A real Snakemake run on a network of the user's own, with weights from a .pt file and one initial sample for all seeds."""

import pandas as pd
import pytest
import torch
from project import Project

from paretopress.jobs.digests import file_digest
from paretopress.networks.build import build_network

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
    "networks": {
        "mine": {
            "architecture": ARCHITECTURE,
            "weights": "mine.pt",
            "gate": {"above_chance": False},
        }
    },
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
RUNS = [
    f"results/tiny/runs/mine/surrogate-random-random/seed-{seed}/evaluations.csv" for seed in (1, 2)
]


@pytest.fixture(scope="module")
def searched(tmp_path_factory) -> Project:
    project = Project(tmp_path_factory.mktemp("own"))
    (project.folder / "mine.py").write_text(CODE, encoding="utf-8")
    torch.manual_seed(0)
    network = build_network(ARCHITECTURE | {"path": str(project.folder / "mine.py")}, 10)
    torch.save({"model": network.state_dict()}, project.folder / "mine.pt")
    project.configure(CONFIG)
    project.complete(
        2, *RUNS, "results/tiny/fronts/mine.test.csv", "results/tiny/fronts/mine.sizes.csv"
    )
    return project


def test_all_seeds_share_one_initial_sample(searched):
    first, second = (pd.read_csv(searched.folder / run) for run in RUNS)
    initial = first["phase"] == "initial"
    assert initial.sum() == 10
    assert first[initial].equals(second[initial])
    assert not first[~initial].equals(second[~initial])
    assert [
        path.name for path in (searched.folder / "results/tiny/designs/mine").glob("seed-?.csv")
    ] == ["seed-7.csv"]


def test_an_added_checksum_reruns_nothing(searched):
    before = searched.to_do()
    network = CONFIG["networks"]["mine"] | {"checksum": file_digest(searched.folder / "mine.pt")}
    searched.configure(CONFIG | {"networks": {"mine": network}})
    assert searched.to_do() == before
    searched.configure(CONFIG)


def test_an_edited_network_reruns_its_own_jobs(searched):
    assert not {"search", "import_baseline"} & searched.rules_to_do()
    (searched.folder / "mine.py").write_text(CODE + "\n# a comment", encoding="utf-8")
    assert {
        "import_baseline",
        "dense_metrics",
        "initial_designs",
        "search",
    } <= searched.rules_to_do()


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (
            {"architecture": ARCHITECTURE | {"arguments": {"width": 6}}},
            [
                "mine.pt: the weights do not fit the network",
                "0.weight: shape (4, 3, 3, 3), (6, 3, 3, 3) wanted",
            ],
        ),
        (
            {"checksum": "0" * 64},
            ["mine.pt: its SHA-256 is", "(networks.mine.checksum), so that nothing in it is read"],
        ),
    ],
    ids=["shape", "checksum"],
)
def test_weights_that_cannot_be_used_stop_the_study_before_any_search(
    searched, tmp_path, change, expected
):
    project = Project(tmp_path)
    project.take(searched, "dataset")
    (project.folder / "mine.py").write_text(CODE, encoding="utf-8")
    (project.folder / "mine.pt").write_bytes((searched.folder / "mine.pt").read_bytes())
    project.configure(CONFIG | {"networks": {"mine": CONFIG["networks"]["mine"] | change}})
    stopped = project.snakemake("--cores", "1")
    assert stopped.returncode != 0
    for part in expected:
        assert part in stopped.stderr
    assert not (project.folder / "results/tiny/designs").exists()
