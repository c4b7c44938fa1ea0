"""Measure the dense network, with which all compressed networks are compared."""

from typing import Any

from torch import nn

from ..compression.layers import layout_of
from ..compression.packed_size import dense_bytes
from ..compression.pruning import nonzero_rate
from ..compression.tally import accuracy, tally
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


def measure_dense(
    name: str, network: nn.Module, validation: Split, test: Split, batch_size: int
) -> dict[str, Any]:
    """Compute the content of metrics.json.

    Args:
        name: Name of the network, for messages.
        network: The dense network.
        validation: The validation split.
        test: The test split.
        batch_size: Images in a batch.

    Returns:
        Accuracy, number of images and share of the most frequent class for each split. Non-zero
        rate, bytes as float32, parameters, and layers and entries of each kind. Shares and rates
        are fractions.

    Raises:
        UserError: The scores of the network are not finite.
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
        "dense_bytes": dense_bytes(layout),
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


def measure_repaired(
    mapped: MappedNetwork, validation: Split, test: Split, batch_size: int
) -> dict[str, Any]:
    """Compute what repair alone gives the dense network, the entry "repaired" of metrics.json.

    Args:
        mapped: The dense network.
        validation: The validation split.
        test: The test split.
        batch_size: Images in a batch.

    Returns:
        Accuracy for each split as a fraction, number of training images, the layers and norms that
        repair leaves as they are, and what there is to say about the images. Nothing without
        repair.
    """
    if (images := mapped.moves.repair) is None:
        return {}
    network, left_alone = mapped.repaired()
    splits = {"validation": validation, "test": test}
    return {
        "accuracy": {name: accuracy(network, split, batch_size) for name, split in splits.items()},
        "images": len(images.order),
        "left_alone": list(left_alone),
        "notes": images.notes(),
    }
