"""Empirical attainment of the feasible fronts: what one, half and all of a method's runs reach (Grunert da Fonseca et al. 2001)."""

from collections.abc import Sequence

import moocore
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.typing import LineStyleType

from ..search.objectives import minimized
from .captions import counted, incomplete_note, n_runs, name_of
from .looks import Look, looks_of, methods_of
from .style import INK, Drawing, legend_below, new_panels, nothing_to_draw, percent, styled

MOST_PANELS = 20
BEYOND = (
    10.0  # worse than any design in both objectives: what a run attains that has no feasible design
)
LEVEL_LINES: dict[str, tuple[LineStyleType, float]] = {
    "at least one run": (":", 1.3),
    "at least half of the runs": ("-", 1.8),
    "all runs": ("--", 1.1),
}


def attainment_surface(fronts: Sequence[np.ndarray], count: int) -> np.ndarray:
    """The corners, shape (m, 2), of what at least `count` of the runs attain: non-zero rate and accuracy, both ascending.

    fronts: the feasible designs of each run, shape (n, 2), of any number n, none included: such a run attains nothing.
    A run attains (rate, accuracy) where it has a design that is no larger and no less accurate.
    """
    points = np.vstack(
        [minimized(*front.T) if len(front) else np.full((1, 2), BEYOND) for front in fronts]
    )
    sets = np.repeat(np.arange(len(fronts)), [max(1, len(front)) for front in fronts])
    surface = moocore.eaf(points, sets, percentiles=[100 * count / len(fronts)])[:, :2]
    surface = surface[surface[:, 0] < BEYOND]
    return surface[np.argsort(surface[:, 0])] * [1, -1]


def feasible_points(runs: pd.DataFrame, evaluations: pd.DataFrame) -> list[np.ndarray]:
    """The feasible designs of each run, shape (n, 2): non-zero rate and accuracy."""
    feasible = evaluations[evaluations["feasible"]]
    keys = zip(runs["method"], runs["seed"], strict=True)
    parts = (
        feasible[(feasible["method"] == method) & (feasible["seed"] == seed)]
        for method, seed in keys
    )
    return [part[["nonzero_rate", "accuracy"]].to_numpy(dtype=float) for part in parts]


def _corners(surface: np.ndarray, floor: float, right: float) -> np.ndarray:
    """The line of a surface: up from the floor at its left end, and on to the right edge of the axes."""
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
    """A long name in two lines."""
    family, _, setting = method.partition("-")
    return f"{family}, {counted(runs, 'run')}\n{setting}"


@styled
def draw_attainment(runs: pd.DataFrame, evaluations: pd.DataFrame, threshold: float) -> Drawing:
    """A panel for each method (the best by mean hypervolume where they are too many). runs, evaluations: of one network."""
    network = name_of(runs)
    complete = runs[runs["complete"]]
    left_out = incomplete_note(runs, "left out")
    methods = methods_of(complete)
    if len(methods) > MOST_PANELS:
        best = complete.groupby("method")["hypervolume"].mean().nlargest(MOST_PANELS).index
        methods = [method for method in methods if method in best]
    fronts = {
        method: feasible_points(complete[complete["method"] == method], evaluations)
        for method in methods
    }
    reached = [front for parts in fronts.values() for front in parts if len(front)]
    if not reached:
        return nothing_to_draw(
            f"No complete run on {network} has a feasible design: n = {counted(len(complete), 'run')}.{left_out}"
        )
    every = np.vstack(reached)
    left, right = min(0.0, every[:, 0].min()) - 0.02, 1.02
    columns = 4 if len(methods) > 6 else 3
    height = 1.55 if len(methods) > columns else 2.2
    figure, axes = new_panels(
        len(methods), columns=columns, height=height, xlabel="non-zero weights (%)"
    )
    looks = looks_of(runs)
    for axis, method in zip(axes, methods, strict=True):
        _draw_surfaces(axis, fronts[method], looks[method], threshold, right)
        axis.set_title(_title(method, len(fronts[method])), fontsize=8)
    axes[0].set(
        xlim=(left, right),
        ylim=(threshold, every[:, 1].max() + 0.06 * (every[:, 1].max() - threshold) + 1e-4),
    )
    percent(axes[0].xaxis)
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
        f"Empirical attainment of the feasible designs on {network}, floor {threshold:.1%}: what at least one, at least half and all runs "
        f"of a method reach or beat in both size and accuracy; {n_runs(shown)}, {none} of them without any feasible design."
    )
    hidden = complete["method"].nunique() - len(methods)
    caption += (
        f" {counted(hidden, 'method')} of lower mean hypervolume not shown." if hidden else ""
    )
    return Drawing(figure, caption + left_out)
