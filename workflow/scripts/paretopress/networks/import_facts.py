"""What can be tested of weights that were trained elsewhere: other normalisation, other classes."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import nn

from ..dataset.split import Split, few_of
from .facts import IMAGES, accuracy_of, clearly_higher, rounded, scores_on

# Mean and standard deviation of each channel that networks are often trained with: those of
# torchvision's weights, those that map [0, 1] to [-1, 1], those of CIFAR-10's training images, and
# none.
USUAL = {
    "ImageNet's": ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    "0.5 and 0.5": ((0.5,) * 3, (0.5,) * 3),
    "CIFAR-10's": ((0.4914, 0.4822, 0.4465), (0.247, 0.2435, 0.2616)),
    "0 and 1": ((0.0,) * 3, (1.0,) * 3),
}
CIFAR10_SIZE = 32


def usual_values(split: Split, measured: Mapping[str, Any]) -> dict[str, Any]:
    """List values of mean and std that a network may have been trained with, but the given ones.

    Args:
        split: Images of the study.
        measured: The facts of the training images, from `image_facts`.

    Returns:
        (mean, std) by a name for messages.
    """
    own = (
        [round(value, 3) for value in measured["mean"]],
        [max(round(value, 3), 1e-3) for value in measured["deviation"]],
    )
    values = USUAL | {"those of the training images": own}
    if split.images.shape[-1] != CIFAR10_SIZE:
        del values["CIFAR-10's"]
    given = np.array([split.mean, split.std])
    return {
        name: (list(mean), list(std))
        for name, (mean, std) in values.items()
        if not np.allclose([mean, std], given, atol=1e-3)
    }


def normalization_facts(
    network: nn.Module, split: Split, values: Mapping[str, Any]
) -> dict[str, Any]:
    """Measure a network with other values of mean and std.

    Args:
        network: The network. It is put in evaluation mode.
        split: Images, of which at most IMAGES are looked at.
        values: (mean, std) by name.

    Returns:
        The number of images, the accuracy on them with the values of the split, and "others": the
        values with their accuracies. Under "better" the name of the best of them, or of the first
        that is as good but for chance, where it is clearly higher than the split's own; else None.
    """
    part, network = few_of(split, IMAGES), network.eval()
    accuracy = accuracy_of(scores_on(network, part), part)
    others = {}
    for name, (mean, std) in values.items():
        other = replace(part, mean=tuple(mean), std=tuple(std))
        scores = scores_on(network, other)
        others[name] = {"mean": mean, "std": std, "accuracy": rounded(accuracy_of(scores, part))}
    best = max(other["accuracy"] for other in others.values())
    # Of those that chance cannot tell from the best, the first: published ones come first.
    chosen = next(
        name
        for name, other in others.items()
        if not clearly_higher(best, other["accuracy"], part.labels)
    )
    clear = clearly_higher(others[chosen]["accuracy"], accuracy, part.labels)
    return {
        "images": len(part),
        "accuracy": rounded(accuracy),
        "others": others,
        "better": chosen if clear else None,
    }


def order_facts(network: nn.Module, split: Split) -> dict[str, Any]:
    """Test whether the scores of a network stand in another order than the classes.

    One half of the images says which order fits best (the assignment of Kuhn 1955). The other half
    says how accurate the network is in it.

    Args:
        network: The network. It is put in evaluation mode.
        split: Images, of which at most IMAGES are looked at.

    Returns:
        The number of images in the other half, the accuracy there and that in the other order.
        Under "order", the classes in the order of the scores, where that is clearly higher; else
        None.
    """
    from scipy.optimize import linear_sum_assignment  # Only imported weights need it.

    part = few_of(split, IMAGES)
    predicted, labels = scores_on(network.eval(), part).argmax(1), part.labels
    chosen, rest = slice(0, len(part) // 2), slice(len(part) // 2, None)
    pairs = torch.zeros(len(part.classes), len(part.classes), dtype=torch.int64)
    pairs.index_put_((predicted[chosen], labels[chosen]), torch.tensor(1), accumulate=True)
    # In a tie, the order as it is.
    pairs = 2 * len(part) * pairs + torch.eye(len(pairs), dtype=torch.int64)
    _, meant = linear_sum_assignment(pairs.numpy(), maximize=True)
    as_it_is = float((predicted[rest] == labels[rest]).double().mean())
    other = float((torch.from_numpy(meant)[predicted[rest]] == labels[rest]).double().mean())
    clear = clearly_higher(other, as_it_is, labels[rest])
    return {
        "images": len(labels[rest]),
        "accuracy": rounded(as_it_is),
        "in_other_order": rounded(other),
        "order": [part.classes[place] for place in meant] if clear else None,
    }


def import_facts_of(
    network: nn.Module, split: Split, training_images: Mapping[str, Any]
) -> dict[str, Any]:
    """Test weights that were trained elsewhere.

    Args:
        network: The network. It is put in evaluation mode.
        split: The images of the search.
        training_images: The facts of the training images, from `image_facts`.

    Returns:
        The facts by subject, see the functions above.
    """
    values = usual_values(split, training_images)
    return {
        "normalization": normalization_facts(network, split, values),
        "order": order_facts(network, split),
    }
