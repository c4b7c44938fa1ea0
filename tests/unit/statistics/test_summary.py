"""What the runs of each method came to."""

import pandas as pd
import pytest
from run_tables import authors_evaluations, authors_runs, run_table

from paretopress.statistics.costs import costs, machines
from paretopress.statistics.extremes import best_and_worst, worst_run
from paretopress.statistics.summary import SUMMARY_COLUMNS, summary


def test_the_summary_is_over_all_runs_and_says_how_many_are_complete():
    runs = run_table({"surrogate-mse-mse": (0.1, 0.2, 0.6)}).assign(
        complete=[True, True, False],
        evaluations=[10, 10, 5],
        feasible=[4, 5, 1],
        fallbacks=[1, None, 3],
        infills=[4, 4, 4],
        negative_rates=[0, 2, 1],
    )
    row = summary(runs).iloc[0]
    assert row[
        ["runs", "complete_runs", "least_evaluations", "most_evaluations", "negative_rates"]
    ].tolist() == [3, 2, 5, 10, 3]
    assert row[["mean", "median", "minimum", "maximum"]].tolist() == pytest.approx(
        [0.3, 0.2, 0.1, 0.6]
    )
    assert row["standard_deviation"] == pytest.approx(0.0700**0.5)
    assert row["gain"] == pytest.approx(0.2 - 0.002)
    assert row["feasible_share"] == pytest.approx(10 / 25)
    assert row["fallback_rate"] == pytest.approx(4 / 8), (
        "a run that does not know its fallbacks counts nothing"
    )


def test_what_is_not_known_is_missing_in_the_summary():
    row = summary(run_table({"random": (0.1, 0.2)}, initial_hypervolume=None, imported=True)).iloc[
        0
    ]
    assert row[["gain", "fallback_rate"]].isna().all()
    assert row["imported"]
    assert list(summary(run_table({}))) == SUMMARY_COLUMNS


def test_the_best_and_the_worst_setting_are_those_of_the_largest_and_smallest_mean():
    runs = run_table(
        {
            "random": (9, 9),
            "surrogate-mse-mse": (1, 2),
            "surrogate-mape-mse": (3, 4),
            "surrogate-mse-mape": (2, 2),
        }
    )
    assert best_and_worst(runs) == ("surrogate-mape-mse", "surrogate-mse-mse")
    last = runs.assign(complete=(runs["method"] != "surrogate-mape-mse") | (runs["seed"] == 1))
    assert best_and_worst(last)[0] == "surrogate-mape-mse", "by its complete runs"
    assert (
        best_and_worst(
            runs[~runs["method"].str.startswith("surrogate-ma")].assign(
                complete=runs["method"] == "surrogate-mse-mse"
            )
        )
        is None
    )


def test_equal_settings_are_taken_by_name():
    runs = run_table(
        {
            "surrogate-spearman-mse": (1, 1),
            "surrogate-mse-mse": (1, 1),
            "surrogate-mape-mse": (1, 1),
        }
    )
    assert best_and_worst(runs) == ("surrogate-mape-mse", "surrogate-mse-mse")


def test_the_worst_run_is_the_complete_one_with_the_smallest_hypervolume():
    runs = run_table({"a": (0.1, 0.3, 0.2, 0.2)}).assign(complete=[False, True, True, True])
    assert worst_run(runs, "a") == 3
    assert worst_run(runs, "b") is None


def test_the_summary_of_the_papers_authors(shared_data):
    runs = authors_runs(authors_evaluations(shared_data))
    table = summary(runs).set_index("method")
    settings = table[table.index.str.startswith("surrogate")]
    assert (settings["mean"].idxmin(), settings["mean"].idxmax()) == (
        "surrogate-mse-random",
        "surrogate-spearman-mape",
    )
    assert best_and_worst(runs) == ("surrogate-spearman-mape", "surrogate-mse-random")
    assert (settings["mean"].min(), settings["mean"].max()) == pytest.approx(
        (0.1576, 0.2137), abs=5e-5
    )
    assert table.loc[["ctaea-5x20", "ctaea-10x10"], "complete_runs"].tolist() == [0, 0]
    assert table.loc[["ctaea-5x20", "ctaea-10x10"], "mean"].tolist() == pytest.approx(
        [0.028, 0.167], abs=5e-4
    )
    assert (
        runs.loc[runs["initial_hypervolume"].notna(), "initial_hypervolume"].round(4) == 0.1432
    ).all()


def test_costs_are_those_of_a_methods_own_steps_and_the_shared_sample_stands_apart():
    rows = [
        ("a", 1, "evaluation", iteration, hours) for iteration, hours in ((0, 1), (0, 3), (1, 4))
    ]
    rows += [("a", 2, "evaluation", 1, 8), ("a", 1, "search", 1, 16), ("a", 2, "search", 2, 32)]
    rows += [("b", 1, "evaluation", None, 2)]
    timings = pd.DataFrame(rows, columns=["method", "seed", "step", "iteration", "seconds"]).assign(
        network="n", seconds=lambda table: 3600.0 * table["seconds"]
    )
    memory = [5, 5, 6, 7, 9, 8, None]
    timings = timings.assign(memory=memory).astype({"iteration": "Int64", "memory": "Int64"})
    table = costs(timings).set_index("method")
    assert table.loc["a"].tolist() == ["n", 2, 4, 3.5 * 3600, 4, 12, 48, 9]
    assert table.loc["b", ["runs", "timed", "evaluation_hours"]].tolist() == [1, 1, 2]
    assert table.loc["b", ["sample_hours", "search_hours", "memory"]].isna().all()


def test_machines_are_counted_by_their_runs_the_most_frequent_first():
    timings = pd.DataFrame(
        [("a", 1, "P", 1), ("a", 1, "P", 1), ("a", 2, "Q", 1), ("b", 1, "Q", 1), ("b", 2, None, 1)],
        columns=["method", "seed", "processor", "threads"],
    ).assign(network="n")
    assert machines(timings) == [
        {"processor": "Q", "threads": 1, "device": "", "runs": 2},
        {"processor": "P", "threads": 1, "device": "", "runs": 1},
    ]
    on_gpus = machines(timings.assign(device=["A GPU", "A GPU", None, "A GPU", None]))
    assert [row["device"] for row in on_gpus] == ["A GPU", "", "A GPU"]
    assert {row["runs"] for row in on_gpus} == {1}
