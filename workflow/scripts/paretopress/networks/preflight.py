"""Try a network as a study uses it, in seconds and before any work."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from ..compression.designs import SearchSpace, design_of
from ..compression.layers import Layout
from ..compression.plans import Plan, canonical
from ..compression.tally import tally
from ..config.variables import WEIGHT
from ..dataset.split import Split, few_of
from ..errors import UserError
from ..words import listed
from .build import build_network
from .builds import check_builds, require_in_weights
from .inspection import SHOWN, Inspection, inspect_network
from .mapped import MappedNetwork, load_network
from .moves import Moves
from .trial import check_network
from .weights import Taken, import_weights, notes_on_views, save_weights, without_memory

FEW = 300  # images that a network is repaired on when it is tried
SCORED = 16  # images that the compressed network classifies then


@dataclass(frozen=True)
class Preflight:
    """A network that was tried as a study uses it.

    Attributes:
        inspection: What is done to it, and what is left alone.
        drawn: What building it draws at random and its state dict does not hold.
        weights: What was taken from the file of its weights. None if it is trained here.
        left_alone: The layers and norms that repair leaves alone, each with the reason.
        views: A sentence for each pair of parameters that share memory.
    """

    inspection: Inspection
    drawn: Sequence[str]
    weights: Taken | None
    left_alone: Sequence[str]
    views: Sequence[str]

    def notes(self) -> list[str]:
        """Say in short sentences what is left alone, and what else a user should know."""
        drawn = (
            f"{', '.join(self.drawn)}: drawn at random when the network is built, and not in its "
            "state dict. Each job here draws the same. The weights alone are not this network: "
            "make it a persistent buffer to have it in the file"
        )
        return [
            *self.inspection.notes(),
            *([drawn] if self.drawn else []),
            *self.views,
            *(self.weights.notes() if self.weights else []),
            *(
                [f"repair leaves alone: {listed(self.left_alone, SHOWN)}"]
                if self.left_alone
                else []
            ),
        ]


def trial_plan(space: SearchSpace, layout: Layout) -> Plan:
    """The plan of a design that does all that a space allows: most layers, fewest bits, int8.

    Weights are pruned by the middle amount, and no biases where the space has a choice.
    """
    chosen: dict[str, float] = {}
    for variable in space.variables:
        if variable.interval is not None:
            chosen[variable.name] = sum(variable.interval) / 2
        elif variable.name.endswith("_target"):
            chosen[variable.name] = WEIGHT if WEIGHT in variable.values else variable.values[0]
        elif variable.name.endswith("_bits"):
            chosen[variable.name] = min(variable.values)
        else:
            chosen[variable.name] = max(variable.values)
    return canonical(design_of(chosen), layout, seed=0)[1]


def _evaluate(network: MappedNetwork, plan: Plan, split: Split) -> None:
    compressed, _ = network.compress(plan)
    tally(compressed, split, len(split))


def preflight(
    architecture: Mapping[str, Any],
    split: Split,
    weights: Path | None,
    moves: Moves,
    space: SearchSpace,
    folder: Path,
) -> tuple[Preflight, MappedNetwork, Plan]:
    """Build a network, try it, take its weights over, and compress it by one design.

    Args:
        architecture: Name and arguments, as `build_network` takes them.
        split: Images of the study. Their classes and their size are used.
        weights: The file of its trained weights. None if it is trained here.
        moves: What the study does to the network beside its designs. It is repaired on few images.
        space: The designs that a search may propose.
        folder: An existing folder for a copy of the weights, or of untrained ones.

    Returns:
        What was found, the network with those weights, and the plan of the design.

    Raises:
        UserError: The network cannot be used, or the weights do not fit it.
    """
    classes, size = len(split.classes), split.images.shape[-1]
    network = build_network(architecture, classes)
    check_network(network, classes, size)
    views, copy, taken = notes_on_views(network), folder / "weights.safetensors", None
    if weights:
        taken = import_weights(without_memory(network), weights, copy)
    else:
        save_weights(network, copy)
    del network  # before it is built twice again
    drawn = check_builds(architecture, classes, size)
    if weights:
        require_in_weights(str(weights), drawn)
    if moves.repair:
        moves = replace(moves, repair=replace(moves.repair, order=moves.repair.order[:FEW]))
    mapped = load_network(architecture, split, copy, moves)
    inspection = inspect_network(mapped.structure, moves.keep)
    if not any(
        variable.name == "quantization" and max(variable.values) for variable in space.variables
    ):
        inspection = replace(inspection, in_float={})  # no layer of this study becomes int8
    plan = trial_plan(space, mapped.layout())
    few = few_of(split, SCORED)
    try:
        _evaluate(mapped, plan, few)
    except (RuntimeError, TypeError, ValueError, AttributeError) as error:
        if not plan.quantized:
            raise
        _evaluate(mapped, replace(plan, quantized=False), few)  # an error of another origin
        raise UserError(
            f"the network cannot classify images with dynamic int8 layers: {type(error).__name__}: "
            f"{error}. Without int8 it can: set search_space.quantization: [0], or keep the layers "
            "that cannot be int8 (search_space.keep)."
        ) from error
    return Preflight(inspection, drawn, taken, mapped.left_alone, views), mapped, plan


def preflight_json(found: Preflight) -> str:
    """What was found, with its notes, as JSON."""
    return json.dumps(asdict(found) | {"notes": found.notes()}, indent=2) + "\n"
