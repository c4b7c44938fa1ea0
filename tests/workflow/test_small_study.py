"""A whole study as small as can be, searched on the test images; then a method of one's own stands beside its other method."""

import json
import re
import subprocess
from pathlib import Path

import pandas as pd
import pytest
import torch
import yaml
from paths import ROOT
from project import RESULTS, TINY, Project, edit_code
from references import PAPER_MOVES, check

pytestmark = pytest.mark.slow

PAGE = (ROOT / "docs" / "extending.md").read_text(encoding="utf-8")
# What the page shows: a method and a surrogate, a file of Python and a line of the config for each.
CODE, OWN = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)
(LINE,), (LISTED,) = map(yaml.safe_load, re.findall(r"```yaml\n(.*?)```", PAGE, flags=re.DOTALL))
CANDIDATES = LISTED["candidates"]
PAPERS, OWN_FILE = CANDIDATES[:4], f"{CANDIDATES[-1].split('.')[0]}.py"

CONFIG = TINY | {
    "seeds": [1],
    "networks": {"first": TINY["networks"]["first"]},
    "evaluation": {"split": "test"},
    "search_space": {"allocation": "uniform"},  # the paper's moves
    "compression": {"repair": "none"},
    "objectives": {"size": "nonzero_rate"},
    "export": {"first": ["smallest", "most-accurate"]},
    "fine_tune": {"epochs": 1, "batch_size": 50},
    "methods": [
        {"family": "random"},
        {
            "family": "surrogate",
            "objective_metrics": ["random"],
            "constraint_metrics": ["random", "mse"],
            "population": 8,
            "generations": 4,
            "candidates": CANDIDATES,
        },
    ],
}
OF_THE_SETTINGS = [
    "hypervolume-by-objective-metric",
    "hypervolume-by-constraint-metric",
    "best-and-worst",
    "worst-run-front",
    "worst-run-inference",
]
OF_THE_METHODS = ["hypervolume", "convergence", "attainment", "best-and-worst", "time"]
FILE = f"workflow/scripts/paretopress/methods/{LINE['family']}.py"


def configured(folder: Path) -> Project:
    """The project with the small study's config and the file that it names."""
    project = Project(folder)
    project.configure(CONFIG)
    (folder / OWN_FILE).write_text(OWN, encoding="utf-8")
    return project


@pytest.fixture(scope="module")
def small(tmp_path_factory) -> Project:
    project = configured(tmp_path_factory.mktemp("small"))
    project.complete(2)
    return project


def test_with_the_papers_moves_every_csv_file_is_byte_for_byte_as_it_was(small):
    check(small.folder / RESULTS, PAPER_MOVES)
    assert not list((small.folder / RESULTS).rglob("allocation.safetensors"))
    assert "repaired" not in json.loads(small.read("baselines/first/metrics.json"))


def test_a_search_on_the_test_images_makes_no_evaluation_twice_and_says_so(small):
    table = pd.read_csv(small.folder / RESULTS / "fronts" / "first.test.csv")
    assert table["test_accuracy"].tolist() == table["accuracy"].tolist()
    assert b"on the test images, " not in small.read("logs/fronts/first.test.log")
    assert "The search used the test images" in small.read("report.html").decode()


def test_the_exports_that_the_config_asks_for_are_what_the_report_opens_with(small):
    results = small.folder / RESULTS
    exports = json.loads(small.read("export/first/exports.json"))
    assert [choice for one in exports for choice in one["choices"]] == ["smallest", "most-accurate"]
    report = small.read("report.html").decode()
    opening = report[report.index("What to ship</h2>") : report.index('id="short"')]
    for one in exports:
        folder = results / "export" / "first" / one["name"]
        assert {path.name for path in folder.iterdir()} >= {"model.onnx", "load.py", *one["files"]}
        assert one["fine_tuned"]["recipe"]["epochs"] == 1
        assert f"results/tiny/config.yaml first {one['design_id']}" in opening
        assert str(one["folder"]) == str(folder.relative_to(small.folder))
    told = small.command("verify").stdout
    assert ", each as its job wrote it" in told


