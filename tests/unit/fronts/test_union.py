"""The designs of a front, made again from its rows, and what they are on the test images."""

from dataclasses import asdict
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from paretopress.compression.layers import layout_of
from paretopress.compression.plans import canonical
from paretopress.compression.pruning import compress
from paretopress.config.variables import Design
from paretopress.dataset.split import Split
from paretopress.errors import UserError
from paretopress.figures.front import draw_front
from paretopress.figures.inference_times import draw_inference
from paretopress.fronts.remade import DENSE_PLAN, load_fronts, read_front_designs
from paretopress.fronts.union import on_test_images, union_front
from paretopress.networks.build import build_network
from paretopress.networks.moves import Moves
from paretopress.networks.weights import save_weights
from paretopress.report.networks import relative_times
from paretopress.report.networks import summary_on_test_images as on_test_images_in_report
from paretopress.tables import read_table, write_csv

ARCHITECTURE = {"name": "vgg16_slim", "width_divisor": 32}
DENSE_METRICS = {"nonzero_rate": 1.0, "accuracy": 0.9}
SEEDS = (3, 4)


@pytest.fixture(scope="module")
def network() -> torch.nn.Module:
    torch.manual_seed(0)
    return build_network(ARCHITECTURE, 3).eval()


def written_front(
    network: torch.nn.Module, designs: list[tuple[Design, int]], path: Path
) -> pd.DataFrame:
    """A front of the designs, each found with its seed; every next one is smaller by name and more accurate, so that all stay on it."""
    rows = []
    for position, (design, seed) in enumerate(designs):
        folded, plan = canonical(design, layout_of(network), seed)
        size = 0.1 * (position + 1)
        measured = {"nonzero_rate": size, "bytes": size, "accuracy": 0.5 + 0.1 * position}
        rows.append(
            {
                "design_id": plan.design_id,
                **asdict(folded),
                **measured,
                "method": "random",
                "seed": seed,
            }
        )
    write_csv(union_front(pd.DataFrame(rows), DENSE_METRICS, 0.4), str(path))
    return read_table(path)


RANDOM_SUBSETS = Design(1, 1, 0.7, 0.4, 1, 2, 1)


def test_a_row_makes_its_network_again_a_random_subset_by_the_seed_of_the_row(network, tmp_path):
    front = written_front(
        network, [(RANDOM_SUBSETS, seed) for seed in SEEDS], tmp_path / "front.csv"
    )
    assert front["design_id"].nunique() == 3, "another seed draws another subset"
    save_weights(network, tmp_path / "weights.safetensors")
    split = Split(
        torch.zeros(1, 3, 32, 32, dtype=torch.uint8),
        torch.zeros(1, dtype=torch.int64),
        ("a", "b", "c"),
    )
    loaded, designs = load_fronts(
        [tmp_path / "front.csv"],
        tmp_path / "weights.safetensors",
        ARCHITECTURE,
        split,
        None,
        Moves(),
    )
    images = torch.rand(2, 3, 32, 32)
    for design, seed in zip(designs, SEEDS, strict=False):
        plan = canonical(RANDOM_SUBSETS, layout_of(network), seed)[1]
        assert design.plan == plan
        (made, rate), (expected, expected_rate) = (
            loaded.compress(design.plan),
            compress(network, plan),
        )
        assert rate == expected_rate
        assert torch.equal(made(images), expected(images))
    assert designs[-1].plan == DENSE_PLAN
    assert torch.equal(loaded.compress(DENSE_PLAN)[0](images), network(images))


def test_with_one_initial_sample_for_all_seeds_its_seed_draws_every_subset(network, tmp_path):
    front = written_front(network, [(RANDOM_SUBSETS, 7)], tmp_path / "front.csv")
    write_csv(front.assign(seed=front["seed"].replace(7, 2)), str(tmp_path / "front.csv"))
    designs = read_front_designs(tmp_path / "front.csv", layout_of(network), 7)
    assert designs[0].plan == canonical(RANDOM_SUBSETS, layout_of(network), 7)[1]


