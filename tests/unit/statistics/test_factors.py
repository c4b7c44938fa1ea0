"""Main effects of the two metrics, against scipy and the authors' raw numbers."""

from itertools import product

import numpy as np
import pandas as pd
import pytest
from run_tables import authors_evaluations, authors_runs, run_table
from scipy.stats import friedmanchisquare, kruskal, wilcoxon

from paretopress.statistics.factors import FACTOR_COLUMNS, factors
from paretopress.statistics.levels import (
    LEVEL_COLUMNS,
    LEVEL_PAIR_COLUMNS,
    level_pairs,
    levels,
)

METRICS = ("mse", "mape", "spearman")


def grid(objectives=METRICS, constraints=METRICS, seeds: int = 4) -> pd.DataFrame:
    """Settings whose hypervolume rises with the place of their constraint metric alone."""
    rng = np.random.default_rng(1)
    return run_table(
        {
            f"surrogate-{first}-{second}": METRICS.index(second) + rng.random(seeds)
            for first, second in product(objectives, constraints)
        }
    )


def row_of(table: pd.DataFrame, factor: str, test: str) -> pd.Series:
    return table[(table["factor"] == factor) & (table["test"] == test)].iloc[0]


def test_a_factor_is_tested_over_all_runs_and_over_the_seeds():
    runs = grid()
    table = factors(runs, 0.05)
    whole = row_of(table, "constraint_metric", "Kruskal-Wallis")
    expected = kruskal(*[own["hypervolume"] for _, own in runs.groupby("constraint_metric")])
    assert (whole["statistic"], whole["p"]) == pytest.approx((expected.statistic, expected.pvalue))
    assert whole["effect"] == pytest.approx(expected.statistic / 35)
    blocked = row_of(table, "constraint_metric", "Friedman")
    means = runs.groupby(["seed", "constraint_metric"])["hypervolume"].mean().unstack()
    expected = friedmanchisquare(*means.to_numpy().T)
    found = (blocked["blocks"], blocked["statistic"], blocked["p"])
    assert found == (4, pytest.approx(expected.statistic), pytest.approx(expected.pvalue))
    assert (whole["best_level"], blocked["best_level"], blocked["effect"]) == (
        "spearman",
        "spearman",
        pytest.approx(1),
    )
    assert whole["significant"]
    assert blocked["significant"]
    assert not table[table["factor"] == "objective_metric"]["significant"].any()


def test_two_levels_are_compared_by_signed_ranks():
    runs = grid(constraints=("mape", "mse"))
    row = row_of(factors(runs, 0.05), "constraint_metric", "Wilcoxon signed-rank")
    wide = runs.pivot(
        index=["seed", "objective_metric"], columns="constraint_metric", values="hypervolume"
    )
    means = wide.groupby("seed").mean()
    assert row["p"] == pytest.approx(wilcoxon(means["mape"] - means["mse"]).pvalue)
    assert (row["effect"], row["effect_size"], row["best_level"], row["blocks"]) == (
        1,
        "rank-biserial correlation",
        "mape",
        4,
    )
    pair = level_pairs(runs, 0.05).set_index("factor").loc["constraint_metric"]
    assert np.isnan(pair["p_siegel_friedman"])
    assert pair["p_dunn"] == pytest.approx(kruskal(wide["mape"], wide["mse"]).pvalue)


@pytest.mark.parametrize(
    ("runs", "note"),
    [
        (
            grid(constraints=("mse",)),
            "1 level is too few for a test of the constraint metric; it needs 2.",
        ),
        (grid(seeds=2), "2 seeds are too few for a test of the constraint metric; it needs 3."),
        (grid().assign(hypervolume=0.5), "All runs of all levels are equal."),
        (
            run_table({"random": (1, 2, 3)}),
            "0 levels are too few for a test of the constraint metric; it needs 2.",
        ),
    ],
)
def test_too_little_to_test_is_one_row_with_a_sentence(runs, note):
    row = factors(runs, 0.05).query("factor == 'constraint_metric'")
    assert row["note"].tolist() == [note]
    assert row[["statistic", "p", "effect"]].isna().all(axis=None)
    assert not row["significant"].any()


