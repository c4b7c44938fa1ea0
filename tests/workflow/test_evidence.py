"""Rows of docs/evidence, evaluated again: the real network, the real images, the command that users have."""

import json

import pandas as pd
import pytest
import yaml
from paths import ROOT
from project import RESULTS, Project

pytestmark = [pytest.mark.slow, pytest.mark.thorough]

EVIDENCE = ROOT / "docs" / "evidence"
MOVES = [("uniform", "none"), ("lamp", "none"), ("lamp", "auto")]
ONE_IMAGE = 1 / 500  # may be classified otherwise on another processor


def test_three_rows_are_what_they_were(shared_data, tmp_path):
    config = yaml.safe_load((EVIDENCE / "resnet50.yaml").read_text(encoding="utf-8"))
    config["study"] = RESULTS.name
    config["dataset"]["path"] = str(shared_data / "cifar10-jpeg.tar.gz")
    config["networks"]["resnet50"]["weights"] = str(shared_data / "resnet50-cifar10.safetensors")
    project = Project(tmp_path)
    project.configure(config)
    project.complete(1, str(RESULTS / "baselines" / "resnet50" / "allocation.safetensors"))
    table = pd.read_csv(EVIDENCE / "resnet50-500-images.csv").set_index(["allocation", "repair"])
    for allocation, repair in MOVES:
        row = table.loc[(allocation, repair)]
        config["search_space"], config["compression"] = (
            {"allocation": allocation},
            {"repair": repair},
        )
        project.configure(config)
        shares = {"conv": row["kept_convolutions"], "linear": row["kept_linear"]}
        design = [
            f"{kind}_{part}={value}"
            for kind, kept in shares.items()
            for part, value in (("scope", 2), ("target", 1), ("amount", round(1 - kept, 6)))
        ]
        images = ["--split", row["split"], "--images", str(row["images"]), "--json"]
        shown = project.command("evaluate", "resnet50", *design, *images)
        assert shown.returncode == 0, shown.stderr
        told = json.loads(shown.stdout)
        assert told["design_id"] == row["design_id"]
        assert told["nonzero_rate"] == row["nonzero_rate"]
        assert told["accuracy"] == pytest.approx(row["accuracy"], abs=2.5 * ONE_IMAGE)
