"""The true evaluation of a design: prune, count, quantise, run the images through. A pure function of its arguments."""

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
# What torch's dynamic int8 layers say of a batch that they cannot scale, since there are NaN in it.
WITHOUT_SCALE = "ChooseQuantizationParams"

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Tally:
    """Images of a split by what a network says of them; unscored: those whose highest score is not finite, which is no prediction."""

    images: int
    correct: int
    unscored: int

    @property
    def accuracy(self) -> float:
        """Fraction of correct top-1 predictions, in [0, 1]; an image without a prediction is not correct."""
        return self.correct / self.images


@dataclass(frozen=True)
class Measurement:
    """Both objectives of one design, and what they cost.

    nonzero_rate: non-zero entries / entries of the Linear and convolution layers, in [0, 1].
    accuracy: fraction of correct top-1 predictions, in [0, 1].
    seconds: wall-clock time of the evaluation.
    """

    nonzero_rate: float
    accuracy: float
    seconds: float


@contextmanager
def denormals_flushed() -> Iterator[None]:
    """Decayed weights hold denormals, which slow a forward pass up to tenfold; counting must still see them."""
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)


def scores_of(network: nn.Module, images: torch.Tensor) -> torch.Tensor:
    """What `network` returns for a batch: a row for each image; NaN where its int8 layers refuse the batch for NaN in it."""
    try:
        return network(images)
    except RuntimeError as error:
        if WITHOUT_SCALE not in str(error):
            raise
        return torch.full((len(images), 1), torch.nan, device=images.device)


def tally(network: nn.Module, split: Split, batch_size: int, device: torch.device = CPU) -> Tally:
    """Runs all images of `split` through `network`. The int8 result depends on the batches, so that their size is part of the result.

    device: where `network` is.
    """
    network.eval()
    correct = unscored = 0
    with torch.inference_mode(), denormals_flushed():
        for images, labels in batches(split, batch_size):
            scores = scores_of(network, images.to(device))
            predicted = scores.argmax(1, keepdim=True)  # of a row with NaN, the place of one
            scored = scores.gather(1, predicted).isfinite()
            correct += int(((predicted == labels.to(device)[:, None]) & scored).sum())
            unscored += int((~scored).sum())
    return Tally(len(split), correct, unscored)


def accuracy(
    network: nn.Module, split: Split, batch_size: int, device: torch.device = CPU
) -> float:
    """Fraction of correct top-1 predictions, as `tally` counts them."""
    return tally(network, split, batch_size, device).accuracy


def measure(
    compress: Callable[[Plan], tuple[nn.Module, float]], plan: Plan, split: Split, batch_size: int
) -> Measurement:
    """Measures the network that `plan` makes on every image of `split`. compress: see compression.compress."""
    start = perf_counter()
    compressed, rate = compress(plan)
    counted = tally(compressed, split, batch_size)
    if counted.unscored:
        log.warning(
            "design %s: the scores of %d of %d images are not finite; these count as wrong",
            plan.design_id, counted.unscored, counted.images,
        )  # fmt: skip
    return Measurement(rate, counted.accuracy, perf_counter() - start)