def test_what_is_listed_as_a_candidate_stands_in_every_table_and_figure(small):
    def columns(*names: str) -> list[str]:
        functions = ("nonzero_rate", "accuracy", "constraint")
        return [f"{function}_score_{name}" for function in functions for name in names]

    def scores(run: str) -> pd.DataFrame:
        table = pd.read_csv(small.folder / RESULTS / "runs" / "first" / run / "iterations.csv")
        return table.filter(like="_score_")

    compared = scores("surrogate-random-mse/seed-1")
    assert list(compared) == columns(*CANDIDATES)
    assert compared.filter(like="constraint").notna().all(axis=None)
    assert list(scores("surrogate-random-random/seed-1")) == columns(*CANDIDATES)
    assert list(scores("random/seed-1")) == columns(*PAPERS), "as if they were not there"
    assert list(scores("")) == columns(*CANDIDATES)
    drawn, report = (
        small.read(name).decode() for name in ("figures/surrogates-first.svg", "report.html")
    )
    for name in (
        "KNN",
        "random forest",
        "XGBoost",
        "LightGBM",
        "GaussianProcessRegressor",
        "Plane",
    ):
        assert f"<!-- {name} -->" in drawn
        assert f">{name}</th>" in report


def test_the_front_of_the_worst_run_of_the_best_setting_is_timed_too(small):
    results = small.folder / RESULTS
    settings = pd.read_csv(results / "statistics" / "summary.csv").query(
        "method.str.startswith('surrogate-')"
    )
    best = settings.loc[settings["mean"].idxmax(), "method"]
    front = pd.read_csv(results / "fronts" / "first.worst-run.csv")
    assert set(front["method"].dropna()) == {best}
    timed = pd.read_csv(results / "inference" / "first.csv")["design_id"].tolist()
    union = pd.read_csv(results / "fronts" / "first.csv")["design_id"].tolist()
    assert sorted(timed) == sorted({*front["design_id"], *union})
    assert timed[-1] == "dense"
    report = small.read("report.html").decode()
    for name in OF_THE_SETTINGS:
        assert f'id="figure-{name}-first"' in report


@pytest.mark.parametrize(
    ("asked", "refusal"),
    [
        (
            {"inference_time": {"threads": 3}},
            "inference_time.threads = 3: there are 2 cores for it",
        ),
        (
            {"evaluation": {"split": "test", "device": "cuda"}},
            "evaluation.device = cuda: torch 2",
        ),
    ],
    ids=["threads", "device"],
)
def test_what_the_machine_lacks_is_refused_before_any_work(asked, refusal, tmp_path):
    if "device" in asked.get("evaluation", {}) and torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    project = configured(tmp_path)
    project.configure(CONFIG | asked)
    refused = project.snakemake("--cores", "2")
    assert refused.returncode != 0
    assert refusal in refused.stdout + refused.stderr
    assert not (tmp_path / RESULTS).exists()
    assert "inference_time[network=first]" in project.to_do(), "a dry run shows the jobs"


@pytest.fixture(scope="module")
def with_own_method(small) -> Project:
    """The small study with one file and one line in its config more."""
    (small.folder / FILE).write_text(CODE, encoding="utf-8")
    small.configure(CONFIG | {"methods": [*CONFIG["methods"], LINE], "export": {}})
    return small


