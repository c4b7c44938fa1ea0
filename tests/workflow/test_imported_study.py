"""Studies of evaluations made elsewhere: the raw results of the paper's authors, judged without any network and without torch."""

import json
import os
import re
from pathlib import Path

import pandas as pd
import pytest
import yaml
from paths import ROOT
from project import Project

pytestmark = pytest.mark.slow

SETTINGS = 16
METRICS = ("mse", "mape", "spearman", "random")


@pytest.fixture(scope="module")
def authors(shared_data, tmp_path_factory) -> Path:
    """The results of config/authors.yaml, made where torch cannot be imported."""
    project = Project(tmp_path_factory.mktemp("authors"))
    config = yaml.safe_load((ROOT / "config" / "authors.yaml").read_text(encoding="utf-8"))
    config["evaluation_tables"]["authors"]["path"] = str(shared_data / "authors-vgg16.csv.gz")
    project.configure(config)
    for name in ("torch", "torchvision"):
        blocked = project.folder / "blocked" / name
        blocked.mkdir(parents=True)
        (blocked / "__init__.py").write_text(
            "raise ImportError('this study needs no network')\n", encoding="utf-8"
        )
    project.environment = {**os.environ, "PYTHONPATH": str(project.folder / "blocked")}
    project.complete(2)
    return project.folder / "results" / "authors"


def test_the_runs_of_the_authors_have_the_hypervolumes_that_are_known(authors):
    summary = pd.read_csv(authors / "statistics" / "summary.csv").set_index("method")
    settings = summary[summary.index.str.startswith("surrogate-")]
    assert len(settings) == SETTINGS
    assert settings["mean"].idxmin() == "surrogate-mse-random"
    assert settings["mean"].min() == pytest.approx(0.1576, abs=5e-5)
    assert settings["mean"].idxmax() == "surrogate-spearman-mape"
    assert settings["mean"].max() == pytest.approx(0.2137, abs=5e-5)
    assert summary.loc["ctaea-5x20", "mean"] == pytest.approx(0.028, abs=5e-4)
    assert summary.loc["ctaea-10x10", "mean"] == pytest.approx(0.167, abs=5e-4)
    runs = pd.read_csv(authors / "statistics" / "runs.csv")
    assert runs["initial_hypervolume"].dropna().round(4).unique().tolist() == [0.1432]
    assert runs.groupby("method")["complete"].all().to_dict() == {
        name: name.startswith("surrogate-") for name in summary.index
    }
    assert runs["negative_rates"].sum() == 48
    one = json.loads(
        (
            authors / "runs" / "vgg16" / "surrogate-mse-mape" / "seed-1" / "hypervolume.json"
        ).read_text()
    )
    assert one["hypervolume"] == pytest.approx(0.22883165)
    assert len(one["history"]) == 100


def test_the_tests_have_the_known_probabilities(authors):
    friedman = pd.read_csv(authors / "statistics" / "friedman.csv").set_index("compared")
    assert friedman.loc["settings", ["blocks", "methods"]].tolist() == [5, SETTINGS]
    assert friedman.loc["settings", "p"] == pytest.approx(0.0257, abs=5e-5)
    assert friedman.loc["settings", "critical_difference"] == pytest.approx(10.3, abs=0.05)
    assert friedman.loc["settings", "shared_sample"]
    factors = pd.read_csv(authors / "statistics" / "factors.csv")
    constraint = factors[
        (factors["factor"] == "constraint_metric") & factors["test"].str.contains("Kruskal")
    ].iloc[0]
    assert constraint["p"] == pytest.approx(0.0015, abs=5e-5)
    assert constraint["best_level"] == "mape"


def test_every_claim_has_a_verdict_that_names_existing_files(authors):
    claims = pd.read_csv(authors / "statistics" / "claims.csv")
    assert set(claims["verdict"]) <= {"supported", "not supported", "cannot be decided"}
    for files in claims["files"]:
        for name in files.split(";"):
            assert (authors / name).is_file(), name
    assert (claims["evidence"].notna() | claims["reason"].notna()).all()
    verdicts = claims.set_index(["claim", "network"])["verdict"]
    assert verdicts["selection-metric-without-effect", "vgg16"] == "not supported"
    assert verdicts["surrogate-beats-plain-ctaea", "all networks"] == "cannot be decided"


def test_incomplete_runs_and_negative_rates_are_marked_in_the_report(authors):
    report = (authors / "report.html").read_text(encoding="utf-8")
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", report))
    assert "ctaea-5x20 (5 runs, 5 evaluations)" in text
    assert "48 evaluations with a non-zero rate below 0" in text
    assert "Largest mean hypervolume: surrogate-spearman-mape (0.2137 over 5 runs)" in text
    assert "paretopress export" not in text, "there are no weights"
    assert "1 supported, 1 not supported, 5 cannot be decided" in text
    assert "All seeds began from one and the same initial sample" in text
    assert "runs of 15 methods have more evaluations than the budget, up to 101" in text
    numbers = json.loads((authors / "summary.json").read_text(encoding="utf-8"))
    assert numbers["networks"]["vgg16"]["dense_accuracy"] == 0.8036
    assert "torch" not in numbers["versions"]
    assert [row["p"] for row in numbers["statistics"]["friedman"]] == [
        pytest.approx(0.0257, abs=5e-5)
    ] * 2
    assert (
        len(numbers["networks"]["vgg16"]["front"])
        == len(pd.read_csv(authors / "fronts" / "vgg16.csv")) - 1
    )


def test_a_malformed_table_is_refused_before_anything_runs(tmp_path):
    project = Project(tmp_path)
    (tmp_path / "mine.csv").write_text(
        "network,method,seed,evaluation,accuracy,nonzero_rate\nvgg16,a,1,1,0.8,0.5\nvgg16,a,1,2,80 %,0.5\n"
    )
    project.configure(
        {
            "study": "mine",
            "evaluation_tables": {
                "mine": {"path": "mine.csv", "networks": {"vgg16": {"threshold": 0.7}}}
            },
        }
    )
    refused = project.snakemake("--cores", "1")
    assert refused.returncode != 0
    assert (
        "mine.csv, line 3: column 'accuracy' = '80 %': not a number"
        in refused.stderr + refused.stdout
    )
    assert not (tmp_path / "results" / "mine").exists()
