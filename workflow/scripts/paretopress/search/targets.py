"""Build the inputs of a search from files: its problem and its evaluated initial sample."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from ..compression.designs import SearchSpace, design_of
from ..compression.evaluation import Evaluator
from ..compression.layers import layout_of
from ..compression.tally import CPU
from ..config.sizes import NONZERO_RATE
from ..dataset.split import load_split
from ..networks.mapped import load_network
from ..networks.moves import Moves
from ..tables import read_table, records
from .archive import Evaluation, Target


def load_target(
    weights: Path,
    images: Path,
    architecture: Mapping[str, Any],
    space: SearchSpace,
    seed: int,
    batch_size: int,
    threshold: float,
    moves: Moves,
    size: str = NONZERO_RATE,
    at_once: int = 1,
    device: torch.device = CPU,
) -> Target:
    """Build the problem of compressing one trained network, measured on one split.

    Args:
        weights: File with the trained weights.
        images: File of the split.
        architecture: Name and arguments of the architecture, as `build_network` takes them.
        space: The designs that may be proposed.
        seed: Seed of the random subsets of layers, from `sample_seed`.
        batch_size: Images in a batch.
        threshold: tau, the least accuracy that is feasible, in [0, 1).
        moves: What the study does to the network beside its designs.
        size: The size that is minimised, a key of config.sizes.SIZES.
        at_once: Designs that are evaluated at once.
        device: The device of the evaluations, from `devices.device_of`. One that is not the CPU is
            compared with the CPU on a few designs.

    Returns:
        The search problem.
    """
    split = load_split(images)
    network = load_network(architecture, split, weights, moves, device)
    on_cpu = None if device == CPU else replace(network, device=CPU)
    evaluate = Evaluator(network, split, batch_size, at_once, on_cpu)
    layout, whole = network.layout(), layout_of(network.structure)
    kept = (whole.entries - whole.others) - (layout.entries - layout.others)
    return Target(space, layout, seed, evaluate, threshold, size, evaluate.begin, kept)


def other_devices(timings: Path, device: torch.device) -> list[str]:
    """Where an initial sample was evaluated, if that is another kind of device than a search's.

    Args:
        timings: CSV file with the seconds of each evaluation.
        device: The device of the search.

    Returns:
        The names of GPUs, or "the CPU". Empty if both are of the same kind.
    """
    table = read_table(timings)
    names = table["device"].astype(object).fillna("") if "device" in table else [""]
    return sorted({name or "the CPU" for name in names if (name == "") != (device == CPU)})


def read_initial(designs: Path, timings: Path) -> list[Evaluation]:
    """Read the evaluated initial sample.

    Args:
        designs: CSV file with the designs and their objectives.
        timings: CSV file with the seconds of each evaluation.

    Returns:
        The evaluations of the initial phase, in the order of the file.
    """
    table = read_table(designs).merge(read_table(timings), on="evaluation")
    return [
        Evaluation(
            evaluation=int(row["evaluation"]),
            phase="initial",
            iteration=0,
            design_id=str(row["design_id"]),
            design=design_of(row),
            nonzero_rate=float(row["nonzero_rate"]),
            bytes=float(row["bytes"]),
            accuracy=float(row["accuracy"]),
            seconds=float(row["seconds"]),
        )
        for row in records(table)
    ]
