"""Objectives, hypervolume, fronts and statistics, against other libraries and the authors' raw numbers."""

from itertools import pairwise as successive

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymoo.indicators.hv import HV
from scipy.stats import friedmanchisquare, mannwhitneyu

from paretopress.designs import VARIABLES
from paretopress.fronts import union_front
from paretopress.indicators import history, run_hypervolume
from paretopress.objectives import accuracy_threshold, feasible_front, scaled_loss
from paretopress.statistics import a12, friedman, pairwise, summary

POINTS = st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=30)


@given(POINTS, st.floats(0.05, 0.9))
def test_the_history_is_the_hypervolume_of_every_prefix(points, threshold):
    rates, accuracies = map(np.array, zip(*points, strict=True))
    volumes = history(rates, accuracies, threshold, scaled=True)
    for count, volume in enumerate(volumes, start=1):
        feasible = accuracies[:count] >= threshold
        losses = scaled_loss(rates[:count][feasible], accuracies[:count][feasible], threshold)
        expected = HV(ref_point=np.ones(2))(losses) if feasible.any() else 0
        assert volume == pytest.approx(expected, abs=1e-12)
    assert all(later >= earlier for earlier, later in successive(volumes))
    assert 0 <= volumes[-1] <= 1


def test_hypervolume_of_one_point_by_hand():
    result = run_hypervolume(np.array([0.9, 0.25, 0.1]), np.array([0.5, 0.9, 0.79]), 0.8)
    assert result["hypervolume"] == pytest.approx(0.75 * 0.5)
    assert result["history"] == pytest.approx([0, 0.375, 0.375])
    assert result["zero_accuracy_reference"]["hypervolume"] == pytest.approx(0.75 * 0.9)


def test_the_initial_sample_of_the_papers_authors_has_the_known_hypervolume(shared_data):
    raw = pd.read_csv(shared_data / "authors-vgg16.csv.gz")
    run = raw[(raw["method"] == "surrogate") & (raw["phase"] == "initial")].groupby(["objective_metric", "constraint_metric", "run"])
    first = run.get_group(("mse", "mse", 1))
    scaled = history(first["nonzero_rate"].to_numpy(), first["accuracy"].to_numpy(), 0.76, scaled=True)[-1]
    assert scaled * 0.24 == pytest.approx(0.0344, abs=5e-5)


@given(POINTS, st.floats(0.1, 0.9))
def test_the_feasible_front_is_that_of_the_definition(points, threshold):
    objectives = np.array(points)
    constraint = objectives[:, 1] - threshold
    expected = [
        index
        for index, point in enumerate(objectives)
        if constraint[index] <= 0 and not any((other <= point).all() and (other < point).any() for other in objectives[constraint <= 0])
    ]
    assert feasible_front(objectives, constraint).tolist() == expected


def test_the_threshold_is_a_floor_or_a_drop_in_points():
    assert accuracy_threshold(0.8, allowed_drop_points=4.4, floor=None) == pytest.approx(0.756)
    assert accuracy_threshold(0.8, allowed_drop_points=None, floor=0.7) == 0.7


def test_a_design_that_loses_exactly_the_allowed_drop_is_feasible():
    for correct in range(5000, 10_000, 7):
        threshold = accuracy_threshold(correct / 10_000, allowed_drop_points=4.4, floor=None)
        assert (correct - 440) / 10_000 >= threshold > (correct - 441) / 10_000


def test_the_union_front_joins_runs_and_ends_with_the_dense_network():
    columns = dict.fromkeys(VARIABLES, 0)
    rows = [
        {"design_id": "a", "nonzero_rate": 0.5, "accuracy": 0.9, "method": "random", "seed": 1},
        {"design_id": "a", "nonzero_rate": 0.5, "accuracy": 0.9, "method": "ctaea", "seed": 2},
        {"design_id": "b", "nonzero_rate": 0.4, "accuracy": 0.85, "method": "ctaea", "seed": 2},
        {"design_id": "worse", "nonzero_rate": 0.6, "accuracy": 0.9, "method": "ctaea", "seed": 2},
        {"design_id": "infeasible", "nonzero_rate": 0.1, "accuracy": 0.3, "method": "ctaea", "seed": 2},
    ]
    front = union_front(pd.DataFrame([{**columns, **row} for row in rows]), {"nonzero_rate": 1.0, "accuracy": 0.92}, 0.8)
    assert front["design_id"].tolist() == ["b", "a", "dense"]
    assert front["found_by"].tolist() == [1, 2, 0]
    assert front["method"].tolist() == ["ctaea", "random", ""]


@pytest.fixture
def final() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    rows = [
        {"network": network, "method": method, "seed": seed, "hypervolume": level + rng.normal(0, 0.02), "evaluation": 10}
        for network in ("n1", "n2")
        for method, level in (("strong", 0.6), ("weak", 0.4), ("middle", 0.5))
        for seed in range(8)
    ]
    return pd.DataFrame(rows)


def test_friedman_takes_seeds_as_blocks(final):
    table = friedman(final, 0.05)
    own = final[final["network"] == "n1"]
    expected = friedmanchisquare(*[own[own["method"] == method]["hypervolume"] for method in ("strong", "weak", "middle")])
    row = table.iloc[0]
    assert (row["chi2"], row["p"]) == pytest.approx(tuple(expected))
    assert row["kendall_w"] == pytest.approx(expected.statistic / 16)
    assert row["significant"]
    assert len(table) == 2
    assert not friedman(final, 1e-6)["significant"].any()


@pytest.mark.parametrize(
    ("kept", "note"),
    [
        ({"method": ["strong", "weak"]}, "at least 3 methods"),
        ({"seed": [1]}, "at least 3 methods and 2 seeds"),
        ({}, "equal in every seed"),
    ],
)
def test_too_little_to_compare_is_said(final, kept, note):
    for column, values in kept.items():
        final = final[final[column].isin(values)]
    table = friedman(final if kept else final.assign(hypervolume=0.5), 0.05)
    assert table["note"].str.contains(note).all()
    assert table["p"].isna().all()
    assert not table["significant"].any()


@given(st.lists(st.integers(0, 5), min_size=1, max_size=10), st.lists(st.integers(0, 5), min_size=1, max_size=10))
def test_a12_is_mann_whitneys_u_as_a_share(first, second):
    expected = mannwhitneyu(first, second).statistic / (len(first) * len(second))
    assert a12(np.array(first), np.array(second)) == pytest.approx(expected)


def test_every_pair_is_compared_once(final):
    table = pairwise(final, 0.05)
    assert len(table) == 2 * 3
    strongest = table[(table["method"] == "strong") & (table["other_method"] == "weak")]
    assert (strongest["p_holm"] < 0.01).all()
    assert (strongest["a12"] == 1).all()


def test_the_summary_counts_gains_and_fallbacks():
    keys = {"network": "n", "method": "surrogate-mse-mse", "seed": 1}
    past = pd.DataFrame(
        [{**keys, "evaluation": index, "hypervolume": volume} for index, volume in enumerate((0.1, 0.2, 0.2, 0.5), start=1)]
    )
    evaluations = pd.DataFrame(
        [{**keys, "phase": phase, "feasible": phase == "infill"} for phase in ("initial", "initial", "infill", "infill")]
    )
    iterations = pd.DataFrame([{**keys, "surrogate_front_size": 3, "fallbacks": 1}])
    row = summary(past, past.tail(1), iterations, evaluations).iloc[0]
    assert (row["median"], row["gain"], row["fallback_rate"], row["feasible_share"]) == pytest.approx((0.5, 0.3, 0.5, 0.5))
