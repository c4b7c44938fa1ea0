"""The Friedman test with what goes with it, against scipy, worked examples of the literature and the authors' raw numbers."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from run_tables import DEMSAR, authors_evaluations, authors_runs, run_table
from scipy.stats import friedmanchisquare

from paretopress.statistics.ranks import (
    FRIEDMAN_COLUMNS,
    RANK_COLUMNS,
    blocks,
    critical_difference,
    friedman,
    friedman_power,
    least_kendall_w,
    ranks,
)

SETTINGS = ("surrogate-mse-mse", "surrogate-mse-mape", "surrogate-mape-mse", "surrogate-mape-mape")
TABLES = st.integers(3, 5).flatmap(
    lambda methods: st.lists(
        st.lists(st.integers(0, 6), min_size=methods, max_size=methods), min_size=3, max_size=7
    )
)
# Hollander and Wolfe 1973, pages 140 to 144, the example of R's friedman.test: seconds to round first base, by 22 players in 3 ways.
FIRST_BASE = [
    (5.40, 5.50, 5.55), (5.85, 5.70, 5.75), (5.20, 5.60, 5.50), (5.55, 5.50, 5.40), (5.90, 5.85, 5.70), (5.45, 5.55, 5.60),
    (5.40, 5.40, 5.35), (5.45, 5.50, 5.35), (5.25, 5.15, 5.00), (5.85, 5.80, 5.70), (5.25, 5.20, 5.10), (5.65, 5.55, 5.45),
    (5.60, 5.35, 5.45), (5.05, 5.00, 4.95), (5.50, 5.50, 5.40), (5.45, 5.55, 5.50), (5.55, 5.55, 5.35), (5.45, 5.50, 5.55),
    (5.50, 5.45, 5.25), (5.65, 5.60, 5.40), (5.70, 5.65, 5.55), (6.30, 6.30, 6.25),
]  # fmt: skip


def of_methods(rows, level: float = 0.05) -> pd.Series:
    """The Friedman row of a table with a row for each seed and a column for each method."""
    table = friedman(
        run_table({f"m{index}": values for index, values in enumerate(zip(*rows, strict=True))}),
        level,
    )
    return table[table["compared"] == "methods"].iloc[0]


def test_the_example_of_hollander_and_wolfe():
    row = of_methods(FIRST_BASE)
    assert (row["chi2"], row["p"]) == pytest.approx((11.1429, 0.003805), rel=1e-4)
    assert row["kendall_w"] == pytest.approx(11.1429 / 44, rel=1e-4)
    assert (row["blocks"], row["methods"], row["significant"]) == (22, 3, True)


def test_the_example_of_demsar():
    hypervolumes = {
        name: [5 - rank for rank in column]
        for name, column in zip("abcd", zip(*DEMSAR, strict=True), strict=True)
    }
    runs = run_table(hypervolumes)
    row = friedman(runs, 0.05).iloc[0]
    # His chi2 of 9.28 has no correction for ties: two in three blocks, four in one.
    ties = 1 - (3 * (2**3 - 2) + (4**3 - 4)) / (14 * (4**3 - 4))
    assert row["chi2"] * ties == pytest.approx(9.28, abs=0.005)
    assert row["critical_difference"] == pytest.approx(1.25, abs=0.005)
    assert critical_difference(14, 4, 0.10) == pytest.approx(1.12, abs=0.005)
    table = ranks(runs)
    mean = table[table["compared"] == "methods"].set_index("method")["mean_rank"]
    assert mean[list("abcd")].tolist() == pytest.approx([3.143, 2.000, 2.893, 1.964], abs=5e-4)
    assert mean.index[0] == "d"


@pytest.mark.parametrize(
    ("level", "published"),
    [
        (0.05, [1.960, 2.343, 2.569, 2.728, 2.850, 2.949, 3.031, 3.102, 3.164]),
        (0.10, [1.645, 2.052, 2.291, 2.459, 2.589, 2.693, 2.780, 2.855, 2.920]),
    ],
)
def test_critical_values_are_those_of_demsars_table_5(level, published):
    for methods, q in enumerate(published, start=2):
        assert critical_difference(1, methods, level) / np.sqrt(
            methods * (methods + 1) / 6
        ) == pytest.approx(q, abs=1.1e-3)


@given(TABLES)
def test_the_test_is_scipys_and_w_lies_between_0_and_1(rows):
    row = of_methods(rows)
    if all(len(set(block)) == 1 for block in rows):
        assert np.isnan(row["p"])
        return
    expected = friedmanchisquare(*zip(*rows, strict=True))
    assert (row["chi2"], row["p"]) == pytest.approx((expected.statistic, expected.pvalue))
    assert -1e-9 <= row["kendall_w"] <= 1 + 1e-9
    assert row["significant"] == (row["kendall_w"] >= row["least_kendall_w"])


@given(TABLES, st.randoms(use_true_random=False))
def test_neither_order_nor_scale_matters(rows, random):
    original = of_methods(rows)
    methods, seeds = list(range(len(rows[0]))), list(range(len(rows)))
    random.shuffle(methods)
    random.shuffle(seeds)
    moved = of_methods([[np.exp(rows[seed][method]) for method in methods] for seed in seeds])
    for column in ("chi2", "p", "kendall_w", "critical_difference"):
        assert moved[column] == pytest.approx(original[column], nan_ok=True)


@given(TABLES)
def test_mean_ranks_sum_to_those_of_all_places_and_the_largest_hypervolume_is_first(rows):
    runs = run_table({f"m{index}": values for index, values in enumerate(zip(*rows, strict=True))})
    table = ranks(runs)
    mean = table[table["compared"] == "methods"].set_index("method")["mean_rank"]
    methods = len(rows[0])
    assert mean.sum() == pytest.approx(methods * (methods + 1) / 2)
    raised = ranks(runs.assign(hypervolume=runs["hypervolume"].where(runs["method"] != "m0", 7)))
    assert raised[raised["compared"] == "methods"].iloc[0][["method", "mean_rank"]].tolist() == [
        "m0",
        1,
    ]


@pytest.mark.parametrize(
    ("hypervolumes", "note"),
    [
        (
            {"a": (1, 2, 3), "b": (2, 3, 4)},
            "2 methods are too few for a Friedman test; it needs 3.",
        ),
        (
            {"a": (1, 2), "b": (2, 3), "c": (3, 4)},
            "2 seeds are too few as blocks for a Friedman test; it needs 3.",
        ),
        (
            {"a": (1,), "b": (2,), "c": (3,)},
            "1 seed is too few as blocks for a Friedman test; it needs 3.",
        ),
        ({"a": (1, 2, 3), "b": (1, 2, 3), "c": (1, 2, 3)}, "All methods are equal in all seeds."),
    ],
)
def test_too_little_to_compare_is_said_in_place_of_numbers(hypervolumes, note):
    row = friedman(run_table(hypervolumes), 0.05).iloc[0]
    assert row["note"] == note
    assert row[["chi2", "p", "kendall_w"]].isna().all()
    assert not row["significant"]


def test_methods_with_incomplete_runs_and_seeds_that_not_all_have_are_left_out_and_named():
    runs = pd.concat(
        [
            run_table({"a": (1, 2, 3, 4), "b": (2, 3, 4), "c": (3, 4, 5)}),
            run_table({"d": (9, 9, 9)}).assign(complete=[True, True, False]),
        ]
    )
    assert blocks(runs).to_dict("list") == {"a": [1, 2, 3], "b": [2, 3, 4], "c": [3, 4, 5]}
    row = friedman(runs, 0.05).iloc[0]
    assert (row["blocks"], row["methods"]) == (3, 3)
    assert "not all of their runs have every evaluation: d." in row["note"]
    assert "not all methods have a run with it: seed 4." in row["note"]
    assert row["p"] < 0.05


def test_settings_are_compared_apart_and_networks_apart():
    runs = pd.concat(
        [
            run_table(
                {
                    **{name: (index, index + 1, index + 2) for index, name in enumerate(SETTINGS)},
                    "random": (9, 9, 9),
                },
                network,
            )
            for network in ("one", "two")
        ]
    )
    table = friedman(runs, 0.05)
    assert table[["network", "compared", "methods"]].to_numpy().tolist() == [
        [network, compared, methods]
        for network in ("one", "two")
        for compared, methods in (("methods", 5), ("settings", 4))
    ]
    assert set(ranks(runs).query("compared == 'settings'")["method"]) == set(SETTINGS)


@pytest.mark.parametrize(
    ("initial", "shared"),
    [
        (0.1, True),
        (0.0, False),
        (None, False),
        ([0.1, 0.2, 0.3] * 3, False),
        ([0.1] * 3 + [0.2] * 6, True),
    ],
)
def test_one_initial_sample_for_all_seeds_is_noticed(initial, shared):
    runs = run_table({"a": (1, 2, 3), "b": (2, 3, 4), "c": (3, 4, 5)}).assign(
        initial_hypervolume=initial
    )
    row = friedman(runs, 0.05).iloc[0]
    assert row["shared_sample"] == shared
    assert ("one and the same initial sample" in row["note"]) == shared


def test_what_a_test_can_show_grows_with_its_blocks():
    assert least_kendall_w(5, 16, 0.05) == pytest.approx(
        0.3333, abs=1e-4
    )  # chi2 of 24.996 with 15 degrees of freedom, over 75
    powers = [friedman_power(blocks, 4, 0.05, 0.5) for blocks in (3, 5, 10, 30)]
    assert powers == sorted(powers)
    assert powers[-1] > 0.99
    assert friedman_power(5, 4, 0.05, 0.0) == pytest.approx(0.05)


def test_the_power_is_near_that_of_simulated_studies():
    rng = np.random.default_rng(0)
    effect = np.linspace(0, 1.6, 6)
    tests = [friedmanchisquare(*(effect + rng.normal(size=(8, 6))).T) for _ in range(400)]
    w = np.mean([test.statistic for test in tests]) / (8 * 5)
    assert friedman_power(8, 6, 0.05, w) == pytest.approx(
        np.mean([test.pvalue <= 0.05 for test in tests]), abs=0.08
    )


def test_the_settings_of_the_papers_authors(shared_data):
    runs = authors_runs(authors_evaluations(shared_data))
    row = friedman(runs, 0.05).set_index("compared").loc["settings"]
    assert row["p"] == pytest.approx(0.0257, abs=5e-5)
    assert row["critical_difference"] == pytest.approx(10.3, abs=0.05)
    assert (row["blocks"], row["methods"], row["largest_difference"]) == (5, 16, 15)
    assert row["shared_sample"]
    # Of plain CTAEA there are final populations alone.
    assert (
        "ctaea-5x20, ctaea-10x10"
        in friedman(runs, 0.05).set_index("compared").loc["methods", "note"]
    )


def test_no_runs_give_tables_with_their_columns():
    empty = run_table({})
    assert list(friedman(empty, 0.05)) == FRIEDMAN_COLUMNS
    assert list(ranks(empty)) == RANK_COLUMNS
