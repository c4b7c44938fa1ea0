"""Hypervolume against true evaluations."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from ..runs.method_names import METRICS
from ..tables import RUN_COLUMNS
from ..words import counted
from .captions import incomplete_note, n_runs, name_of
from .looks import (
    FEW_SETTINGS,
    METRIC_COLORS,
    METRIC_LINES,
    Look,
    looks_of,
    methods_of,
    setting_table,
)
from .style import (
    INK,
    WIDTH,
    Drawing,
    hypervolume_label,
    legend_below,
    new_figure,
    new_panels,
    nothing_to_draw,
    styled,
)

MANY_METHODS = 8  # more lines than this in one panel cannot be told apart
# Seeds of each method. With fewer the band goes from the least to the largest value.
LEAST_FOR_QUARTILES = 5
MOST_BANDS = 2  # in one panel
PANEL_COLUMNS = 3
EVALUATIONS = "true evaluations (number)"
MARKS = 7  # on each line
LINE_WIDTH = 1.6


def budget_of(runs: pd.DataFrame, history: pd.DataFrame) -> int:
    """The number of evaluations that every complete run has.

    Args:
        runs: The run table of one network.
        history: The hypervolume of its runs after each evaluation.
    """
    kept = history.merge(runs.loc[runs["complete"], RUN_COLUMNS], on=RUN_COLUMNS)
    return int(kept.groupby(RUN_COLUMNS)["evaluation"].max().min())


def band_of(runs: pd.DataFrame) -> tuple[float, float]:
    """The two quantiles over the complete runs of a method between which the band lies."""
    fewest = runs[runs["complete"]].groupby("method").size().min()
    return (0.25, 0.75) if fewest >= LEAST_FOR_QUARTILES else (0.0, 1.0)


def curves(runs: pd.DataFrame, history: pd.DataFrame) -> pd.DataFrame:
    """The median and the band of each method after each evaluation, over its complete runs.

    Args:
        runs: The run table of one network.
        history: The hypervolume of its runs after each evaluation.

    Returns:
        Columns method, evaluation, lower, median and upper, up to `budget_of` evaluations.
    """
    kept = history.merge(runs.loc[runs["complete"], RUN_COLUMNS], on=RUN_COLUMNS)
    kept = kept[kept["evaluation"] <= budget_of(runs, history)]
    lower, upper = band_of(runs)
    table = kept.groupby(["method", "evaluation"], sort=False)["hypervolume"].quantile(
        np.array([lower, 0.5, upper])
    )
    return table.unstack().set_axis(["lower", "median", "upper"], axis="columns").reset_index()


def initial_size(evaluations: pd.DataFrame) -> int:
    """The size of the largest initial sample among the runs, 0 where no phases are known."""
    sizes = evaluations[evaluations["phase"] == "initial"].groupby(RUN_COLUMNS).size()
    return int(sizes.max()) if len(sizes) else 0


def _draw_curve(axis: Axes, curve: pd.DataFrame, look: Look, label: str, *, band: bool) -> Line2D:
    if band:
        axis.fill_between(
            curve["evaluation"],
            curve["lower"],
            curve["upper"],
            step="post",
            color=look.color,
            alpha=0.14,
            linewidth=0,
        )
    (line,) = axis.plot(
        curve["evaluation"], curve["median"], drawstyle="steps-post", color=look.color,
        linestyle=look.line, linewidth=LINE_WIDTH, label=label, marker=look.marker, markersize=4,
        markevery=(len(curve) // (2 * MARKS), max(1, len(curve) // MARKS)),
    )  # fmt: skip
    return line


def _mark_initial(axis: Axes, initial: int) -> list[Line2D]:
    if not initial:
        return []
    return [
        axis.axvline(
            initial,
            color=INK,
            linewidth=0.9,
            linestyle=(0, (1, 1)),
            label=f"initial sample ends ({initial})",
            zorder=1,
        )
    ]


def _curves_of(runs: pd.DataFrame, table: pd.DataFrame) -> list[tuple[str, Look, pd.DataFrame]]:
    """The name, the look and the rows of each method of `table`."""
    looks = looks_of(runs)
    return [
        (str(method), looks[str(method)], curve)
        for method, curve in table.groupby("method", sort=False)
    ]


def _one_panel(runs: pd.DataFrame, table: pd.DataFrame, initial: int) -> tuple[Figure, list[Axes]]:
    """A figure with every method in one panel, with its band."""
    figure, axis = new_figure()
    lines = [
        _draw_curve(axis, curve, look, label, band=True)
        for label, look, curve in _curves_of(runs, table)
    ]
    axis.set(xlabel=EVALUATIONS, ylabel=hypervolume_label(str(runs["size"].iloc[0])))
    legend_below(figure, [*lines, *_mark_initial(axis, initial)], columns=3)
    return figure, [axis]


def _panel_by_method(
    runs: pd.DataFrame, table: pd.DataFrame, initial: int
) -> tuple[Figure, list[Axes]]:
    """A figure with all medians in one panel, and under it a panel for each method with its band.

    In one panel the bands would hide one another.
    """
    count = table["method"].nunique()
    rows = -(-count // PANEL_COLUMNS)
    figure = Figure(figsize=(WIDTH, 3.5 + 1.6 * rows), layout="constrained")
    grid = figure.add_gridspec(1 + rows, PANEL_COLUMNS, height_ratios=[1.8, *[1] * rows])
    first = figure.add_subplot(grid[0, :])
    axes, lines = [first], []
    for position, (label, look, curve) in enumerate(_curves_of(runs, table)):
        row, column = divmod(position, PANEL_COLUMNS)
        axis = figure.add_subplot(grid[1 + row, column], sharex=first, sharey=first)
        axis.set_title(label, fontsize=8)
        axis.tick_params(labelleft=column == 0, labelbottom=position >= count - PANEL_COLUMNS)
        axis.set_xlabel(EVALUATIONS if position >= count - PANEL_COLUMNS else "")
        lines.append(_draw_curve(first, curve, look, label, band=False))
        _draw_curve(axis, curve, look, label, band=True)
        _mark_initial(axis, initial)
        axes.append(axis)
    figure.supylabel(hypervolume_label(str(runs["size"].iloc[0])))
    legend_below(figure, [*lines, *_mark_initial(first, initial)], columns=PANEL_COLUMNS)
    return figure, axes


def _panel_by_objective(
    runs: pd.DataFrame, table: pd.DataFrame, initial: int
) -> tuple[Figure, list[Axes]]:
    """A figure with a panel for each objective metric, and in it a line for each constraint metric.

    The methods without surrogates are in every panel.
    """
    looks, settings = looks_of(runs), setting_table(runs)
    settings = settings[settings["method"].isin(table["method"])]
    levels = [level for level in METRICS if level in set(settings["objective_metric"])]
    plain = [method for method in methods_of(table) if method not in set(settings["method"])]
    figure, axes = new_panels(len(levels), columns=2, height=2.5, xlabel=EVALUATIONS)
    handles: dict[str, Line2D] = {}
    for axis, level in zip(axes, levels, strict=True):
        own = settings[settings["objective_metric"] == level].set_index("constraint_metric")[
            "method"
        ]
        shown = {method: method for method in plain} | {
            f"constraint metric {metric}": own[metric] for metric in METRICS if metric in own
        }
        for label, method in shown.items():
            handles[label] = _draw_curve(
                axis,
                table[table["method"] == method],
                looks[method],
                label,
                band=method not in plain,
            )
        axis.set_title(f"objective metric {level}")
        start = _mark_initial(axis, initial)
    figure.supylabel(hypervolume_label(str(runs["size"].iloc[0])))
    # Without a marker: the markers show the objective metric, and differ from panel to panel.
    by_metric = [
        Line2D(
            [],
            [],
            color=METRIC_COLORS[metric],
            linestyle=METRIC_LINES[metric],
            linewidth=LINE_WIDTH,
            label=f"constraint metric {metric}",
        )
        for metric in METRICS
        if f"constraint metric {metric}" in handles
    ]
    legend_below(figure, [*by_metric, *(handles[method] for method in plain), *start], columns=3)
    return figure, axes


@styled
def draw_convergence(
    runs: pd.DataFrame, history: pd.DataFrame, evaluations: pd.DataFrame
) -> Drawing:
    """Draw the hypervolume of each method after each evaluation, the median over its seeds.

    The curves start at half of the initial sample and end where the shortest complete run ends.

    Args:
        runs: The run table of one network.
        history: The hypervolume of its runs after each evaluation.
        evaluations: The evaluations of the same network.
    """
    network = name_of(runs)
    complete = runs[runs["complete"]]
    left_out = incomplete_note(runs, "left out")
    if complete.empty:
        return nothing_to_draw(
            f"No run on {network} is complete, so there is no curve: n = 0 runs.{left_out}"
        )
    initial = initial_size(evaluations)
    table = curves(runs, history)
    table = table[table["evaluation"] >= initial // 2]
    many = table["method"].nunique() > MANY_METHODS and len(setting_table(complete)) > FEW_SETTINGS
    overlapping = table["method"].nunique() > MOST_BANDS and complete["seed"].nunique() > 1
    draw = _panel_by_objective if many else _panel_by_method if overlapping else _one_panel
    figure, axes = draw(runs, table, initial)
    figure.suptitle(network, x=0.01, ha="left")
    axes[0].set_xlim(max(1, initial // 2), budget_of(runs, history))
    axes[0].xaxis.set_major_locator(MaxNLocator(integer=True, nbins=8, steps=[1, 2, 5, 10]))
    spread = "A single seed has no band."
    if complete["seed"].nunique() > 1:
        ends = "from quartile to quartile" if band_of(runs)[0] else "from the least to the largest"
        shown = ", for the surrogate settings alone" if many else ""
        spread = f"Bands go {ends}{shown}."
    caption = (
        f"Hypervolume on {network} up to {counted(budget_of(runs, history), 'true evaluation')}. "
        f"Lines are medians over the seeds of a method. {spread} {n_runs(complete)}."
    )
    if not complete["hypervolume"].any():
        axes[0].set_ylim(0, 1)
        caption += " No run has a hypervolume above 0."
    return Drawing(figure, caption + left_out)
