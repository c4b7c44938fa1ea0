"""What the figures show, read from the figures' own data; what their captions say, and what is written."""

import re
from collections.abc import Callable
from itertools import combinations
from pathlib import Path
from types import SimpleNamespace

import matplotlib
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox
from PIL import Image

from paretopress.figures.attainment import attainment_surface, draw_attainment
from paretopress.figures.convergence import draw_convergence
from paretopress.figures.front import draw_front, draw_worst_run_front, lowest_shown
from paretopress.figures.hypervolumes import draw_best_and_worst, draw_by_factor, draw_hypervolumes
from paretopress.figures.inference_times import draw_inference
from paretopress.figures.looks import looks_of
from paretopress.figures.paper import paper_note
from paretopress.figures.ranks import draw_critical_difference, not_told_apart
from paretopress.figures.search_times import draw_times
from paretopress.figures.style import Drawing, caption_of, nothing_to_draw, save
from paretopress.figures.surrogates import bins_of, draw_fallbacks, draw_surrogates
from paretopress.runs.hypervolume import run_hypervolume
from paretopress.runs.method_names import FACTORS, METRICS, factors_of
from paretopress.runs.rows import RUN_TABLE_COLUMNS, run_row

TAU, INITIAL, BUDGET = 0.7, 6, 14
PLAIN = ["ctaea-5x20", "ctaea-10x10", "random"]
SETTINGS = [
    f"surrogate-{objective}-{constraint}" for objective in METRICS for constraint in METRICS
]
PAPER = [*SETTINGS, *PLAIN]
SIX = [
    "surrogate-mse-mape",
    "surrogate-mse-random",
    "surrogate-random-mape",
    "surrogate-random-random",
    "ctaea-5x20",
    "random",
]
CANDIDATES = ["knn", "random_forest", "xgboost", "lightgbm"]


EIGHT = [
    *CANDIDATES, "sklearn.gaussian_process.GaussianProcessRegressor", "sklearn.svm.SVR",
    "sklearn.ensemble.ExtraTreesRegressor", "my_surrogates.ExtraTreesRegressor",
]  # fmt: skip


def one_run(
    method: str, seed: int, length: int, shift: float, candidates: list[str]
) -> dict[str, pd.DataFrame]:
    """The tables of a made-up run; an infill takes 10 seconds, an initial design 4, an iteration's search 3."""
    rng = np.random.default_rng([seed, *method.encode()])
    start = np.random.default_rng(seed)
    rates = np.concatenate([start.random(INITIAL), rng.random(BUDGET)])[:length]
    accuracies = (
        np.concatenate([0.5 + 0.4 * start.random(INITIAL), 0.6 + 0.35 * rng.random(BUDGET)])[
            :length
        ]
        + shift
    )
    phases = np.where(np.arange(length) < INITIAL, "initial", "infill")
    keys = {"network": "net", "method": method, "seed": seed}
    evaluations = pd.DataFrame(
        {
            "evaluation": np.arange(1, length + 1),
            "phase": phases,
            "nonzero_rate": rates,
            "accuracy": accuracies,
        }
    )
    evaluations["design_id"] = [
        f"{seed}-{i}" if i < INITIAL else f"{method}-{seed}-{i}" for i in range(length)
    ]
    evaluations = evaluations.assign(conv_scope=2, conv_target=1)
    evaluations["feasible"] = evaluations["accuracy"] >= TAU
    count = (length - INITIAL) // 2
    iterations = pd.DataFrame(
        {
            "iteration": range(1, count + 1),
            "surrogate_front_size": pd.NA,
            "fallbacks": 0,
            "fallback_reason": np.nan,
        }
    )
    for function in ("nonzero_rate", "accuracy", "constraint"):
        iterations[f"{function}_surrogate"] = np.nan
        iterations = iterations.assign(
            **{f"{function}_score_{candidate}": np.nan for candidate in candidates}
        )
    if factors_of(method)["objective_metric"]:
        iterations["surrogate_front_size"] = 3
        for function in ("nonzero_rate", "accuracy", "constraint"):
            iterations[f"{function}_surrogate"] = rng.choice(candidates, count)
        iterations["fallbacks"] = rng.integers(0, 3, count)
        reasons = pd.Series(rng.choice(["empty front", "too few new designs"], count), dtype=object)
        iterations["fallback_reason"] = reasons.where(iterations["fallbacks"] > 0, np.nan)
    seconds = np.where(phases == "initial", 4.0, 10.0)
    timings = pd.DataFrame(
        {
            "step": "evaluation",
            "iteration": np.nan,
            "evaluation": evaluations["evaluation"],
            "seconds": seconds,
        }
    )
    searches = pd.DataFrame(
        {"step": "search", "iteration": range(1, count + 1), "evaluation": np.nan, "seconds": 3.0}
    )
    timings = pd.concat([timings, searches], ignore_index=True)
    volumes = run_hypervolume(rates, accuracies, TAU)
    history = pd.DataFrame(
        {"evaluation": evaluations["evaluation"], "hypervolume": volumes["history"]}
    )
    measured = run_row(
        evaluations, iterations, timings, volumes, BUDGET, imported=len(evaluations) < BUDGET
    )
    row = {**keys, **factors_of(method), **measured}
    tables = {
        "evaluations": evaluations,
        "iterations": iterations,
        "timings": timings,
        "history": history,
    }
    return {
        "runs": pd.DataFrame([row])[RUN_TABLE_COLUMNS],
        **{name: table.assign(**keys) for name, table in tables.items()},
    }


