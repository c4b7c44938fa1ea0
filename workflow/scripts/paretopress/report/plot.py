"""The plot of a front that answers to the reader: the content of the figure, and what can be chosen.

`workflow/report/front.js` shows it.
"""

import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd

from ..config.sizes import BYTES, NONZERO_RATE
from ..figures.front import DIM, LEAST_SHOWN, lowest_shown
from ..figures.size_axis import shown_sizes, size_label
from ..figures.style import BLUE, GREEN, INK, PURPLE, VERMILLION
from ..figures.unpruned import REPAIRED
from ..fronts.union import DENSE
from .networks import BYTES_RATE, NetworkPage
from .render import percent
from .units import unit_of_bytes

MARGIN = 0.06  # above the highest point, as a share of the range, as in the figure
CLOUD_DIGITS = 4  # more than a screen can show


@dataclass(frozen=True)
class Point:
    """A network that the reader can choose.

    Attributes:
        id: The design_id, or the name of a network that is no design. Unique in a plot.
        x: Its size, as a share of the dense network's.
        y: Its accuracy on the images of the search, in [0, 1].
        test: Its accuracy on the test images. None if unknown, or not to be shown.
        title: What it is called.
        details: What is known of it, as pairs of a name and a text.
        command: The command that exports it. Empty if there is none.
    """

    id: str
    x: float
    y: float
    test: float | None
    title: str
    details: Sequence[tuple[str, str]]
    command: str = ""


@dataclass(frozen=True)
class Series:
    """Points of one look.

    Attributes:
        name: Its entry in the legend.
        color: Colour, in hexadecimal digits.
        marker: The marker, a `pointStyle` of Chart.js.
        radius: The radius of the marker, in pixels.
        points: The points, smallest first.
        stepped: Whether a line joins them, in steps as that of a front.
    """

    name: str
    color: str
    marker: str
    radius: float
    points: Sequence[Point]
    stepped: bool = False


@dataclass(frozen=True)
class Cloud:
    """Networks that are shown, and cannot be chosen.

    Attributes:
        name, color, marker: As those of a series.
        points: Pairs of a size and an accuracy.
    """

    name: str
    color: str
    marker: str
    points: Sequence[tuple[float, float]]