@pytest.mark.parametrize(
    ("column", "value"), [("conv_amount", 0.41), ("seed", 5), ("design_id", "0123456789ab")]
)
def test_a_row_that_makes_another_network_is_refused_by_name(network, tmp_path, column, value):
    path = tmp_path / "front.csv"
    front = written_front(network, [(RANDOM_SUBSETS, SEEDS[0])], path)
    front.loc[0, column] = value
    write_csv(front, str(path))
    with pytest.raises(
        UserError,
        match=rf"front\.csv: design_id = {front['design_id'][0]}: .* make the network [0-9a-f]{{12}}",
    ):
        read_front_designs(path, layout_of(network), None)


def test_a_front_of_another_architecture_is_refused(network, tmp_path):
    written_front(network, [(Design(2, 0, 0.5, 0.0, 1, 0, 0), 1)], tmp_path / "front.csv")
    other = build_network({"name": "vgg16_slim", "width_divisor": 16}, 3)
    with pytest.raises(UserError, match="of another architecture"):
        read_front_designs(tmp_path / "front.csv", layout_of(other), None)


FRONT = pd.DataFrame(
    {
        "design_id": ["a", "b", "c", "dense"],
        "nonzero_rate": [0.2, 0.4, 0.6, 1.0],
        "bytes": [0.1, 0.3, 0.5, 1.0],
        "accuracy": [0.86, 0.9, 0.94, 0.95],
    }
)
ON_TEST = {"a": 0.84, "b": 0.86, "c": 0.93}
METRICS = {"images": {"validation": 100, "test": 200}}


def test_each_design_is_evaluated_once_and_the_dense_network_not_again():
    evaluated = []
    table = on_test_images(
        FRONT,
        "validation",
        0.96,
        0.86,
        lambda design_id: evaluated.append(design_id) or ON_TEST[design_id],
    )
    assert evaluated == ["a", "b", "c"]
    assert table["test_accuracy"].tolist() == [0.84, 0.86, 0.93, 0.96]
    assert table["test_feasible"].tolist() == [False, True, True, True]
    assert table["accuracy"].tolist() == FRONT["accuracy"].tolist()


def test_a_search_on_the_test_images_is_evaluated_no_second_time():
    def refuse(design_id: str) -> float:
        raise AssertionError(f"{design_id} is evaluated")

    table = on_test_images(FRONT, "test", 0.95, 0.86, refuse)
    assert table["test_accuracy"].equals(FRONT["accuracy"].rename("test_accuracy"))
    assert table["test_feasible"].all()


def test_the_report_says_what_is_left_of_a_front_on_the_test_images():
    table = on_test_images(FRONT, "validation", 0.96, 0.86, ON_TEST.__getitem__)
    left = on_test_images_in_report(METRICS, table, 0.85, 0.86)
    assert (left.keeping, left.images) == (2, 200)
    assert left.median_change == pytest.approx(-2)
    assert left.dense_change == pytest.approx(1)
    # By hand: strips between neighbouring rates, as high as the best accuracy so far above the floor.
    assert left.hypervolume["search"] == pytest.approx(
        (0.2 * 0.01 + 0.2 * 0.05 + 0.4 * 0.09) / 0.15
    )
    assert left.hypervolume["test"] == pytest.approx((0.2 * 0.0 + 0.4 * 0.07) / 0.14)


def test_an_empty_front_has_nothing_on_the_test_images_either():
    table = on_test_images(
        FRONT.tail(1).reset_index(drop=True), "validation", 0.96, 0.86, ON_TEST.__getitem__
    )
    left = on_test_images_in_report(METRICS, table, 0.85, 0.86)
    assert (left.keeping, left.median_change, left.hypervolume) == (
        0,
        None,
        {"search": 0.0, "test": 0.0},
    )
    assert np.isclose(left.dense_change, 1)


def legend_of(figure) -> list[str]:
    return [text.get_text() for text in figure.legends[0].get_texts()]


