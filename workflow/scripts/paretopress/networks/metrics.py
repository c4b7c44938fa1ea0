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


def repaired_accuracy(metrics: Mapping[str, Any]) -> dict[str, float]:
    """The accuracy by split of the dense network repaired; empty without repair."""
    return dict(metrics.get("repaired", {}).get("accuracy", {}))
