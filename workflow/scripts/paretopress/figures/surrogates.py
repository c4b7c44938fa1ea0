"""How often each surrogate was chosen, and how often infills were drawn at random instead."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.ticker import FixedLocator, MaxNLocator

from ..config.candidates import in_words
from ..config.sizes import NONZERO_RATE, functions_of
from ..tables import RUN_COLUMNS
from ..words import counted
from .captions import incomplete_note, listed, n_runs, name_of
from .looks import setting_table
from .style import (
    INK,
    PALE,
    Drawing,
    Handle,
    columns_for,
    fill,
    legend_below,
    new_figure,
    new_panels,
    nothing_to_draw,
    percent,
    styled,
)

MOST_BINS = 12
REASONS = ("empty front", "no new design", "too few new designs")
UNKNOWN = "reason not recorded"


def bins_of(iterations: pd.Series) -> np.ndarray:
    """The edges of the bins of an axis of iterations.

    The bins are equally wide, but for the last, which can be narrower.

    Args:
        iterations: Numbers of iterations, from 1.

    Returns:
        The first iteration of each bin, and the one after the last.
    """
    last = int(iterations.max())
    width = -(-last // MOST_BINS)
    return np.append(np.arange(1, last + 1, width), last + 1)


def chosen_shares(
    iterations: pd.DataFrame, function: str, edges: np.ndarray, candidates: Sequence[str]
) -> pd.DataFrame:
    """The share of each candidate among the choices for a function.

    Args:
        iterations: The iterations of runs of surrogate settings.
        function: One of `config.sizes.functions_of`.
        edges: The edges of the bins, as of `bins_of`.
        candidates: The candidates.

    Returns:
        A row for each bin, named after its first iteration, and a column for each candidate.
    """
    made = iterations.dropna(subset=[f"{function}_surrogate"])
    first = edges[np.searchsorted(edges, made["iteration"], side="right") - 1]
    counts = pd.crosstab(first, made[f"{function}_surrogate"])
    return counts.div(counts.sum(axis=1), axis=0).reindex(
        index=edges[:-1], columns=list(candidates), fill_value=0.0
    )


def _uncompared(runs: pd.DataFrame) -> str:
    """A sentence on the settings that choose a surrogate at random, without comparing any."""
    settings = setting_table(runs)
    parts = []
    for factor, what in (
        ("objective_metric", "the surrogates of both objectives"),
        ("constraint_metric", "the surrogate of the constraint"),
    ):
        drawn = settings.loc[settings[factor] == "random", "method"].tolist()
        if drawn:
            parts.append(f"{what} in {listed(drawn)}")
    return f" Chosen at random, without comparison: {'; '.join(parts)}." if parts else ""


@styled
def draw_surrogates(
    runs: pd.DataFrame,
    iterations: pd.DataFrame,
    candidates: Sequence[str],
    size: str = NONZERO_RATE,
) -> Drawing:
    """Draw the shares of the chosen surrogates over the iterations, a panel for each function.

    Args:
        runs: The run table of one network.
        iterations: The iterations of its runs.
        candidates: The candidate surrogates, in the order of the legend.
        size: The size that was minimised, a key of `config.sizes.SIZES`.
    """
    network = name_of(runs)
    complete = runs[runs["complete"]]
    made = iterations.dropna(subset=[f"{size}_surrogate"]).merge(
        complete[RUN_COLUMNS], on=RUN_COLUMNS
    )
    if made.empty:
        return nothing_to_draw(
            f"The complete runs on {network} record no choice of surrogates: n = 0 runs."
        )
    edges = bins_of(made["iteration"])
    figure, axes = new_panels(
        len(functions_of(size)), columns=3, height=2.6, xlabel="iteration (number)"
    )
    words = in_words(candidates)
    bars: list[Handle] = []
    for axis, (function, title) in zip(axes, functions_of(size).items(), strict=True):
        shares = chosen_shares(made, function, edges, candidates)
        bottom = np.zeros(len(shares))
        bars = []
        for position, (candidate, label) in enumerate(words.items()):
            color, hatch = fill(position)
            heights = shares[candidate].to_numpy()
            bars.append(
                axis.bar(
                    edges[:-1] - 0.5, heights, width=np.diff(edges), bottom=bottom, align="edge",
                    label=label, color=(color, 0.75), hatch=hatch, edgecolor="white",
                    linewidth=0.8,
                )
            )  # fmt: skip
            bottom = bottom + heights
        axis.set_title(title)
        axis.grid(visible=False)
    axes[0].set(xlim=(0.5, edges[-1] - 0.5), ylim=(0, 1))
    axes[0].xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
    percent(axes[0].yaxis, "share of the choices")
    figure.suptitle(network, x=0.01, ha="left")
    legend_below(figure, bars, columns_for(words.values()))
    width = int(np.diff(edges).max())
    taking = complete.merge(made[RUN_COLUMNS].drop_duplicates(), on=RUN_COLUMNS)
    binned = f", in bins of {width} iterations" if width > 1 else ""
    caption = (
        f"Surrogates chosen for each function on {network} over the iterations{binned}. "
        f"{n_runs(taking)}, {counted(len(made), 'iteration')}."
    )
    return Drawing(figure, caption + _uncompared(taking))


def fallback_counts(runs: pd.DataFrame, iterations: pd.DataFrame) -> pd.DataFrame:
    """The number of infills drawn at random in each run, by reason.

    Args:
        runs: Rows of the run table of one network.
        iterations: The iterations of the same network.

    Returns:
        A row for each run, in their order, and a column for each reason. Infills that no iteration
        explains are counted as `UNKNOWN`.
    """
    given = iterations[iterations["fallbacks"].fillna(0) > 0]
    named = given.assign(fallback_reason=given["fallback_reason"].fillna(UNKNOWN))
    table = named.pivot_table(
        index=["method", "seed"],
        columns="fallback_reason",
        values="fallbacks",
        aggfunc="sum",
        fill_value=0,
    )
    keys = pd.MultiIndex.from_frame(runs[["method", "seed"]])
    reasons = [*REASONS, *sorted(set(table.columns) - {*REASONS, UNKNOWN})]
    counts = table.reindex(index=keys, columns=reasons, fill_value=0).fillna(0)
    return counts.assign(**{UNKNOWN: runs["fallbacks"].to_numpy(dtype=float) - counts.sum(axis=1)})


@styled
def draw_fallbacks(runs: pd.DataFrame, iterations: pd.DataFrame) -> Drawing:
    """Draw the share of the infills drawn at random: a bar for each method, a point for each run.

    The bars are divided by reason.

    Args:
        runs: The run table of one network.
        iterations: The iterations of its runs.
    """
    network = name_of(runs)
    known = runs[runs["fallbacks"].notna() & (runs["infills"] > 0)]
    complete = known[known["complete"]]
    if complete.empty:
        return nothing_to_draw(
            f"No complete run on {network} says how many of its infills were drawn at random: "
            "n = 0 runs."
        )
    methods = list(dict.fromkeys(complete["method"]))
    counts = fallback_counts(complete, iterations).groupby("method").sum().loc[methods]
    infills = complete.groupby("method")["infills"].sum().loc[methods]
    figure, axis = new_figure(height=max(2.0, 1.2 + 0.32 * len(methods)))
    heights = np.arange(len(methods))
    handles: list[Handle] = []
    left = np.zeros(len(methods))
    for position, reason in enumerate(counts.columns):
        shares = (counts[reason] / infills).to_numpy()
        if shares.any():
            hue, hatch = fill(position)
            color = PALE if reason == UNKNOWN else hue
            handles.append(
                axis.barh(
                    heights,
                    shares,
                    left=left,
                    height=0.6,
                    color=(color, 0.6),
                    hatch=hatch,
                    edgecolor="white",
                    label=reason,
                )
            )
            left = left + shares
    for part, face, label in (
        (complete, INK, "run"),
        (known[~known["complete"]], "white", "incomplete run"),
    ):
        own = part[part["method"].isin(methods)]
        if len(own):
            rows = own["method"].map(methods.index) + 0.12 * (
                own.groupby("method").cumcount() % 5 - 2
            )
            handles += axis.plot(
                own["fallbacks"] / own["infills"],
                rows,
                "o",
                markersize=3.6,
                color=INK,
                markerfacecolor=face,
                label=label,
                clip_on=False,
                zorder=4,
            )
    axis.yaxis.set_major_locator(FixedLocator(heights.tolist()))
    axis.set_yticklabels(methods)
    axis.set(ylim=(len(methods) - 0.4, -0.6), xlim=(0, 1))
    axis.grid(axis="y", visible=False)
    percent(axis.xaxis, "infills drawn at random")
    axis.set_title(network)
    legend_below(figure, handles, columns=5)
    drawn, total = int(complete["fallbacks"].sum()), int(complete["infills"].sum())
    caption = (
        f"Infills on {network} that were drawn at random because too few new designs were "
        f"proposed: {drawn:,} of {total:,}. Bars are all runs of a method and points are single "
        f"runs. {n_runs(complete)}."
    )
    return Drawing(figure, caption + incomplete_note(known, "hollow and not in the bars"))
