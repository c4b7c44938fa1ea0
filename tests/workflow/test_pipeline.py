"""Real Snakemake runs of a tiny study on the real digits: what comes out, what runs again after a change, the same bytes twice."""

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from paths import ROOT
from project import (
    LONGER,
    METHODS,
    NO_GATE,
    RESULTS,
    TINY,
    TRAINING,
    Project,
    edit,
    edit_code,
    every_run,
)

from paretopress.config.variables import VARIABLES
from paretopress.figures.style import caption_of
from paretopress.search.hypervolume import scaled_hypervolume

pytestmark = pytest.mark.slow

FIGURES = [
    "front", "inference", "hypervolume", "convergence", "attainment", "critical-difference", "surrogates", "fallbacks", "time",
]  # fmt: skip
OF_THE_FRONT = [
    "union_front",
    "test_front",
    "front_sizes",
    "front_figure",
    "inference_time",
    "inference_figure",
]
OF_THE_RUNS = [
    "tabulate_runs",
    "method_figures",
    "search_figures",
    "statistics",
    "claims",
    "report",
]


def outputs(section: str) -> dict[str, str]:
    """The rows of a table of docs/outputs.md: files by their patterns, and what it says of them."""
    page = (ROOT / "docs" / "outputs.md").read_text(encoding="utf-8")
    table = re.search(rf"^## {section}\n(.*?)^## ", page, re.DOTALL | re.MULTILINE).group(1)
    return dict(re.findall(r"^\| `(.+?)` \| (.+) \|$", table, flags=re.MULTILINE))


def made(results: Path, pattern: str) -> list[Path]:
    """The files of a study of a pattern as `fronts/{network}.csv`."""
    parts = re.split(r"\{\w+\}|\*", pattern)
    expression = re.compile("[^/.]+".join(map(re.escape, parts)) + (".+" * pattern.endswith("/")))
    paths = (path for path in results.rglob("*") if path.is_file())
    return [path for path in paths if expression.fullmatch(str(path.relative_to(results)))]


def test_the_page_on_outputs_lists_every_file_and_its_columns(finished):
    results = finished.folder / RESULTS
    files = {pattern: made(results, pattern) for pattern in outputs("Files")}
    every = {path for path in results.rglob("*") if path.is_file()}
    not_asked_for = {
        "fronts/{network}.worst-run.csv",  # this study has one setting
        "baselines/{network}/forecast.json",  # and the embedded digits
        "fronts/{network}.runs.csv",  # and compares methods in the search alone
        "fronts/{network}.runs.test.csv",
        "statistics/runs.test.csv",
        "statistics/{table}.test.csv",
        *(pattern for pattern in files if pattern.startswith("export/")),
    }
    assert {pattern for pattern, paths in files.items() if not paths} == not_asked_for
    assert every - {path for paths in files.values() for path in paths} == set()
    columns = outputs("Columns")
    assert columns.keys() == {
        pattern for pattern in files if pattern.endswith(".csv") and "{table}" not in pattern
    }
    for pattern, listed in columns.items():
        for path in files[pattern]:
            header = path.read_text(encoding="utf-8").splitlines()[0]
            # The study minimises bytes, and has no bits of Linear layers.
            names = re.findall(r"`(\w+)`", listed.replace("SIZE", "bytes"))
            assert header.split(",") == [name for name in names if name != "linear_bits"], path


