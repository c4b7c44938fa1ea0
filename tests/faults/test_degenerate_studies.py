"""A whole study in which nothing is to be found: no design keeps the floor, and there are fewer networks than the budget has evaluations."""

import json
import re

import pandas as pd
import pytest
import torch
from project import RESULTS, Project

from paretopress.figures.style import caption_of
from paretopress.networks.build import build_network

pytestmark = pytest.mark.slow

CODE = """
from torch import nn

def tiny(num_classes):
    return nn.Sequential(nn.Conv2d(3, 2, 4, stride=4), nn.ReLU(), nn.Flatten(), nn.Linear(128, num_classes))
"""
ARCHITECTURE = {"name": "file", "path": "mine.py", "function": "tiny", "arguments": {}}
HALF = {
    "minimum": 0.5,
    "maximum": 0.5000001,
}  # nothing, biases, weights or both, of either kind of layer, with int8 or without
NETWORKS = 4 * 4 * 2
CONFIG = {
    "study": "tiny",
    "seeds": [1, 2, 3],
    "dataset": {"kind": "digits"},
    "networks": {
        "mine": {
            "architecture": ARCHITECTURE,
            "weights": "mine.pt",
            "gate": {"above_chance": False},
        }
    },
    "search_space": {"linear_amount": HALF, "conv_amount": HALF},
    "compression": {"repair": "none"},
    "constraint": {"floor": 0.99},
    "budget": {"evaluations": 40, "initial": 12, "initial_seed": 1},
    "inference_time": {"repeats": 1},
    "methods": [
        {
            "family": "surrogate",
            "objective_metrics": ["random"],
            "constraint_metrics": ["random"],
            "population": 50,
            "generations": 2,
            "infills": 15,
        },
        {"family": "ctaea", "population": 20, "generations": 2},
        {"family": "random"},
    ],
}
METHODS = ["surrogate-random-random", "ctaea-20x2", "random"]
RUNS = [f"runs/mine/{method}/seed-{seed}" for method in METHODS for seed in CONFIG["seeds"]]


@pytest.fixture(scope="module")
def fruitless(tmp_path_factory) -> Project:
    project = Project(tmp_path_factory.mktemp("fruitless"))
    (project.folder / "mine.py").write_text(CODE, encoding="utf-8")
    torch.manual_seed(0)
    network = build_network(ARCHITECTURE | {"path": str(project.folder / "mine.py")}, 10)
    torch.save(network.state_dict(), project.folder / "mine.pt")
    project.configure(CONFIG)
    project.complete(2)
    return project


def test_every_method_ends_with_the_networks_that_there_are(fruitless):
    for run in RUNS:
        evaluations = pd.read_csv(fruitless.folder / RESULTS / run / "evaluations.csv")
        assert len(evaluations) == evaluations["design_id"].nunique() <= NETWORKS
        assert not evaluations["feasible"].any()
        assert set(json.loads(fruitless.read(f"{run}/hypervolume.json"))["history"]) == {0.0}
        left = 40 - len(evaluations)
        assert (
            f"no new network found, {left} of the budget of 40 not spent"
            in fruitless.read(f"logs/{run}.log").decode()
        )
        if "ctaea" not in run:  # which looks near what is good alone
            assert len(evaluations) == NETWORKS


def test_what_holds_nothing_says_so_in_a_sentence(fruitless):
    report = fruitless.read("report.html").decode()
    text = re.sub(
        r"\s+",
        " ",
        re.sub(
            r"<[^>]+>", "", re.sub(r"<(svg|style|script)\b.*?</\1>", "", report, flags=re.DOTALL)
        ),
    )
    for sentence in (
        "no evaluated design keeps the floor of 99.00 %",
        "All 3 methods have the same mean hypervolume (0.0000 over 3 runs).",
        "No test of the methods: all methods are equal in all seeds.",
        "No evaluated design keeps the floor. The dense network itself is under it. Allow a larger drop",
        "No complete run on mine has a feasible design",
        "No run has a hypervolume above 0.",
        "runs ended before their budget, since their method found no new network",
    ):
        assert sentence in text, sentence
    assert not re.search(r"\b(nan|NaN|None|NaT|inf)\b", text), "a number that is none"
    summary = json.loads(fruitless.read("summary.json"))["networks"]["mine"]
    assert summary["front"] == []
    assert pd.read_csv(fruitless.folder / RESULTS / "fronts" / "mine.csv")[
        "design_id"
    ].tolist() == ["dense"]
    for figure in (fruitless.folder / RESULTS / "figures").glob("*.svg"):
        assert "n = " in caption_of(figure), figure.name
