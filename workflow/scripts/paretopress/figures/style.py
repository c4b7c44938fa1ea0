"""What all figures share: size, type, colours that the colour-blind tell apart, files that carry their caption."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import matplotlib
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.container import Container
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from ..jobs.files import written_whole

WIDTH, HEIGHT = 7.2, 4.4  # inches: the width of a page's text
DPI = 200
HYPERVOLUME = "hypervolume (share of the feasible box)"
INK, GREY, PALE = "#222222", "#767676", "#c9c9c9"
# Okabe and Ito's palette (jfly.uni-koeln.de/color) without its yellow, which is too pale on white.
BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY = (
    "#0072b2",
    "#d55e00",
    "#009e73",
    "#cc79a7",
    "#e69f00",
    "#56b4e9",
)
HUES = (BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY)
HATCHES = ("", "///", "...", "xx", "\\\\\\", "++")
DESCRIPTION = "{http://purl.org/dc/elements/1.1/}description"

# As a decorator: a figure is made, and written, under these parameters, and the caller's stay as they are.
styled = matplotlib.rc_context(
    {
        # seaborn's style "whitegrid" in its context "paper", without what takes as long to load as all else here.
        **dict.fromkeys(("axes.labelcolor", "text.color", "xtick.color", "ytick.color"), ".15"),
        **dict.fromkeys(("axes.axisbelow", "axes.grid", "patch.force_edgecolor"), True),
        **dict.fromkeys(("xtick.bottom", "ytick.left"), False),
        "lines.linewidth": 1.2,
        "lines.markersize": 4.8,
        "lines.solid_capstyle": "round",
        "patch.edgecolor": "w",
        "patch.linewidth": 0.8,
        "xtick.major.size": 4.8,
        "ytick.major.size": 4.8,
        "xtick.minor.size": 3.2,
        "ytick.minor.size": 3.2,
        "font.sans-serif": [
            "DejaVu Sans"
        ],  # comes with matplotlib: the same figure on every machine
        "font.size": 9,
        "axes.labelsize": 9,
        "axes.titlesize": 9,
        "axes.titlelocation": "left",
        "figure.labelsize": 9,
        "figure.titlesize": 9,
        "legend.fontsize": 8,
        "legend.title_fontsize": 8,
        "xtick.labelsize": 8,
        "ytick.labelsize": 8,
        "axes.edgecolor": "#888888",
        "axes.linewidth": 0.8,
        "grid.color": "#e2e2e2",
        "grid.linewidth": 0.6,
        "hatch.linewidth": 0.6,
        "svg.hashsalt": "paretopress",  # the same figure is the same file
    }
)


Handle = Artist | Container  # what a legend can show


@dataclass(frozen=True)
class Drawing:
    """A figure and what it shows in one or two sentences."""

    figure: Figure
    caption: str


def new_figure(height: float = HEIGHT) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    return figure, figure.subplots()


def new_panels(count: int, columns: int, height: float, xlabel: str) -> tuple[Figure, list[Axes]]:
    """`count` panels in rows of `columns` with shared axes, `xlabel` under each column. height: of one row, in inches."""
    columns = min(columns, count)
    rows = -(-count // columns)
    figure = Figure(figsize=(WIDTH, height * rows + 0.7), layout="constrained")
    axes = list(figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False).flat)
    for surplus in axes[count:]:
        figure.delaxes(surplus)
    for axis in axes[max(count - columns, 0) : count]:
        # Not one label for the whole figure: matplotlib would put it under the legend.
        axis.set_xlabel(xlabel)
        axis.xaxis.set_tick_params(labelbottom=True)
    return figure, axes[:count]


def legend_below(figure: Figure, handles: Sequence[Handle], columns: int = 4) -> None:
    """A legend under the axes, where it hides nothing; read row by row, none for no handles."""
    if handles:
        columns = min(columns, len(handles))
        # matplotlib fills the columns one after the other.
        rows = [handles[start : start + columns] for start in range(0, len(handles), columns)]
        by_column = [row[column] for column in range(columns) for row in rows if column < len(row)]
        figure.legend(
            handles=by_column,
            loc="outside lower center",
            ncols=columns,
            frameon=False,
            handlelength=2.6,
        )


def percent(axis: Axis, what: str = "") -> None:
    """Ticks of a share as percentages; `what` as the axis's label, with its unit."""
    axis.set_major_formatter(PercentFormatter(xmax=1, symbol=""))
    if what:
        axis.set_label_text(f"{what} (%)")


@styled
def nothing_to_draw(reason: str) -> Drawing:
    """An empty figure that says why it is empty."""
    figure, axis = new_figure(height=1.2)
    axis.set_axis_off()
    axis.text(0.5, 0.5, reason, ha="center", va="center", wrap=True, transform=axis.transAxes)
    return Drawing(figure, reason)


@styled
def save(drawing: Drawing, paths: Sequence[str | Path]) -> None:
    """Writes each of `paths`, SVG or PNG by its suffix, with its stem as the title and the caption as the description inside."""
    for path in map(Path, paths):
        metadata: dict[str, str | None] = {"Title": path.stem, "Description": drawing.caption}
        if path.suffix == ".svg":
            metadata["Date"] = None
        with written_whole(path) as temporary:
            drawing.figure.savefig(temporary, dpi=DPI, metadata=metadata)


def caption_of(path: str | Path) -> str:
    """The caption inside an SVG file that `save` wrote; ValueError for another SVG file."""
    found = ElementTree.parse(path).find(f".//{DESCRIPTION}")
    if found is None or not found.text:
        raise ValueError(f"{path} holds no description")
    return found.text