def test_the_outputs_hold_what_was_asked_for(finished):
    results = finished.folder / RESULTS
    for network in ("first", "second"):
        metrics = json.loads((results / "baselines" / network / "metrics.json").read_text())
        assert metrics["accuracy"]["validation"] > 0
        assert (
            len(pd.read_csv(results / "baselines" / network / "history.csv"))
            == TINY["networks"][network]["training"]["epochs"]
        )
        assert pd.read_csv(results / "fronts" / f"{network}.csv")["design_id"].iloc[-1] == "dense"
        front, test, sizes = (
            pd.read_csv(results / "fronts" / f"{network}{kind}.csv")
            for kind in ("", ".test", ".sizes")
        )
        times = pd.read_csv(results / "inference" / f"{network}.csv")
        for table in (test, sizes, times):
            assert table["design_id"].tolist() == front["design_id"].tolist()
            assert table["nonzero_rate"].tolist() == front["nonzero_rate"].tolist()
        assert times["images"].iloc[0] == 360
        passes = pd.read_csv(results / "inference" / f"{network}.passes.csv")
        assert (passes["design_id"].value_counts() == TINY["inference_time"]["repeats"]).all()
        assert (passes["seconds"] > 0).all()
        for figure in FIGURES:
            assert (results / "figures" / f"{figure}-{network}.png").stat().st_size > 5_000
            assert "n = " in caption_of(results / "figures" / f"{figure}-{network}.svg")
        joined = pd.read_csv(results / "runs" / network / "evaluations.csv")
        assert len(joined) == 14 * len(every_run(network))
    for run in every_run():
        evaluations = pd.read_csv(results / "runs" / run / "evaluations.csv")
        assert len(evaluations) == evaluations["design_id"].nunique() == 14
        volumes = json.loads((results / "runs" / run / "hypervolume.json").read_text())
        assert len(volumes["history"]) == 14
        assert volumes["hypervolume"] == volumes["history"][-1]
        timings = pd.read_csv(results / "runs" / run / "timings.csv")
        assert (timings["step"] == "evaluation").sum() == 14
        assert (timings["seconds"] >= 0).all()
        assert (timings["threads"] == 1).all()
        assert timings["processor"].notna().all()
    kept = {
        path.relative_to(results / "progress").parts[1].split("-")[0]
        for path in (results / "progress").rglob("*.json")
    }
    assert kept == {"initial", "test", "surrogate", "ctaea", "random"}, (
        "evaluations, and nothing of a training"
    )


def test_the_methods_of_a_seed_share_their_initial_sample(finished):
    runs = finished.folder / RESULTS / "runs"
    for seed in (1, 2):
        sample = pd.read_csv(finished.folder / RESULTS / "designs" / "first" / f"seed-{seed}.csv")
        for method in METHODS:
            run = pd.read_csv(runs / "first" / method / f"seed-{seed}" / "evaluations.csv")
            initial = run[run["phase"] == "initial"]
            assert initial["design_id"].tolist() == sample["design_id"].head(len(initial)).tolist()
            assert np.array_equal(initial["accuracy"], sample["accuracy"].head(len(initial)))


def test_the_report_is_whole_and_needs_nothing_beside_it(finished):
    report = (finished.folder / RESULTS / "report.html").read_text(encoding="utf-8")
    assert report.count("<svg") == 2 * len(FIGURES)
    assert not re.search(
        r"""(src|href)=["'](?!#|data:)(?!http://www\.w3\.org)""",
        re.sub(r"xlink:href", "xhref", report),
    )
    marked = re.sub(r"<script\b.*?</script>", "", report, flags=re.DOTALL)
    ids = re.findall(r'\bid="([^"]+)"', marked)
    assert len(ids) == len(set(ids)), "two elements of one id draw each other's parts"
    for name in ("first", "second", *METHODS):
        assert name in report
    assert "On the test images" in report
    for anchor in re.findall(r'href="#([^"]+)"', report):
        assert anchor in ids or "-" in anchor, anchor
    summary = json.loads(finished.read("summary.json"))
    assert set(summary["networks"]) == {"first", "second"}
    for name, network in summary["networks"].items():
        assert (
            len(network["front"])
            == len(pd.read_csv(finished.folder / RESULTS / "fronts" / f"{name}.csv")) - 1
        )
        command = f"paretopress export --configfile {RESULTS}/config.yaml {name} "
        for design in network["front"]:
            assert command + design["design_id"] in report
    for name, rows in summary["statistics"].items():
        table = pd.read_csv(finished.folder / RESULTS / "statistics" / f"{name}.csv")
        assert len(rows) == len(table)
        for column in table.select_dtypes("float"):
            assert [row[column] for row in rows] == [
                None if pd.isna(value) else value for value in table[column]
            ], (name, column)


