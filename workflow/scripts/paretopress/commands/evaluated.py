"""One evaluated design of a network, and what is printed of it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from ..compression.layers import LAYER_KINDS
from ..config.variables import NONE, RANDOM, VARIABLES, Design
from ..report.units import unit_of_bytes
from ..words import counted

PRUNING = ("scope", "amount", "target")  # the last parts of the names of variables that prune


@dataclass(frozen=True)
class LayerCount:
    """The entries of a layer, of its weight and its bias together.

    Attributes:
        name: The name of the layer.
        kind: A key of LAYER_KINDS.
        entries: All its entries.
        nonzero: Those that are not zero, counted before int8.
    """

    name: str
    kind: str
    entries: int
    nonzero: int


@dataclass(frozen=True)
class Evaluated:
    """One design as it was evaluated.

    Attributes:
        network: The name of the network.
        design: The variables that have an effect. The others leave the network alone.
        design_id: The id of the network that the design makes.
        seed: The seed of the random subsets of layers.
        split: The name of the split.
        images: The number of its images that accuracy was measured on.
        split_images: The number of all its images.
        nonzero_rate: The non-zero rate, in [0, 1].
        bytes: The bytes of the packed network as a share of `dense_bytes`, by their formula.
        dense_bytes: The bytes of the dense network as float32.
        accuracy: The accuracy, in [0, 1].
        dense_accuracy: That of the dense network on the same images. None if it is not known.
        floor: The accuracy floor on these images. None if it is not known.
        feasible: Whether the accuracy keeps the floor. None if that is not known.
        seconds: Those of the "compression" with its repair, and of the "images".
        layers: The entries of each layer, in the order of the network.
        emptied: The names of the layers without any weight left.
        moves: What the study does beside a design: "allocation", "keep" and "repair".
        notes: What else is worth a line, such as a variable without effect.
    """

    network: str
    design: Design
    design_id: str
    seed: int
    split: str
    images: int
    split_images: int
    nonzero_rate: float
    bytes: float
    dense_bytes: int
    accuracy: float
    dense_accuracy: float | None
    floor: float | None
    feasible: bool | None
    seconds: Mapping[str, float]
    layers: Sequence[LayerCount]
    emptied: Sequence[str]
    moves: Mapping[str, Any]
    notes: Sequence[str]


def _design_in_words(found: Evaluated) -> str:
    design = asdict(found.design)
    names = [
        f"{kind}_{part}"
        for kind in LAYER_KINDS
        if design[f"{kind}_scope"] != NONE
        for part in PRUNING
    ]
    others = [name for name in design if name.rpartition("_")[2] not in PRUNING]
    names += [name for name in others if design[name] != VARIABLES[name].untouched]
    said = " ".join(f"{name}={design[name]:g}" for name in names) or "nothing, the dense network"
    subset = RANDOM in (found.design.linear_scope, found.design.conv_scope)
    return said + (f" (random subset of seed {found.seed})" if subset else "")


def _moves_in_words(found: Evaluated) -> str:
    kept, repair = found.moves["keep"], found.moves["repair"]
    changed = replace(found.design, quantization=0) != Design()
    repaired = f"repair on {counted(repair['images'], 'training image')}" if repair else "no repair"
    return "; ".join(
        [
            f"allocation {found.moves['allocation']}",
            *([f"kept {', '.join(kept)}"] if kept else []),
            repaired if changed or not repair else "nothing to repair",
        ]
    )


def text(found: Evaluated) -> Iterator[str]:
    """Yield the lines that tell of an evaluated design."""
    yield f"{found.network}, design {found.design_id}"
    yield f"  {_design_in_words(found)}"
    yield from (f"  {note}" for note in found.notes)
    used = "" if found.images == found.split_images else f"{found.images:,} of "
    accuracy = (
        f"{found.accuracy:.2%} of {used}{counted(found.split_images, f'{found.split} image')}"
    )
    known = [] if found.dense_accuracy is None else [f"dense {found.dense_accuracy:.2%}"]
    if found.floor is not None:
        missed = f"missed by {100 * (found.floor - found.accuracy):.2f} points"
        known += [f"floor {found.floor:.2%}", "kept" if found.feasible else missed]
    accuracy += f" ({', '.join(known)})" if known else ""
    seconds = found.seconds
    yield ""
    yield f"non-zero rate  {found.nonzero_rate:.2%}"
    unit = unit_of_bytes(found.dense_bytes)
    packed, dense = (unit.show(share * found.dense_bytes) for share in (found.bytes, 1))
    yield f"packed bytes   {packed} of {dense} {unit.prefix}B ({found.bytes:.2%})"
    yield f"accuracy       {accuracy}"
    yield f"seconds        {seconds['compression']:.2f} compression, {seconds['images']:.2f} images"
    yield f"moves          {_moves_in_words(found)}"
    if found.emptied:
        yield f"emptied        {', '.join(found.emptied)}"
    rows = [("layer", "kind", "entries", "non-zero", "share")]
    rows += [
        (
            layer.name,
            layer.kind,
            f"{layer.entries:,}",
            f"{layer.nonzero:,}",
            f"{layer.nonzero / layer.entries:.2%}",
        )
        for layer in found.layers
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    yield ""
    for name, kind, *numbers in rows:
        shown = [f"{number:>{width}}" for number, width in zip(numbers, widths[2:], strict=True)]
        yield f"{name:<{widths[0]}}  {kind:<{widths[1]}}  {'  '.join(shown)}"