def _sizes_in_words(page: NetworkPage, row: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if page.dense_bytes:
        unit, share = unit_of_bytes(page.dense_bytes), row["bytes_rate"]
        packed = f"{unit.show(share * page.dense_bytes)} of {unit.show(page.dense_bytes)}"
        yield "packed", f"{packed} {unit.prefix}B ({percent(share)})"
    elif page.has_bytes:
        yield "bytes", f"{percent(row['bytes_rate'])} of the dense network's"
    yield "non-zero weights", percent(row["nonzero_rate"])


def _accuracies_in_words(
    page: NetworkPage, accuracy: float, test: float | None, images: str
) -> Iterator[tuple[str, str]]:
    for name, value, floor in (
        (f"accuracy ({images or 'reported'})", accuracy, page.threshold),
        ("accuracy (test)", test, page.on_test.threshold if page.on_test else 0.0),
    ):
        if value is not None:
            below = f", below the floor of {percent(floor, 2)}" if value < floor else ""
            yield name, percent(value, 2) + below


def _what_was_done(row: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield "Linear layers", row["linear"] + ("; computed in int8" if row["int8"] else "")
    yield "convolutions", row["conv"]
    yield "found by", row["method"] + ("" if row["seed"] is None else f", seed {row['seed']}")


def _point(
    page: NetworkPage,
    row: Mapping[str, Any],
    images: str,
    title: str,
    more: Iterable[tuple[str, str]] = (),
    command: str = "",
) -> Point:
    accuracy = row["accuracy"]
    test = row["test_accuracy"] if page.on_test and images != "test" else None
    words = _accuracies_in_words(page, accuracy, test, images)
    details = [*_sizes_in_words(page, row), *words, *more]
    return Point(row["design_id"], row[page.size], accuracy, test, title, details, command)


def _series(page: NetworkPage, images: str, export: str) -> Iterator[Series]:
    """The front, the dense network, and the dense network repaired, as far as they are known."""

    def design(row: Mapping[str, Any]) -> Point:
        name = row["design_id"]
        command = "" if page.imported else f"{export} {shlex.join([page.name, name])}"
        return _point(page, row, images, f"design {name}", _what_was_done(row), command)

    def unpruned(
        row: Mapping[str, Any], title: str, color: str, marker: str, radius: float
    ) -> Series:
        name = f"{title} ({percent(row['accuracy'])})"
        return Series(name, color, marker, radius, [_point(page, row, images, title)])

    designs = [design(row) for row in page.front]
    yield Series(f"front ({len(designs):,})", VERMILLION, "rectRot", 6, designs, stepped=True)
    if page.dense:
        yield unpruned(page.dense, "dense network", INK, "star", 9)
    if page.dense and page.repaired:
        found = page.repaired["accuracy"]
        row = {"design_id": REPAIRED, "accuracy": found[images], "test_accuracy": found["test"]}
        yield unpruned({**page.dense, **row}, "dense network, repaired", GREEN, "rect", 8)


def _clouds(designs: pd.DataFrame, size: str) -> Iterator[Cloud]:
    """The evaluated designs: those that keep the floor, those under it, those of a rate below 0."""
    below = designs["nonzero_rate"] < 0
    for part, name, color, marker in (
        (designs["feasible"] & ~below, "keeps the floor", BLUE, "circle"),
        (~designs["feasible"] & ~below, "under the floor", DIM, "crossRot"),
        (below, "non-zero rate below 0", PURPLE, "triangle"),
    ):
        own = designs[part]
        places = {
            (float(f"{x:.{CLOUD_DIGITS}g}"), round(float(y), CLOUD_DIGITS))
            for x, y in zip(own[size], own["accuracy"], strict=True)
        }
        if places:
            yield Cloud(f"{name} ({len(own):,})", color, marker, sorted(places))


def front_plot(
    page: NetworkPage,
    evaluations: pd.DataFrame,
    split: str,
    export: str,
    others: Sequence[Series] = (),
) -> dict[str, Any]:
    """Collect what the plot of a front shows.

    Args:
        page: The report's numbers on the network.
        evaluations: The evaluations of the runs that the front comes from.
        split: The images of the search.
        export: The start of the command that exports a design, see `config.export`.
        others: More series, beside those of the front and the dense network.

    Returns:
        The plot as JSON has it. "first" is the id of the point that is chosen at the start: the
        smallest design that keeps the floor, on the test images too if there is one.
    """
    images = "" if page.imported else split
    series = [*_series(page, images, export), *others]
    points = [point for one in series for point in one.points]
    floors = [(f"floor ({percent(page.threshold)})", page.threshold)]
    with_test = page.on_test and images != "test"
    if page.on_test and with_test and page.on_test.threshold != page.threshold:
        floors.append(("floor on test images", page.on_test.threshold))
    designs = evaluations.drop_duplicates("design_id")
    heights = [point.y for point in points]
    heights += [point.test for point in points if point.test is not None]
    lowest = min(
        lowest_shown(designs, page.threshold, page.dense_accuracy if page.dense else None),
        *(height - LEAST_SHOWN for height in heights),
    )
    top = max(page.threshold, designs["accuracy"].max(), *heights)
    shown = designs[designs["accuracy"] >= lowest].rename(columns=BYTES_RATE)
    size = BYTES if page.size == BYTES_RATE[BYTES] else NONZERO_RATE
    axis = shown_sizes(min([*shown[page.size], *(point.x for point in points)]), size)
    keeping = [row for row in page.front if not with_test or row["test_feasible"]]
    first = [row["design_id"] for row in [*keeping, *page.front]]
    return {
        "series": [asdict(one) for one in series],
        "clouds": [asdict(one) for one in _clouds(shown, page.size)],
        "floors": floors,
        "x": {"label": size_label(size), **asdict(axis)},
        "y": {
            "label": f"accuracy on {images} images (%)" if images else "accuracy (%)",
            "ends": (lowest, top + MARGIN * (top - lowest)),
        },
        "first": next(iter(first), DENSE),
    }