@pytest.mark.parametrize(
    ("split", "test_threshold", "marked", "floor"),
    [
        ("validation", 0.86, True, True),
        ("validation", 0.85, True, False),
        ("test", 0.85, False, False),
    ],
)
def test_the_figure_marks_the_test_images_where_the_search_did_not_use_them(
    split, test_threshold, marked, floor
):
    table = on_test_images(FRONT, split, 0.96, test_threshold, ON_TEST.__getitem__)
    evaluations = FRONT.iloc[:3].assign(feasible=True)
    figure = draw_front(
        evaluations, FRONT, table, split, {split: 0.85, "test": test_threshold}, "vgg"
    ).figure
    legend = legend_of(figure)
    assert ("on test images" in legend, "floor on test images" in legend) == (marked, floor)
    lowest, highest = figure.axes[0].get_ylim()
    assert lowest < table["test_accuracy"].min()
    assert highest > table["test_accuracy"].max()


def marks_of(figure, label: str) -> tuple[list[list[float]], bool]:
    """The points drawn with that label, and whether their markers are hollow."""
    (drawn,) = (mark for mark in figure.axes[0].collections if mark.get_label() == label)
    return drawn.get_offsets().tolist(), not len(drawn.get_facecolor())


@pytest.mark.parametrize("split", ["validation", "test"])
def test_the_figure_has_the_dense_network_repaired_beside_the_untouched_one(split):
    table = on_test_images(FRONT, split, 0.96, 0.86, ON_TEST.__getitem__)
    evaluations, repaired = FRONT.iloc[:3].assign(feasible=True), {"validation": 0.5, "test": 0.99}
    given = (evaluations, FRONT, table, split, {split: 0.85, "test": 0.86}, "vgg")
    drawing = draw_front(*given, repaired)
    figure, value = drawing.figure, repaired[split]
    rate = FRONT["nonzero_rate"].iloc[-1]
    label = f"dense network, repaired ({value:.1%})"
    assert marks_of(figure, label) == ([[rate, value]], False)
    on_test = "repaired, on test images"
    if split == "test":
        assert on_test not in legend_of(figure)
    else:
        assert marks_of(figure, on_test) == ([[rate, 0.99]], True)
    lowest, highest = figure.axes[0].get_ylim()
    assert lowest < value < highest
    assert "A square is the dense network, repaired as each design is." in drawing.caption
    hollow = "Hollow markers, joined by a line, are the same networks on the test images."
    assert (hollow in drawing.caption) == (split != "test")
    without = draw_front(*given)
    assert "repaired" not in without.caption
    assert not any("repaired" in name for name in legend_of(without.figure))
    assert set(legend_of(figure)) - {label, on_test} == set(legend_of(without.figure))


TIMES = pd.DataFrame(
    {
        "design_id": ["a", "b", "c", "dense"],
        "nonzero_rate": [0.2, 0.4, 0.6, 1.0],
        "quantization": [0, 0, 1, 0],
        "median_seconds": [2.2, 2.0, 1.0, 2.0],
        "lower_quartile_seconds": [2.1, 1.9, 0.9, 1.9],
        "upper_quartile_seconds": [2.3, 2.1, 1.1, 2.1],
        "relative_to_dense": [1.1, 1.0, 0.5, 1.0],
        "images": 360,
        "threads": 1,
        "batch_size": 200,
        "repeats": 5,
    }
)


def test_times_are_shown_by_kind_and_a_front_without_designs_has_the_dense_network_alone():
    assert relative_times(TIMES, ["a", "b", "c"]) == {"float32": pytest.approx(1.05), "int8": 0.5}
    assert relative_times(TIMES, ["b"]) == {"float32": 1.0}
    assert legend_of(draw_inference(TIMES, "vgg").figure) == [
        "float32 (2)",
        "int8 Linear layers (1)",
        "dense network (1)",
    ]
    assert relative_times(TIMES.tail(1), []) == {}
    assert legend_of(draw_inference(TIMES.tail(1), "vgg").figure) == ["dense network (1)"]