def test_two_seeds_give_sentences_instead_of_numbers(finished):
    friedman = pd.read_csv(finished.folder / RESULTS / "statistics" / "friedman.csv")
    assert friedman["p"].isna().all()
    assert friedman["note"].str.contains("2 seeds are too few").any()
    claims = pd.read_csv(finished.folder / RESULTS / "statistics" / "claims.csv")
    assert set(claims["network"]) == {"first", "second", "all networks"}
    assert "2 seeds are too few" in finished.read("report.html").decode()


def test_the_test_images_give_what_the_front_gives_on_them(finished):
    metrics = json.loads(finished.read("baselines/first/metrics.json"))["accuracy"]
    table = pd.read_csv(finished.folder / RESULTS / "fronts" / "first.test.csv").set_index(
        "design_id"
    )
    assert table.loc["dense", ["accuracy", "test_accuracy"]].tolist() == [
        metrics["validation"],
        metrics["test"],
    ]
    log = finished.read("logs/fronts/first.test.log").decode()
    assert log.count("on the test images, ") == len(table) - 1, (
        "each design once, the dense network not again"
    )


def test_where_the_study_asks_methods_are_compared_on_the_test_images_too(finished, tmp_path):
    project = Project.copy(finished.folder, tmp_path)
    project.configure(TINY | {"statistics": {"test_images": True}})
    assert project.rules_to_do() == {
        "run_fronts", "test_run_fronts", "statistics_on_test_images", "report",
    }  # fmt: skip
    project.complete(2)
    results = tmp_path / RESULTS
    runs = pd.read_csv(results / "statistics" / "runs.test.csv")
    assert len(runs) == len(every_run())
    columns = outputs("Columns")
    for name in ("friedman", "ranks", "pairwise", "factors", "levels", "level_pairs"):
        header = (results / "statistics" / f"{name}.test.csv").read_text("utf-8").splitlines()[0]
        assert header.split(",") == re.findall(r"`(\w+)`", columns[f"statistics/{name}.csv"])
    for file in ("fronts/{network}.runs.csv", "fronts/{network}.runs.test.csv"):
        header = (results / file.format(network="first")).read_text("utf-8").splitlines()[0]
        names = re.findall(r"`(\w+)`", columns[file])
        assert header.split(",") == [name for name in names if name != "linear_bits"]
    assert list(runs) == re.findall(r"`(\w+)`", columns["statistics/runs.test.csv"])
    tested = pd.read_csv(results / "fronts" / "first.runs.test.csv").set_index("design_id")
    of_union = pd.read_csv(results / "fronts" / "first.test.csv").set_index("design_id")
    assert set(of_union.index) <= set(tested.index)
    assert tested.loc[of_union.index, "test_accuracy"].equals(of_union["test_accuracy"])
    records = Path("progress") / "first" / "test" / "evaluations"
    before, after = (
        {path.name: path.stat().st_mtime_ns for path in (folder / RESULTS / records).glob("*.json")}
        for folder in (finished.folder, tmp_path)
    )
    assert len(before) == len(of_union) - 1
    assert len(after) == len(tested) - 1
    assert before.items() <= after.items(), "no design of the union front is evaluated again"
    kept = pd.read_csv(results / "fronts" / "first.runs.csv")
    for run in runs[runs["network"] == "first"].itertuples():
        own = kept[(kept["method"] == run.method) & (kept["seed"] == run.seed)]
        accuracies = tested.loc[own["design_id"], "test_accuracy"].to_numpy()
        made = scaled_hypervolume(own["bytes"].to_numpy(), accuracies, run.threshold)
        assert run.hypervolume == made
    report = project.read("report.html").decode()
    assert "On the test images of first" in report
    assert "On the test images of first" not in finished.read("report.html").decode()
    summary = json.loads(project.read("summary.json"))["statistics"]
    assert [row["hypervolume"] for row in summary["runs.test"]] == runs["hypervolume"].tolist()
    assert project.to_do() == []
    edit_code(project, "workflow/scripts/evaluate_front.py")
    assert {"test_front", "test_run_fronts", "statistics_on_test_images"} <= project.rules_to_do()


