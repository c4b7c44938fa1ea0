"""The dense network that everything is compared with."""

from typing import Any

from torch import nn

from ..compression.evaluation import tally
from ..compression.plans import layout_of
from ..compression.pruning import nonzero_rate
from ..dataset.split import Split
from ..errors import UserError
from .chance import largest_share


def _dense_accuracy(
    name: str, network: nn.Module, split: Split, images: str, batch_size: int
) -> float:
    counted = tally(network, split, batch_size)
    if counted.unscored:
        raise UserError(
            f"{name}: the scores of the dense network are not finite (NaN or infinite) for {counted.unscored} of {counted.images} {images} "
            "images. There is nothing to compress: check its weights, dataset.mean and dataset.std, and the code of a network of your own."
        )
    return counted.accuracy


def measure_dense(
    name: str, network: nn.Module, validation: Split, test: Split, batch_size: int
) -> dict[str, Any]:
    """The content of metrics.json: accuracies and shares of the largest class as fractions by split, sizes, non-zero rate.

    name: of the network, for messages. Raises UserError: the network's scores are not finite.
    """
    layout = layout_of(network)
    return {
        "accuracy": {
            "validation": _dense_accuracy(name, network, validation, "validation", batch_size),
            "test": _dense_accuracy(name, network, test, "test", batch_size),
        },
        "images": {"validation": len(validation), "test": len(test)},
        "most_frequent_class": {
            "validation": largest_share(validation.labels),
            "test": largest_share(test.labels),
        },
        "nonzero_rate": nonzero_rate(network),
        "parameters": sum(parameter.numel() for parameter in network.parameters()),
        "linear": {
            "layers": len(layout.linear),
            "entries": sum(layer.weight + layer.bias for layer in layout.linear),
        },
        "conv": {
            "layers": len(layout.conv),
            "entries": sum(layer.weight + layer.bias for layer in layout.conv),
        },
    }
