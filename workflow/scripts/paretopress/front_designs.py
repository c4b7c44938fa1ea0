"""The networks of a front, made again from its rows."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn

from .compression import Layout, Plan, canonical, layout_of
from .designs import VARIABLES, Design
from .errors import UserError
from .fronts import DENSE
from .networks import build_network, load_weights
from .tables import read_table, records

DENSE_PLAN = Plan(zeros=(), quantized=False)


@dataclass(frozen=True)
class FrontDesign:
    """A row of a front, and the plan of its network: that of the dense network's row changes nothing.

    nonzero_rate, accuracy: as in the row, accuracy on the images of the search.
    """

    design_id: str
    plan: Plan
    nonzero_rate: float
    accuracy: float


def subset_seed(row: Mapping[str, Any]) -> int:
    """The seed that decides the random subsets of layers of a row's design: that of the run it is listed with."""
    return int(row["seed"])


def _plan(row: Mapping[str, Any], layout: Layout, path: Path) -> Plan:
    if row["design_id"] == DENSE:
        return DENSE_PLAN
    plan = canonical(Design(**{variable: row[variable] for variable in VARIABLES}), layout, subset_seed(row))[1]
    if plan.design_id != row["design_id"]:
        raise UserError(
            f"{path}: design_id = {row['design_id']}: with this network the row's variables and its seed {subset_seed(row)} make the "
            f"network {plan.design_id}. The row was edited, or is of another architecture: remove the file and run the study again."
        )
    return plan


def read_front_designs(path: Path, layout: Layout) -> list[FrontDesign]:
    """Every row of a front, in its order, the dense network last.

    Raises UserError where a row makes another network than its design_id says.
    """
    rows = records(read_table(path))
    return [FrontDesign(row["design_id"], _plan(row, layout, path), float(row["nonzero_rate"]), float(row["accuracy"])) for row in rows]


def load_front(front: Path, weights: Path, architecture: Mapping[str, Any], classes: int) -> tuple[nn.Module, list[FrontDesign]]:
    """The trained dense network, and the designs that a front holds of it. Raises UserError where the files do not fit each other."""
    network = build_network(architecture, classes)
    load_weights(network, weights)
    return network, read_front_designs(front, layout_of(network))
