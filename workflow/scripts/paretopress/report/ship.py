"""What the report says of the designs to ship: those that were exported, or the one to export."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..config.export import WORDS, read_choice
from ..export.exported import EVALUATED, FLOAT32, INT8, megabytes
from ..figures.style import GREEN, ORANGE
from .networks import NetworkPage
from .plot import Point, Series
from .render import percent

Export = Mapping[str, Any]


@dataclass(frozen=True)
class ToShip:
    """The design to ship of a network.

    Attributes:
        network: The name of the network.
        command: The command that exports it.
        exports: What was exported, from exports.json, each with what is said of it.
        design: Without exports, the row of the front that is likely to be chosen. None if the front
            is empty.
    """

    network: str
    command: str
    exports: Sequence[Export]
    design: Mapping[str, Any] | None


def _speeds(found: Export, precision: str) -> list[Mapping[str, Any]]:
    """The times of a design for each size of batches: under ONNX Runtime, which comes after torch."""
    own = {
        row["batch_size"]: row
        for row in found["times"]
        if (row["network"], row["precision"]) == (found["name"], precision)
    }
    return list(own.values())


def _told(found: Export, command: str) -> Export:
    """An export with what the report says of it."""
    file = found["ships"]
    form = found["files"][file]["form"] if file else FLOAT32
    test = found["accuracy"]["test"]
    forms = [one for one in found["on_test"] if one != EVALUATED or found["design"]["quantization"]]
    return {
        **found,
        "form": form,
        "test_accuracy": test[form],
        "difference": test[form] - test["dense"],
        "test": found["on_test"][form],
        "kept": found["accuracy"][found["search"]][form] >= found["floors"][found["search"]],
        "why": [WORDS.get(read_choice(text).word) or text for text in found["choices"]],
        "speeds": _speeds(found, form),
        "forms": forms,
        "command": f"{command} {shlex.quote(found['network'])} {found['design_id']}",
    }


def to_ship(page: NetworkPage, exports: Sequence[Export], command: str) -> ToShip:
    """Say which design of a network to ship.

    Args:
        page: The report's numbers on the network, which has weights here.
        exports: Its exports, from exports.json.
        command: The start of the command that exports a design.

    Returns:
        What the report says of it.
    """
    kept = [row for row in page.front if row["test_feasible"]] or page.front
    return ToShip(
        page.name,
        f"{command} {shlex.quote(page.name)} --smallest",
        [_told(found, command) for found in exports],
        kept[0] if kept else None,
    )


def exported_series(page: NetworkPage, ship: ToShip) -> list[Series]:
    """The exported forms of designs beside their front: fine-tuned ones, and those in int8.

    Args:
        page: The report's numbers on the network.
        ship: What was exported of it.

    Returns:
        A series for each kind, without those that have no points.
    """

    def point(found: Export, form: str, title: str) -> Point:
        row = next((one for one in page.front if one["design_id"] == found["design_id"]), None)
        forms = (INT8,) if form == INT8 else (form, EVALUATED)
        files = {
            name: file["bytes"] for name, file in found["files"].items() if file["form"] in forms
        }
        # The int8 file is not packed: it stands at its own bytes.
        own_bytes = sum(files.values()) if form == INT8 else found["packed_bytes"]
        size = (
            found["nonzero_rate"]
            if page.size == "nonzero_rate"
            else own_bytes / found["dense_bytes"]
        )
        accuracy = {split: found["accuracy"][split][form] for split in found["accuracy"]}
        details = [(name, megabytes(own)) for name, own in files.items()]
        details += [(f"accuracy ({split})", percent(own, 2)) for split, own in accuracy.items()]
        if row:
            details += [("Linear layers", row["linear"]), ("convolutions", row["conv"])]
        test = accuracy["test"] if found["search"] != "test" else None
        identity = f"{found['name']} {form}"
        return Point(
            identity, size, accuracy[found["search"]], test, title, details, found["command"]
        )

    tuned = [
        point(found, FLOAT32, f"design {found['design_id']}, fine-tuned")
        for found in ship.exports
        if found["fine_tuned"]
    ]
    int8 = [
        point(found, INT8, f"design {found['design_id']}, int8 file")
        for found in ship.exports
        if INT8 in found["forms"]
    ]
    kinds = (
        ("fine-tuned", GREEN, "triangle", tuned),
        ("as int8 file", ORANGE, "rectRounded", int8),
    )
    return [
        Series(f"{name} ({len(points)})", color, marker, 6, sorted(points, key=lambda one: one.x))
        for name, color, marker, points in kinds
        if points
    ]
