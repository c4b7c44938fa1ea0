"""The colour, marker and line of each method, the same in all figures of a network."""

from dataclasses import dataclass
from itertools import cycle

import pandas as pd
from matplotlib.typing import LineStyleType

from ..runs.method_names import FACTORS, METRICS
from .style import HUES, INK

# Up to so many surrogate settings have a colour each. Of more, the constraint metric gives it.
FEW_SETTINGS = 4
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
    """Colour, marker and line style of a method.

    Attributes:
        color: Colour, in hexadecimal digits.
        marker: Marker, in matplotlib's code.
        line: Line style, in matplotlib's code.
    """

    color: str
    marker: str
    line: LineStyleType


METRIC_COLORS = dict(zip(METRICS, HUES, strict=False))
METRIC_MARKERS = dict(zip(METRICS, MARKERS, strict=False))
METRIC_LINES = dict(zip(METRICS, LINES, strict=False))


def methods_of(runs: pd.DataFrame) -> list[str]:
    """The methods of a table, in its order."""
    return list(dict.fromkeys(runs["method"]))


def setting_table(runs: pd.DataFrame) -> pd.DataFrame:
    """The surrogate settings among the runs, a row each: method and its two metrics."""
    return runs.loc[runs[FACTORS[0]].notna(), ["method", *FACTORS]].drop_duplicates("method")


def looks_of(runs: pd.DataFrame) -> dict[str, Look]:
    """The look of each method.

    With more than `FEW_SETTINGS` surrogate settings the constraint metric gives the colour and the
    line, and the objective metric gives the marker. Methods without surrogates are black, grey or
    brown.

    Args:
        runs: All runs of one network, so that a method looks the same in a figure of a few methods.
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
