"""Fronts of designs, accuracy over size: the front of all runs, and that of one run."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from ..config.sizes import NONZERO_RATE
from ..fronts.union import DENSE
from ..search.objectives import constraint_value, feasible_front, minimized
from ..words import counted
from .captions import below_zero_note, hidden_note
from .size_axis import draw_size_axis, size_label
from .style import (
    BLUE,
    GREEN,
    INK,
    PURPLE,
    VERMILLION,
    Drawing,
    Handle,
    legend_below,
    new_figure,
    percent,
    styled,
)
from .unpruned import REPAIRED, REPAIRED_NOTE, UNPRUNED, draw_unpruned

# Depth of the axis below the floor, at most, as a multiple of its height above the floor. Designs
# further down show only that they failed.
SHOWN_BELOW = 1.2
MARGIN = 0.04  # between the lowest point and the end of the axis, as a share of the points' range
LEAST_SHOWN = 0.005  # accuracy, below the lowest point on the test images or of repair
MANY_DESIGNS = 500  # more are drawn smaller
DIM = "#909090"
TEST_NOTE = " Hollow markers, joined by a line, are the same networks on the test images."
NO_REPAIR: Mapping[str, float] = {}


def lowest_shown(designs: pd.DataFrame, threshold: float, dense_accuracy: float | None) -> float:
    """The accuracy at which the axis starts.

    It is not far below the floor, where anything lies above the floor, and not far below the lowest
    point.

    Args:
        designs: The designs to show, with their accuracies.
        threshold: The accuracy floor, a fraction.
        dense_accuracy: The dense network's accuracy, None where it is not known.
    """
    dense = [] if dense_accuracy is None else [dense_accuracy]
    top = max([designs["accuracy"].max(), *dense])
    if top <= threshold:
        return designs["accuracy"].min() - 0.02
    cut = threshold - SHOWN_BELOW * (top - threshold)
    seen = designs.loc[designs["accuracy"] >= cut, "accuracy"]
    lowest_point = min([threshold, *seen, *dense])
    return max(cut, lowest_point - MARGIN * (top - lowest_point))


def _draw_designs(axis: Axes, designs: pd.DataFrame, size: str) -> list[Handle]:
    """Draw the designs that keep the floor, those under it, and those with a rate below 0.

    Imported non-zero rates can be below 0.
    """
    handles: list[Handle] = []
    area = 22 if len(designs) <= MANY_DESIGNS else 9
    below = designs["nonzero_rate"] < 0
    for part, marker, of_each, width, color, label in (
        (~designs["feasible"] & ~below, "x", area, 0.8, DIM, "under the floor"),
        (designs["feasible"] & ~below, "o", area, 0, BLUE, "keeps the floor"),
        (below, "v", 30, 0, PURPLE, "non-zero rate below 0"),
    ):
        own = designs[part]
        if len(own):
            handles.append(
                axis.scatter(
                    own[size], own["accuracy"], marker=marker, s=of_each, linewidth=width,
                    color=color, alpha=0.6, label=f"{label} ({len(own):,})",
                )
            )  # fmt: skip
    return handles


def _draw_front(axis: Axes, front: pd.DataFrame, size: str) -> list[Handle]:
    """Draw a front, sorted by size; designs with a rate below 0 keep their marker."""
    axis.step(
        front[size],
        front["accuracy"],
        where="post",
        color=VERMILLION,
        linewidth=1.3,
        zorder=3,
    )
    handles: list[Handle] = []
    for below, marker, label in (
        (False, "D", "front"),
        (True, "v", "front, non-zero rate below 0"),
    ):
        own = front[(front["nonzero_rate"] < 0) == below]
        if len(own) or not below:
            handles.append(
                axis.scatter(
                    own[size],
                    own["accuracy"],
                    marker=marker,
                    s=30,
                    color=VERMILLION,
                    label=f"{label} ({len(own):,})",
                    zorder=4,
                )
            )
    return handles


def _draw_floor(axis: Axes, threshold: float, label: str, line: str = "--") -> Handle:
    return axis.axhline(threshold, color=INK, linewidth=0.9, linestyle=line, label=label)


def _set_axes(
    axis: Axes, shown: pd.DataFrame, size: str, ends: tuple[float, float], images: str
) -> None:
    lowest, top = ends
    axis.set_ylim(lowest, top + 0.06 * (top - lowest))
    draw_size_axis(axis, shown[size], size)
    axis.set_xlabel(size_label(size))
    percent(axis.yaxis, f"accuracy on {images} images" if images else "accuracy")


def _draw_test_images(axis: Axes, test: pd.DataFrame, size: str) -> list[Handle]:
    """Draw a hollow marker for each network on the test images, joined to the one of the search."""
    axis.vlines(
        test[size],
        test["accuracy"],
        test["test_accuracy"],
        color=INK,
        linewidth=0.7,
        alpha=0.6,
        zorder=5,
    )
    handles: list[Handle] = []
    pruned = ~test["design_id"].isin(UNPRUNED)
    for chosen, marker, area, color, label in (
        (pruned, "o", 60, VERMILLION, "on test images"),
        (test["design_id"] == DENSE, "*", 220, INK, "dense network on test images"),
        (test["design_id"] == REPAIRED, "s", 180, GREEN, "repaired, on test images"),
    ):
        part = test[chosen]
        if len(part):
            handles.append(
                axis.scatter(
                    part[size],
                    part["test_accuracy"],
                    marker=marker,
                    s=area,
                    facecolor="none",
                    edgecolor=color,
                    label=label,
                    zorder=6,
                    clip_on=False,
                )
            )
    return handles


@styled
def draw_front(
    evaluations: pd.DataFrame,
    front: pd.DataFrame,
    test: pd.DataFrame | None,
    split: str,
    thresholds: Mapping[str, float],
    network: str,
    repaired: Mapping[str, float] = NO_REPAIR,
    size: str = NONZERO_RATE,
) -> Drawing:
    """Draw every evaluated design, the union front, the dense network and the accuracy floor.

    Where the search did not use the test images, the front's accuracies on them are drawn too.

    Args:
        evaluations: The evaluations of all runs.
        front: The union front, with or without the dense network's row.
        test: The front's accuracies on the test images, None where they are not known.
        split: The images of the search, empty where they are not known.
        thresholds: The accuracy floor by split, fractions.
        network: The name of the network.
        repaired: The accuracy by split of the dense network repaired, empty without repair.
        size: The size that was minimised, a key of `config.sizes.SIZES`.
    """
    threshold = thresholds[split]
    known = front[front["design_id"] == DENSE]
    found = front[front["design_id"] != DENSE]
    designs = evaluations.drop_duplicates("design_id")
    unseen = (
        test
        if test is not None and split != "test"
        else pd.DataFrame(columns=["test_accuracy"], dtype=float)
    )
    unpruned = known
    if repaired:
        again = known[[size]].assign(
            design_id=REPAIRED, accuracy=repaired[split], test_accuracy=repaired["test"]
        )
        unpruned = pd.concat([known, again])
        unseen = pd.concat([unseen, again]) if len(unseen) else unseen
    lowest = min(
        [
            lowest_shown(designs, threshold, *(known["accuracy"] if len(known) else [None])),
            *(unseen["test_accuracy"] - LEAST_SHOWN),
            *(unpruned["accuracy"].iloc[1:] - LEAST_SHOWN),
        ]
    )
    shown = designs[designs["accuracy"] >= lowest]
    figure, axis = new_figure()
    handles = [*_draw_designs(axis, shown, size), *_draw_front(axis, found, size)]
    handles += [
        draw_unpruned(axis, *row)
        for row in unpruned[["design_id", size, "accuracy"]].itertuples(index=False)
    ]
    handles.append(_draw_floor(axis, threshold, f"floor ({threshold:.1%})"))
    if len(unseen):
        handles += _draw_test_images(axis, unseen, size)
        if thresholds["test"] != threshold:
            handles.append(_draw_floor(axis, thresholds["test"], "floor on test images", ":"))
    top = max([threshold, *designs["accuracy"], *unpruned["accuracy"], *unseen["test_accuracy"]])
    _set_axes(axis, shown, size, (lowest, top), split)
    axis.set_title(network)
    legend_below(figure, handles, columns=3)
    runs = (
        evaluations[["method", "seed"]].drop_duplicates()
        if {"method", "seed"} <= set(evaluations.columns)
        else designs.iloc[:0]
    )
    keeping = int(designs["feasible"].sum())
    caption = (
        f"Designs evaluated for {network}: n = {counted(len(designs), 'distinct network')}"
        f"{' of ' + counted(len(runs), 'run') if len(runs) else ''}."
        f"{hidden_note(len(designs) - len(shown))} "
        f"{keeping:,} {'keeps' if keeping == 1 else 'keep'} the floor and "
        f"{len(found)} {'is' if len(found) == 1 else 'are'} on the union front."
        f"{REPAIRED_NOTE if repaired else ''}"
        f"{TEST_NOTE if len(unseen) else ''}"
    )
    return Drawing(figure, caption + below_zero_note(int((designs["nonzero_rate"] < 0).sum())))


def run_front(evaluations: pd.DataFrame, threshold: float, size: str) -> pd.DataFrame:
    """The feasible non-dominated designs among the evaluations of one run, smallest first."""
    objectives = minimized(evaluations[size].to_numpy(), evaluations["accuracy"].to_numpy())
    return evaluations.iloc[
        feasible_front(objectives, constraint_value(evaluations["accuracy"].to_numpy(), threshold))
    ].sort_values(size)


@styled
def draw_worst_run_front(
    evaluations: pd.DataFrame,
    network: pd.Series,
    method: str,
    seed: int,
    repaired: float | None = None,
) -> Drawing:
    """Draw the front of the worst run of the best setting, beside the dense network.

    Args:
        evaluations: The evaluations of one network, with method and seed.
        network: Its row of the table of networks. Unknown values of the dense network are missing.
        method: The best setting.
        seed: The seed of its worst run.
        repaired: The accuracy of the dense network repaired, None without repair.
    """
    own = evaluations[(evaluations["method"] == method) & (evaluations["seed"] == seed)]
    name, threshold, size = str(network["network"]), float(network["threshold"]), network["size"]
    whole = network["dense_nonzero_rate"] if size == NONZERO_RATE else 1.0
    dense = np.array([whole, network["dense_accuracy"]], dtype=float)
    known = not np.isnan(dense).any()
    again = {} if repaired is None else {REPAIRED: repaired}
    unpruned = ({DENSE: dense[1]} if known else {}) | again
    lowest = lowest_shown(own, threshold, dense[1] if known else None)
    lowest = min([lowest, *(accuracy - LEAST_SHOWN for accuracy in again.values())])
    shown, front = own[own["accuracy"] >= lowest], run_front(own, threshold, size)
    figure, axis = new_figure()
    handles = [*_draw_designs(axis, shown, size), *_draw_front(axis, front, size)]
    handles.append(_draw_floor(axis, threshold, f"floor ({threshold:.1%})"))
    handles += [draw_unpruned(axis, kind, dense[0], value) for kind, value in unpruned.items()]
    top = max([threshold, own["accuracy"].max(), *unpruned.values()])
    images = network["split"]
    _set_axes(axis, shown, size, (lowest, top), "" if pd.isna(images) else str(images))
    axis.set_title(f"{name}, {method}, seed {seed}")
    legend_below(figure, handles, columns=3)
    caption = (
        f"Worst run (seed {seed}) of the best surrogate setting {method} on {name}: its front of "
        f"{counted(len(front), 'design')} among n = {counted(len(own), 'evaluation')}"
        f"{', beside the dense network.' if known else '. The dense network is not known.'}"
        f"{REPAIRED_NOTE if again else ''}{hidden_note(len(own) - len(shown))}"
    )
    return Drawing(figure, caption + below_zero_note(int((own["nonzero_rate"] < 0).sum())))
