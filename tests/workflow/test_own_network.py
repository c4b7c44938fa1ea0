"""The guide's network and config/my-network.yaml in a real Snakemake run, with one initial sample for all seeds."""

import re
import shutil

import pandas as pd
import pytest
import torch
import yaml
from paths import ROOT
from PIL import Image
from project import Project
from safetensors.torch import save_file
from sklearn.datasets import load_digits

from paretopress.jobs.digests import file_digest
from paretopress.networks.build import build_network

pytestmark = pytest.mark.slow

GUIDE = (ROOT / "docs" / "guide.md").read_text(encoding="utf-8")
CODE = re.search(r"```python\n(.*?)```", GUIDE, flags=re.DOTALL).group(1)
AS_IT_COMES = yaml.safe_load((ROOT / "config" / "my-network.yaml").read_text(encoding="utf-8"))
MINE = AS_IT_COMES["networks"]["mine"] | {"gate": {"above_chance": False}}  # it is not trained
ARCHITECTURE, WEIGHTS = MINE["architecture"], MINE["weights"]
CONFIG = AS_IT_COMES | {
    "study": "tiny",
    "seeds": [1, 2],
    "networks": {"mine": MINE},
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
    digits = load_digits(n_class=4)
    for number, (pixels, label) in enumerate(zip(digits.images[:200], digits.target, strict=False)):
        image = project.folder / "images" / ("train" if number % 4 else "test") / f"class {label}"
        image.mkdir(parents=True, exist_ok=True)
        Image.fromarray((pixels * 15).astype("uint8")).save(image / f"{number}.png")
    (project.folder / ARCHITECTURE["path"]).write_text(CODE, encoding="utf-8")
    torch.manual_seed(0)
    file = project.folder / ARCHITECTURE["path"]
    network = build_network(ARCHITECTURE | {"path": str(file), "arguments": {}}, num_classes=4)
    save_file(network.state_dict(), project.folder / WEIGHTS)
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
    network = MINE | {"checksum": file_digest(searched.folder / WEIGHTS)}
    searched.configure(CONFIG | {"networks": {"mine": network}})
    assert searched.to_do() == before
    searched.configure(CONFIG)


def test_an_edited_network_reruns_its_own_jobs(searched):
    assert not {"search", "import_baseline"} & searched.rules_to_do()
    (searched.folder / ARCHITECTURE["path"]).write_text(CODE + "\n# a comment", encoding="utf-8")
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
                f"{WEIGHTS}: the weights do not fit the network",
                "0.weight: shape (32, 3, 3, 3), (6, 3, 3, 3) wanted",
            ],
        ),
        (
            {"checksum": "0" * 64},
            [f"{WEIGHTS}: its SHA-256 is", "(networks.mine.checksum). Nothing in it is read"],
        ),
    ],
    ids=["shape", "checksum"],
)
def test_weights_that_cannot_be_used_stop_the_study_before_any_search(
    searched, tmp_path, change, expected
):
    project = Project(tmp_path)
    project.take(searched, "dataset")
    shutil.copytree(searched.folder / "images", project.folder / "images")
    for name in (ARCHITECTURE["path"], WEIGHTS):
        shutil.copy2(searched.folder / name, project.folder / name)
    project.configure(CONFIG | {"networks": {"mine": MINE | change}})
    stopped = project.snakemake("--cores", "1")
    assert stopped.returncode != 0
    for part in expected:
        assert part in stopped.stderr
    assert not (project.folder / "results/tiny/designs").exists()