def test_levels_that_are_equal_in_every_block_but_not_over_all_runs_have_no_block_test():
    runs = grid()
    table = factors(runs.assign(hypervolume=runs["seed"]), 0.05)
    assert table["note"].tolist() == [
        *["", "All levels are equal in every block."] * 2,
        "No seed has any interaction.",
    ]
    assert table.loc[table["test"] == "Friedman", "p"].isna().all()


def test_what_lacks_a_run_is_left_out_of_the_blocks_and_named():
    runs = grid()
    missing = (runs["method"] == "surrogate-mse-mape") & (runs["seed"] == 2)
    table = factors(runs[~missing], 0.05)
    for factor in ("objective_metric", "constraint_metric"):
        blocked = row_of(table, factor, "Friedman")
        assert (blocked["blocks"], blocked["note"]) == (
            3,
            "Left out of the blocks because not every level has a run with it: seed 2.",
        )
        assert row_of(table, factor, "Kruskal-Wallis")["note"] == ""
    # Without one setting the levels of its metrics are compared within those of the other metric that all of them have.
    blocked = row_of(
        factors(runs[runs["method"] != "surrogate-mse-mape"], 0.05), "constraint_metric", "Friedman"
    )
    assert (blocked["blocks"], blocked["note"]) == (
        4,
        "Left out of the blocks because not every level has a run with it: objective metric mse.",
    )


@pytest.mark.thorough
def test_what_the_runs_of_a_seed_share_does_not_look_like_a_main_effect():
    rng = np.random.default_rng(2)
    rejected = 0
    for _ in range(200):
        runs = grid(seeds=5)
        shared = {key: rng.normal() for key in product(range(1, 6), METRICS)}
        noise = rng.normal(size=len(runs))
        values = [
            shared[seed, metric]
            for seed, metric in zip(runs["seed"], runs["constraint_metric"], strict=True)
        ]
        table = factors(runs.assign(hypervolume=values + noise), 0.05)
        rejected += row_of(table, "constraint_metric", "Friedman")["significant"]
    assert rejected <= 20, "at level 0.05, 10 of 200 are expected"


def test_settings_with_incomplete_runs_are_left_out():
    runs = grid()
    cut = runs.assign(complete=runs["constraint_metric"] != "mape")
    assert factors(cut, 0.05).query("factor == 'constraint_metric'")["levels"].tolist() == [2, 2]
    assert "mape" not in levels(cut).query("factor == 'constraint_metric'")["level"].tolist()


def test_levels_are_summed_up():
    runs = grid()
    table = levels(runs).set_index(["factor", "level"])
    own = runs.loc[runs["constraint_metric"] == "mape", "hypervolume"]
    row = table.loc[("constraint_metric", "mape")]
    assert row[["runs", "mean", "median", "standard_deviation"]].tolist() == pytest.approx(
        [12, own.mean(), own.median(), own.std()]
    )
    assert table.loc["constraint_metric", "mean_rank"].to_dict() == {
        "mse": 3,
        "mape": 2,
        "spearman": 1,
    }


def test_pairs_of_levels_follow_the_tests_of_their_factor():
    table = (
        level_pairs(grid(), 0.05)
        .query("factor == 'constraint_metric'")
        .set_index(["level", "other_level"])
    )
    assert len(table) == 3
    assert table.loc[("mse", "spearman"), ["a12", "significant"]].tolist() == [0, True]
    assert (table["p_siegel_friedman"] <= 1).all()
    assert table.loc[("mse", "spearman"), "p_dunn"] < 0.001


def test_the_factors_of_the_papers_authors(shared_data):
    runs = authors_runs(authors_evaluations(shared_data))
    row = row_of(factors(runs, 0.05), "constraint_metric", "Kruskal-Wallis")
    assert row["p"] == pytest.approx(0.0015, abs=5e-5)
    assert row["best_level"] == "mape"
    assert (
        levels(runs).query("factor == 'constraint_metric'").set_index("level")["mean"].idxmax()
        == "mape"
    )


def test_no_runs_give_tables_with_their_columns():
    empty = run_table({})
    assert list(factors(empty, 0.05)) == FACTOR_COLUMNS
    assert list(levels(empty)) == LEVEL_COLUMNS
    assert list(level_pairs(empty, 0.05)) == LEVEL_PAIR_COLUMNS
