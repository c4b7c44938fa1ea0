"""What a study makes: runs, fronts, constraints, figures, and where its searches' journals lie."""

import pytest
from project import TINY

from paretopress.config.study import Study
from paretopress.runs.imported import Run
from paretopress.runs.planned import CIFAR10_DOWNLOAD, Planned, journal_name, planned

SETTINGS = {
    "family": "surrogate",
    "objective_metrics": ["mse"],
    "constraint_metrics": ["mape", "random"],
}
TABLE = {"path": "mine.csv", "networks": {"other": {"threshold": 0.7}}}
IMPORTED = (Run("first", "elsewhere", 1), Run("other", "elsewhere", 1))


def plan(imported: tuple[Run, ...] = (), **changes) -> Planned:
    return Planned(Study.model_validate(TINY | changes), "results/tiny", imported)


def test_every_method_of_every_network_runs_once_for_each_seed():
    assert (
        plan().own_runs
        == plan().runs
        == [
            Run(network, method, seed)
            for network in ("first", "second")
            for method in ("surrogate-mse-random", "ctaea-7x2", "random")
            for seed in (1, 2)
        ]
    )


def test_imported_runs_of_an_own_network_are_on_no_front():
    made = plan(IMPORTED, evaluation_tables={"mine": TABLE})
    assert set(IMPORTED) <= set(made.runs)
    assert set(made.front_runs) - set(made.own_runs) == {IMPORTED[1]}
    assert made.networks == ["first", "second", "other"]
    assert made.imported_networks == ["other"]


def test_a_network_has_the_constraint_and_the_images_of_the_study_or_of_its_table():
    made = plan(IMPORTED, evaluation_tables={"mine": TABLE})
    assert made.constraints["first"] == {"floor": 0.05, "allowed_drop_points": None}
    assert made.constraints["other"] == {"floor": 0.7, "allowed_drop_points": None}
    assert made.splits == {"first": "validation", "second": "validation", "other": "imported"}


def test_what_is_drawn_of_a_network_depends_on_what_there_is_of_it():
    of_all = {"front", "hypervolume", "convergence", "attainment", "critical-difference"}
    of_settings = {
        "hypervolume-by-objective-metric", "hypervolume-by-constraint-metric", "best-and-worst",
        "worst-run-front", "worst-run-inference",
    }  # fmt: skip
    of_own, of_surrogates = {"inference", "time"}, {"surrogates", "fallbacks"}
    tables = {"mine": TABLE}
    one_setting = plan(IMPORTED, evaluation_tables=tables).figures
    assert set(one_setting["first"]) == of_all | of_own | of_surrogates
    assert set(one_setting["other"]) == of_all
    two_settings = plan(methods=[SETTINGS]).figures
    assert set(two_settings["first"]) == of_all | of_own | of_surrogates | of_settings
    none = plan(methods=[{"family": "random"}]).figures
    assert set(none["first"]) == of_all | of_own


def test_networks_are_compared_where_they_have_two_settings_of_front_runs():
    assert plan().compared == []
    assert plan(methods=[SETTINGS]).compared == ["first", "second"]
    elsewhere = tuple(
        Run(network, f"surrogate-mse-{metric}", 1)
        for network in ("first", "other")
        for metric in ("mse", "mape")
    )
    assert plan(elsewhere, evaluation_tables={"mine": TABLE}).compared == ["other"]


def test_weights_are_given_or_trained():
    given = TINY["networks"]["second"] | {"weights": "w.safetensors", "training": None}
    made = plan(networks={"first": TINY["networks"]["first"], "second": given})
    assert made.networks_with_weights(given=True) == ["second"]
    assert made.networks_with_weights(given=False) == ["first"]


@pytest.mark.parametrize(
    ("initial_seed", "seeds", "sample"), [(None, [1, 2], "seed-2.csv"), (9, [9], "seed-9.csv")]
)
def test_a_run_begins_with_the_sample_of_its_seed_or_with_the_shared_one(
    initial_seed, seeds, sample
):
    made = plan(budget=TINY["budget"] | {"initial_seed": initial_seed})
    assert made.sample_seeds() == seeds
    run = Run("first", "random", 2)
    assert made.sample_file(run, ".csv") == f"results/tiny/designs/first/{sample}"


def test_images_are_downloaded_where_the_config_names_none():
    assert plan().images == []
    assert plan(dataset={"kind": "cifar10"}).images == [CIFAR10_DOWNLOAD]
    assert plan(dataset={"kind": "cifar10", "path": "mine.tar.gz"}).images == ["mine.tar.gz"]
    assert plan(dataset={"kind": "folder", "path": "mine"}).images == ["mine"]


def test_a_journal_is_known_neither_by_the_budget_nor_by_the_method_s_name():
    smaller, larger = plan(), plan(budget=TINY["budget"] | {"evaluations": 35})
    before, after = Run("first", "ctaea-7x2", 1), Run("first", "ctaea-7x5", 1)
    assert after in larger.own_runs
    assert smaller.search_journal(before) == larger.search_journal(after)
    names = {journal_name(method) for method in smaller.methods.values()}
    assert len(names) == 3
    random = {"family": "random", "name": "baseline"}
    renamed = plan(methods=[random])
    assert journal_name(renamed.methods["baseline"]) in names


def test_other_settings_of_a_method_have_another_journal():
    methods = [TINY["methods"][0] | {"generations": 5}]
    run = Run("first", "surrogate-mse-random", 1)
    assert plan(methods=methods).search_journal(run) != plan().search_journal(run)


def test_the_runs_of_tables_are_read_where_a_study_is_planned(tmp_path):
    table = tmp_path / "mine.csv"
    table.write_text(
        "network,method,seed,evaluation,accuracy,nonzero_rate\nother,elsewhere,3,1,0.9,0.5\n",
        encoding="utf-8",
    )
    data = TINY | {"evaluation_tables": {"mine": TABLE | {"path": str(table)}}}
    made = planned(Study.model_validate(data))
    assert made.imported == (Run("other", "elsewhere", 3),)
    assert made.results == "results/tiny"
    assert made.run_file(made.imported[0], "evaluations.csv") == (
        "results/tiny/runs/other/elsewhere/seed-3/evaluations.csv"
    )
