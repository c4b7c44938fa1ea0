"""What can be tested of images, labels and scores before a recipe or a file is blamed.

Facts are numbers and names, as plain data. jobs.findings and networks.cautions put them in words.
"""

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch
from torch import nn

from ..compression.layers import with_tensors
from ..compression.tally import denormals_flushed
from ..dataset.split import Split, few_of, normalized

IMAGES = 1_000  # of a split that are looked at, always the same ones
BATCH = 100
CLEAR = 3.0  # standard errors
SAME = 1e-5  # of the largest score: what rounding can make of equal scores in batches


def largest_share(labels: torch.Tensor) -> float:
    """Compute the share of the most frequent class.

    Args:
        labels: Class indices, shape (images,).

    Returns:
        The share, in (0, 1].
    """
    return int(labels.bincount().max()) / len(labels)


def standard_errors(first: float, images: int, second: float, others: int) -> float:
    """Compute how many standard errors lie between two accuracies.

    The test of two proportions with a pooled estimate (NIST/SEMATECH e-Handbook of Statistical
    Methods, section 7.3.3). On the same images it errs on the side of silence.

    Args:
        first: An accuracy, in [0, 1].
        images: The number of images that it was measured on.
        second: Another accuracy, in [0, 1].
        others: The number of images of that.

    Returns:
        (first - second) / standard error; 0 where both are 0 or both are 1.
    """
    pooled = (first * images + second * others) / (images + others)
    error = math.sqrt(pooled * (1 - pooled) * (1 / images + 1 / others))
    return (first - second) / error if error else 0.0


def clearly_higher(other: float, accuracy: float, labels: torch.Tensor) -> bool:
    """Tell whether an accuracy is higher than another one, and than guessing, by more than chance.

    Args:
        other: The accuracy that may be higher.
        accuracy: The one that it is compared with.
        labels: The classes of the images that both were measured on.

    Returns:
        Whether it is higher than both by more than CLEAR standard errors.
    """
    images, share = len(labels), largest_share(labels)
    chance = share + CLEAR * math.sqrt(share * (1 - share) / images)
    return other > chance and standard_errors(other, images, accuracy, images) > CLEAR


def rounded(values: np.ndarray | float) -> Any:
    """Numbers with six digits, so that the last bits of a machine do not count."""
    numbers = np.nan_to_num(np.atleast_1d(values))
    short = [float(f"{number:.6g}") for number in numbers]
    return short if np.ndim(values) else short[0]


def image_facts(split: Split) -> dict[str, Any]:
    """Measure images, and what a network gets of them.

    Args:
        split: The images, of which at most IMAGES are looked at.

    Returns:
        The number of images, the mean and deviation of each channel of images scaled to [0, 1]
        ("mean", "deviation") and of the network's inputs ("input_mean", "input_deviation"). The
        shares of pixel values at 0 and 255. The numbers of images of one colour ("constant") and of
        distinct images.
    """
    images = few_of(split, IMAGES).images.numpy()
    counts, constant, distinct = np.zeros((images.shape[1], 256)), 0, set()
    for image in images:
        each = np.stack([np.bincount(channel.ravel(), minlength=256) for channel in image])
        counts += each
        constant += int((each > 0).sum() == len(each))
        distinct.add(hash(image.tobytes()))
    levels, shares = np.arange(256) / 255, counts / counts.sum(1, keepdims=True)
    mean = shares @ levels
    deviation = np.sqrt((shares * (levels - mean[:, None]) ** 2).sum(1))
    given_mean, given_std = np.array(split.mean), np.array(split.std)
    with np.errstate(all="ignore"):
        inputs = (mean - given_mean) / given_std, deviation / given_std
    return {
        "images": len(images),
        "mean": rounded(mean),
        "deviation": rounded(deviation),
        "input_mean": rounded(inputs[0]),
        "input_deviation": rounded(inputs[1]),
        "at_0": rounded(float(shares[:, 0].mean())),
        "at_255": rounded(float(shares[:, 255].mean())),
        "constant": constant,
        "distinct": len(distinct),
    }


