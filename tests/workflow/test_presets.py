"""The paper's presets: a dry run of each, which needs no images and no network, shows the whole experiment."""

import re
from collections import Counter
from itertools import product

import pytest
import yaml
from paths import ROOT
from project import Project

pytestmark = pytest.mark.slow

METRICS = ("mse", "mape", "spearman", "random")
SURROGATES = [
    f"surrogate-{objective}-{constraint}" for objective, constraint in product(METRICS, METRICS)
]
METHODS = [*SURROGATES, "ctaea-10x10", "ctaea-5x20", "random"]


def wildcards_of(output: str, rule: str) -> list[dict[str, str]]:
    """The wildcards of every job of `rule` in a dry run."""
    jobs = re.findall(rf"^rule {rule}:\n((?:    .*\n)*)", output, flags=re.MULTILINE)
    return [
        dict(pair.split("=") for pair in re.search(r"wildcards: (.*)", job).group(1).split(", "))
        for job in jobs
    ]


@pytest.mark.parametrize(
    ("preset", "samples"), [("paper", ["1", "2", "3", "4", "5"]), ("paper-published-code", ["1"])]
)
def test_a_dry_run_of_a_preset_is_the_papers_experiment(preset, samples, tmp_path):
    shown = Project(tmp_path).snakemake(
        "--dry-run", "--cores", "1", "--configfile", f"config/{preset}.yaml"
    )
    assert shown.returncode == 0, shown.stderr
    output = shown.stdout + shown.stderr
    searches = wildcards_of(output, "search")
    assert Counter(job["method"] for job in searches) == dict.fromkeys(METHODS, 2 * 5)
    assert Counter((job["network"], job["seed"]) for job in searches) == dict.fromkeys(
        product(("vgg16", "resnet50"), "12345"), len(METHODS)
    )
    assert len(searches) == 160 + 20 + 10
    drawn = wildcards_of(output, "initial_designs")
    assert sorted((job["network"], job["seed"]) for job in drawn) == sorted(
        product(("vgg16", "resnet50"), samples)
    )


def test_the_published_code_differs_in_nothing_but_its_two_choices():
    paper, published = (
        yaml.safe_load((ROOT / "config" / f"{name}.yaml").read_text(encoding="utf-8"))
        for name in ("paper", "paper-published-code")
    )
    assert published.pop("study") != paper.pop("study")
    assert published["methods"][0].pop("infill_rule") == "objective_distance"
    assert paper["methods"][0].pop("infill_rule") == "random"
    assert published["budget"].pop("initial_seed") == 1
    assert paper == published
