"""How each method looks, the same in all figures of a network."""

from dataclasses import dataclass
from itertools import cycle

import pandas as pd
from matplotlib.typing import LineStyleType

from ..runs.method_names import FACTORS, METRICS
from .style import HUES, INK

FEW_SETTINGS = 4  # so many surrogate settings have a hue of their own; of more, the hue is that of the constraint metric
MARKERS = ("o", "s", "^", "D", "v", "P")
LINES: tuple[LineStyleType, ...] = ("-", (0, (5, 1.5)), (0, (4, 1.2, 1, 1.2)), (0, (1.2, 1.2)))
OTHERS = (INK, "#666666", "#a0a0a0", "#a66f2b")
OTHER_MARKERS = ("X", "p", "*", "h")
OTHER_LINES: tuple[LineStyleType, ...] = (
    (0, (7, 2)),
    (0, (2, 1.5)),
    (0, (7, 2, 2, 2)),
    (0, (1, 2)),
)


@dataclass(frozen=True)
class Look:
    """Colour, marker and line style of a method."""

    color: str
    marker: str
    line: LineStyleType


METRIC_COLORS = dict(zip(METRICS, HUES, strict=False))
METRIC_MARKERS = dict(zip(METRICS, MARKERS, strict=False))
METRIC_LINES = dict(zip(METRICS, LINES, strict=False))


def methods_of(runs: pd.DataFrame) -> list[str]:
    """The methods in the order of the table."""
    return list(dict.fromkeys(runs["method"]))


def setting_table(runs: pd.DataFrame) -> pd.DataFrame:
    """method and its two metrics: a row for each surrogate setting among the runs."""
    return runs.loc[runs[FACTORS[0]].notna(), ["method", *FACTORS]].drop_duplicates("method")


def looks_of(runs: pd.DataFrame) -> dict[str, Look]:
    """The look of each method. runs: all of one network, so that a method looks the same in a figure that shows only some.

    With many surrogate settings the constraint metric gives colour and line, the objective metric the marker. Methods without
    surrogates are black, grey or brown.
    """
    settings = setting_table(runs)
    if len(settings) <= FEW_SETTINGS:
        looks = {
            method: Look(*look)
            for method, look in zip(
                settings["method"], zip(HUES, MARKERS, LINES, strict=False), strict=False
            )
        }
    else:
        looks = {
            method: Look(
                METRIC_COLORS[constraint], METRIC_MARKERS[objective], METRIC_LINES[constraint]
            )
            for method, objective, constraint in settings.itertuples(index=False)
        }
    others = [method for method in methods_of(runs) if method not in looks]
    return looks | {
        method: Look(*look)
        for method, look in zip(others, cycle(zip(OTHERS, OTHER_MARKERS, OTHER_LINES, strict=True)))
    }
