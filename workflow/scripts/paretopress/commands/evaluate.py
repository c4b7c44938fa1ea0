"""Evaluate one design of a network of a study, as a search would."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from time import perf_counter

import torch
from torch import nn

from ..compression.designs import design_of
from ..compression.layers import LAYER_KINDS, kept_layers, layer_names, layers_of
from ..compression.packed_size import bytes_rate, dense_bytes
from ..compression.plans import canonical
from ..compression.pruning import count_and_quantize
from ..compression.tally import tally
from ..config.study import Study
from ..config.variables import NONE
from ..dataset.split import few_of, load_split
from ..networks.build import check_keep
from ..networks.mapped import load_network
from ..networks.metrics import read_metrics
from ..networks.moves import load_moves
from ..runs.planned import Planned
from ..search.objectives import threshold_of
from ..words import counted
from .advice import Advice
from .evaluated import Evaluated, LayerCount, text
from .network_files import files_of
from .variables import read_variables, without_effect


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
    measured = whole if images is None or images >= len(whole) else few_of(whole, images)
    architectures = {
        name: known.architecture.model_dump(mode="json") for name, known in study.networks.items()
    }
    check_keep(planned.moves["keep"], architectures, len(whole.classes))
    moves = load_moves(planned.moves, files.allocation, files.training)
    mapped = load_network(architectures[network], whole, files.weights, moves)
    notes = []
    design = design_of(asked)
    if (
        max(design.linear_scope, design.conv_scope) > NONE
        and planned.moves["allocation"] == "lamp"
        and not files.allocation
    ):
        mapped = mapped.tabulated()
        notes.append(
            "the study has no table of the allocation for these layers. This command made one"
        )
    of_run = planned.sample_seed(study.seeds[0] if seed is None else seed)
    layout = mapped.layout()
    folded, plan = canonical(design, layout, of_run)

    start = perf_counter()
    pruned = mapped.pruned(plan).network
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
    if dense is None and plan.changed:
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
        bytes=bytes_rate(plan, layout),
        dense_bytes=dense_bytes(layout),
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
        variables: The variables of the design, each as NAME=VALUE. Others leave it alone.
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
    return json.dumps(asdict(found), indent=2) if as_json else "\n".join(text(found))
