"""The report's numbers on each network: dense accuracy, front, test images, sizes and times."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from ..config.sizes import BYTES, NONZERO_RATE, SIZES
from ..config.variables import FLOAT_BITS, NONE, RANDOM, SCOPE_VALUES, TARGET_VALUES
from ..figures.style import caption_of
from ..fronts.union import DENSE
from ..networks.cautions import Caution, cautions
from ..search.hypervolume import scaled_hypervolume
from ..search.objectives import POINTS
from ..statistics.training import still_improving
from ..tables import records

KINDS = ("linear", "conv")
DECIDED = ("scope", "amount", "target", "bits")
BYTES_RATE = {BYTES: "bytes_rate"}
TRAINED, IMPORTED_WEIGHTS, EVALUATIONS = "trained here", "imported weights", "imported evaluations"


@dataclass(frozen=True)
class OnTestImages:
    """A front on the test images.

    Attributes:
        images: The number of test images.
        threshold: The accuracy floor on the test images, in [0, 1].
        keeping: The number of designs that keep this floor.
        median_change: The median change of a design's accuracy from the images of the search, in
            percentage points. None without a design.
        dense_change: That of the dense network.
        hypervolume: That of the front's designs on the images of the "search" and of the "test".
            Each is scaled above the floor of its images. Designs below that are left out.
    """

    images: int
    threshold: float
    keeping: int
    median_change: float | None
    dense_change: float
    hypervolume: Mapping[str, float]


@dataclass(frozen=True)
class Drawn:
    """A figure for the page: its SVG element, and the caption that the file carries."""

    svg: str
    caption: str


@dataclass(frozen=True)
class NetworkPage:
    """The report's numbers on one network and its front.

    Attributes:
        name: The name of the network.
        size: The column of the size that was minimised, in the rows of the front.
        words, part: That size in words, as in `config.sizes.Size`.
        dense_bytes: The bytes of the dense float32 network. None if unknown.
        has_bytes: Whether the share of bytes of any of its designs is known.
        imported: Whether only tables of evaluations know it. It has no weights to measure then.
        origin: TRAINED, IMPORTED_WEIGHTS or EVALUATIONS.
        metrics: The content of its metrics.json.
        dense_accuracy: The dense network's accuracy on the images of the search. None if unknown.
        images: The number of these images. None if unknown.
        threshold: The accuracy floor on these images, in [0, 1].
        front: Its designs, smallest first, with sizes and times where they were measured.
        dense: The dense network's row of the front. None if unknown.
        repaired: The entry "repaired" of its metrics.json. None without repair.
        on_test: The front on the test images. None if imported.
        relative_times: The median time of the designs of each kind, see `relative_times`.
        improving: The rise of the accuracy at the end of its training, see `still_improving`.
        cautions: The warnings on its dense network, see `cautions`.
        subsets: The designs of the front that prune a random subset of layers, with the layers.
        smallest: The smallest design of the front. None if the front is empty.
        best: The most accurate design of the front. None if the front is empty.
        figures: The figures by name.
    """

    name: str
    size: str
    words: str
    part: str
    dense_bytes: int | None
    has_bytes: bool
    imported: bool
    origin: str
    metrics: Mapping[str, Any]
    dense_accuracy: float | None
    images: int | None
    threshold: float
    front: Sequence[Mapping[str, Any]]
    dense: Mapping[str, Any] | None
    repaired: Mapping[str, Any] | None
    on_test: OnTestImages | None
    relative_times: Mapping[str, float]
    improving: float | None
    cautions: Sequence[Caution]
    subsets: Sequence[Mapping[str, Any]]
    smallest: Mapping[str, Any] | None
    best: Mapping[str, Any] | None
    figures: Mapping[str, Drawn]


def in_words(scope: Any, amount: Any, target: Any, bits: Any = FLOAT_BITS) -> str:
    """Say what is done to one kind of layer; an imported design need not tell it."""
    rounded = "" if pd.isna(bits) or bits == FLOAT_BITS else f"weights in {bits:g} bits"
    if pd.isna([scope, amount, target]).any():
        pruned = "not told"
    elif scope not in SCOPE_VALUES or target not in TARGET_VALUES:
        pruned = f"{amount:.1%}, scope {scope:g}, target {target:g}"
    elif scope == NONE:
        pruned = "" if rounded else "untouched"
    else:
        pruned = f"{amount:.1%} of the {TARGET_VALUES[target]} zero, {SCOPE_VALUES[scope]}"
    return "; ".join(filter(None, (pruned, rounded)))


def front_rows(front: pd.DataFrame) -> list[dict[str, Any]]:
    """The front's designs, smallest first, each with what is done to it in words."""
    return [
        {
            **row,
            **{
                kind: in_words(
                    *(row[f"{kind}_{part}"] for part in DECIDED if f"{kind}_{part}" in row)
                )
                for kind in KINDS
            },
            "int8": {0: False, 1: True}.get(row["quantization"])
            if pd.notna(row["quantization"])
            else None,
            "seed": None if pd.isna(row["seed"]) else int(row["seed"]),
        }
        for row in records(front[front["design_id"] != DENSE])
    ]


def _layers(row: Mapping[str, Any]) -> dict[str, list[str]]:
    """The names of the pruned layers as lists, where the table of sizes has them."""
    columns = {"linear_layers", "conv_layers"} & set(row)
    return {name: [] if pd.isna(row[name]) else row[name].split(";") for name in sorted(columns)}


def _scopes(row: Mapping[str, Any]) -> tuple[Any, Any]:
    return row["linear_scope"], row["conv_scope"]