def study(
    methods: list[str],
    seeds: int = 5,
    short: tuple[str, ...] = (),
    long: tuple[str, ...] = (),
    hopeless: int = 0,
    candidates: list[str] = CANDIDATES,
) -> SimpleNamespace:
    """Tables of a made-up network. short: methods whose last run is incomplete. long: methods that spend more than the budget.

    hopeless: the seed of which no run has a feasible design, 0 for none.
    """
    parts = []
    for method in methods:
        for seed in range(1, seeds + 1):
            length = (
                BUDGET - 4
                if method in short and seed == seeds
                else BUDGET + 1
                if method in long
                else BUDGET
            )
            shift = -0.5 if seed == hopeless else 0.0
            parts.append(one_run(method, seed, length, shift, candidates))
    return SimpleNamespace(
        candidates=candidates,
        **{name: pd.concat([part[name] for part in parts], ignore_index=True) for name in parts[0]},
    )


NETWORK = pd.Series(
    {
        "network": "net",
        "split": "validation",
        "dense_accuracy": 0.9,
        "dense_nonzero_rate": 1.0,
        "size": "nonzero_rate",
        "threshold": TAU,
    }
)
TIMES = pd.DataFrame(
    {
        "design_id": ["a", "b", "dense"], "nonzero_rate": [0.2, 0.6, 1.0], "quantization": [0, 1, 0], "median_seconds": [2.2, 1.0, 2.0],
        "lower_quartile_seconds": [2.1, 0.9, 1.9], "upper_quartile_seconds": [2.3, 1.1, 2.1], "images": 360, "threads": 1,
        "batch_size": 200, "repeats": 7,
    }
)  # fmt: skip


def rank_tables(
    mean_ranks: dict[str, float], critical: float
) -> tuple[pd.Series, pd.DataFrame, pd.DataFrame]:
    """Ranks, and pairs that differ where their ranks do by more than the critical difference."""
    row = {
        "network": "net",
        "compared": "methods",
        "blocks": 5,
        "critical_difference": critical,
        "significance_level": 0.05,
        "note": "",
    }
    pairs = [
        {
            "method": first,
            "other_method": second,
            "p_nemenyi": 0.01 if abs(mean_ranks[first] - mean_ranks[second]) > critical else 0.5,
        }
        for first, second in combinations(mean_ranks, 2)
    ]
    ranks = pd.DataFrame({"method": mean_ranks.keys(), "mean_rank": mean_ranks.values()})
    return (
        pd.Series(row),
        ranks,
        pd.DataFrame(pairs, columns=["method", "other_method", "p_nemenyi"]),
    )


def all_drawings(made: SimpleNamespace) -> dict[str, Drawing]:
    """Every figure that the tables of `made` give."""
    runs, methods = made.runs, list(dict.fromkeys(made.runs["method"]))
    settings = [method for method in methods if method.startswith("surrogate")]
    drawings = {
        "hypervolume": draw_hypervolumes(runs),
        **{factor: draw_by_factor(runs, factor) for factor in FACTORS},
        "convergence": draw_convergence(runs, made.history, made.evaluations),
        "attainment": draw_attainment(runs, made.evaluations, TAU),
        "surrogates": draw_surrogates(runs, made.iterations, made.candidates),
        "fallbacks": draw_fallbacks(runs, made.iterations),
        "time": draw_times(runs, made.timings, made.evaluations),
        "critical-difference": draw_critical_difference(
            *rank_tables({m: 1.0 + i for i, m in enumerate(methods)}, 4.5)
        ),
        "inference": draw_inference(TIMES, "net"),
    }
    if settings:
        drawings["best-and-worst"] = draw_best_and_worst(runs, settings[0], settings[-1])
        drawings["worst-run-front"] = draw_worst_run_front(
            made.evaluations, NETWORK, settings[0], 1
        )
    return drawings


