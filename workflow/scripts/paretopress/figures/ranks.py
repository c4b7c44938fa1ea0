"""The critical-difference diagram (Demsar 2006): mean ranks, and which of them the Nemenyi test does not tell apart.

scikit-posthocs draws one too, whose labels meet its axis with many methods: here each method has a row, as in the other figures.
"""

import numpy as np
import pandas as pd
from matplotlib.ticker import MaxNLocator

from .captions import counted
from .style import (
    GREY,
    INK,
    VERMILLION,
    Drawing,
    Handle,
    legend_below,
    new_figure,
    nothing_to_draw,
    styled,
)

COMPARED = {"methods": "method", "settings": "surrogate setting"}


def not_told_apart(
    ranked: list[str], pairwise: pd.DataFrame, significance_level: float
) -> list[list[str]]:
    """The largest groups of methods, next to one another in `ranked` (best first), of which no pair can be told apart by Nemenyi's test."""
    differing = pairwise[pairwise["p_nemenyi"] < significance_level]
    apart = set(zip(differing["method"], differing["other_method"], strict=True))
    groups: list[list[str]] = []
    for start in range(len(ranked)):
        end = start + 1
        while end < len(ranked) and not any(
            (other, ranked[end]) in apart or (ranked[end], other) in apart
            for other in ranked[start:end]
        ):
            end += 1
        if end - start > 1 and not (groups and groups[-1][-1] == ranked[end - 1]):
            groups.append(ranked[start:end])
    return groups


def _groups_in_words(groups: list[list[str]], names: list[str]) -> str:
    if not groups:
        return "Every two can be told apart"
    if len(groups[0]) == len(names):
        return "No two can be told apart"
    return "The methods under one grey bar cannot be told apart"


@styled
def draw_critical_difference(
    friedman: pd.Series, ranks: pd.DataFrame, pairwise: pd.DataFrame
) -> Drawing:
    """friedman: the row of one network and comparison; ranks, pairwise: the rows of the same. Without ranks the row's note is shown."""
    network, blocks = friedman["network"], int(friedman["blocks"])
    what = COMPARED.get(str(friedman["compared"]), str(friedman["compared"]))
    if ranks.empty or pd.isna(friedman["critical_difference"]):
        return nothing_to_draw(
            f"{network}: no ranks of {what}s with n = {counted(blocks, 'block')}: {friedman['note']}"
        )
    placed = ranks.sort_values(["mean_rank", "method"])
    mean, names = placed["mean_rank"].to_numpy(), placed["method"].tolist()
    critical, level = float(friedman["critical_difference"]), float(friedman["significance_level"])
    groups = not_told_apart(names, pairwise, level)
    at = dict(zip(names, mean, strict=True))
    top = -1.6 - 0.45 * len(groups)
    figure, axis = new_figure(height=max(2.2, 1.1 + 0.24 * (len(names) - top)))
    heights = np.arange(len(names))
    axis.vlines(mean, -0.9 - 0.45 * len(groups), heights, color="#bbbbbb", linewidth=0.7, zorder=1)
    handles: list[Handle] = [
        *axis.plot(mean, heights, "o", color=INK, markersize=5, label="mean rank", zorder=3)
    ]
    handles += axis.plot(
        [1, 1 + critical],
        [top, top],
        "|-",
        color=VERMILLION,
        linewidth=2,
        markersize=9,
        markeredgewidth=2,
        label=f"critical difference {critical:.2f}",
    )
    bars = [
        axis.plot(
            [at[group[0]], at[group[-1]]],
            [-0.9 - 0.45 * position] * 2,
            color=GREY,
            linewidth=4,
            solid_capstyle="butt",
            label="not told apart",
        )[0]
        for position, group in enumerate(reversed(groups))
    ]
    legend_below(figure, [*handles, *bars[:1]])
    axis.set(
        yticks=heights,
        yticklabels=[f"{name} ({rank:.2f})" for name, rank in at.items()],
        ylim=(len(names) - 0.4, top - 0.7),
    )
    axis.set(
        xlim=(0.7, max(len(names), 1 + critical) + 0.3),
        xlabel=f"mean rank over {counted(blocks, 'seed')} (1: largest hypervolume)",
    )
    axis.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=10, steps=[1, 2, 5, 10]))
    axis.grid(axis="y", visible=False)
    axis.set_title(network)
    caption = (
        f"Mean ranks of {counted(len(names), what)} on {network}; n = {counted(blocks, 'block')} (seeds). "
        f"{_groups_in_words(groups, names)} at level {level:g} by Nemenyi's test, whose critical difference is {critical:.2f} "
        f"of {len(names) - 1} possible ranks."
    )
    return Drawing(figure, caption)
