"""After a finished study, with plain `snakemake --cores 2`: what an edit of the code has made again, and what a larger budget goes on from."""

import ast
import os
import re

import pytest
from project import METHODS, RESULTS, TINY, Project, edit_code

pytestmark = pytest.mark.slow

PACKAGE = "workflow/scripts/paretopress"
OF_THE_RUNS = {
    "tabulate_runs",
    "method_figures",
    "search_figures",
    "statistics",
    "claims",
    "report",
}
OF_THE_FRONT = {
    "union_front", "test_front", "front_sizes", "front_figure", "inference_time", "inference_figure",
}  # fmt: skip
OF_THE_SEARCHES = {"search", "hypervolume", "join_runs", *OF_THE_RUNS, *OF_THE_FRONT}


def replace_in(project: Project, name: str, before: str, after: str) -> None:
    path = project.folder / PACKAGE / name
    text = path.read_text(encoding="utf-8")
    assert before in text, name
    path.write_text(text.replace(before, after), encoding="utf-8")


def test_what_changes_no_result_has_nothing_made_again(project):
    replace_in(project, "jobs/logs.py", '"""What a person can follow', '"""What anybody can follow')
    replace_in(project, "search/surrogates.py", '"""Surrogates: ', '"""The surrogates: ')
    replace_in(project, "compression/pruning.py", "\n\n\n", "\n\n\n# A comment.\n")
    replace_in(project, "config/search.py", 'description="Number of true', 'description="All')
    replace_in(project, "methods/surrogate.py", '"iteration %d: %s; the', '"%d: %s, so the')
    replace_in(project, "jobs/progress.py", "epoch {latest.epoch} of", "epoch {latest.epoch}/")
    for script in (project.folder / "workflow" / "scripts").glob("*.py"):
        script.write_text(f"# As a fresh clone has it.\n{script.read_text(encoding='utf-8')}")
    reformatted = project.folder / PACKAGE / "statistics/ranks.py"
    reformatted.write_text(ast.unparse(ast.parse(reformatted.read_text(encoding="utf-8"))))
    weights, others = (
        project.folder / RESULTS / "baselines" / network / "weights.safetensors"
        for network in ("first", "second")
    )
    os.utime(weights)
    others.write_bytes(others.read_bytes())  # made again, to the same bytes
    assert project.to_do() == []


@pytest.mark.parametrize(
    ("module", "rules"),
    [
        ("statistics/claims/methods", {"claims", "report"}),
        ("runs/hypervolume", {"hypervolume", *OF_THE_RUNS}),
        ("jobs/journal", set()),
        ("../measure_sizes", {"front_sizes", "report"}),
        *(
            pytest.param(*more, marks=pytest.mark.thorough)
            for more in (
                ("statistics/summary", {"statistics", "claims", "report"}),
                ("figures/search_times", {"search_figures", "report"}),
                ("fronts/sizes", {"front_sizes", "report"}),
            )
        ),
    ],
)
def test_an_edited_module_reruns_what_its_code_counts_in_and_what_follows(module, rules, project):
    edit_code(project, f"{PACKAGE}/{module}.py")
    assert project.rules_to_do() == rules


def test_an_edited_surrogate_reruns_the_searches_that_use_surrogates(project):
    edit_code(project, f"{PACKAGE}/search/surrogates.py")
    jobs = project.to_do()
    searches = [job for job in jobs if job.split("[")[0] in ("search", "hypervolume")]
    assert len(searches) == 2 * 4
    assert all(f"method={METHODS[0]}" in job for job in searches)
    assert {job.split("[")[0] for job in jobs} == OF_THE_SEARCHES


def test_a_dry_run_says_which_module_made_a_rule_run(project):
    edit_code(project, f"{PACKAGE}/statistics/summary.py")
    told = project.snakemake("--dry-run", "--cores", "2")
    reasons = re.findall(r"reason: Params have changed.*", told.stdout + told.stderr)
    digest = "[0-9a-f]{12}"
    module = rf"'?statistics/summary\.py {digest}'?"
    assert len(reasons) == 1
    assert re.search(rf"before: {module} now: {module}", reasons[0]), reasons


def test_the_format_of_jobs_reruns_everything(project):
    replace_in(project, "jobs/sealed.py", "\nFORMAT = 2\n", "\nFORMAT = 3\n")
    every = {job.split("[")[0] for job in project.to_do("--forceall")}
    assert project.rules_to_do() == every


def test_a_larger_budget_goes_on_from_the_evaluations_that_are_there(finished, tmp_path):
    """From 14 to 17 evaluations, two infills in each iteration, for every family."""
    larger = TINY | {"budget": TINY["budget"] | {"evaluations": 17}}
    runs = [f"runs/first/{name}/seed-1" for name in (METHODS[0], "ctaea-7x3", "random")]
    files = [f"{run}/{file}" for run in runs for file in ("evaluations.csv", "iterations.csv")]
    targets = [str(RESULTS / file) for file in files]
    grown = Project.copy(finished.folder, tmp_path / "grown")
    grown.configure(larger)
    jobs = grown.to_do(*targets)
    assert {job.split("[")[0] for job in jobs} == {"search"}
    progress = grown.folder / RESULTS / "progress" / "first"
    recorded = {path: path.read_bytes() for path in progress.glob("*/seed-1/evaluations/*.json")}
    grown.complete(2, *targets)
    made = set(progress.glob("*/seed-1/evaluations/*.json")) - set(recorded)
    assert len(made) == 3 * len(runs), "three new evaluations of each run"
    assert all(path.read_bytes() == content for path, content in recorded.items())

    fresh = Project(tmp_path / "fresh")
    fresh.take(finished, "dataset", "baselines", "designs")
    fresh.configure(larger)
    fresh.complete(2, *targets)
    for file in files:
        assert grown.read(file) == fresh.read(file), file
