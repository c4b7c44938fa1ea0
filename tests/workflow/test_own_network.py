"""The guide's network and config/my-network.yaml in a real Snakemake run, with one initial sample for all seeds."""

import json
import os
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
BESIDE, HELPER = "helpers/scores.py", "def scores(network):\n    return network\n"
CODE += """

from helpers.scores import scores
"""
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
BASELINE = "results/tiny/baselines/mine"
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
    (project.folder / BESIDE).parent.mkdir()
    (project.folder / BESIDE).write_text(HELPER, encoding="utf-8")
    torch.manual_seed(0)
    file = project.folder / ARCHITECTURE["path"]
    network = build_network(ARCHITECTURE | {"path": str(file), "arguments": {}}, num_classes=4)
    save_file(network.state_dict(), project.folder / WEIGHTS)
    project.configure(CONFIG)
    fronts = (f"results/tiny/fronts/mine.{name}.csv" for name in ("test", "sizes"))
    done = project.snakemake("--cores", "2", *RUNS, *fronts, f"{BASELINE}/gate.passed")
    assert done.returncode == 0, done.stderr[-5000:]
    (project.folder / "said.txt").write_text(done.stderr, encoding="utf-8")
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


def test_weights_that_may_have_seen_the_images_of_the_search_are_told_in_the_run(searched):
    metrics = json.loads((searched.folder / BASELINE / "metrics.json").read_text("utf-8"))
    assert metrics["validation_from"] == "train"
    assert set(metrics["tests"]["images"]) == {"train", "validation", "test"}
    assert {"normalization", "order"} < set(metrics["tests"])
    log = (searched.folder / "results/tiny/logs/gate/mine.log").read_text("utf-8")
    said = (searched.folder / "said.txt").read_text("utf-8")
    for warning in (
        "mine: Its weights have probably seen the images of the search. ",
        "mine: Its weights are imported, and no accuracy of theirs is known here. ",
    ):
        assert f"WARNING {warning}" in log
        assert f"Warning: {warning}" in said
    assert "are not given" not in log, "my-network.yaml gives mean and std"


def test_mean_and_std_that_are_left_out_are_told_and_measure_nothing_again(searched):
    images = {key: value for key, value in CONFIG["dataset"].items() if key not in ("mean", "std")}
    searched.configure(CONFIG | {"dataset": images})
    gate = f"{BASELINE}/gate.passed"
    assert searched.to_do(gate) == ["gate[network=mine]"]
    told = searched.snakemake("--cores", "1", gate)
    assert "dataset.mean and dataset.std are not given for its imported weights" in told.stderr
    searched.configure(CONFIG)
    searched.complete(1, gate)


def test_an_added_checksum_reruns_nothing(searched):
    before = searched.to_do()
    network = MINE | {"checksum": file_digest(searched.folder / WEIGHTS)}
    searched.configure(CONFIG | {"networks": {"mine": network}})
    assert searched.to_do() == before
    searched.configure(CONFIG)


def test_what_is_behind_a_link_reruns_the_dataset_and_what_a_file_browser_leaves_does_not(searched):
    images, elsewhere = searched.folder / "images", searched.folder / "elsewhere"
    (images / "train").rename(elsewhere)
    (images / "train").symlink_to(elsewhere)
    for folder in (images, elsewhere, elsewhere / "class 0"):
        (folder / ".DS_Store").write_bytes(b"of a file browser")
    assert "dataset" not in searched.rules_to_do()
    image = next((elsewhere / "class 0").glob("*.png"))
    shutil.copy(image, image.with_name("new.png"))
    assert "dataset" in searched.rules_to_do()
    image.with_name("new.png").unlink()


def test_what_the_images_are_is_told_in_a_file_and_in_the_log(searched):
    told = json.loads((searched.folder / "results/tiny/dataset/images.json").read_text())
    assert told["validation_from"] == "train"
    assert {name: split["images"] for name, split in told["splits"].items()} == {
        "train": 120,
        "validation": 30,
        "test": 50,
    }
    log = (searched.folder / "results/tiny/logs/dataset.log").read_text(encoding="utf-8")
    assert "200 of 200 images are not RGB and were converted: 200 x L." in told["notes"]
    assert all(note in log for note in told["notes"])


@pytest.mark.parametrize(("file", "code"), [(BESIDE, HELPER), (ARCHITECTURE["path"], CODE)])
def test_an_edited_network_reruns_its_own_jobs(searched, file, code):
    assert not {"search", "import_baseline"} & searched.rules_to_do()
    before = (searched.folder / file).stat()
    (searched.folder / file).write_text(f"{code}\n# a comment", encoding="utf-8")
    assert {
        "import_baseline",
        "dense_metrics",
        "initial_designs",
        "search",
    } <= searched.rules_to_do()
    (searched.folder / file).write_text(code, encoding="utf-8")
    os.utime(searched.folder / file, ns=(before.st_atime_ns, before.st_mtime_ns))


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
    (project.folder / BESIDE).parent.mkdir()
    for name in (ARCHITECTURE["path"], BESIDE, WEIGHTS):
        shutil.copy2(searched.folder / name, project.folder / name)
    project.configure(CONFIG | {"networks": {"mine": MINE | change}})
    stopped = project.snakemake("--cores", "1")
    assert stopped.returncode != 0
    for part in expected:
        assert part in stopped.stderr
    assert not (project.folder / "results/tiny/designs").exists()