def test_a_method_of_ones_own_reruns_no_other_search_and_stands_in_every_table_and_figure(
    with_own_method,
):
    project, name = with_own_method, LINE["name"]
    run = f"runs/first/{name}/seed-1"
    jobs = project.to_do()
    runs = [job for job in jobs if job.split("[")[0] in ("search", "hypervolume")]
    assert runs == [
        f"{rule}[network=first, method={name}, seed=1]" for rule in ("hypervolume", "search")
    ]
    assert not {"dataset", "train_baseline", "dense_metrics", "gate", "initial_designs"} & {
        job.split("[")[0] for job in jobs
    }

    project.complete(2)
    evaluations = pd.read_csv(project.folder / RESULTS / run / "evaluations.csv")
    assert len(evaluations) == evaluations["design_id"].nunique() == 14
    assert len(json.loads(project.read(f"{run}/hypervolume.json"))["history"]) == 14
    assert name in set(
        pd.read_csv(project.folder / RESULTS / "statistics" / "summary.csv")["method"]
    )
    for figure in OF_THE_METHODS:
        # matplotlib draws text as paths and says in a comment what it is
        assert re.search(rf"<!-- {name}\b", project.read(f"figures/{figure}-first.svg").decode()), (
            figure
        )
    assert re.search(rf"<td[^>]*>{name}</td>", project.read("report.html").decode())
    assert project.to_do() == []


def test_an_added_table_of_evaluations_is_judged_beside_the_runs_and_searches_nothing_again(
    with_own_method,
):
    project = with_own_method
    rows = [
        f"{network},elsewhere,1,{number},0.9,{1 - number / 20}"
        for network in ("first", "other")
        for number in range(1, 15)
    ]
    table = "\n".join(["network,method,seed,evaluation,accuracy,nonzero_rate", *rows]) + "\n"
    (project.folder / "elsewhere.csv").write_text(table, encoding="utf-8")
    networks = {"first": {"threshold": 0.05}, "other": {"threshold": 0.6, "dense_accuracy": 0.95}}
    config = yaml.safe_load((project.folder / "tiny.yaml").read_text(encoding="utf-8"))
    front = project.read("fronts/first.csv")
    project.configure(
        config | {"evaluation_tables": {"mine": {"path": "elsewhere.csv", "networks": networks}}}
    )
    jobs = project.to_do()
    untouched = (
        "dataset",
        "train_baseline",
        "initial_designs",
        "search[",
        "hypervolume[",
        "inference_time",
        "union_front[network=first]",
    )
    assert not [job for job in jobs if job.startswith(untouched)]
    project.complete(2)
    summary = pd.read_csv(project.folder / RESULTS / "statistics" / "summary.csv").set_index(
        ["network", "method"]
    )
    assert summary.loc[("first", "elsewhere"), "mean"] == pytest.approx(0.7 * (0.9 - 0.05) / 0.95)
    assert summary.loc[("other", "elsewhere"), "mean"] == pytest.approx(0.7 * 0.75)
    assert summary["imported"].sum() == 2
    assert project.read("fronts/first.csv") == front, (
        "the weights behind imported evaluations are not here"
    )
    assert "<!-- elsewhere -->" in project.read("figures/hypervolume-first.svg").decode()
    assert project.to_do() == []


def test_a_method_of_ones_own_is_put_to_the_tests_of_every_method(with_own_method):
    command = [
        with_own_method.python,
        "-m",
        "pytest",
        "-vv",
        "-p",
        "no:cacheprovider",
        "tests/unit/search/test_search.py",
        "-k",
        "hill_climber",
    ]
    tested = subprocess.run(
        command, cwd=with_own_method.folder, capture_output=True, text=True, check=False
    )
    assert tested.returncode == 0, tested.stdout
    assert (
        "test_a_search_that_died_at_any_point_goes_on_to_the_same_bytes[hill_climber] PASSED"
        in tested.stdout
    )


@pytest.mark.parametrize(
    ("file", "methods"),
    [
        (FILE, [LINE["name"]]),
        ("workflow/scripts/paretopress/methods/random.py", ["random"]),
        (OWN_FILE, ["surrogate-random-mse", "surrogate-random-random"]),
    ],
)
def test_an_edited_method_or_surrogate_reruns_its_own_searches(file, methods, with_own_method):
    before = (with_own_method.folder / file).read_bytes()
    edit_code(with_own_method, file)
    searches = [job for job in with_own_method.to_do() if job.startswith("search[")]
    assert searches == [f"search[network=first, method={method}, seed=1]" for method in methods]
    (with_own_method.folder / file).write_bytes(before)
