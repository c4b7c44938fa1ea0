"""The true evaluation of a design: prune, count, quantise, classify the images.

It is a pure function of its arguments.
"""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import perf_counter

import torch
from torch import nn

from ..dataset.split import Split, batches
from .plans import Plan

CPU = torch.device("cpu")
# Part of torch's error for a batch that its dynamic int8 layers cannot scale because of NaN.
WITHOUT_SCALE = "ChooseQuantizationParams"

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Tally:
    """The number of images that a network predicts correctly.

    Attributes:
        images: All images of the split.
        correct: Images with a correct top-1 prediction.
        unscored: Images whose highest score is not finite. This is no prediction.
    """

    images: int
    correct: int
    unscored: int

    @property
    def accuracy(self) -> float:
        """Fraction of correct top-1 predictions, in [0, 1]. Unscored images count as wrong."""
        return self.correct / self.images


@dataclass(frozen=True)
class Measurement:
    """Both objectives of one design, and the time that the evaluation took.

    Attributes:
        nonzero_rate: Non-zero entries divided by all entries of the Linear and convolution layers,
            in [0, 1].
        accuracy: Fraction of correct top-1 predictions, in [0, 1].
        seconds: Wall-clock time of the evaluation.

    Example:
        >>> Measurement(nonzero_rate=0.12, accuracy=0.93, seconds=0.4).accuracy
        0.93
    """

    nonzero_rate: float
    accuracy: float
    seconds: float


@contextmanager
def denormals_flushed() -> Iterator[None]:
    """Make torch treat denormal numbers as zero within the block.

    Decayed weights hold denormals, which make a forward pass up to ten times slower. The count of
    non-zero entries must still see them, so it happens outside the block.
    """
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)


def scores_of(network: nn.Module, images: torch.Tensor) -> torch.Tensor:
    """The scores of a network for a batch of images.

    Args:
        network: The network, in evaluation mode.
        images: Its inputs, float32 of shape (images, 3, height, width).

    Returns:
        Scores of shape (images, classes). Where int8 layers refuse the batch because of NaN, NaN
        of shape (images, 1).
    """
    try:
        return network(images)
    except RuntimeError as error:
        if WITHOUT_SCALE not in str(error):
            raise
        return torch.full((len(images), 1), torch.nan, device=images.device)


def tally(network: nn.Module, split: Split, batch_size: int, device: torch.device = CPU) -> Tally:
    """Count the images of a split that a network predicts correctly.

    The size of the batches is a part of the result, because it can change the int8 scores.

    Args:
        network: The network. It is put in evaluation mode.
        split: The images.
        batch_size: Images in a batch.
        device: Device of `network`.

    Returns:
        The counts.
    """
    network.eval()
    correct = unscored = 0
    with torch.inference_mode(), denormals_flushed():
        for images, labels in batches(split, batch_size):
            scores = scores_of(network, images.to(device))
            predicted = scores.argmax(1, keepdim=True)  # the place of a NaN, where a row has one
            scored = scores.gather(1, predicted).isfinite()
            correct += int(((predicted == labels.to(device)[:, None]) & scored).sum())
            unscored += int((~scored).sum())
    return Tally(len(split), correct, unscored)


def accuracy(
    network: nn.Module, split: Split, batch_size: int, device: torch.device = CPU
) -> float:
    """Fraction of correct top-1 predictions, as `tally` counts them.

    Args:
        network: The network. It is put in evaluation mode.
        split: The images.
        batch_size: Images in a batch.
        device: Device of `network`.

    Returns:
        The accuracy, in [0, 1].
    """
    return tally(network, split, batch_size, device).accuracy


def measure(
    compress: Callable[[Plan], tuple[nn.Module, float]], plan: Plan, split: Split, batch_size: int
) -> Measurement:
    """Evaluate the network of a plan on every image of a split.

    Args:
        compress: Function that returns the compressed network of a plan and its non-zero rate, such
            as `functools.partial(pruning.compress, network)`.
        plan: The plan, from `plans.canonical`.
        split: The images.
        batch_size: Images in a batch. It is a part of the result, as it can change int8 scores.

    Returns:
        Non-zero rate, accuracy and seconds.

    Raises:
        Exception: Any exception of `compress` or of the network.

    Example:
        >>> from functools import partial
        >>> from paretopress.compression.pruning import compress
        >>> images = torch.zeros(4, 3, 2, 2, dtype=torch.uint8)
        >>> split = Split(images, labels=torch.tensor([0, 1, 0, 1]), classes=("cat", "dog"))
        >>> network = nn.Sequential(nn.Flatten(), nn.Linear(12, 2, bias=False))
        >>> plan = Plan(zeros=(("1.weight", 18),), quantized=False)
        >>> measured = measure(partial(compress, network), plan, split, batch_size=4)
        >>> measured.nonzero_rate, measured.accuracy
        (0.25, 0.5)
    """
    start = perf_counter()
    compressed, rate = compress(plan)
    counted = tally(compressed, split, batch_size)
    if counted.unscored:
        log.warning(
            "design %s: the scores of %d of %d images are not finite; these count as wrong",
            plan.design_id, counted.unscored, counted.images,
        )  # fmt: skip
    return Measurement(rate, counted.accuracy, perf_counter() - start)
