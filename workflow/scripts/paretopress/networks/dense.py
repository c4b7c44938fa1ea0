"""Measure the dense network, with which all compressed networks are compared."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from ..compression.layers import layout_of
from ..compression.packed_size import dense_bytes
from ..compression.pruning import nonzero_rate
from ..compression.tally import CPU, accuracy, tally
from ..dataset.split import Split
from ..errors import UserError
from ..jobs.findings import explained
from .facts import CLEAR, image_facts, largest_share, rounded, standard_errors
from .mapped import MappedNetwork
from .not_finite import not_finite_in

NOT_FINITE = "the weights themselves, and the code of a network of your own."


def _dense_accuracy(
    name: str,
    network: nn.Module,
    split: Split,
    images: str,
    batch_size: int,
    device: torch.device,
) -> float:
    counted = tally(network, split, batch_size, device)
    if counted.unscored:
        place = not_finite_in(network.to(CPU), split, batch_size)
        facts = {"images": {images: image_facts(split)}, "not_finite": place}
        raise UserError(
            f"{name}: the scores of the dense network are not finite (NaN or infinite) "
            f"for {counted.unscored} of {counted.images} {images} images. There is nothing to "
            f"compress.\n{explained(facts, NOT_FINITE, NOT_FINITE)}"
        )
    return counted.accuracy


def measure_dense(
    network_name: str,
    network: nn.Module,
    validation: Split,
    test: Split,
    batch_size: int,
    device: torch.device = CPU,
) -> dict[str, Any]:
    """Compute the content of metrics.json.

    Args:
        network_name: Name of the network, for messages.
        network: The dense network.
        validation: The validation split.
        test: The test split.
        batch_size: Images in a batch.
        device: The device of the network.

    Returns:
        Accuracy, number of images and share of the most frequent class for each split. How many
        standard errors the accuracy on validation lies above that on test ("splits_apart").
        Non-zero rate, bytes as float32, parameters, and layers and entries of each kind. Shares and
        rates are fractions.

    Raises:
        UserError: The scores of the network are not finite.
    """
    layout = layout_of(network)
    accuracies = {
        name: _dense_accuracy(network_name, network, split, name, batch_size, device)
        for name, split in (("validation", validation), ("test", test))
    }
    return {
        "accuracy": accuracies,
        "images": {"validation": len(validation), "test": len(test)},
        "most_frequent_class": {
            "validation": largest_share(validation.labels),
            "test": largest_share(test.labels),
        },
        "splits_apart": rounded(
            standard_errors(
                accuracies["validation"], len(validation), accuracies["test"], len(test)
            )
        ),
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


def require_what_was_trained(name: str, trained: float, metrics: Mapping[str, Any]) -> float:
    """Compare the accuracy that a training ended with, with that of the network built again for it.

    Args:
        name: Name of the network, for messages.
        trained: The accuracy on the validation images after the last epoch, in [0, 1].
        metrics: What `measure_dense` returned.

    Returns:
        `trained`, with six digits.

    Raises:
        UserError: Both differ by more than chance explains, though the images are the same.
    """
    accuracy, images = metrics["accuracy"]["validation"], metrics["images"]["validation"]
    if abs(standard_errors(trained, images, accuracy, images)) > CLEAR:
        raise UserError(
            f"{name}: the training ended with an accuracy of {trained:.4f} on the {images} validation "
            f"images, and the network that is built again for its weights has {accuracy:.4f} on the "
            "same images. So it is another network: it keeps something outside of its state dict, "
            "such as a global, or what depends on the order of a set. Keep all that its scores "
            "depend on in parameters and persistent buffers."
        )
    return float(rounded(trained))


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
        "accuracy": {
            name: accuracy(network, split, batch_size, mapped.device)
            for name, split in splits.items()
        },
        "images": len(images.order),
        "left_alone": list(left_alone),
        "notes": images.notes(),
    }
