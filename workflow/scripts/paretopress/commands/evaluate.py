"""One design of a network of a study: its non-zero rate, in all and by layer, and its accuracy."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from time import perf_counter
from typing import Any

import torch
from torch import nn

from ..compression.designs import NONE, RANDOM, Design
from ..compression.layers import LAYER_KINDS, kept_layers, layer_names, layers_of
from ..compression.plans import canonical
from ..compression.pruning import count_and_quantize
from ..compression.tally import tally
from ..config.study import Study
from ..dataset.split import load_split, spread
from ..networks.build import check_keep
from ..networks.mapped import load_moves, load_network
from ..networks.metrics import read_metrics
from ..runs.planned import Planned
from ..search.objectives import threshold_of
from ..words import counted
from .advice import Advice
from .network_files import files_of
from .variables import design_of_variables, read_variables, without_effect


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
        design: The variables that have an effect. The others are 0.
        design_id: The id of the network that the design makes.
        seed: The seed of the random subsets of layers.
        split: The name of the split.
        images: The number of its images that accuracy was measured on.
        split_images: The number of all its images.
        nonzero_rate: The non-zero rate, in [0, 1].
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
    accuracy: float
    dense_accuracy: float | None
    floor: float | None
    feasible: bool | None
    seconds: Mapping[str, float]
    layers: Sequence[LayerCount]
    emptied: Sequence[str]
    moves: Mapping[str, Any]
    notes: Sequence[str]


def _prunes(design: Design) -> bool:
    return (design.linear_scope, design.conv_scope) != (NONE, NONE)


def _layer_counts(network: nn.Module) -> list[LayerCount]:
    found = {
        name: LayerCount(
            name,
            kind,
            sum(tensor.numel() for tensor in tensors.values()),
            sum(int(torch.count_nonzero(tensor)) for tensor in tensors.values()),
        )
        for kind in LAYER_KINDS
        for name, tensors in layers_of(network, kind)
    }
    return [found[name] for name in layer_names(network) if name in found]


def _evaluated(
    planned: Planned,
    network: str,
    variables: Sequence[str],
    split: str | None,
    images: int | None,
    seed: int | None,
    advice: Advice,
) -> Evaluated:
    """Evaluate one design. The arguments are those of `show`."""
    study = planned.study
    asked = read_variables(variables)
    split = split or study.evaluation.split
    files = files_of(planned, network, split, advice)
    whole = load_split(files.images)
    measured = whole
    if images is not None and images < len(whole):
        chosen = spread(whole, images)
        measured = replace(whole, images=whole.images[chosen], labels=whole.labels[chosen])
    architectures = {
        name: known.architecture.model_dump(mode="json") for name, known in study.networks.items()
    }
    check_keep(planned.moves["keep"], architectures, len(whole.classes))
    moves = load_moves(planned.moves, files.allocation, files.training)
    mapped = load_network(architectures[network], whole, files.weights, moves)
    notes = []
    design = design_of_variables(asked)
    if _prunes(design) and planned.moves["allocation"] == "lamp" and not files.allocation:
        mapped = mapped.tabulated()
        notes.append(
            "the study has no table of the allocation for these layers. This command made one"
        )
    of_run = planned.sample_seed(study.seeds[0] if seed is None else seed)
    folded, plan = canonical(design, mapped.layout(), of_run)

    start = perf_counter()
    pruned = mapped.pruned(plan)
    layers = _layer_counts(pruned)  # before int8, whose layers hide their tensors
    compressed, rate = count_and_quantize(pruned, plan)
    ready = perf_counter()
    counts = tally(compressed, measured, study.evaluation.batch_size)
    end = perf_counter()

    notes += without_effect(asked, folded)
    if seed is not None and of_run != seed:
        notes.append(f"--seed has no effect: budget.initial_seed is {of_run}")
    if images is not None and images > len(whole):
        notes.append(f"--images {images:,}: the split has {len(whole):,}, and all are used")
    if counts.unscored:
        notes.append(
            f"the scores of {counted(counts.unscored, 'image')} are not finite, and count as wrong"
        )
    constraint = planned.constraints[network]
    dense, floor = None, constraint["floor"]
    if len(measured) == len(whole) and files.metrics.is_file():
        metrics = read_metrics(files.metrics)
        if (dense := metrics["accuracy"].get(split)) is not None:
            floor = threshold_of(metrics, split, constraint)
    if dense is None and plan.zeros:
        notes.append(
            "the dense network was not measured on these images. "
            "The same command without variables measures it"
        )
    kept = [pattern for pattern in moves.keep if kept_layers(mapped.structure, [pattern])]
    shown = planned.moves | {"keep": kept}
    if repair := moves.repair:
        shown |= {"repair": {"images": len(repair.order), "batch_size": repair.batch_size}}
    return Evaluated(
        network=network,
        design=folded,
        design_id=plan.design_id,
        seed=of_run,
        split=split,
        images=counts.images,
        split_images=len(whole),
        nonzero_rate=rate,
        accuracy=counts.accuracy,
        dense_accuracy=dense,
        floor=floor,
        feasible=None if floor is None else counts.accuracy >= floor,
        seconds={"compression": ready - start, "images": end - ready},
        layers=layers,
        emptied=plan.emptied,
        moves=shown,
        notes=notes,
    )


def _design_in_words(found: Evaluated) -> str:
    design = asdict(found.design)
    names = [
        f"{kind}_{part}"
        for kind in LAYER_KINDS
        if design[f"{kind}_scope"] != NONE
        for part in ("scope", "amount", "target")
    ]
    names += ["quantization"] if found.design.quantization else []
    said = " ".join(f"{name}={design[name]:g}" for name in names) or "nothing, the dense network"
    subset = RANDOM in (found.design.linear_scope, found.design.conv_scope)
    return said + (f" (random subset of seed {found.seed})" if subset else "")


def _moves_in_words(found: Evaluated) -> str:
    kept, repair = found.moves["keep"], found.moves["repair"]
    repaired = f"repair on {counted(repair['images'], 'training image')}" if repair else "no repair"
    return "; ".join(
        [
            f"allocation {found.moves['allocation']}",
            *([f"kept {', '.join(kept)}"] if kept else []),
            repaired if _prunes(found.design) or not repair else "nothing to repair",
        ]
    )


def _text(found: Evaluated) -> Iterator[str]:
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


def show(
    study: Study,
    results: Path,
    advice: Advice,
    *,
    network: str,
    variables: Sequence[str] = (),
    split: str | None = None,
    images: int | None = None,
    seed: int | None = None,
    threads: int = 1,
    as_json: bool = False,
) -> str:
    """One design of a network, evaluated as a search would.

    Args:
        study: The study as its config asks for it.
        results: Its folder of results.
        advice: How the study is started here.
        network: The name of the network.
        variables: The variables of the design that are not 0, each as NAME=VALUE.
        split: The name of the split, that of the search if None.
        images: The number of images, spread over the split. All if None.
        seed: The seed of the run, the study's first one if None.
        threads: The threads that torch computes with.
        as_json: Whether the answer is one JSON object.

    Returns:
        The text to print.

    Raises:
        UserError: The network or a variable is wrong. Or a file is missing, damaged, or made for
            another config.
    """
    torch.set_num_threads(threads)
    planned = Planned(study, str(results))
    found = _evaluated(planned, network, variables, split, images, seed, advice)
    return json.dumps(asdict(found), indent=2) if as_json else "\n".join(_text(found))