def test_an_inference_time_is_measured_with_nothing_beside_it(finished):
    logs = [
        path.read_text(encoding="utf-8")
        for path in (finished.folder / ".snakemake" / "log").glob("*.log")
    ]
    jobs = re.findall(
        r"^(?:local)?rule inference_time:\n((?:    .*\n)*)", "\n".join(logs), flags=re.MULTILINE
    )
    assert jobs
    assert all("threads: 2\n" in job for job in jobs), "as many as --cores"


def test_snakemake_writes_its_own_report_too(finished):
    written = finished.snakemake("--cores", "1", "--report", "snakemake-report.html")
    assert written.returncode == 0, written.stderr
    assert (finished.folder / "snakemake-report.html").stat().st_size > 100_000


def test_the_logs_say_how_far_a_run_is(finished):
    log = (
        finished.folder / RESULTS / "logs" / "runs" / "first" / METHODS[0] / "seed-1.log"
    ).read_text(encoding="utf-8")
    assert re.search(r"iteration 2, evaluations 14 of 14, hypervolume 0\.\d+, 0 s left", log)


LINES = {
    "status": (
        r"[\w-]+: \d+ runs?(, \d+ (done|running|waiting))+",
        r"[\w-]+ \(baseline done\)",
        r"  ([\w-]+|initial sample) +(seed \d: (done|waiting|running \d+/\d+( hv 0\.\d{4})?, .* left)( hv 0\.\d{4})? *)+",
        r"report: (not written yet|results/tiny/report\.html)",
    ),
    "front": (
        r"[\w-]+: \d+ designs? on the front; dense accuracy \d+\.\d\d% \(\d+\.\d\d% on test images\), "
        r"repaired \d+\.\d\d% \(\d+\.\d\d%\), floor \d+\.\d\d% \(\d+\.\d\d%\)",
        r" +\d+\.\d{3} [kM]B \(\d+\.\d%\) +\d+\.\d% non-zero  \d+\.\d\d% accuracy "
        r"\(\d+\.\d\d% on test images(, below the floor)?\)  [\da-f]{12}  "
        r"Linear: .+ \| convolutions: .+",
        r"  and \d+ more, larger and more accurate, in results/.+\.csv",
        r"export: paretopress export --configfile [\w./-]+ [\w-]+ --smallest",
        r"report: results/[\w-]+/report\.html",
    ),
}


@pytest.mark.parametrize("command", LINES)
def test_the_commands_show_what_the_guide_shows(finished, command):
    shown = finished.command(command)
    assert shown.returncode == 0, shown.stderr
    guide = (ROOT / "docs" / "guide.md").read_text(encoding="utf-8")
    block = guide.split(f"    paretopress {command} ")[1].split("prints for")[1]
    example = re.search(r"((?:    .*\n|\n)+)", block.split(":\n", 1)[1]).group(1)
    for text in (shown.stdout, re.sub("^    ", "", example, flags=re.MULTILINE)):
        lines = [line for line in text.splitlines() if line]
        assert len(lines) >= 4
        for line in lines:
            assert any(re.fullmatch(form, line) for form in LINES[command]), line
    if command == "status":
        assert "12 runs, 12 done" in shown.stdout


@pytest.mark.parametrize("network", TINY["networks"])
def test_the_command_evaluate_gives_the_row_of_a_search(finished, network):
    """Weights pruned in both kinds of layer, repaired: the same network, rate and accuracy."""
    table = pd.read_csv(finished.folder / RESULTS / "runs" / network / "evaluations.csv")
    row = table[(table["conv_scope"] > 0) & (table["linear_scope"] > 0)].iloc[-1]
    asked = [f"{name}={row[name]}" for name in VARIABLES if name in row]
    shown = finished.command("evaluate", network, *asked, "--seed", str(row["seed"]), "--json")
    assert shown.returncode == 0, shown.stderr
    told = json.loads(shown.stdout)
    for name in ("design_id", "nonzero_rate", "bytes", "accuracy"):
        assert told[name] == row[name]
    entries = sum(layer["entries"] for layer in told["layers"])
    assert sum(layer["nonzero"] for layer in told["layers"]) / entries == told["nonzero_rate"]
    assert told["moves"]["repair"] == TINY["compression"]


