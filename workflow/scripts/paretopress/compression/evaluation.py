"""The true evaluation of a design: prune, count, quantise, classify the images.

It is a pure function of its arguments.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter

from torch import nn

from ..dataset.split import Split
from .plans import Plan
from .tally import tally

log = logging.getLogger(__name__)


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
        >>> import torch
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
    if plan.emptied:
        names = ", ".join(plan.emptied)
        log.info("design %s leaves no weight in these layers: %s", plan.design_id, names)
    counted = tally(compressed, split, batch_size)
    if counted.unscored:
        log.warning(
            "design %s: the scores of %d of %d images are not finite; these count as wrong",
            plan.design_id, counted.unscored, counted.images,
        )  # fmt: skip
    return Measurement(rate, counted.accuracy, perf_counter() - start)