def legend_of(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.legends[0].get_texts()]


def lines_of(figure: Figure, label: str) -> list[np.ndarray]:
    """The points of every line of that label, shape (n, 2)."""
    return [
        line.get_xydata()
        for axis in figure.axes
        for line in axis.lines
        if line.get_label() == label
    ]


# Attainment


COORDINATE = st.integers(0, 6).map(lambda value: value / 6)
FRONTS = st.lists(st.lists(st.tuples(COORDINATE, COORDINATE), max_size=5), min_size=1, max_size=6)


@given(FRONTS)
def test_attainment_is_that_of_counting_the_runs_at_every_point(points):
    fronts = [np.array(front).reshape(-1, 2) for front in points]
    grid = [(rate, accuracy) for rate in np.arange(7) / 6 for accuracy in np.arange(7) / 6]
    for count in range(1, len(fronts) + 1):
        surface = attainment_surface(fronts, count)
        for rate, accuracy in grid:
            runs = sum(
                bool(((front[:, 0] <= rate) & (front[:, 1] >= accuracy)).any()) for front in fronts
            )
            assert bool(((surface[:, 0] <= rate) & (surface[:, 1] >= accuracy)).any()) == (
                runs >= count
            )
        assert (np.diff(surface, axis=0) > 0).all(), (
            "each corner is larger and more accurate than the one before"
        )


def test_a_run_without_a_feasible_design_counts_among_all():
    front = np.array([[0.3, 0.9], [0.1, 0.8]])
    assert attainment_surface([front, np.empty((0, 2))], 1).tolist() == [[0.1, 0.8], [0.3, 0.9]]
    assert not len(attainment_surface([front, np.empty((0, 2))], 2))
    drawing = draw_attainment(
        *(lambda made: (made.runs, made.evaluations, TAU))(study(["random"], seeds=3, hopeless=2))
    )
    assert (
        "n = 3 runs (1 method, 3 seeds), 1 of them without any feasible design" in drawing.caption
    )
    assert lines_of(drawing.figure, "at least half of the runs")
    assert not lines_of(drawing.figure, "all runs")


def test_attainment_has_a_panel_for_each_method_with_the_floor_as_its_end():
    made = study(SIX, seeds=3)
    figure = draw_attainment(made.runs, made.evaluations, TAU).figure
    assert len(figure.axes) == len(SIX)
    assert all(axis.get_ylim()[0] == TAU for axis in figure.axes)
    own = made.evaluations[(made.evaluations["method"] == SIX[0]) & made.evaluations["feasible"]]
    best = figure.axes[0].lines[0].get_xydata()
    assert best[:, 1].max() == own["accuracy"].max()
    assert best[:, 0].min() == own["nonzero_rate"].min()


# Convergence


