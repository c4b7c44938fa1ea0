"""The speed of networks on this machine: several runtimes side by side, alternating."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from time import perf_counter
from typing import Final

import numpy as np
import torch

from ..compression.tally import denormals_flushed
from ..dataset.split import Split, normalized
from ..fronts.times import interleaved
from ..jobs.machine import int8_products, machine_load, processor_name
from .exported import FLOAT32, INT8
from .formats import FORMATS, ONNX, ONNX_INT8, PACKED, WEIGHTS, Exportable
from .scores import Scores

DYNAMIC_INT8 = "dynamic int8"
BATCH_SIZES: Final = (1, 64)
BLOCK_SECONDS = 0.2  # a timed block has as many passes as take about this long
WARM_UP = 2


@dataclass(frozen=True)
class Runner:
    """A network in a runtime.

    Attributes:
        network: "dense" or the design_id.
        runtime: What runs it, such as "torch".
        precision: "float32", "int8", or "dynamic int8" of the Linear layers alone.
        scores: Its passes.
    """

    network: str
    runtime: str
    precision: str
    scores: Scores


@dataclass(frozen=True)
class Speed:
    """The times of a network in a runtime, for one size of batches.

    Attributes:
        network, runtime, precision: As of its Runner.
        batch_size: Images in a pass.
        threads: The threads of a pass.
        repeats: The timed blocks of passes, each between those of the other networks.
        median_seconds, lower_quartile_seconds, upper_quartile_seconds: Of a pass, over the blocks.
        images_per_second: By the median.
        processor, int8_instructions: The processor, and what it has for products of int8.
        machine_load: The cores that other work kept busy before the timing.
    """

    network: str
    runtime: str
    precision: str
    batch_size: int
    threads: int
    repeats: int
    median_seconds: float
    lower_quartile_seconds: float
    upper_quartile_seconds: float
    images_per_second: float
    processor: str
    int8_instructions: str
    machine_load: float


def runners_of(
    network: Exportable, folder: Path, missing: Collection[str], name: str
) -> list[Runner]:
    """The passes of a network in each runtime, from its files.

    Args:
        network: The network.
        folder: The folder of its files.
        missing: The files that are not there.
        name: The name of the network in the table of times.

    Returns:
        torch and ONNX Runtime in float32, dynamic int8 of torch if the network has it, and static
        int8 of ONNX Runtime.
    """
    timed = {WEIGHTS: FLOAT32, ONNX: FLOAT32, ONNX_INT8: INT8}
    if network.plan.quantized:
        timed[PACKED] = DYNAMIC_INT8
    return [
        Runner(name, FORMATS[file].runtime, precision, FORMATS[file].scores(network, folder / file))
        for file, precision in timed.items()
        if file not in missing
    ]


def _pass_seconds(scores: Scores, images: torch.Tensor, passes: int) -> float:
    start = perf_counter()
    for _ in range(passes):
        scores(images)
    return (perf_counter() - start) / passes


def _inputs(split: Split, count: int) -> torch.Tensor:
    """The first images of a split, from the beginning again if there are too few."""
    chosen = torch.arange(count) % len(split)
    return normalized(split, split.images[chosen])


def speeds(runners: Sequence[Runner], split: Split, threads: int, repeats: int) -> Iterator[Speed]:
    """Time networks in turn, for each of BATCH_SIZES.

    Args:
        runners: The networks, which already compute with `threads` threads.
        split: Images of the study.
        threads: The threads of a pass.
        repeats: The timed blocks of each network.

    Yields:
        The times of each network, in the order of `runners`.
    """
    conditions = processor_name(), " ".join(int8_products()), machine_load()
    for batch_size in BATCH_SIZES:
        images = _inputs(split, batch_size)
        seconds: dict[Runner, list[float]] = {runner: [] for runner in runners}
        with torch.inference_mode(), denormals_flushed():
            passes = {
                runner: max(1, ceil(BLOCK_SECONDS / _pass_seconds(runner.scores, images, WARM_UP)))
                for runner in runners
            }
            for _, runner in interleaved(runners, repeats):
                seconds[runner].append(_pass_seconds(runner.scores, images, passes[runner]))
        for runner, own in seconds.items():
            lower, median, upper = map(float, np.quantile(own, [0.25, 0.5, 0.75]))
            yield Speed(
                runner.network,
                runner.runtime,
                runner.precision,
                batch_size,
                threads,
                repeats,
                median,
                lower,
                upper,
                batch_size / median,
                *conditions,
            )
