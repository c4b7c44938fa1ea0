"""The inference time of compressed networks for all images of a split."""

from collections.abc import Iterator, Mapping, Sequence
from time import perf_counter
from typing import Any, TypeVar

import numpy as np
import pandas as pd
import torch
from torch import nn

from ..compression.plans import Plan
from ..compression.tally import denormals_flushed, scores_of
from ..dataset.split import Split, batches
from ..networks.mapped import MappedNetwork
from .remade import FrontDesign
from .union import DENSE

Timed = TypeVar("Timed")


def forward_seconds(network: nn.Module, split: Split, batch_size: int, warm_up: int) -> float:
    """Time one pass over every image of a split.

    Only the forward passes are timed, without reading and normalising the images.

    Args:
        network: The network, dense or compressed.
        split: The images.
        batch_size: The number of images in a batch.
        warm_up: The number of untimed passes of the first batch before the timed pass.

    Returns:
        Wall-clock seconds.
    """
    network.eval()
    seconds = 0.0
    with torch.inference_mode(), denormals_flushed():
        first, _ = next(batches(split, batch_size))
        for _ in range(warm_up):
            scores_of(network, first)
        for images, _ in batches(split, batch_size):
            start = perf_counter()
            scores_of(network, images)
            seconds += perf_counter() - start
    return seconds


def time_design(
    network: MappedNetwork, plan: Plan, split: Split, batch_size: int, warm_up: int
) -> float:
    """Compress a network by a plan, and time one pass over every image of a split.

    Only this one compressed network is in memory: a VGG16 has 537 MB.

    Args:
        network: The dense network.
        plan: The plan of the compressed network.
        split: The images.
        batch_size: The number of images in a batch.
        warm_up: The number of untimed passes of the first batch before the timed pass.

    Returns:
        Wall-clock seconds.
    """
    compressed, _ = network.compress(plan)
    return forward_seconds(compressed, split, batch_size, warm_up)


def interleaved(designs: Sequence[Timed], repeats: int) -> Iterator[tuple[int, Timed]]:
    """Yield every design once in each repeat.

    Each repeat has a random order of its own, so that a drift of the machine affects all designs
    alike.

    Args:
        designs: The designs to time.
        repeats: The number of repeats.

    Yields:
        The number of the repeat, from 1, and the design.
    """
    for repeat in range(1, repeats + 1):
        for position in np.random.default_rng(repeat).permutation(len(designs)):
            yield repeat, designs[position]


def inference_table(
    designs: Sequence[FrontDesign], passes: pd.DataFrame, conditions: Mapping[str, Any]
) -> pd.DataFrame:
    """Make the table of inference times, with a row for each design.

    Args:
        designs: The timed designs, with the dense network among them.
        passes: The timed passes, with the columns design_id, repeat and seconds.
        conditions: The keys images, batch_size, threads, repeats, processor and machine_load.

    Returns:
        The median and the quartiles of the seconds of each design's passes, its images per second,
        and its median as a multiple of the dense network's.
    """

    def quartiles(design_id: str) -> np.ndarray:
        return np.quantile(
            passes.loc[passes["design_id"] == design_id, "seconds"], [0.25, 0.5, 0.75]
        )

    dense = quartiles(DENSE)[1]
    rows = []
    for design in designs:
        lower, median, upper = quartiles(design.design_id)
        rows.append(
            {
                "design_id": design.design_id,
                "nonzero_rate": design.nonzero_rate,
                "bytes": design.bytes,
                "quantization": int(design.plan.quantized),
                "accuracy": design.accuracy,
                **{
                    name: conditions[name]
                    for name in ("images", "batch_size", "threads", "repeats")
                },
                "median_seconds": median,
                "lower_quartile_seconds": lower,
                "upper_quartile_seconds": upper,
                "images_per_second": conditions["images"] / median,
                "relative_to_dense": median / dense,
                **{name: conditions[name] for name in ("processor", "machine_load")},
            }
        )
    return pd.DataFrame(rows)
