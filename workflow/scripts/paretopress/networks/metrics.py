"""Write and read metrics.json, the record of a dense network."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..jobs.files import write_whole


def write_metrics(metrics: Mapping[str, Any], path: Path) -> None:
    """Write metrics.json."""
    write_whole(path, json.dumps(metrics, indent=2) + "\n")


def read_metrics(path: Path) -> dict[str, Any]:
    """Read metrics.json."""
    return json.loads(path.read_text(encoding="utf-8"))


def dense_row(metrics: Mapping[str, Any], split: str) -> dict[str, float | None]:
    """What a front tells of the dense network: its nonzero_rate, and its accuracy on a split."""
    return {"nonzero_rate": metrics["nonzero_rate"], "accuracy": metrics["accuracy"][split]}


def repaired_accuracy(metrics: Mapping[str, Any]) -> dict[str, float]:
    """The accuracy by split of the dense network repaired; empty without repair."""
    return dict(metrics.get("repaired", {}).get("accuracy", {}))
