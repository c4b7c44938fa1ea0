"""Make the networks of a front again from its rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from ..compression.designs import design_of, sample_seed
from ..compression.layers import Layout
from ..compression.plans import Plan, canonical
from ..compression.tally import CPU
from ..dataset.split import Split
from ..errors import UserError
from ..networks.mapped import MappedNetwork, load_network
from ..networks.moves import Moves
from ..tables import read_table, records
from .union import DENSE

DENSE_PLAN = Plan(zeros=(), quantized=False)


@dataclass(frozen=True)
class FrontDesign:
    """A row of a front, and the plan of its network.

    Attributes:
        design_id: The id of the design, or DENSE.
        plan: The plan of its network. That of the dense network changes nothing.
        nonzero_rate: The non-zero rate in the row.
        bytes: The share of bytes in the row.
        accuracy: The accuracy in the row, a fraction, measured on the images of the search.
    """

    design_id: str
    plan: Plan
    nonzero_rate: float
    bytes: float
    accuracy: float


def plan_of_row(
    row: Mapping[str, Any], layout: Layout, initial_seed: int | None, path: Path
) -> Plan:
    """Make the plan of a row of a front, or of any table of evaluations.

    Args:
        row: The row.
        layout: The layout of the dense network.
        initial_seed: `budget.initial_seed` of the config.
        path: The file of the row, for messages.

    Returns:
        The plan of its network.

    Raises:
        UserError: The row makes another network than its design_id says.
    """
    if row["design_id"] == DENSE:
        return DENSE_PLAN
    seed = sample_seed(int(row["seed"]), initial_seed)
    plan = canonical(design_of(row), layout, seed)[1]
    if plan.design_id != row["design_id"]:
        raise UserError(
            f"{path}: design_id = {row['design_id']}: with this network the row's variables and "
            f"the seed {seed} make the network {plan.design_id}. The row was edited, or is of "
            "another architecture or version: remove the file and run the study again."
        )
    return plan


def read_front_designs(path: Path, layout: Layout, initial_seed: int | None) -> list[FrontDesign]:
    """Read a front and make the plan of each of its rows.

    Args:
        path: The CSV file of a front.
        layout: The layout of the dense network.
        initial_seed: `budget.initial_seed` of the config.

    Returns:
        The designs in the order of the rows. The dense network is the last one.

    Raises:
        UserError: A row makes another network than its design_id says.
    """
    rows = records(read_table(path))
    return [
        FrontDesign(
            row["design_id"],
            plan_of_row(row, layout, initial_seed, path),
            float(row["nonzero_rate"]),
            float(row["bytes"]),
            float(row["accuracy"]),
        )
        for row in rows
    ]


def load_fronts(
    fronts: Sequence[Path],
    weights: Path,
    architecture: Mapping[str, Any],
    split: Split,
    initial_seed: int | None,
    moves: Moves,
    device: torch.device = CPU,
) -> tuple[MappedNetwork, list[FrontDesign]]:
    """Load a trained dense network and the designs of its fronts.

    Args:
        fronts: The CSV files of fronts of this network.
        weights: The weights of the dense network.
        architecture: The section `architecture` of the network in the config.
        split: Images, which give the number of classes and the image size.
        initial_seed: `budget.initial_seed` of the config.
        moves: What the study does to the network beside its designs.
        device: The device of the network.

    Returns:
        The dense network, and the distinct designs of all fronts. The dense network is the last
        design.

    Raises:
        UserError: The files do not fit each other.
    """
    network = load_network(architecture, split, weights, moves, device)
    layout = network.layout()
    designs = {
        design.design_id: design
        for path in fronts
        for design in read_front_designs(path, layout, initial_seed)
    }
    dense = designs.pop(DENSE)
    return network, [*designs.values(), dense]
