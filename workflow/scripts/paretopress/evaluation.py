"""The true evaluation of a design: prune, count, quantise, run the images through. A pure function of its arguments."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import perf_counter

import torch
from torch import nn

from .compression import Plan, compress
from .data import Split, batches

CPU = torch.device("cpu")


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


def accuracy(network: nn.Module, split: Split, batch_size: int, device: torch.device = CPU) -> float:
    """Fraction of correct top-1 predictions. The int8 result depends on the batches, so that their size is part of the result.

    device: where `network` is.
    """
    network.eval()
    with torch.inference_mode(), denormals_flushed():
        correct = sum(
            int((network(images.to(device)).argmax(1) == labels.to(device)).sum()) for images, labels in batches(split, batch_size)
        )
    return correct / len(split)


def evaluate(network: nn.Module, plan: Plan, split: Split, batch_size: int) -> Measurement:
    """Measures `network` compressed by `plan` on every image of `split`; `network` stays as it is."""
    start = perf_counter()
    compressed, rate = compress(network, plan)
    return Measurement(rate, accuracy(compressed, split, batch_size), perf_counter() - start)