def test_what_repairing_alone_gives_stands_beside_the_dense_network(finished):
    for network in TINY["networks"]:
        metrics = json.loads(finished.read(f"baselines/{network}/metrics.json"))
        repaired = metrics["repaired"]
        assert repaired["accuracy"].keys() == metrics["accuracy"].keys()
        assert (repaired["images"], repaired["notes"]) == (100, [])
        caption = caption_of(finished.folder / RESULTS / "figures" / f"front-{network}.svg")
        assert "repaired" in caption
        assert f"{network}, repaired" in finished.read("report.html").decode()


def test_after_a_complete_run_nothing_is_to_do(project):
    assert project.to_do() == []


def test_a_comment_in_the_readme_reruns_nothing(project):
    edit(project, "README.md")
    assert project.to_do() == []


def test_another_significance_level_reruns_what_tests(project):
    project.configure(TINY | {"statistics": {"significance_level": 0.1}})
    assert project.rules_to_do() == {"method_figures", "statistics", "claims", "report"}


def test_other_inference_times_rerun_the_measurement_its_figure_and_what_reports_it(project):
    project.configure(TINY | {"inference_time": {"repeats": 3}})
    assert project.rules_to_do() == {"inference_time", "inference_figure", "claims", "report"}


def test_an_added_seed_reruns_its_own_jobs_and_what_follows(project):
    project.configure(TINY | {"seeds": [1, 2, 3]})
    jobs = project.to_do()
    per_seed = [
        job for job in jobs if job.split("[")[0] in ("initial_designs", "search", "hypervolume")
    ]
    assert len(per_seed) == 2 * (1 + len(METHODS) + len(METHODS))
    assert all("seed=3" in job for job in per_seed)
    assert {job.split("[")[0] for job in jobs} - {"initial_designs", "search", "hypervolume"} == {
        *OF_THE_FRONT, *OF_THE_RUNS, "join_runs",
    }  # fmt: skip


def test_another_training_reruns_all_of_that_network_and_nothing_of_the_other(project):
    networks = TINY["networks"] | {
        "second": {**TINY["networks"]["second"], "training": {**LONGER, "seed": 5}}
    }
    project.configure(TINY | {"networks": networks})
    jobs = project.to_do()
    assert not [job for job in jobs if "network=first" in job]
    assert {job.split("[")[0] for job in jobs} == {
        "train_baseline", "allocation", "dense_metrics", "gate", "initial_designs", "search", "hypervolume", *OF_THE_FRONT, *OF_THE_RUNS, "join_runs",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("change", "further"),
    [
        ({"compression": {"images": 90, "batch_size": 50}}, set()),
        ({"search_space": {"keep": ["features.0"]}}, {"allocation"}),
    ],
    ids=["repair", "keep"],
)
def test_other_moves_evaluate_everything_again_and_train_nothing(project, change, further):
    project.configure(TINY | change)
    assert project.rules_to_do() == {
        "check_network", "dense_metrics", "gate", "initial_designs", "search", "hypervolume", "join_runs", *further,
        *OF_THE_FRONT, *OF_THE_RUNS,
    }  # fmt: skip


def test_another_gate_is_checked_and_nothing_is_trained_or_searched_again(project):
    gates = {
        "first": {"above_chance": False, "least_accuracy": 0.01},
        "second": {"above_chance": False, "epochs": 9},
    }
    project.configure(
        TINY
        | {
            "networks": {
                name: {**TINY["networks"][name], "gate": gate} for name, gate in gates.items()
            }
        }
    )
    # The report shows the config.
    assert project.to_do() == ["gate[network=first]", "gate[network=second]", "report[]"]


@pytest.mark.parametrize(
    ("change", "rules"),
    [
        ({"evaluation": {"batch_size": 100}}, {"dense_metrics", "initial_designs", "search"}),
        ({"evaluation": {"device": "cpu"}}, {"dense_metrics", "initial_designs", "search"}),
        ({"evaluation": {"split": "test"}}, {"initial_designs", "search"}),
        ({"seeds": [1, 2, 3]}, {"initial_designs", "search"}),
        ({"budget": {"evaluations": 14, "initial": 11}}, {"initial_designs", "search"}),
    ],
    ids=["batch size", "device", "split", "seeds", "initial sample"],
)
def test_a_gate_that_runs_again_hides_no_other_change(change, rules, project):
    gate = {"above_chance": False, "least_accuracy": 0.01}
    networks = {name: {**network, "gate": gate} for name, network in TINY["networks"].items()}
    project.configure(TINY | {"networks": networks} | change)
    assert {"gate", "hypervolume", "report", *rules} <= project.rules_to_do()


