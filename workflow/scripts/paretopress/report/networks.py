"""What the report says of each network: the dense one, its front, what became of it on test images, sizes and times."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from ..compression.designs import ALL, BIAS, BOTH, NONE, RANDOM, WEIGHT
from ..figures.style import caption_of
from ..fronts.union import DENSE
from ..search.hypervolume import scaled_hypervolume
from ..search.objectives import POINTS
from ..statistics.training import still_improving
from ..tables import records

SCOPES = {NONE: "untouched", RANDOM: "a random subset", ALL: "all layers"}
TRAINED, IMPORTED_WEIGHTS, EVALUATIONS = "trained here", "imported weights", "imported evaluations"
TARGET_WORDS = {BIAS: "biases", WEIGHT: "weights", BOTH: "weights and biases"}


@dataclass(frozen=True)
class OnTestImages:
    """What is left of a front on the test images; tau is that of each split, accuracy changes are in percentage points.

    hypervolume: of the front's designs, scaled above tau of its split, those under it left out; by "search" and "test".
    """

    images: int
    threshold: float
    keeping: int
    median_change: float | None
    dense_change: float
    hypervolume: Mapping[str, float]


@dataclass(frozen=True)
class Drawn:
    """A figure as it stands in the page: its SVG element, and the caption that it carries."""

    svg: str
    caption: str


@dataclass(frozen=True)
class NetworkPage:
    """What the report says of one network and its front.

    imported: only evaluation tables know it, so that it has no weights to measure on. dense_accuracy, images: None where not known.
    front: its designs, smallest first, with sizes and times where they were measured. dense: the dense network's row, where known.
    """

    name: str
    imported: bool
    origin: str
    metrics: Mapping[str, Any]
    dense_accuracy: float | None
    images: int | None
    threshold: float
    front: Sequence[Mapping[str, Any]]
    dense: Mapping[str, Any] | None
    on_test: OnTestImages | None
    relative_times: Mapping[str, float]
    improving: float | None
    subsets: Sequence[Mapping[str, Any]]
    smallest: Mapping[str, Any] | None
    best: Mapping[str, Any] | None
    figures: Mapping[str, Drawn]


def pruning_in_words(scope: Any, amount: Any, target: Any) -> str:
    """What is pruned of one kind of layer; an imported design need not tell it."""
    if pd.isna([scope, amount, target]).any():
        return "not told"
    if scope not in SCOPES or target not in TARGET_WORDS:
        return f"{amount:.1%}, scope {scope:g}, target {target:g}"
    if scope == NONE:
        return SCOPES[NONE]
    return f"{amount:.1%} of the {TARGET_WORDS[target]}, {SCOPES[scope]}"


def front_rows(front: pd.DataFrame) -> list[dict[str, Any]]:
    """The front's designs, smallest first, each with its pruning in words."""
    return [
        {
            **row,
            "linear": pruning_in_words(
                row["linear_scope"], row["linear_amount"], row["linear_target"]
            ),
            "conv": pruning_in_words(row["conv_scope"], row["conv_amount"], row["conv_target"]),
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
    metrics: Mapping[str, Any], test: pd.DataFrame, threshold: float, test_threshold: float
) -> OnTestImages:
    """test: the front's table of test accuracies, the dense network's row last."""
    designs, change = (
        test[test["design_id"] != DENSE],
        POINTS * (test["test_accuracy"] - test["accuracy"]),
    )
    rates = designs["nonzero_rate"].to_numpy()
    return OnTestImages(
        images=metrics["images"]["test"],
        threshold=test_threshold,
        keeping=int(designs["test_feasible"].sum()),
        median_change=float(change[designs.index].median()) if len(designs) else None,
        dense_change=float(change.iloc[-1]),
        hypervolume={
            "search": scaled_hypervolume(rates, designs["accuracy"].to_numpy(), threshold),
            "test": scaled_hypervolume(rates, designs["test_accuracy"].to_numpy(), test_threshold),
        },
    )


def relative_times(times: pd.DataFrame, front: Sequence[str]) -> dict[str, float]:
    """Median over the front's designs of a kind (float32, int8) of their time as a multiple of the dense network's; kinds that occur.

    front: the design_ids of the front; more than those were timed.
    """
    designs = times[times["design_id"].isin(front)]
    kinds = designs["quantization"].map({0: "float32", 1: "int8"})
    return {
        str(kind): float(value)
        for kind, value in designs.groupby(kinds)["relative_to_dense"].median().items()
    }


def embedded(path: str) -> Drawn:
    """The SVG element of a file, without the XML prologue that HTML does not know; ids made unique to the page."""
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
) -> NetworkPage:
    """thresholds: tau by split; measured: the tables tests, sizes and times of the front's designs, none for a network that is imported.

    figures: paths of SVG files by name. accuracies: on the validation images after each epoch of
    its training here. weights_given: whether its weights were given, and not trained here.
    """
    for table in measured.values():
        new = table[["design_id", *table.columns.difference(front.columns)]]
        front = front.merge(new, on="design_id", how="left", validate="one_to_one")
    rows = [{**row, **_layers(row)} for row in front_rows(front)]
    dense = records(front[front["design_id"] == DENSE])
    return NetworkPage(
        name=name,
        imported=not measured,
        origin=EVALUATIONS if not measured else IMPORTED_WEIGHTS if weights_given else TRAINED,
        metrics=metrics,
        dense_accuracy=metrics["accuracy"][split],
        images=metrics["images"][split],
        threshold=thresholds[split],
        front=rows,
        dense=dense[0] if dense else None,
        on_test=summary_on_test_images(
            metrics, measured["tests"], thresholds[split], thresholds["test"]
        )
        if measured
        else None,
        relative_times=relative_times(measured["times"], [row["design_id"] for row in rows])
        if measured
        else {},
        improving=still_improving(list(accuracies), metrics["images"]["validation"])
        if len(accuracies)
        else None,
        subsets=[row for row in rows if "conv_layers" in row and RANDOM in _scopes(row)],
        smallest=rows[0] if rows else None,
        best=max(rows, key=lambda row: (row["accuracy"], -row["nonzero_rate"])) if rows else None,
        figures={key: embedded(path) for key, path in figures.items()},
    )
