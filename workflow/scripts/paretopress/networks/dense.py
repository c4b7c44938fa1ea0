"""Measure the dense network, with which all compressed networks are compared."""

from collections.abc import Mapping
from typing import Any

from torch import nn

from ..compression.evaluation import accuracy, tally
from ..compression.layers import layout_of
from ..compression.pruning import nonzero_rate
from ..compression.repair import RepairImages
from ..dataset.split import Split
from ..errors import UserError
from .chance import largest_share
from .mapped import MappedNetwork


def _dense_accuracy(
    name: str, network: nn.Module, split: Split, images: str, batch_size: int
) -> float:
    counted = tally(network, split, batch_size)
    if counted.unscored:
        raise UserError(
            f"{name}: the scores of the dense network are not finite (NaN or infinite) "
            f"for {counted.unscored} of {counted.images} {images} images. "
            "There is nothing to compress: check its weights, "
            "dataset.mean and dataset.std, and the code of a network of your own."
        )
    return counted.accuracy


def _repaired(
    mapped: MappedNetwork, images: RepairImages, splits: Mapping[str, Split], batch_size: int
) -> dict[str, Any]:
    network, left_alone = mapped.repaired()
    return {
        "accuracy": {name: accuracy(network, split, batch_size) for name, split in splits.items()},
        "images": len(images.order),
        "left_alone": list(left_alone),
    }


def measure_dense(
    name: str, mapped: MappedNetwork, validation: Split, test: Split, batch_size: int
) -> dict[str, Any]:
    """Compute the content of metrics.json.

    Args:
        name: Name of the network, for messages.
        mapped: The dense network.
        validation: The validation split.
        test: The test split.
        batch_size: Images in a batch.

    Returns:
        Accuracy, number of images and share of the most frequent class for each split. Non-zero
        rate, parameters, and layers and entries of each kind. Shares and rates are fractions. If
        designs are repaired, also what repair alone gives: accuracy for each split, training
        images, and the layers and norms that repair cannot mend.

    Raises:
        UserError: The scores of the network are not finite.
    """
    network = mapped.fresh()
    layout = layout_of(network)
    metrics: dict[str, Any] = {
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
    if images := mapped.moves.repair:
        splits = {"validation": validation, "test": test}
        metrics["repaired"] = _repaired(mapped, images, splits, batch_size)
    return metrics
