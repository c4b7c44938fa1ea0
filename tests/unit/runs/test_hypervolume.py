"""Objectives, hypervolume and fronts, against other libraries and the authors' raw numbers."""

from itertools import pairwise as successive

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymoo.indicators.hv import HV

from paretopress.config.sizes import SIZES
from paretopress.config.variables import OF_THE_PAPER
from paretopress.fronts.union import run_fronts, union_front
from paretopress.runs.hypervolume import (
    history,
    hypervolume,
    hypervolumes_on_test_images,
    reference_point,
    run_hypervolume,
)
from paretopress.search.hypervolume import REFERENCE
from paretopress.search.objectives import accuracy_threshold, feasible_front, scaled_loss

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


@given(st.floats(0, 0.99))
def test_every_reference_point_is_the_same_point_in_scaled_units(least_accuracy):
    point = reference_point(least_accuracy)
    losses = scaled_loss([point["nonzero_rate"]], [point["accuracy"]], least_accuracy)
    assert losses.tolist() == [REFERENCE.tolist()]


def area_by_cells(losses: np.ndarray, reference: float) -> float:
    """Area dominated up to (reference, reference), summed cell by cell of the grid that all coordinates make."""
    edges = [np.unique([*losses[:, axis].clip(max=reference), reference]) for axis in (0, 1)]
    area = 0.0
    for left, right in successive(edges[0]):
        for low, high in successive(edges[1]):
            if ((losses[:, 0] <= left) & (losses[:, 1] <= low)).any():
                area += (right - left) * (high - low)
    return area


# Tenths, so that points lie on each other and on the reference point; rates from -0.2 (a double count) to 1.2 (past the reference).
LATTICE = st.lists(
    st.tuples(st.integers(-2, 12).map(lambda n: n / 10), st.integers(-2, 12).map(lambda n: n / 10)),
    max_size=12,
)


@given(LATTICE)
def test_hypervolume_is_the_area_of_the_dominated_cells(points):
    losses = np.array(points, dtype=float).reshape(-1, 2)
    assert hypervolume(losses, np.ones(2)) == pytest.approx(area_by_cells(losses, 1.0), abs=1e-12)
    assert hypervolume(np.repeat(losses, 2, axis=0), np.ones(2)) == pytest.approx(
        hypervolume(losses, np.ones(2)), abs=1e-12
    )


@given(LATTICE.filter(bool), st.sampled_from([0.1, 0.5, 0.76]))
def test_both_references_of_a_run_are_the_areas_of_its_feasible_evaluations(points, threshold):
    rates, accuracies = map(np.array, zip(*points, strict=True))
    result = run_hypervolume(rates, accuracies, threshold)
    feasible = accuracies >= threshold
    for volume, zero in (
        (result["hypervolume"], threshold),
        (result["zero_accuracy_reference"]["hypervolume"], 0.0),
    ):
        losses = np.column_stack([rates, 1 - (accuracies - zero) / (1 - zero)])[feasible]
        assert volume == pytest.approx(area_by_cells(losses, 1.0), abs=1e-12)


@pytest.mark.parametrize(
    ("points", "expected"),
    [
        pytest.param([], 0, id="none"),
        pytest.param([(0.25, 0.5)], 0.375, id="one"),
        pytest.param([(0.25, 0.5)] * 3, 0.375, id="duplicates"),
        pytest.param([(1.0, 0.0)], 0, id="on the reference"),
        pytest.param([(1.5, 0.0), (0.0, 1.5)], 0, id="past the reference"),
        pytest.param([(-0.5, 0.5)], 0.75, id="negative rate"),
    ],
)
def test_hypervolume_of_special_points(points, expected):
    assert hypervolume(np.array(points, dtype=float).reshape(-1, 2), np.ones(2)) == pytest.approx(
        expected
    )


def test_hypervolume_of_one_point_by_hand():
    result = run_hypervolume(np.array([0.9, 0.25, 0.1]), np.array([0.5, 0.9, 0.79]), 0.8)
    assert result["hypervolume"] == pytest.approx(0.75 * 0.5)
    assert result["history"] == pytest.approx([0, 0.375, 0.375])
    assert result["zero_accuracy_reference"]["hypervolume"] == pytest.approx(0.75 * 0.9)


def test_the_initial_sample_of_the_papers_authors_has_the_known_hypervolume(shared_data):
    raw = pd.read_csv(shared_data / "authors-vgg16.csv.gz")
    run = raw[(raw["method"] == "surrogate") & (raw["phase"] == "initial")].groupby(
        ["objective_metric", "constraint_metric", "run"]
    )
    first = run.get_group(("mse", "mse", 1))
    scaled = history(
        first["nonzero_rate"].to_numpy(), first["accuracy"].to_numpy(), 0.76, scaled=True
    )[-1]
    assert scaled * 0.24 == pytest.approx(0.0344, abs=5e-5)


@given(POINTS, st.floats(0.1, 0.9))
def test_the_feasible_front_is_that_of_the_definition(points, threshold):
    objectives = np.array(points)
    constraint = objectives[:, 1] - threshold
    expected = [
        index
        for index, point in enumerate(objectives)
        if constraint[index] <= 0
        and not any(
            (other <= point).all() and (other < point).any()
            for other in objectives[constraint <= 0]
        )
    ]
    assert feasible_front(objectives, constraint).tolist() == expected


