"""What is recorded of a dense network."""

import json
from collections.abc import Iterable
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import pandas as pd
from torch import nn

from .compression import layout_of, nonzero_rate
from .data import Split
from .evaluation import accuracy
from .training import Epoch


def history_table(history: Iterable[Epoch]) -> pd.DataFrame:
    """history.csv: a row for each epoch; none for imported weights."""
    return pd.DataFrame([asdict(epoch) for epoch in history], columns=[field.name for field in fields(Epoch)])


def measure_dense(network: nn.Module, validation: Split, test: Split, batch_size: int) -> dict[str, Any]:
    """The content of metrics.json: accuracies as fractions by split, sizes, non-zero rate."""
    layout = layout_of(network)
    return {
        "accuracy": {"validation": accuracy(network, validation, batch_size), "test": accuracy(network, test, batch_size)},
        "images": {"validation": len(validation), "test": len(test)},
        "nonzero_rate": nonzero_rate(network),
        "parameters": sum(parameter.numel() for parameter in network.parameters()),
        "linear": {"layers": len(layout.linear), "entries": sum(layer.weight + layer.bias for layer in layout.linear)},
        "conv": {"layers": len(layout.conv), "entries": sum(layer.weight + layer.bias for layer in layout.conv)},
    }


def write_metrics(metrics: dict[str, Any], path: Path) -> None:
    path.write_text(json.dumps(metrics, indent=2) + "\n", encoding="utf-8")


def read_metrics(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8"))
