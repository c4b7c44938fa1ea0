"""The axis of sizes, on which every figure of fronts shows the size that a study minimises."""

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


def draw_size_axis(axis: Axes, sizes: pd.Series, size: str) -> None:
    """Set up the x axis of sizes, but for its label.

    Bytes have an axis of ratios: with few bits, a network takes a hundredth of the dense one.

    Args:
        axis: The panel.
        sizes: The sizes to show, as shares of the dense network's.
        size: A key of SIZES.
    """
    least = float(sizes.min())
    if size == BYTES and least > 0:
        axis.set_xscale("log")
        left, right = least / NEARBY, NEARBY
        axis.set_xticks([tick for tick in TICKS if left <= tick <= right])
        axis.xaxis.set_minor_formatter(NullFormatter())
        axis.xaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:g}"))
    else:
        left, right = min(0.0, least) - 0.02, LARGEST
        percent(axis.xaxis)
    axis.set_xlim(left, right)
