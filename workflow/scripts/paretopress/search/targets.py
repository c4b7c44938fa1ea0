"""Build the inputs of a search from files: its problem and its evaluated initial sample."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..compression.designs import SearchSpace, design_of
from ..compression.evaluation import Measurement, measure
from ..compression.plans import Plan
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

    Returns:
        The search problem.
    """
    split = load_split(images)
    network = load_network(architecture, split, weights, moves)

    def evaluate(plan: Plan) -> Measurement:
        return measure(network.compress, plan, split, batch_size)

    return Target(space, network.layout(), seed, evaluate, threshold, size)


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