def test_another_method_setting_reruns_that_method_only(project):
    methods = [TINY["methods"][0] | {"generations": 5}, *TINY["methods"][1:]]
    project.configure(TINY | {"methods": methods})
    searches = [job for job in project.to_do() if job.startswith("search[")]
    assert len(searches) == 4
    assert all("method=surrogate-mse-random" in job for job in searches)


@pytest.mark.thorough
def test_a_killed_training_goes_on_to_the_same_bytes_on_one_core(finished, tmp_path):
    project = Project(tmp_path)
    target = str(RESULTS / "baselines" / "second" / "weights.safetensors")
    checkpoints = tmp_path / RESULTS / "progress" / "second" / "training" / "checkpoint"
    status = project.kill(target, lambda: list(checkpoints.glob("epoch-000002-*.pt")))
    assert re.search(
        r"second \(baseline stopped at epoch \d/6, accuracy 0\.\d+, goes on from there\)", status
    ), status
    again = project.snakemake("--cores", "1", target)
    assert again.returncode == 0, again.stderr
    log = project.read("logs/baselines/second.log").decode()
    assert re.search(r"second: goes on after epoch [2-5] of 6", log)
    assert "epoch 1 of 6" not in log
    assert re.search(r"second: epoch 6 of 6, loss .*, 0 s left", again.stdout + again.stderr), (
        "on the terminal too"
    )
    for file in ("weights.safetensors", "history.csv"):
        assert project.read(f"baselines/second/{file}") == finished.read(f"baselines/second/{file}")
    assert not checkpoints.parent.exists()


def test_a_killed_study_goes_on_to_the_same_bytes_with_designs_evaluated_at_once(
    finished, tmp_path
):
    project = Project(tmp_path)
    project.take(finished, "dataset", "baselines")
    run = f"first/{METHODS[0]}/seed-1"
    progress = tmp_path / RESULTS / "progress" / "first"
    status = project.kill(
        str(RESULTS / "runs" / run / "evaluations.csv"),
        lambda: len(list(progress.glob("surrogate-*/seed-1/evaluations/*.json"))) >= 2,
    )
    assert re.search(rf"{METHODS[0]} +seed 1: stopped \d+/14", status), status
    runs = every_run("first", seed=1)
    wanted = [str(RESULTS / "runs" / run / "hypervolume.json") for run in runs]
    # Each of the two designs has one thread, as it had without the others.
    project.complete(2, *wanted, "--set-threads", "search=2", "initial_designs=2")
    for name in [
        f"runs/{run}/{file}"
        for run in runs
        for file in ("evaluations.csv", "iterations.csv", "hypervolume.json")
    ]:
        assert project.read(name) == finished.read(name), name


