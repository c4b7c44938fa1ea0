"""What the time of a run went into."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..tables import RUN_COLUMNS
from .captions import counted, incomplete_note, listed, n_runs, name_of
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


@dataclass(frozen=True)
class Unit:
    """A unit of time: its name and its length in seconds."""

    name: str
    seconds: float


UNITS = (Unit("hours", 3600.0), Unit("minutes", 60.0), Unit("seconds", 1.0))
LEAST_UNITS = 3  # the largest unit of which the longest bar has as many


def unit_of(seconds: float) -> Unit:
    return next((unit for unit in UNITS if seconds >= LEAST_UNITS * unit.seconds), UNITS[-1])


def parts_of(runs: pd.DataFrame, timings: pd.DataFrame, evaluations: pd.DataFrame) -> pd.DataFrame:
    """Seconds of INITIAL, OWN and SEARCH of each of `runs` of which any time is known; what is not known is missing.

    The phase of an evaluation says whose it is: the initial sample is evaluated once, and its times stand in all runs that share it.
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
    """What the bars lack because nobody measured it."""
    keys = parts[RUN_COLUMNS]
    asked = int(keys.merge(runs, on=RUN_COLUMNS)["evaluations"].sum())
    measured = len(timings[timings["step"] == "evaluation"].merge(keys, on=RUN_COLUMNS))
    missing = [f"{asked - measured:,} of {asked:,} evaluations"] if measured < asked else []
    searches = int(parts[SEARCH].isna().sum())
    missing += [f"the search of {counted(searches, 'run')}"] if searches else []
    return f" Not known, and not in the bars: the time of {listed(missing)}." if missing else ""


@styled
def draw_times(runs: pd.DataFrame, timings: pd.DataFrame, evaluations: pd.DataFrame) -> Drawing:
    """A bar for each method: the median over its complete runs of each part of their time. All three tables: of one network."""
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
                    heights, widths, left=left, height=0.62, color=(color, 0.75), hatch=HATCHES[position], edgecolor="white", label=part
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
    caption = f"Time of a run on {network} by part, the median over the runs of a method; {n_runs(taking)}."
    if parts[INITIAL].notna().any():
        caption += (
            " An initial sample is evaluated once for all runs that share it, and counted in each."
        )
    return Drawing(
        figure,
        caption + _unknown_note(complete, timings, parts) + incomplete_note(runs, "left out"),
    )
