"""Empirical attainment of the feasible fronts (Grunert da Fonseca et al. 2001).

It shows the sizes and accuracies that one, half and all of the runs of a method reach.
"""

from collections.abc import Sequence

import moocore
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.typing import LineStyleType

from ..config.sizes import NONZERO_RATE
from ..search.objectives import minimized
from ..words import counted
from .captions import incomplete_note, n_runs, name_of
from .looks import Look, looks_of, methods_of
from .size_axis import draw_size_axis, size_label
from .style import INK, Drawing, legend_below, new_panels, nothing_to_draw, percent, styled

MOST_PANELS = 20
# Worse than any design in both objectives. It stands for a run that has no feasible design.
BEYOND = 10.0
LEVEL_LINES: dict[str, tuple[LineStyleType, float]] = {
    "at least one run": (":", 1.3),
    "at least half of the runs": ("-", 1.8),
    "all runs": ("--", 1.1),
}


def attainment_surface(fronts: Sequence[np.ndarray], count: int) -> np.ndarray:
    """The boundary of the sizes and accuracies that at least `count` of the runs attain.

    A run attains a size and an accuracy where it has a design that is no larger and no
    less accurate.

    Args:
        fronts: The feasible designs of each run, shape (n, 2): size and accuracy, both
            fractions. A run with no design attains nothing.
        count: Number of runs, from 1 to all.

    Returns:
        The corners of the boundary, shape (m, 2): size and accuracy, both ascending.
    """
    points = np.vstack(
        [minimized(*front.T) if len(front) else np.full((1, 2), BEYOND) for front in fronts]
    )
    sets = np.repeat(np.arange(len(fronts)), [max(1, len(front)) for front in fronts])
    surface = moocore.eaf(points, sets, percentiles=[100 * count / len(fronts)])[:, :2]
    surface = surface[surface[:, 0] < BEYOND]
    return surface[np.argsort(surface[:, 0])] * [1, -1]


def feasible_points(runs: pd.DataFrame, evaluations: pd.DataFrame, size: str) -> list[np.ndarray]:
    """The feasible designs of each run, in the order of the runs.

    Args:
        runs: Rows of the run table of one network.
        evaluations: The evaluations of the same network.
        size: The size that was minimised, a key of `config.sizes.SIZES`.

    Returns:
        For each run, shape (n, 2): size and accuracy.
    """
    feasible = evaluations[evaluations["feasible"]]
    keys = zip(runs["method"], runs["seed"], strict=True)
    parts = (
        feasible[(feasible["method"] == method) & (feasible["seed"] == seed)]
        for method, seed in keys
    )
    return [part[[size, "accuracy"]].to_numpy(dtype=float) for part in parts]


def _corners(surface: np.ndarray, floor: float, right: float) -> np.ndarray:
    """The line of a surface, from the floor at its left end to the right edge of the axes."""
    return np.vstack([[surface[0, 0], floor], surface, [right, surface[-1, 1]]])


def _draw_surfaces(
    axis: Axes, fronts: Sequence[np.ndarray], look: Look, floor: float, right: float
) -> list[Line2D]:
    counts = (1, -(-len(fronts) // 2), len(fronts))
    lines = []
    for (label, (style, width)), count in zip(LEVEL_LINES.items(), counts, strict=True):
        surface = attainment_surface(fronts, count)
        if len(surface):
            x, y = _corners(surface, floor, right).T
            axis.fill_between(x, y, floor, step="post", color=look.color, alpha=0.12, linewidth=0)
            lines += axis.plot(
                x,
                y,
                drawstyle="steps-post",
                color=look.color,
                linestyle=style,
                linewidth=width,
                label=label,
            )
    return lines


def _title(method: str, runs: int) -> str:
    """The name of a method in two lines, since long names are wider than a panel."""
    family, _, setting = method.partition("-")
    return f"{family}, {counted(runs, 'run')}\n{setting}"


@styled
def draw_attainment(
    runs: pd.DataFrame, evaluations: pd.DataFrame, threshold: float, size: str = NONZERO_RATE
) -> Drawing:
    """Draw the attainment of each method in a panel of its own.

    Of more than `MOST_PANELS` methods, those with the largest mean hypervolume are shown.

    Args:
        runs: The run table of one network.
        evaluations: The evaluations of the same network.
        threshold: The accuracy floor, a fraction.
        size: The size that was minimised, a key of `config.sizes.SIZES`.
    """
    network = name_of(runs)
    complete = runs[runs["complete"]]
    left_out = incomplete_note(runs, "left out")
    methods = methods_of(complete)
    if len(methods) > MOST_PANELS:
        best = complete.groupby("method")["hypervolume"].mean().nlargest(MOST_PANELS).index
        methods = [method for method in methods if method in best]
    fronts = {
        method: feasible_points(complete[complete["method"] == method], evaluations, size)
        for method in methods
    }
    reached = [front for parts in fronts.values() for front in parts if len(front)]
    if not reached:
        return nothing_to_draw(
            f"No complete run on {network} has a feasible design: "
            f"n = {counted(len(complete), 'run')}.{left_out}"
        )
    every = np.vstack(reached)
    columns = 4 if len(methods) > 6 else 3
    height = 1.55 if len(methods) > columns else 2.2
    figure, axes = new_panels(len(methods), columns=columns, height=height, xlabel=size_label(size))
    draw_size_axis(axes[0], pd.Series(every[:, 0]), size)
    right = axes[0].get_xlim()[1]
    looks = looks_of(runs)
    for axis, method in zip(axes, methods, strict=True):
        _draw_surfaces(axis, fronts[method], looks[method], threshold, right)
        axis.set_title(_title(method, len(fronts[method])), fontsize=8)
    top = every[:, 1].max()
    axes[0].set_ylim(threshold, top + 0.06 * (top - threshold) + 1e-4)
    percent(axes[0].yaxis)
    figure.supylabel("accuracy (%)")
    figure.suptitle(network, x=0.01, ha="left")
    legend_below(
        figure,
        [
            Line2D([], [], color=INK, linestyle=style, linewidth=width, label=label)
            for label, (style, width) in LEVEL_LINES.items()
        ],
    )
    none = sum(not len(front) for parts in fronts.values() for front in parts)
    shown = complete[complete["method"].isin(methods)]
    caption = (
        f"Empirical attainment on {network}, above the accuracy floor of {threshold:.1%}. "
        "A line bounds the pairs of size and accuracy that at least one, at least half or all of "
        "the runs of a method reach or beat with one design. "
        f"{n_runs(shown)}, {none or 'none'} of them without any feasible design."
    )
    if hidden := complete["method"].nunique() - len(methods):
        caption += (
            f" {counted(hidden, 'method')} with a lower mean hypervolume "
            f"{'is' if hidden == 1 else 'are'} not shown."
        )
    return Drawing(figure, caption + left_out)