@pytest.mark.parametrize(
    ("methods", "panels"), [(SIX[:2], 1), (SIX, 1 + len(SIX)), (PAPER, len(METRICS))]
)
def test_curves_are_medians_up_to_the_budget_that_all_runs_have(methods, panels):
    made = study(methods, long=(methods[0],))
    figure = draw_convergence(made.runs, made.history, made.evaluations).figure
    assert len(figure.axes) == panels
    for method in methods:
        own = made.history[
            (made.history["method"] == method)
            & made.history["evaluation"].between(INITIAL // 2, BUDGET)
        ]
        expected = own.groupby("evaluation")["hypervolume"].median().reset_index().to_numpy()
        curves = [
            line.get_xydata()
            for axis in figure.axes
            for line in axis.lines
            if line.get_drawstyle() == "steps-post"
        ]
        assert any(
            curve.shape == expected.shape and np.allclose(curve, expected) for curve in curves
        ), method


def test_an_incomplete_run_is_in_no_curve_and_is_named():
    made = study(SIX[:2], short=(SIX[0],))
    incomplete = ~made.runs["complete"]
    seed = made.runs.loc[incomplete, "seed"].item()
    made.history.loc[
        (made.history["method"] == SIX[0]) & (made.history["seed"] == seed), "hypervolume"
    ] = 7.0
    drawing = draw_convergence(made.runs, made.history, made.evaluations)
    drawn = [line.get_ydata() for line in drawing.figure.axes[0].lines]
    drawn += [
        path.vertices[:, 1]
        for band in drawing.figure.axes[0].collections
        for path in band.get_paths()
    ]
    assert max(map(max, drawn)) < 7
    assert "n = 9 runs" in drawing.caption
    assert f"1 incomplete run (of {SIX[0]}) is left out" in drawing.caption


@pytest.mark.parametrize(
    ("seeds", "quantiles", "words"),
    [(5, (0.25, 0.75), "from quartile to quartile"), (3, (0, 1), "from the least to the largest")],
)
def test_the_band_is_what_the_caption_says(seeds, quantiles, words):
    made = study(SIX[:1], seeds=seeds)
    drawing = draw_convergence(made.runs, made.history, made.evaluations)
    (band,) = drawing.figure.axes[0].collections
    last = made.history.loc[made.history["evaluation"] == BUDGET, "hypervolume"].quantile(quantiles)
    vertices = band.get_paths()[0].vertices
    assert sorted(set(vertices[vertices[:, 0] == BUDGET, 1])) == pytest.approx(sorted(set(last)))
    assert words in drawing.caption


# Boxes


def hollow_and_full(figure: Figure) -> dict[str, list[float]]:
    """The hypervolumes drawn as hollow and as full points, by colour of the face."""
    points: dict[str, list[float]] = {}
    for line in figure.axes[0].lines:
        if line.get_marker() == "o":
            points.setdefault(to_hex(line.get_markerfacecolor()), []).extend(line.get_xdata())
    return points


def test_boxes_are_of_complete_runs_and_incomplete_ones_are_hollow():
    made = study(SIX, short=("random",))
    drawing = draw_hypervolumes(made.runs)
    points = hollow_and_full(drawing.figure)
    complete = made.runs["complete"]
    assert sorted(points["#ffffff"]) == sorted(made.runs.loc[~complete, "hypervolume"])
    assert sorted(set(points) - {"#ffffff"}) == ["#222222"]
    assert sorted(points["#222222"]) == pytest.approx(
        sorted(made.runs.loc[complete, "hypervolume"])
    )
    medians = {
        tuple(line.get_xdata())
        for line in drawing.figure.axes[0].lines
        if line.get_linewidth() == 1.8
    }
    assert medians == {
        (value, value) for value in made.runs[complete].groupby("method")["hypervolume"].median()
    }
    assert (
        "n = 30 runs (6 methods, 5 seeds). 1 incomplete run (of random) is hollow"
        in drawing.caption
    )
    assert "incomplete run" in legend_of(drawing.figure)


def test_the_initial_sample_is_one_line_where_it_is_the_same_and_ticks_where_not():
    made = study(SIX[:3])
    ticks = draw_hypervolumes(made.runs).figure.axes[0].lines
    drawn = [value for line in ticks if line.get_marker() == "|" for value in line.get_xdata()]
    assert sorted(drawn) == sorted(made.runs["initial_hypervolume"])
    shared = draw_hypervolumes(made.runs.assign(initial_hypervolume=0.125))
    assert [
        line.get_xdata()
        for line in shared.figure.axes[0].lines
        if "initial sample" in str(line.get_label())
    ] == [[0.125, 0.125]]
    assert "(0.1250)" in shared.caption


@pytest.mark.parametrize("factor", FACTORS)
def test_levels_stand_in_a_fixed_order_with_all_their_settings(factor):
    made = study(PAPER[::-1], seeds=2)
    drawing = draw_by_factor(made.runs, factor)
    (axis,) = drawing.figure.axes
    assert [label.get_text() for label in axis.get_yticklabels()] == list(METRICS)
    for height, level in enumerate(METRICS):
        drawn = [
            x
            for line in axis.lines
            if line.get_marker() == "o"
            for x, y in line.get_xydata()
            if round(y) == height
        ]
        assert sorted(drawn) == sorted(made.runs.loc[made.runs[factor] == level, "hypervolume"])
    assert "n = 32 runs (16 methods, 2 seeds), 8 runs in each level" in drawing.caption


def test_best_and_worst_stand_against_the_methods_without_surrogates():
    made = study(PAPER, seeds=3)
    drawing = draw_best_and_worst(made.runs, SETTINGS[3], SETTINGS[1])
    labels = [label.get_text() for label in drawing.figure.axes[0].get_yticklabels()]
    assert labels == [f"best: {SETTINGS[3]}", f"worst: {SETTINGS[1]}", *PLAIN]
    assert "n = 15 runs (5 methods, 3 seeds) of 57 runs" in drawing.caption


def test_a_method_looks_the_same_everywhere_and_like_no_other():
    looks = looks_of(study(PAPER, seeds=1).runs)
    assert len(set(looks.values())) == len(PAPER)
    made = study(SIX, seeds=3)
    faces = {
        to_hex(patch.get_facecolor())
        for patch in draw_hypervolumes(made.runs).figure.axes[0].patches
    }
    assert faces == {to_hex(look.color) for look in looks_of(made.runs).values()}
    lines = {
        to_hex(line.get_color())
        for axis in draw_attainment(made.runs, made.evaluations, TAU).figure.axes
        for line in axis.lines
    }
    assert lines == faces


# Fronts


def test_the_worst_runs_front_is_its_own_and_marks_rates_below_zero():
    made = study(SIX[:2], seeds=2)
    own = (made.evaluations["method"] == SIX[0]) & (made.evaluations["seed"] == 2)
    made.evaluations.loc[
        made.evaluations[own].index[-1], ["nonzero_rate", "accuracy", "feasible"]
    ] = [-0.03, 0.75, True]
    run = made.evaluations[own]
    drawing = draw_worst_run_front(made.evaluations, NETWORK, SIX[0], 2)
    points = run.loc[run["feasible"], ["nonzero_rate", "accuracy"]].to_numpy()
    front = [
        p
        for p in points
        if not any((q[0] <= p[0]) & (q[1] >= p[1]) & (q != p).any() for q in points)
    ]
    line = next(
        line for line in drawing.figure.axes[0].lines if line.get_drawstyle() == "steps-post"
    )
    assert line.get_xydata().tolist() == [list(point) for point in sorted(map(tuple, front))]
    assert f"front of {len(front)} designs among n = {BUDGET} evaluations" in drawing.caption
    assert "1 design has a non-zero rate below 0" in drawing.caption
    assert "front, non-zero rate below 0 (1)" in legend_of(drawing.figure)
    assert drawing.figure.axes[0].get_xlim()[0] < -0.03


@pytest.mark.parametrize("accuracy", [0.0, 0.95])
def test_the_worst_runs_front_has_the_dense_network_repaired(accuracy):
    evaluations = study(SIX[:1], seeds=1).evaluations
    drawing = draw_worst_run_front(evaluations, NETWORK, SIX[0], 1, accuracy)
    label = f"dense network, repaired ({accuracy:.1%})"
    (drawn,) = (c for c in drawing.figure.axes[0].collections if c.get_label() == label)
    assert drawn.get_offsets().tolist() == [[1.0, accuracy]]
    lowest, highest = drawing.figure.axes[0].get_ylim()
    assert lowest < accuracy < highest
    assert "A square is the dense network, repaired" in drawing.caption
    without = draw_worst_run_front(evaluations, NETWORK, SIX[0], 1)
    assert set(legend_of(without.figure)) == set(legend_of(drawing.figure)) - {label}
    assert "repaired" not in without.caption


def test_an_unknown_dense_network_is_said_to_be_unknown():
    unknown = NETWORK.copy()
    unknown[["dense_accuracy", "dense_nonzero_rate", "split"]] = np.nan
    drawing = draw_worst_run_front(study(SIX[:1], seeds=1).evaluations, unknown, SIX[0], 1)
    assert "The dense network is not known." in drawing.caption
    assert not any("dense" in label for label in legend_of(drawing.figure))
    assert drawing.figure.axes[0].get_ylabel() == "accuracy (%)"


def test_the_axis_of_a_front_ends_at_its_lowest_design_that_is_not_far_under_the_floor():
    accuracies = pd.DataFrame({"accuracy": [0.9, 0.8, 0.68, 0.1]})
    lowest = 0.68 - 0.04 * (0.9 - 0.68)
    assert lowest_shown(accuracies, TAU, None) == pytest.approx(lowest)
    assert lowest_shown(accuracies, TAU, 0.85) == pytest.approx(lowest)
    assert lowest_shown(accuracies[:2], TAU, None) == pytest.approx(TAU - 0.04 * 0.2)
    assert lowest_shown(accuracies[:2], TAU, 0.3) == pytest.approx(TAU - 1.2 * 0.2)
    assert lowest_shown(accuracies[2:], TAU, None) < 0.1


@pytest.mark.parametrize(
    ("seeds", "words"), [(1, "keeps the floor and 1 is on"), (2, "keep the floor and 1 is on")]
)
def test_counts_of_one_are_said_as_one(seeds, words):
    evaluations = study(SIX[:1], seeds=seeds).evaluations
    alone = evaluations.assign(feasible=evaluations["evaluation"] == 1)
    drawing = draw_front(alone, alone[alone["feasible"]][:1], None, "", {"": TAU}, "net")
    assert f"{seeds} {words} the union front" in drawing.caption
    settings = ["surrogate-mse-mse", "surrogate-mape-mse"]
    by_factor = draw_by_factor(study(settings, seeds=1).runs, "objective_metric").caption
    assert "2 runs (2 methods, 1 seed), 1 run in each level" in by_factor
    assert "ordered by the other metric" not in by_factor


def test_the_union_front_needs_neither_dense_network_nor_test_images():
    evaluations = study(SIX, seeds=2).evaluations
    front = evaluations[evaluations["feasible"]].nsmallest(2, "nonzero_rate")
    drawing = draw_front(evaluations, front, None, "", {"": TAU}, "net")
    distinct = evaluations["design_id"].nunique()
    assert f"n = {distinct} distinct networks of 12 runs" in drawing.caption
    assert "floor (70.0%)" in legend_of(drawing.figure)
    assert not any("dense" in label for label in legend_of(drawing.figure))


# Ranks


@given(st.lists(st.integers(2, 40), min_size=2, max_size=8), st.integers(1, 20))
def test_groups_hold_exactly_the_pairs_that_do_not_differ(values, critical):
    means = {f"m{position}": value / 2 for position, value in enumerate(values)}
    _, _, pairs = rank_tables(means, critical / 2)
    ranked = sorted(means, key=lambda method: (means[method], method))
    joined = {
        frozenset(pair)
        for group in not_told_apart(ranked, pairs, 0.05)
        for pair in combinations(group, 2)
    }
    alike = pairs.loc[pairs["p_nemenyi"] >= 0.05, ["method", "other_method"]]
    assert joined == set(map(frozenset, alike.itertuples(index=False)))


def test_the_critical_difference_is_drawn_to_scale():
    means = {"a": 1.2, "b": 2.0, "c": 2.8, "d": 4.0}
    drawing = draw_critical_difference(*rank_tables(means, 1.7))
    (bar,) = lines_of(drawing.figure, "critical difference 1.70")
    assert bar[1, 0] - bar[0, 0] == pytest.approx(1.7)
    assert sorted(line[:, 0].tolist() for line in lines_of(drawing.figure, "not told apart")) == [
        [1.2, 2.8],
        [2.8, 4.0],
    ]
    assert lines_of(drawing.figure, "mean rank")[0][:, 0].tolist() == list(means.values())
    assert "4 methods on net, over n = 5 blocks" in drawing.caption


@pytest.mark.parametrize(
    ("critical", "words"),
    [
        (0.5, "Every two can be told apart"),
        (1.0, "The methods under one grey bar cannot be told apart"),
        (3.0, "No two can be told apart"),
    ],
)
def test_what_is_not_significant_is_not_called_equal(critical, words):
    assert (
        words
        in draw_critical_difference(*rank_tables({"a": 1.2, "b": 2.0, "c": 2.8}, critical)).caption
    )


def test_too_few_blocks_are_said_instead_of_ranks():
    row, ranks, pairs = rank_tables({}, np.nan)
    row["note"] = "needs at least 3 blocks"
    assert (
        "n = 5 blocks: needs at least 3 blocks"
        in draw_critical_difference(row, ranks, pairs).caption
    )


# Surrogates, fallbacks, times


@pytest.mark.parametrize(
    ("candidates", "words"),
    [
        (CANDIDATES, ["KNN", "random forest", "XGBoost", "LightGBM"]),
        (
            EIGHT[2:],
            ["XGBoost", "LightGBM", "GaussianProcessRegressor", "SVR", *EIGHT[-2:]],
        ),
        (["sklearn.svm.SVR", "knn"], ["SVR", "KNN"]),
    ],
)
def test_shares_of_surrogates_are_counted_for_each_iteration(candidates, words):
    made = study(SIX, seeds=3, candidates=candidates)
    drawing = draw_surrogates(made.runs, made.iterations, made.candidates)
    assert sorted(legend_of(drawing.figure)) == sorted(words)
    for axis, function in zip(
        drawing.figure.axes, ("nonzero_rate", "accuracy", "constraint"), strict=True
    ):
        chosen = made.iterations.dropna(subset=[f"{function}_surrogate"])
        looks = {(bars[0].get_facecolor(), bars[0].get_hatch()) for bars in axis.containers}
        assert len(looks) == len(candidates), "no two look alike"
        assert [bars.get_label() for bars in axis.containers] == words
        for bars, candidate in zip(axis.containers, candidates, strict=True):
            shares = (
                (chosen[f"{function}_surrogate"] == candidate).groupby(chosen["iteration"]).mean()
            )
            assert [bar.get_height() for bar in bars] == pytest.approx(shares.tolist())
    assert "n = 12 runs (4 methods, 3 seeds), 48 iterations" in drawing.caption
    assert (
        "surrogates of both objectives in surrogate-random-mape and surrogate-random-random"
        in drawing.caption
    )
    assert (
        "surrogate of the constraint in surrogate-mse-random and surrogate-random-random"
        in drawing.caption
    )


@given(st.integers(1, 500))
def test_bins_hold_every_iteration_once(last):
    edges = bins_of(pd.Series([1, last]))
    assert edges[0] == 1
    assert edges[-1] == last + 1
    assert (np.diff(edges) > 0).all()
    assert len(edges) <= 13


def test_fallbacks_are_shares_of_the_infills_by_reason():
    made = study(SIX[:4], seeds=3)
    made.iterations["fallback_reason"] = made.iterations["fallback_reason"].replace(
        "empty front", np.nan
    )
    drawing = draw_fallbacks(made.runs, made.iterations)
    (axis,) = drawing.figure.axes
    runs = made.runs.groupby("method", sort=False)[["fallbacks", "infills"]].sum().astype(float)
    ends = np.max(
        [[bar.get_x() + bar.get_width() for bar in bars] for bars in axis.containers], axis=0
    )
    assert ends == pytest.approx((runs["fallbacks"] / runs["infills"]).to_numpy())
    assert set(legend_of(drawing.figure)) == {"too few new designs", "reason not recorded", "run"}
    assert f"{int(runs['fallbacks'].sum())} of {int(runs['infills'].sum())}." in drawing.caption
    assert "n = 12 runs" in drawing.caption


def test_times_are_medians_of_what_they_went_into():
    made = study(SIX, seeds=3, short=("random",))
    drawing = draw_times(made.runs, made.timings, made.evaluations)
    (axis,) = drawing.figure.axes
    assert axis.get_xlabel() == "median time of a run (seconds)"
    initial, own, search = ([bar.get_width() for bar in bars] for bars in axis.containers)
    assert initial == [4.0 * INITIAL] * 6
    assert own == [10.0 * (BUDGET - INITIAL)] * 6
    assert search == [3.0 * (BUDGET - INITIAL) / 2] * 6
    assert "n = 17 runs (6 methods, 3 seeds)" in drawing.caption
    assert "1 incomplete run (of random) is left out" in drawing.caption


def test_times_that_nobody_measured_are_said_to_be_missing():
    made = study(SIX[:1], seeds=2)
    measured = made.timings[
        (made.timings["step"] == "evaluation") & (made.timings["evaluation"] > INITIAL)
    ]
    drawing = draw_times(made.runs, measured, made.evaluations)
    assert legend_of(drawing.figure) == ["evaluation of own designs"]
    assert (
        f"the time of {2 * INITIAL} of {2 * BUDGET} evaluations and the search of 2 runs"
        in drawing.caption
    )


# Files


def test_the_caption_comes_back_from_the_files_and_the_same_input_gives_the_same_bytes(tmp_path):
    before = dict(matplotlib.rcParams)
    made = study(SIX[:3], seeds=2)
    for folder in ("first", "second"):
        (tmp_path / folder).mkdir()
        drawings = all_drawings(made)
        for name in ("hypervolume", "worst-run-front"):
            drawing = drawings[name]
            save(
                drawing,
                [tmp_path / folder / f"{name}-net.svg", tmp_path / folder / f"{name}-net.png"],
            )
            caption = drawing.caption + paper_note(f"{name}-net")
            assert caption_of(tmp_path / folder / f"{name}-net.svg") == caption
            with Image.open(tmp_path / folder / f"{name}-net.png") as image:
                assert image.info["Description"] == caption
                assert image.info["Title"] == f"{name}-net"
    for file in (tmp_path / "first").iterdir():
        assert file.read_bytes() == (tmp_path / "second" / file.name).read_bytes(), file.name
    assert dict(matplotlib.rcParams) == before


def test_a_file_without_a_caption_is_refused(tmp_path):
    (tmp_path / "bare.svg").write_text(
        '<svg xmlns="http://www.w3.org/2000/svg"/>', encoding="utf-8"
    )
    with pytest.raises(ValueError, match=r"bare\.svg holds no description"):
        caption_of(tmp_path / "bare.svg")


DEGENERATE: dict[str, Callable[[], SimpleNamespace]] = {
    "one seed": lambda: study(SIX, seeds=1),
    "one run": lambda: study(["random"], seeds=1),
    "no feasible design": lambda: study(SIX[:2], seeds=1, hopeless=1),
    "no complete run": lambda: study(["surrogate-mse-mse"], seeds=1, short=("surrogate-mse-mse",)),
    "no surrogates": lambda: study(PLAIN, seeds=3),
    "results alone": lambda: SimpleNamespace(
        **{
            **vars(made := study(SIX[:2], seeds=2)),
            "iterations": made.iterations[:0],
            "timings": made.timings[:0],
        }
    ),
    "eight candidates": lambda: study(SIX[:2], seeds=2, candidates=EIGHT),
    "the paper's methods": lambda: study(PAPER, seeds=5, short=("ctaea-5x20",)),
}


MANY_OF_ONE = re.compile(
    r"(?<![\d.,])1 (?:\w+ )?(?:runs|methods|seeds|settings|designs|networks|evaluations|iterations"
    r"|blocks|ranks|threads|images|passes|are|have|keep)\b"
)


def drawn_texts(drawing: Drawing, path: Path) -> list[tuple[Text, Bbox, float]]:
    """Every text that is drawn when the figure is saved, where, and the width of the page, in pixels."""
    texts: dict[Text, tuple[Text, Bbox, float]] = {}  # matplotlib draws everything twice
    draw = Text.draw

    def noted(text: Text, renderer) -> None:
        if text.get_visible() and text.get_text().strip():
            texts[text] = (text, text.get_window_extent(renderer), renderer.width)
        draw(text, renderer)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Text, "draw", noted)
        save(drawing, [path])
    return list(texts.values())


