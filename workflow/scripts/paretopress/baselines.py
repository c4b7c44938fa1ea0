"""The dense network that everything is compared with."""

from typing import Any

from torch import nn

from .chance import chance_of
from .compression import layout_of, nonzero_rate
from .data import Split
from .evaluation import accuracy


def measure_dense(network: nn.Module, validation: Split, test: Split, batch_size: int) -> dict[str, Any]:
    """The content of metrics.json: accuracies and shares of the largest class as fractions by split, sizes, non-zero rate."""
    layout = layout_of(network)
    return {
        "accuracy": {"validation": accuracy(network, validation, batch_size), "test": accuracy(network, test, batch_size)},
        "images": {"validation": len(validation), "test": len(test)},
        "most_frequent_class": {"validation": chance_of(validation.labels).share, "test": chance_of(test.labels).share},
        "nonzero_rate": nonzero_rate(network),
        "parameters": sum(parameter.numel() for parameter in network.parameters()),
        "linear": {"layers": len(layout.linear), "entries": sum(layer.weight + layer.bias for layer in layout.linear)},
        "conv": {"layers": len(layout.conv), "entries": sum(layer.weight + layer.bias for layer in layout.conv)},
    }