@pytest.mark.parametrize(
    ("training", "gate", "expected", "untested"),
    [
        (
            {"learning_rate": 1e-12},
            {},
            "dead: the network is not clearly better than guessing after 1 of 1 epochs",
            "Not tested: the recipe. The network has no batch norm",
        ),
        (
            {"learning_rate": 1e6, "optimizer": "sgd", "schedule": "constant"},
            {},
            "dead: the training broke down, its loss is nan",
            "scores and gradients before any step of the training.\nNot tested: a learning rate",
        ),
        (
            {},
            {"above_chance": False, "least_accuracy": 0.99},
            "under networks.dead.gate.least_accuracy = 0.99",
            "Not tested: the recipe.",
        ),
    ],
    ids=["at chance", "no number", "under the floor"],
)
def test_a_network_that_learned_nothing_stops_the_study_before_any_search(
    finished, tmp_path, training, gate, expected, untested
):
    project = Project(tmp_path)
    project.take(finished, "dataset")
    dead = {
        "architecture": {"name": "vgg16_slim", "width_divisor": 32},
        "training": {**TRAINING, **training},
        "gate": gate,
    }
    project.configure(TINY | {"networks": {"dead": dead}})
    stopped = project.snakemake("--cores", "2")
    assert stopped.returncode != 0
    assert expected in stopped.stdout + stopped.stderr
    assert re.search(
        r"^[\d:]{8} +0 of \d+ done, next: train_b\w+ network=dead$", stopped.stderr, re.M
    )
    assert "rule train_baseline:\n    input" not in stopped.stderr, "the block is in the log file"
    assert untested in stopped.stdout + stopped.stderr
    assert (
        "--config 'networks={dead: {training: {recipe: paper_low_rate}}}'"
        in stopped.stdout + stopped.stderr
    )
    logs = [
        path.read_text(encoding="utf-8") for path in (tmp_path / RESULTS / "logs").rglob("dead.log")
    ]
    assert any(expected in log for log in logs)
    assert not list((tmp_path / RESULTS / "designs").rglob("*.csv"))
    assert not (tmp_path / RESULTS / "progress" / "dead" / "initial").exists()
    assert not (tmp_path / RESULTS / "runs").exists()
    if gate:  # a lower floor is checked, and the weights stay
        project.configure(TINY | {"networks": {"dead": {**dead, "gate": NO_GATE}}})
        assert not {"train_baseline", "dense_metrics"} & project.rules_to_do()


def test_a_layer_to_keep_that_no_network_has_stops_the_study_before_any_training(
    finished, tmp_path
):
    project = Project(tmp_path)
    project.take(finished, "dataset")
    # The other pattern fits one of the two networks.
    project.configure(TINY | {"search_space": {"keep": ["features.*", "head.*"]}})
    stopped = project.snakemake("--cores", "2")
    assert stopped.returncode != 0
    output = stopped.stdout + stopped.stderr
    assert "search_space.keep: 'head.*': no Linear or convolution layer has such a name" in output
    assert "second: features.0, features.2" in output
    assert not list((tmp_path / RESULTS / "baselines").rglob("*.safetensors"))


def test_a_layer_to_keep_that_no_network_has_stops_a_trained_study_too(finished, tmp_path):
    project = Project(tmp_path)
    project.take(finished, "dataset", "baselines")
    project.configure(TINY | {"search_space": {"keep": ["head.*"]}})
    stopped = project.snakemake("--cores", "2", str(RESULTS / "baselines/first/gate.passed"))
    assert stopped.returncode != 0
    output = stopped.stdout + stopped.stderr
    assert "search_space.keep: 'head.*': no Linear or convolution layer has such a name" in output


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (
            {
                "methods": [
                    {
                        "family": "surrogate",
                        "objective_metrics": ["msee"],
                        "constraint_metrics": ["mse"],
                    }
                ]
            },
            "Did you mean 'mse'?",
        ),
        ({"dataset": {"kind": "folder", "path": "nowhere"}}, "dataset.path = 'nowhere'"),
    ],
)
def test_a_bad_config_stops_snakemake_before_any_work(tmp_path, change, expected):
    project = Project(tmp_path)
    project.configure(TINY | change)
    refused = project.snakemake("--cores", "2")
    assert refused.returncode != 0
    assert expected in refused.stdout + refused.stderr
    assert "tiny.yaml, line" in refused.stdout + refused.stderr
    assert not (tmp_path / RESULTS).exists()


def test_an_unreadable_image_stops_the_study_with_its_name(tmp_path):
    project = Project(tmp_path)
    for split in ("train", "val", "test"):
        for name in ("a", "b"):
            (tmp_path / "images" / split / name).mkdir(parents=True)
            (tmp_path / "images" / split / name / "1.png").write_bytes(b"no image")
    project.configure(TINY | {"dataset": {"kind": "folder", "path": "images"}})
    failed = project.snakemake("--cores", "2")
    assert failed.returncode != 0
    assert "6 files of classes are no images" in failed.stdout + failed.stderr
    assert "test/a/1.png: the image cannot be read" in failed.stdout + failed.stderr
    assert "test/a/1.png" in (tmp_path / RESULTS / "logs" / "dataset.log").read_text(
        encoding="utf-8"
    )
