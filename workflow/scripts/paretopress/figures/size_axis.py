"""The axis of sizes, on which every figure of fronts shows the size that a study minimises."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, NullFormatter

from ..config.sizes import BYTES, SIZES
from .style import percent

LARGEST = 1.02  # a little more than the dense network, whose marker would be cut off
TICKS = (1e-4, 2e-4, 5e-4, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
NEARBY = 1.25  # on an axis of ratios, the factor between an end and the next point


def size_label(size: str) -> str:
    """The label of the axis of a size, a key of SIZES."""
    return f"{SIZES[size].axis} (%)"


@dataclass(frozen=True)
class ShownSizes:
    """What an axis of sizes shows.

    Attributes:
        ends: The sizes at its ends, as shares of the dense network's.
        ticks: The sizes with a number, on an axis of ratios. None on an axis of differences.
    """

    ends: tuple[float, float]
    ticks: Sequence[float] | None


def shown_sizes(least: float, size: str) -> ShownSizes:
    """What the axis of sizes shows.

    Bytes have an axis of ratios: with few bits, a network takes a hundredth of the dense one.

    Args:
        least: The smallest size to show, as a share of the dense network's.
        size: A key of SIZES.
    """
    if size != BYTES or least <= 0:
        return ShownSizes((min(0.0, least) - 0.02, LARGEST), None)
    left, right = least / NEARBY, NEARBY
    return ShownSizes((left, right), [tick for tick in TICKS if left <= tick <= right])


def draw_size_axis(axis: Axes, sizes: pd.Series, size: str) -> None:
    """Set up the x axis of sizes, but for its label.

    Args:
        axis: The panel.
        sizes: The sizes to show, as shares of the dense network's.
        size: A key of SIZES.
    """
    shown = shown_sizes(float(sizes.min()), size)
    if shown.ticks is None:
        percent(axis.xaxis)
    else:
        axis.set_xscale("log")
        axis.set_xticks(shown.ticks)
        axis.xaxis.set_minor_formatter(NullFormatter())
        axis.xaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:g}"))
    axis.set_xlim(*shown.ends)