def summary_on_test_images(
    metrics: Mapping[str, Any],
    test: pd.DataFrame,
    threshold: float,
    test_threshold: float,
    size: str = NONZERO_RATE,
) -> OnTestImages:
    """Summarise what the front is worth on the test images.

    Args:
        metrics: The content of the network's metrics.json.
        test: The front's table of test accuracies, the dense network's row last.
        threshold: The accuracy floor on the images of the search, in [0, 1].
        test_threshold: The accuracy floor on the test images, in [0, 1].
        size: The size that was minimised, a key of `config.sizes.SIZES`.

    Returns:
        The summary.
    """
    designs, change = (
        test[test["design_id"] != DENSE],
        POINTS * (test["test_accuracy"] - test["accuracy"]),
    )
    sizes = designs[size].to_numpy()
    return OnTestImages(
        images=metrics["images"]["test"],
        threshold=test_threshold,
        keeping=int(designs["test_feasible"].sum()),
        median_change=float(change[designs.index].median()) if len(designs) else None,
        dense_change=float(change.iloc[-1]),
        hypervolume={
            "search": scaled_hypervolume(sizes, designs["accuracy"].to_numpy(), threshold),
            "test": scaled_hypervolume(sizes, designs["test_accuracy"].to_numpy(), test_threshold),
        },
    )


def relative_times(times: pd.DataFrame, front: Sequence[str]) -> dict[str, float]:
    """The median time of the front's designs, as a multiple of the dense network's.

    Args:
        times: The table of inference times. It may have more designs than the front.
        front: The design_ids of the front.

    Returns:
        The median by kind, "float32" or "int8", of those kinds that occur.
    """
    designs = times[times["design_id"].isin(front)]
    kinds = designs["quantization"].map({0: "float32", 1: "int8"})
    return {
        str(kind): float(value)
        for kind, value in designs.groupby(kinds)["relative_to_dense"].median().items()
    }


def embedded(path: str) -> Drawn:
    """Read a figure for the page.

    HTML does not know the XML prologue, and so it is left out. The ids get a prefix, so that they
    are unique in the page.
    """
    text = Path(path).read_text(encoding="utf-8")
    svg = text[text.index("<svg") :]
    prefix = Path(path).stem + "-"
    svg = (
        svg.replace('id="', f'id="{prefix}')
        .replace("url(#", f"url(#{prefix}")
        .replace('href="#', f'href="#{prefix}')
    )
    return Drawn(svg, caption_of(path))


def network_page(
    name: str,
    metrics: Mapping[str, Any],
    split: str,
    thresholds: Mapping[str, float],
    front: pd.DataFrame,
    measured: Mapping[str, pd.DataFrame],
    figures: Mapping[str, str],
    accuracies: Sequence[float] = (),
    weights_given: bool = False,
    size: str = NONZERO_RATE,
    left_out: Sequence[str] = (),
) -> NetworkPage:
    """Collect the report's numbers on one network.

    Args:
        name: The name of the network.
        metrics: The content of its metrics.json.
        split: The images of the search.
        thresholds: The accuracy floor by split, in [0, 1].
        front: Its union front.
        measured: The tables "tests", "sizes" and "times" of the front's designs. Empty for a
            network that only tables of evaluations know.
        figures: The paths of its SVG files by name.
        accuracies: The accuracy on the validation images after each epoch of its training here.
        weights_given: Whether its weights were given and not trained here.
        size: The size that was minimised, a key of `config.sizes.SIZES`.
        left_out: The keys "mean" and "std" of the dataset that the config leaves out.

    Returns:
        The numbers and figures.
    """
    # In the table of sizes, bytes are those of a file. Elsewhere they are a share.
    front = front.rename(columns=BYTES_RATE)
    for kind, table in measured.items():
        table = table if kind == "sizes" else table.rename(columns=BYTES_RATE)
        new = table[["design_id", *table.columns.difference(front.columns)]]
        front = front.merge(new, on="design_id", how="left", validate="one_to_one")
    rows = [{**row, **_layers(row)} for row in front_rows(front)]
    key = BYTES_RATE.get(size, size)
    dense = records(front[front["design_id"] == DENSE])
    return NetworkPage(
        name=name,
        size=key,
        words=SIZES[size].words,
        part=SIZES[size].part,
        dense_bytes=metrics.get("dense_bytes"),
        has_bytes=any(pd.notna(row["bytes_rate"]) for row in rows),
        imported=not measured,
        origin=EVALUATIONS if not measured else IMPORTED_WEIGHTS if weights_given else TRAINED,
        metrics=metrics,
        dense_accuracy=metrics["accuracy"][split],
        images=metrics["images"][split],
        threshold=thresholds[split],
        front=rows,
        dense=dense[0] if dense else None,
        repaired=metrics.get("repaired"),
        on_test=summary_on_test_images(
            metrics, measured["tests"], thresholds[split], thresholds["test"], size
        )
        if measured
        else None,
        relative_times=relative_times(measured["times"], [row["design_id"] for row in rows])
        if measured
        else {},
        improving=still_improving(list(accuracies), metrics),
        cautions=cautions(metrics, split, weights_given, left_out) if measured else (),
        subsets=[row for row in rows if "conv_layers" in row and RANDOM in _scopes(row)],
        smallest=rows[0] if rows else None,
        best=max(rows, key=lambda row: (row["accuracy"], -row[key])) if rows else None,
        figures={key: embedded(path) for key, path in figures.items()},
    )
