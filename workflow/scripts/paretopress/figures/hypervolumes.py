"""Final hypervolumes as boxes over runs.

Three figures: a box for each method, a box for each level of a factor, and the best and the worst
surrogate setting beside the methods without surrogates.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ..runs.method_names import FACTORS, METRICS
from ..words import counted
from .captions import incomplete_note, listed, n_runs, name_of
from .looks import METRIC_COLORS, looks_of, methods_of, setting_table
from .style import (
    GREY,
    INK,
    Drawing,
    hypervolume_label,
    legend_below,
    new_figure,
    nothing_to_draw,
    styled,
)

LEAST_FOR_A_BOX = 3  # runs; fewer are points alone
ROW_HEIGHT, LEVEL_HEIGHT = 0.32, 0.6  # inches
FACTOR_NAMES = {
    "objective_metric": "metric that selects the surrogates of the objectives",
    "constraint_metric": "metric that selects the surrogate of the constraint",
}
BOX = (
    "Each point is a run. Boxes go from quartile to quartile with a line at the median, "
    "and whiskers go to the extremes."
)


@dataclass(frozen=True)
class Row:
    """One row of the figure: a box and the points of its runs.

    Attributes:
        label: Its name on the axis.
        runs: Its runs, rows of the run table.
        color: Colour of the box.
        spread: Distance of each run's point from the middle of the row, as a share of its height.
    """

    label: str
    runs: pd.DataFrame
    color: str
    spread: np.ndarray


def _draw_box(axis: Axes, values: np.ndarray, height: float, color: str, *, hollow: bool) -> None:
    line = {
        "color": GREY if hollow else INK,
        "linewidth": 1.0,
        "linestyle": "--" if hollow else "-",
    }
    filling = {
        "facecolor": "none" if hollow else (color, 0.4),
        "edgecolor": line["color"],
        **{k: line[k] for k in ("linewidth", "linestyle")},
    }
    axis.boxplot(
        values, positions=[height], orientation="horizontal", widths=0.62, whis=(0, 100),
        showfliers=False, patch_artist=True, manage_ticks=False, boxprops=filling,
        whiskerprops=line, capprops=line | {"linestyle": "-"},
        medianprops=line | {"linewidth": 1.8},
    )  # fmt: skip


def shared_initial_hypervolume(runs: pd.DataFrame) -> float | None:
    """The hypervolume of the initial sample that all runs share.

    Args:
        runs: Rows of the run table. A run of which the value is not known is passed over.

    Returns:
        The hypervolume, or None where the runs differ or none of them is known.
    """
    known = runs["initial_hypervolume"].dropna().unique()
    return float(known[0]) if len(known) == 1 else None


def _draw_initial(axis: Axes, rows: Sequence[Row]) -> list[Line2D]:
    """Draw a dashed line where all runs share the initial sample, else a tick for each run."""
    shared = shared_initial_hypervolume(pd.concat([row.runs for row in rows]))
    if shared is not None:
        return [
            axis.axvline(
                shared,
                color=INK,
                linewidth=1,
                linestyle=(0, (5, 2)),
                label="initial sample, the same for all runs",
                zorder=1,
            )
        ]
    ticks = []
    for height, row in enumerate(rows):
        known = row.runs["initial_hypervolume"].dropna()
        if len(known):
            label = "the run's initial sample"
            ticks += axis.plot(
                known,
                np.full(len(known), height),
                "|",
                color=INK,
                markersize=11,
                markeredgewidth=1.1,
                label=label,
                zorder=5,
            )
    return ticks[:1]


def _draw_rows(rows: Sequence[Row], row_height: float = ROW_HEIGHT) -> tuple[Figure, Axes]:
    """A figure with a box for each row and a point for each run.

    Incomplete runs are hollow. So is the box of a row that has no complete run.
    """
    figure, axis = new_figure(height=max(2.0, 1.2 + row_height * len(rows)))
    handles: dict[str, Line2D] = {}
    for height, row in enumerate(rows):
        complete = row.runs["complete"].to_numpy(dtype=bool)
        values = row.runs["hypervolume"].to_numpy()
        boxed = values[complete] if complete.any() else values
        if len(boxed) >= LEAST_FOR_A_BOX:
            _draw_box(axis, boxed, height, row.color, hollow=not complete.any())
        for part, face, label in ((complete, INK, "run"), (~complete, "white", "incomplete run")):
            if part.any():
                (handles[label],) = axis.plot(
                    values[part], height + row.spread[part], "o", markersize=4,
                    markerfacecolor=face, markeredgecolor=INK, markeredgewidth=0.8,
                    label=label, zorder=4,
                )  # fmt: skip
    start = _draw_initial(axis, rows)
    axis.set(
        yticks=range(len(rows)),
        yticklabels=[row.label for row in rows],
        ylim=(len(rows) - 0.4, -0.6),
        xlabel=hypervolume_label(str(rows[0].runs["size"].iloc[0])),
    )
    axis.grid(axis="y", visible=False)
    axis.margins(x=0.03)
    left, right = axis.get_xlim()
    axis.set_xlim(max(left, -0.02 * right), right)
    legend_below(figure, [*handles.values(), *start])
    return figure, axis


def _by_method(runs: pd.DataFrame, labels: Mapping[str, str]) -> list[Row]:
    """A row for each method of `labels`, with all points in its middle."""
    looks = looks_of(runs)
    parts = {method: runs[runs["method"] == method] for method in labels}
    return [
        Row(label, parts[method], looks[method].color, np.zeros(len(parts[method])))
        for method, label in labels.items()
    ]


def _initial_note(runs: pd.DataFrame) -> str:
    shared = shared_initial_hypervolume(runs)
    if shared is not None:
        return f" The dashed line is the hypervolume of the initial sample alone ({shared:.4f})."
    return (
        " Ticks are the hypervolume of each run's initial sample alone."
        if runs["initial_hypervolume"].notna().any()
        else ""
    )


@styled
def draw_hypervolumes(runs: pd.DataFrame) -> Drawing:
    """Draw the final hypervolume of each method, a box over its seeds.

    Args:
        runs: The run table of one network.
    """
    figure, axis = _draw_rows(_by_method(runs, {method: method for method in methods_of(runs)}))
    axis.set_title(name_of(runs))
    caption = (
        f"Final hypervolume of each method on {name_of(runs)}. Larger is better. {BOX} "
        f"{n_runs(runs)}."
    )
    return Drawing(
        figure,
        caption + incomplete_note(runs, "hollow and not to be compared") + _initial_note(runs),
    )


@styled
def draw_by_factor(runs: pd.DataFrame, factor: str) -> Drawing:
    """Draw the final hypervolumes of the surrogate settings, a box for each level of a factor.

    The points of a level are ordered by the other factor, from top to bottom.

    Args:
        runs: The run table of one network.
        factor: One of `FACTORS`, objective_metric or constraint_metric.
    """
    settings = runs[runs[factor].notna()]
    if settings.empty:
        return nothing_to_draw(f"{name_of(runs)} has no run of a surrogate setting: n = 0 runs.")
    other = next(name for name in FACTORS if name != factor)
    offsets = dict(zip(METRICS, np.linspace(-0.2, 0.2, len(METRICS)), strict=True))
    rows = []
    for level in METRICS:
        part = settings[settings[factor] == level]
        if len(part):
            rows.append(
                Row(
                    level,
                    part,
                    METRIC_COLORS[level],
                    part[other].map(offsets).to_numpy(dtype=float),
                )
            )
    figure, axis = _draw_rows(rows, LEVEL_HEIGHT)
    axis.set_ylabel(factor.replace("_", " "))
    axis.set_title(name_of(runs))
    others = [level for level in METRICS if level in set(settings[other])]
    order = (
        "In each row the points are ordered by the other metric, from top to bottom: "
        f"{', '.join(others)}. "
    )
    *fewer, most = sorted({len(row.runs) for row in rows})
    each = " or ".join([*map(str, fewer), counted(most, "run")])
    caption = (
        f"Final hypervolume of the surrogate settings on {name_of(runs)}, by the "
        f"{FACTOR_NAMES[factor]}. {BOX} {order if len(others) > 1 else ''}"
        f"{n_runs(settings)}, {each} in each level."
    )
    return Drawing(
        figure,
        caption
        + incomplete_note(settings, "hollow and not to be compared")
        + _initial_note(settings),
    )


@styled
def draw_best_and_worst(runs: pd.DataFrame, best: str, worst: str) -> Drawing:
    """Draw the best and the worst surrogate setting beside the methods without surrogates.

    Args:
        runs: The run table of one network.
        best: The setting with the largest mean hypervolume.
        worst: The setting with the smallest mean hypervolume.
    """
    plain = [
        method for method in methods_of(runs) if method not in set(setting_table(runs)["method"])
    ]
    labels = (
        {best: f"best: {best}"}
        | ({worst: f"worst: {worst}"} if worst != best else {})
        | {method: method for method in plain}
    )
    shown = runs[runs["method"].isin(labels)]
    figure, axis = _draw_rows(_by_method(runs, labels))
    axis.set_title(name_of(runs))
    beside = f", beside {listed(plain)}" if plain else ""
    caption = (
        f"Final hypervolume on {name_of(runs)} of the surrogate settings with the largest mean "
        f"({best}) and the smallest mean ({worst}){beside}. {BOX} "
        f"{n_runs(shown)} of {counted(len(runs), 'run')}."
    )
    means = shown.groupby("method")["hypervolume"].mean()
    if best != worst and means[best] == means[worst]:
        caption += " All surrogate settings have the same mean."
    return Drawing(
        figure,
        caption + incomplete_note(shown, "hollow and not to be compared") + _initial_note(shown),
    )