@pytest.mark.parametrize("case", DEGENERATE)
def test_every_figure_of_every_study_is_legible_and_says_its_n(case, tmp_path):
    for name, drawing in all_drawings(DEGENERATE[case]()).items():
        assert "n = " in drawing.caption, name
        assert "net" in drawing.caption, name
        assert not MANY_OF_ONE.search(drawing.caption), (name, drawing.caption)
        texts = drawn_texts(drawing, tmp_path / "figure.png")
        for text, box, width in texts:
            assert text.get_fontsize() >= 8, (name, text.get_text())
            assert box.x0 >= 0 and box.x1 <= width, (name, text.get_text())  # noqa: PT018
        for (first, box, _), (second, other, _) in combinations(texts, 2):
            assert not box.overlaps(other), (name, first.get_text(), second.get_text())


def test_an_empty_figure_gives_its_reason():
    assert nothing_to_draw("Nothing: n = 0 runs.").caption == "Nothing: n = 0 runs."


def test_bytes_have_an_axis_of_ratios_and_are_named():
    evaluations = pd.DataFrame({
        "design_id": list("abc"), "nonzero_rate": [0.9, 0.5, 0.7], "bytes": [0.02, 0.3, 0.011],
        "accuracy": [0.9, 0.95, 0.91], "feasible": True,
    })  # fmt: skip
    front = evaluations.assign(method="random", seed=1)
    drawn = {
        size: draw_front(evaluations, front, None, "test", {"test": 0.85}, "net", size=size)
        for size in ("nonzero_rate", "bytes")
    }
    axes = {size: drawing.figure.axes[0] for size, drawing in drawn.items()}
    assert {size: axis.get_xscale() for size, axis in axes.items()} == {
        "nonzero_rate": "linear", "bytes": "log",
    }  # fmt: skip
    assert axes["nonzero_rate"].get_xlabel() == "non-zero weights (%)"
    assert axes["bytes"].get_xlabel() == "bytes, of the dense network's (%)"
    left, right = axes["bytes"].get_xlim()
    assert left < 0.011 < 1 < right
    labels = [label.get_text() for label in axes["bytes"].get_xticklabels()]
    assert (labels[:3], labels[-1]) == (["1", "2", "5"], "100")
    shown = {point for dots in axes["bytes"].collections for point in dots.get_offsets()[:, 0]}
    assert {0.02, 0.3, 0.011} <= shown
