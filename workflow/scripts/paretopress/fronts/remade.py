"""The networks of a front, made again from its rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..compression.designs import VARIABLES, Design, sample_seed
from ..compression.plans import Layout, Plan, canonical
from ..dataset.split import Split
from ..errors import UserError
from ..networks.build import build_for
from ..networks.mapped import MappedNetwork, mapped_network
from ..tables import read_table, records
from .union import DENSE

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


def _plan(row: Mapping[str, Any], layout: Layout, initial_seed: int | None, path: Path) -> Plan:
    if row["design_id"] == DENSE:
        return DENSE_PLAN
    seed = sample_seed(int(row["seed"]), initial_seed)
    plan = canonical(Design(**{variable: row[variable] for variable in VARIABLES}), layout, seed)[1]
    if plan.design_id != row["design_id"]:
        raise UserError(
            f"{path}: design_id = {row['design_id']}: with this network the row's variables and the seed {seed} make the "
            f"network {plan.design_id}. The row was edited, or is of another architecture: remove the file and run the study again."
        )
    return plan


def read_front_designs(path: Path, layout: Layout, initial_seed: int | None) -> list[FrontDesign]:
    """Every row of a front, in its order, the dense network last. initial_seed: that of the config, for sample_seed.

    Raises UserError where a row makes another network than its design_id says.
    """
    rows = records(read_table(path))
    return [
        FrontDesign(
            row["design_id"],
            _plan(row, layout, initial_seed, path),
            float(row["nonzero_rate"]),
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
) -> tuple[MappedNetwork, list[FrontDesign]]:
    """The trained dense network, and the designs that fronts of it hold, each once, the dense network last.

    Raises UserError where the files do not fit each other.
    """
    network = mapped_network(build_for(architecture, split), weights)
    layout = network.layout()
    designs = {
        design.design_id: design
        for path in fronts
        for design in read_front_designs(path, layout, initial_seed)
    }
    dense = designs.pop(DENSE)
    return network, [*designs.values(), dense]