def label_facts(splits: Mapping[str, Split]) -> dict[str, Any]:
    """Count the labels of splits.

    Args:
        splits: The splits by name.

    Returns:
        For each split: the number of images, the most frequent class with its share, and the
        classes without images. Under "differ", the splits whose classes are others than those of
        the first. Under "farthest", of the first two splits the class whose shares differ most,
        where this is by more than CLEAR standard errors.
    """
    names, first = list(splits), next(iter(splits.values()))
    counts = {
        name: np.bincount(split.labels.numpy(), minlength=len(split.classes))
        for name, split in splits.items()
    }
    facts: dict[str, Any] = {
        name: {
            "images": len(split),
            "most_frequent": split.classes[int(counts[name].argmax())],
            "share": rounded(largest_share(split.labels)),
            "without_images": [split.classes[place] for place in np.flatnonzero(counts[name] == 0)],
        }
        for name, split in splits.items()
    }
    facts["differ"] = [name for name in names if splits[name].classes != first.classes]
    if len(names) > 1 and not facts["differ"]:
        shares = [counts[name] / len(splits[name]) for name in names[:2]]
        place = int(np.abs(shares[0] - shares[1]).argmax())
        values = [float(share[place]) for share in shares]
        sizes = [len(splits[name]) for name in names[:2]]
        if abs(standard_errors(values[0], sizes[0], values[1], sizes[1])) > CLEAR:
            by_split = dict(zip(names, rounded(np.array(values)), strict=False))
            facts["farthest"] = {"class": first.classes[place], "shares": by_split}
    return facts


def _inputs(part: Split) -> Iterator[torch.Tensor]:
    """Inputs of a network in batches of about BATCH and never of one image, which norms refuse."""
    for images in part.images.tensor_split(math.ceil(len(part) / BATCH)):
        yield normalized(part, images)


def scores_on(network: nn.Module, part: Split) -> torch.Tensor:
    """The scores of a network in evaluation mode, shape (images, classes)."""
    with torch.no_grad(), denormals_flushed():
        return torch.cat([network(images).float() for images in _inputs(part)])


def accuracy_of(scores: torch.Tensor, part: Split) -> float:
    """The share of images whose highest score is that of their class, in [0, 1]."""
    return float((scores.argmax(1) == part.labels).double().mean())


def _batch_norms(network: nn.Module) -> list[nn.Module]:
    """The batch norms of a network that have running statistics."""
    return [
        module
        for module in network.modules()
        if isinstance(module, nn.modules.batchnorm._BatchNorm) and module.track_running_stats
    ]


def score_facts(network: nn.Module, split: Split) -> dict[str, Any]:
    """Test whether the scores of a network depend on the image.

    Args:
        network: The network. It is put in evaluation mode.
        split: Images, of which at most IMAGES are looked at.

    Returns:
        The number of images, the accuracy on them, whether all have the same scores, the only class
        that is predicted (or None), and the number of the network's layers for normalisation. With
        batch norm, the accuracy where the statistics of each batch replace the running ones, and
        whether it is clearly higher ("lagging").
    """
    part = few_of(split, IMAGES)
    scores = scores_on(network.eval(), part)
    spreads = (scores.amax(0) - scores.amin(0)).max()
    predicted = scores.argmax(1).unique().tolist()
    facts = {
        "images": len(part),
        "accuracy": rounded(accuracy_of(scores, part)),
        "same": bool(spreads <= SAME * scores.abs().max()),
        "only": part.classes[predicted[0]] if len(predicted) == 1 else None,
        "norms": sum("Norm" in type(module).__name__ for module in network.modules()),
    }
    if _batch_norms(network) and len(part) > 1:
        own = with_tensors(network, {})  # Its own buffers: batch norm in training changes them.
        for norm in _batch_norms(own):
            norm.train()
        other = accuracy_of(scores_on(own, part), part)
        facts["batch_statistics"] = rounded(other)
        facts["lagging"] = clearly_higher(other, facts["accuracy"], part.labels)
    return facts


def facts_of(network: nn.Module, splits: Mapping[str, Split], split: str) -> dict[str, Any]:
    """Test the images and labels of splits, and the scores of a network.

    Args:
        network: The network. It is put in evaluation mode.
        splits: The splits by name.
        split: The name of the split that the scores are tested on.

    Returns:
        The name of that split, and the facts by subject, see the functions above.
    """
    return {
        "split": split,
        "images": {name: image_facts(one) for name, one in splits.items()},
        "labels": label_facts(splits),
        "scores": score_facts(network, splits[split]),
    }
