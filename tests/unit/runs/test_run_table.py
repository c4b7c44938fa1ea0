"""The table of runs, a row for each: against numbers by hand."""

import pandas as pd
import pytest

from paretopress.runs.network_rows import IMPORTED, network_row
from paretopress.runs.rows import carried_forward, run_row

EVALUATIONS = pd.DataFrame(
    {
        "evaluation": [1, 2, 3, 4],
        "phase": ["initial", "initial", "infill", "infill"],
        "nonzero_rate": [0.9, 0.5, -0.1, 0.2],
        "accuracy": [0.7, 0.8, 0.9, 1.0],
        "feasible": [False, True, True, True],
        "conv_scope": [1, 2, 0, 2],
        "conv_target": [2, 1, 2, 2],
    }
)
ITERATIONS = pd.DataFrame({"surrogate_front_size": [3, 0], "fallbacks": [0, 1]})
TIMINGS = pd.DataFrame(
    {
        "step": ["evaluation"] * 4 + ["search"] * 2,
        "seconds": [1.0, 2.0, 4.0, 8.0, 16.0, 32.0],
    }
)
VOLUMES = {
    "threshold": 0.8,
    "reference": {"nonzero_rate": 1.0, "accuracy": 0.8, "scaled": True},
    "history": [0.0, 0.1, 0.3, 0.4],
    "zero_accuracy_reference": {"history": [0.5, 0.6, 0.7, 0.9]},
}


def row(budget: int = 4, imported: bool = False, **tables: pd.DataFrame) -> dict:
    given = {"evaluations": EVALUATIONS, "iterations": ITERATIONS, "timings": TIMINGS} | tables
    return run_row(**given, volumes=VOLUMES, budget=budget, imported=imported)


def test_the_row_of_a_run_is_what_its_tables_hold():
    assert row() == {
        "evaluations": 4,
        "imported": False,
        "complete": True,
        "threshold": 0.8,
        "size": "nonzero_rate",
        "hypervolume": 0.4,
        "nonzero_rate_hypervolume": pytest.approx(0.8 + 0.5 * 0.3),
        "initial_hypervolume": 0.1,
        "zero_accuracy_hypervolume": 0.9,
        "feasible": 3,
        "negative_rates": 1,
        "convolutions_both": 2,
        "infills": 2,
        "fallbacks": 1,
        "evaluation_seconds": 15.0,
        "search_seconds": 48.0,
    }


def test_runs_are_compared_at_equal_budgets_and_one_that_ended_early_is_complete_if_it_is_our_own():
    assert (row(3)["hypervolume"], row(3)["zero_accuracy_hypervolume"]) == (0.3, 0.7)
    assert (row(9)["complete"], row(9, imported=True)["complete"]) == (True, False)
    assert row(3, imported=True)["complete"]


def test_what_is_not_known_of_a_run_is_missing():
    plain = row(
        iterations=ITERATIONS.assign(surrogate_front_size=None, fallbacks=0),
        timings=TIMINGS.iloc[1:4],
        evaluations=EVALUATIONS.assign(phase=None),
    )
    missing = {"initial_hypervolume", "fallbacks", "evaluation_seconds", "search_seconds"}
    assert {name for name, value in plain.items() if value is None} == missing


def test_infills_at_random_count_for_methods_without_a_surrogate_front_too():
    without = ITERATIONS.assign(surrogate_front_size=None)
    assert row(iterations=without)["fallbacks"] == 1
    modelled = without.assign(fallbacks=0, accuracy_surrogate="extra_trees")
    assert row(iterations=modelled)["fallbacks"] == 0


def test_the_history_of_a_run_that_ended_early_is_carried_on_to_the_budget():
    runs = pd.DataFrame(
        {"network": "n", "method": ["a", "b"], "seed": 1, "complete": [True, False]}
    )
    history = pd.DataFrame(
        [
            {
                "network": "n",
                "method": method,
                "seed": 1,
                "evaluation": number,
                "hypervolume": value,
            }
            for method in "ab"
            for number, value in ((1, 0.1), (2, 0.3))
        ]
    )
    carried = carried_forward(history, runs, 4)
    of = dict(iter(carried.groupby("method")))
    assert of["a"]["evaluation"].tolist() == [1, 2, 3, 4]
    assert of["a"]["hypervolume"].tolist() == [0.1, 0.3, 0.3, 0.3]
    assert of["b"]["evaluation"].tolist() == [1, 2], "an incomplete run is not"
    assert carried_forward(history, runs, 2).equals(history)


def test_the_row_of_a_network_is_of_the_images_of_its_search():
    metrics = {
        "accuracy": {"validation": 0.9, "test": 0.8, IMPORTED: 0.7},
        "images": {"validation": 100, "test": 200, IMPORTED: 300},
        "nonzero_rate": 0.75,
    }
    known = ["imported", "split", "images", "dense_accuracy", "dense_nonzero_rate", "threshold"]
    for split, expected in (
        ("validation", [False, "validation", 100, 0.9, 0.75, 0.6]),
        ("test", [False, "test", 200, 0.8, 0.75, 0.6]),
        (IMPORTED, [True, None, 300, 0.7, 0.75, 0.6]),
    ):
        told = network_row("n", metrics, split, 0.6)
        assert [told[name] for name in known] == expected
