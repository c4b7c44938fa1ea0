"""The parts that all figures share: size, fonts, colours, and files with their caption inside.

Readers with a colour vision deficiency can tell the colours apart.
"""

from collections.abc import Iterable, Sequence
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

from ..config.sizes import SIZES
from ..jobs.files import written_whole
from .paper import paper_note

WIDTH, HEIGHT = 7.2, 4.4  # inches: the width of a page's text
DPI = 200
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
# How many characters fit into a legend as wide as the page, and how many the sign of an entry takes.
ROW_OF_LEGEND, BESIDE_LABEL = 115, 10
DESCRIPTION = "{http://purl.org/dc/elements/1.1/}description"

# A decorator: a figure is made and written under these parameters, and those of the caller stay.
styled = matplotlib.rc_context(
    {
        # The style "whitegrid" of seaborn in its context "paper". Importing seaborn itself would
        # take as long as all other imports of the figures together.
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
        # It comes with matplotlib: the same figure on every machine.
        "font.sans-serif": ["DejaVu Sans"],
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
        "svg.hashsalt": "paretopress",  # the same figure gives the same bytes
    }
)


Handle = Artist | Container  # an entry of a legend


@dataclass(frozen=True)
class Drawing:
    """A figure and its caption.

    Attributes:
        figure: The figure, not yet written.
        caption: Its content in one or two sentences, with n. `save` adds the paper's figures.
    """

    figure: Figure
    caption: str


def new_figure(height: float = HEIGHT) -> tuple[Figure, Axes]:
    """A figure as wide as a page's text with one panel; `height` in inches."""
    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    return figure, figure.subplots()


def new_panels(count: int, columns: int, height: float, xlabel: str) -> tuple[Figure, list[Axes]]:
    """A figure of panels that share their axes.

    Args:
        count: Number of panels.
        columns: Number of panels in a row.
        height: Of one row, in inches.
        xlabel: Stands under the lowest panel of each column.

    Returns:
        The figure and its panels, row by row.
    """
    columns = min(columns, count)
    rows = -(-count // columns)
    figure = Figure(figsize=(WIDTH, height * rows + 0.7), layout="constrained")
    axes = list(figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False).flat)
    for surplus in axes[count:]:
        figure.delaxes(surplus)
    for axis in axes[max(count - columns, 0) : count]:
        # matplotlib would put one label for the whole figure under the legend.
        axis.set_xlabel(xlabel)
        axis.xaxis.set_tick_params(labelbottom=True)
    return figure, axes[:count]


def fill(position: int) -> tuple[str, str]:
    """The colour and the hatching of a bar: every position below 36 has a pair of its own."""
    return HUES[position % len(HUES)], HATCHES[(position + position // len(HUES)) % len(HATCHES)]


def columns_for(labels: Iterable[str]) -> int:
    """How many entries of a legend fit in a row, at most 4."""
    longest = max(map(len, labels), default=0)
    return max(1, min(4, ROW_OF_LEGEND // (longest + BESIDE_LABEL)))


def legend_below(figure: Figure, handles: Sequence[Handle], columns: int = 4) -> None:
    """Put a legend under the axes, where it hides nothing.

    Args:
        figure: The figure that gets the legend.
        handles: The entries, row by row. No entries give no legend.
        columns: Largest number of entries in a row.
    """
    if handles:
        columns = min(columns, len(handles))
        # matplotlib fills one column after the other.
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
    """Show a share as a percentage on an axis.

    Args:
        axis: The axis, whose data are fractions.
        what: Label of the axis, without its unit. An empty one leaves the label as it is.
    """
    axis.set_major_formatter(PercentFormatter(xmax=1, symbol=""))
    if what:
        axis.set_label_text(f"{what} (%)")


def hypervolume_label(size: str) -> str:
    """The label of an axis of hypervolumes by a size, a key of SIZES."""
    return f"hypervolume ({SIZES[size].words} and accuracy)"


@styled
def nothing_to_draw(reason: str) -> Drawing:
    """An empty figure that gives the reason why it is empty, which is its caption too."""
    figure, axis = new_figure(height=1.2)
    axis.set_axis_off()
    axis.text(0.5, 0.5, reason, ha="center", va="center", wrap=True, transform=axis.transAxes)
    return Drawing(figure, reason)


@styled
def save(drawing: Drawing, paths: Sequence[str | Path]) -> None:
    """Write a figure with its caption inside.

    The file's stem is its title. Where the stem names a figure of a study, a sentence that names
    the corresponding figures of the paper ends the caption.

    Args:
        drawing: The figure and its caption.
        paths: The files to write, SVG or PNG by their suffix.
    """
    for path in map(Path, paths):
        caption = drawing.caption + paper_note(path.stem)
        metadata: dict[str, str | None] = {"Title": path.stem, "Description": caption}
        if path.suffix == ".svg":
            metadata["Date"] = None
        with written_whole(path) as temporary:
            drawing.figure.savefig(temporary, dpi=DPI, metadata=metadata)


def caption_of(path: str | Path) -> str:
    """The caption inside an SVG file that `save` wrote.

    Args:
        path: The SVG file.

    Returns:
        The whole caption, with the sentence on the paper's figures.

    Raises:
        ValueError: If the file holds no caption.
    """
    found = ElementTree.parse(path).find(f".//{DESCRIPTION}")
    if found is None or not found.text:
        raise ValueError(f"{path} holds no description")
    return found.text
