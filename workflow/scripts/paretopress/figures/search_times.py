"""The time of a run, by part."""

import numpy as np
import pandas as pd

from ..statistics.costs import unit_of
from ..tables import RUN_COLUMNS
from ..words import counted
from .captions import incomplete_note, listed, n_runs, name_of
from .looks import methods_of
from .style import (
    BLUE,
    HATCHES,
    SKY,
    VERMILLION,
    Drawing,
    Handle,
    legend_below,
    new_figure,
    nothing_to_draw,
    styled,
)

INITIAL, OWN, SEARCH = "evaluation of the initial sample", "evaluation of own designs", "search"
COLORS = {INITIAL: SKY, OWN: BLUE, SEARCH: VERMILLION}


def parts_of(runs: pd.DataFrame, timings: pd.DataFrame, evaluations: pd.DataFrame) -> pd.DataFrame:
    """The seconds of each part of each run.

    The phase of an evaluation tells its part. The initial sample is evaluated once, and its times
    are repeated in all runs that share it.

    Args:
        runs: The runs to take, of one network.
        timings: The seconds of their evaluations and searches.
        evaluations: Their evaluations, with the phase of each.

    Returns:
        A row for each run of which any time is known: the columns of a run, and `INITIAL`, `OWN`
        and `SEARCH` in seconds. Unknown parts are missing.
    """
    known = timings.merge(runs[RUN_COLUMNS], on=RUN_COLUMNS)
    phases = evaluations[[*RUN_COLUMNS, "evaluation", "phase"]]
    known = known.merge(phases, on=[*RUN_COLUMNS, "evaluation"], how="left")
    part = np.select(
        [known["step"] == "search", known["phase"] == "initial"], [SEARCH, INITIAL], OWN
    )
    table = known.assign(part=part).pivot_table(
        index=RUN_COLUMNS, columns="part", values="seconds", aggfunc="sum", sort=False
    )
    return table.reindex(columns=list(COLORS)).reset_index()


def _unknown_note(runs: pd.DataFrame, timings: pd.DataFrame, parts: pd.DataFrame) -> str:
    """A sentence on the times that the bars lack because they were not measured."""
    keys = parts[RUN_COLUMNS]
    asked = int(keys.merge(runs, on=RUN_COLUMNS)["evaluations"].sum())
    measured = len(timings[timings["step"] == "evaluation"].merge(keys, on=RUN_COLUMNS))
    missing = []
    if measured < asked:
        missing.append(f"{asked - measured:,} of {counted(asked, 'evaluation')}")
    searches = int(parts[SEARCH].isna().sum())
    missing += [f"the search of {counted(searches, 'run')}"] if searches else []
    if not missing:
        return ""
    return f" The bars lack the time of {listed(missing)}, which is not known."


@styled
def draw_times(runs: pd.DataFrame, timings: pd.DataFrame, evaluations: pd.DataFrame) -> Drawing:
    """Draw a bar for each method: the median of each part of the time over its complete runs.

    Args:
        runs: The run table of one network.
        timings: The seconds of its evaluations and searches.
        evaluations: Its evaluations.
    """
    network = name_of(runs)
    complete = runs[runs["complete"]]
    parts = parts_of(complete, timings, evaluations)
    if parts.empty:
        return nothing_to_draw(f"No time of a complete run on {network} is known: n = 0 runs.")
    methods = methods_of(parts)
    medians = parts.groupby("method")[list(COLORS)].median().loc[methods].fillna(0.0)
    unit = unit_of(medians.sum(axis=1).max())
    figure, axis = new_figure(height=max(2.0, 1.2 + 0.32 * len(methods)))
    heights, left = np.arange(len(methods)), np.zeros(len(methods))
    handles: list[Handle] = []
    for position, (part, color) in enumerate(COLORS.items()):
        widths = (medians[part] / unit.seconds).to_numpy()
        if widths.any():
            handles.append(
                axis.barh(
                    heights, widths, left=left, height=0.62, color=(color, 0.75),
                    hatch=HATCHES[position], edgecolor="white", label=part
                )
            )  # fmt: skip
            left = left + widths
    if medians[SEARCH].any():
        shares = medians[SEARCH] / medians.sum(axis=1)
        for height, end, share in zip(heights, left, shares, strict=True):
            axis.annotate(
                f"search {share:.0%}",
                (end, height),
                xytext=(4, 0),
                textcoords="offset points",
                va="center",
                fontsize=8,
            )
    axis.set(
        yticks=heights,
        yticklabels=methods,
        ylim=(len(methods) - 0.4, -0.6),
        xlim=(0, 1.16 * left.max()),
        xlabel=f"median time of a run ({unit.name})",
    )
    axis.grid(axis="y", visible=False)
    axis.set_title(network)
    legend_below(figure, handles)
    taking = complete.merge(parts[RUN_COLUMNS], on=RUN_COLUMNS)
    caption = (
        f"Time of a run on {network} by part: the median over the runs of a method. "
        f"{n_runs(taking)}."
    )
    if parts[INITIAL].notna().any():
        caption += (
            " An initial sample is evaluated once for all runs that share it, and its time counts "
            "in each of them."
        )
    return Drawing(
        figure,
        caption + _unknown_note(complete, timings, parts) + incomplete_note(runs, "left out"),
    )