def test_the_threshold_is_a_floor_or_a_drop_in_points():
    assert accuracy_threshold(0.8, allowed_drop_points=4.4, floor=None) == pytest.approx(0.756)
    assert accuracy_threshold(0.8, allowed_drop_points=None, floor=0.7) == 0.7
    assert accuracy_threshold(0.03, allowed_drop_points=4.4, floor=None) == 0, (
        "no accuracy is below it"
    )
    assert accuracy_threshold(1.0, allowed_drop_points=1e-6, floor=None) < 1, (
        "no hypervolume is above 1"
    )


def test_a_design_that_loses_exactly_the_allowed_drop_is_feasible():
    for correct in range(5000, 10_000, 7):
        threshold = accuracy_threshold(correct / 10_000, allowed_drop_points=4.4, floor=None)
        assert (correct - 440) / 10_000 >= threshold > (correct - 441) / 10_000


def test_the_union_front_joins_runs_and_ends_with_the_dense_network():
    columns = dict.fromkeys([*OF_THE_PAPER, "bytes"], 0)
    rows = [
        {"design_id": "a", "nonzero_rate": 0.5, "accuracy": 0.9, "method": "random", "seed": 1},
        {"design_id": "a", "nonzero_rate": 0.5, "accuracy": 0.9, "method": "ctaea", "seed": 2},
        {"design_id": "b", "nonzero_rate": 0.4, "accuracy": 0.85, "method": "ctaea", "seed": 2},
        {"design_id": "worse", "nonzero_rate": 0.6, "accuracy": 0.9, "method": "ctaea", "seed": 2},
        {
            "design_id": "infeasible",
            "nonzero_rate": 0.1,
            "accuracy": 0.3,
            "method": "ctaea",
            "seed": 2,
        },
    ]
    front = union_front(
        pd.DataFrame([{**columns, **row} for row in rows]),
        {"nonzero_rate": 1.0, "accuracy": 0.92},
        0.8,
    )
    assert front["design_id"].tolist() == ["b", "a", "dense"]
    assert front["found_by"].tolist() == [1, 2, 0]
    assert front["method"].tolist() == ["ctaea", "random", ""]


def test_on_the_test_images_a_run_has_what_its_own_front_keeps_there():
    rows = pd.DataFrame({
        "design_id": ["a", "b", "c", "a", "worse", "d"], "method": ["one"] * 3 + ["two"] * 3,
        "nonzero_rate": [0.2, 0.4, 0.6, 0.2, 0.3, 0.1], "bytes": 1.0,
        "accuracy": [0.82, 0.9, 0.95, 0.82, 0.81, 0.7], "seed": 1, **dict.fromkeys(OF_THE_PAPER, 0),
    })  # fmt: skip
    dense = {"nonzero_rate": 1.0, "accuracy": 0.95}
    fronts = run_fronts(rows, dense, 0.8)
    assert fronts["design_id"].tolist() == ["a", "b", "c", "a", "dense"]
    assert fronts["method"].tolist() == ["one", "one", "one", "two", ""]
    tests = pd.DataFrame({
        "design_id": ["a", "b", "c", "dense"], "test_accuracy": [0.79, 0.85, 0.84, 0.94],
    })  # fmt: skip
    runs = pd.DataFrame({"method": ["one", "two", "nothing"], "seed": 1, "hypervolume": 0.5})
    found = hypervolumes_on_test_images(runs, fronts, tests, 0.8, "nonzero_rate")
    # By hand: b alone keeps the floor and is not dominated, a does not keep it.
    assert found["hypervolume"].tolist() == pytest.approx([0.6 * 0.05 / 0.2, 0, 0])
    assert found["search_hypervolume"].tolist() == [0.5] * 3
    assert run_fronts(rows.query("design_id == 'd'"), dense, 0.8)["design_id"].tolist() == ["dense"]


def test_front_and_hypervolume_are_those_of_the_size_that_is_minimised():
    rows = pd.DataFrame({
        "design_id": ["few bits", "few weights", "neither"],
        "nonzero_rate": [0.9, 0.2, 0.95], "bytes": [0.1, 0.3, 0.5], "accuracy": [0.9, 0.9, 0.85],
        "method": "random", "seed": 1, **dict.fromkeys(OF_THE_PAPER, 0),
    })  # fmt: skip
    dense = {"nonzero_rate": 1.0, "accuracy": 0.95}
    smallest = {size: union_front(rows, dense, 0.8, size) for size in SIZES}
    assert smallest["nonzero_rate"]["design_id"].tolist() == ["few weights", "dense"]
    assert smallest["bytes"]["design_id"].tolist() == ["few bits", "dense"]
    assert smallest["bytes"]["bytes"].tolist() == [0.1, 1]
    for size, best in (("nonzero_rate", 0.8), ("bytes", 0.9)):
        told = run_hypervolume(rows[size].to_numpy(), rows["accuracy"].to_numpy(), 0.8, size)
        assert told["hypervolume"] == pytest.approx(best * 0.5)
        assert told["reference"] == {size: 1.0, "accuracy": 0.8, "scaled": True}
