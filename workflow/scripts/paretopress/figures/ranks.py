"""The critical-difference diagram (Demsar 2006).

It shows mean ranks, and joins the methods that the Nemenyi test does not tell apart. The diagram
of scikit-posthocs has labels that run into its axis with many methods. Here each method has a row.
"""

import numpy as np
import pandas as pd
from matplotlib.ticker import MaxNLocator

from ..config.sizes import NONZERO_RATE
from ..words import counted
from .style import (
    GREY,
    INK,
    VERMILLION,
    Drawing,
    Handle,
    hypervolume_label,
    legend_below,
    new_figure,
    nothing_to_draw,
    styled,
)

COMPARED = {"methods": "method", "settings": "surrogate setting"}


def not_told_apart(
    ranked: list[str], pairwise: pd.DataFrame, significance_level: float
) -> list[list[str]]:
    """The largest groups of neighbours in which Nemenyi's test tells no pair apart.

    Args:
        ranked: The methods, best first.
        pairwise: A row for each pair of methods, with `p_nemenyi`.
        significance_level: A pair differs where its p is smaller.

    Returns:
        The groups of at least two methods, each best first.
    """
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
    friedman: pd.Series,
    ranks: pd.DataFrame,
    pairwise: pd.DataFrame,
    size: str = NONZERO_RATE,
) -> Drawing:
    """Draw the mean rank of each method over the seeds, with the critical difference.

    Where there are no ranks, the figure gives the note of `friedman` instead.

    Args:
        friedman: The row of one network and one comparison.
        ranks: The mean ranks of the same network and comparison.
        pairwise: The pairs of the same network and comparison.
        size: The size that was minimised, a key of `config.sizes.SIZES`.
    """
    network, blocks = friedman["network"], int(friedman["blocks"])
    what = COMPARED.get(str(friedman["compared"]), str(friedman["compared"]))
    if ranks.empty or pd.isna(friedman["critical_difference"]):
        return nothing_to_draw(
            f"{network}: no ranks of {what}s with n = {counted(blocks, 'block')}: "
            f"{friedman['note']}"
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
        f"Mean ranks of {counted(len(names), what)} on {network}, over "
        f"n = {counted(blocks, 'block')} (seeds). Rank 1 is the largest "
        f"{hypervolume_label(size)}. "
        f"{_groups_in_words(groups, names)} at level {level:g} by Nemenyi's test. Its critical "
        f"difference is {critical:.2f} of {counted(len(names) - 1, 'possible rank')}."
    )
    return Drawing(figure, caption)
