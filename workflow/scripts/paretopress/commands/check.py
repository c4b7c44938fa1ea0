"""Try all that a study will use, in seconds and before any work: its images and its networks."""

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import torch

from ..compression.designs import space_of
from ..compression.layers import in_text
from ..compression.plans import Plan
from ..compression.pruning import count_and_quantize, prune
from ..compression.repair import RepairImages
from ..compression.tally import tally
from ..config.study import Study
from ..dataset.builders import DATASETS
from ..dataset.facts import Dataset, Facts, SplitFacts, notes
from ..dataset.split import SPLITS, Split, few_of, spread
from ..errors import UserError
from ..jobs.digests import check_digest
from ..jobs.findings import found
from ..jobs.logs import duration
from ..networks.build import check_keep
from ..networks.cautions import cautions
from ..networks.dense import measure_dense
from ..networks.facts import image_facts
from ..networks.import_facts import import_facts_of
from ..networks.inspection import LayerFacts
from ..networks.mapped import MappedNetwork
from ..networks.moves import Moves
from ..networks.preflight import FEW, preflight
from ..runs.planned import CIFAR10_DOWNLOAD, Planned
from ..words import counted
from .advice import Advice

NO_ADVICE = Advice()
WARNING = "  - warning: "
FIRST = 8  # images that tell how many more there is time for
SECONDS = 2.0  # of a pass over the images, of which weights that were brought need a dozen
MOST_LAYERS = 60  # in the table of a network
CIFAR10_CLASSES = tuple("0123456789")
CIFAR10_IMAGES = {"train": 50_000, "test": 10_000}
ORIGINS = {
    "folder": "a folder of its own",
    "train": "a part of train, held out",
    "source": "a part of the source, held out",
}


def _dataset(planned: Planned) -> Dataset:
    """A few images of each class and split. Noise for CIFAR-10 that is not downloaded yet."""
    settings = planned.study.dataset.model_dump(mode="json")  # type: ignore[union-attr]
    if planned.images == [CIFAR10_DOWNLOAD] and not Path(CIFAR10_DOWNLOAD).is_file():
        return _noise(settings["image_size"], settings["validation_fraction"])
    given = {
        key: value
        for key, value in settings.items()
        if key not in ("kind", "path", "urls") and not (key == "checksum" and value is None)
    }
    return DATASETS[settings["kind"]](*planned.images, **given, most=FEW)


def _noise(image_size: int, validation_fraction: float) -> Dataset:
    """Splits of noise in the shape of CIFAR-10."""
    generator = torch.Generator().manual_seed(0)
    shape = (FEW, 3, image_size, image_size)
    images = torch.randint(0, 256, shape, dtype=torch.uint8, generator=generator)
    split = Split(images, torch.arange(FEW) % len(CIFAR10_CLASSES), CIFAR10_CLASSES)
    held_out = round(CIFAR10_IMAGES["train"] * validation_fraction)
    counts = CIFAR10_IMAGES | {
        "train": CIFAR10_IMAGES["train"] - held_out,
        "validation": held_out,
    }
    facts = {
        name: SplitFacts(count, dict.fromkeys(CIFAR10_CLASSES, count // 10), opened=0)
        for name, count in counts.items()
    }
    return Dataset(dict.fromkeys(SPLITS, split), Facts(facts, "train"))


def _of_split(name: str, facts: SplitFacts) -> str:
    by_class = facts.images_by_class.values()
    least, most = min(by_class), max(by_class)
    each = f"{least:,} each" if least == most else f"{least:,} to {most:,} each"
    formats = ", ".join(f"{kind} {count:,}" for kind, count in facts.formats.items())
    opened = f"; {facts.opened:,} opened" + (f": {formats}" if formats else "")
    of_classes = f"{counted(facts.images, 'image')} of {len(by_class)} classes ({each})"
    return f"  {name:<10}  {of_classes}{opened}"


def _of_images(dataset: Dataset) -> Iterator[str]:
    facts = dataset.facts
    yield from (_of_split(name, facts.splits[name]) for name in SPLITS)
    yield f"  validation is {ORIGINS[facts.validation_from]}"
    if not any(split.opened for split in facts.splits.values()):
        yield "  CIFAR-10 is not downloaded yet: the networks are tried on noise"
    else:
        tests = {"images": {name: image_facts(split) for name, split in dataset.splits.items()}}
        yield from (f"{WARNING}{finding}" for finding in found(tests))
    yield from (f"  - {note}" for note in notes(facts))


def _of_layers(layers: Sequence[LayerFacts]) -> Iterator[str]:
    rows = [("layer", "kind", "class", "weight", "bias")]
    rows += [
        (
            in_text(layer.name),
            layer.kind,
            layer.type,
            f"{layer.weight:,}",
            f"{layer.bias:,}",
        )
        for layer in layers[:MOST_LAYERS]
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for *words, weight, bias in rows:
        named = "  ".join(f"{word:<{width}}" for word, width in zip(words, widths, strict=False))
        yield f"  {named}  {weight:>{widths[3]}}  {bias:>{widths[4]}}"
    if len(layers) > MOST_LAYERS:
        yield f"  and {len(layers) - MOST_LAYERS} more layers"


@dataclass(frozen=True)
class Timed:
    """What an evaluation takes, by one on a few images.

    Attributes:
        images: Number of images that a pass of a few seconds reaches.
        compression: Seconds of compressing the network, with its repair on all its images.
        scoring: Seconds of a pass over all images of the search.
    """

    images: int
    compression: float
    scoring: float


def _timed(
    network: MappedNetwork, plan: Plan, split: Split, batch_size: int, of_all: int, repaired: int
) -> Timed:
    """Evaluate a plan on as many images as a few seconds allow.

    Args:
        network: The network, with its repair on a few images.
        plan: The plan.
        split: The images.
        batch_size: Images in a batch.
        of_all: Images of a whole evaluation.
        repaired: Images of a whole repair.
    """
    dense, start = network.fresh(), perf_counter()
    first = few_of(split, FIRST)
    tally(dense, first, batch_size)
    each = (perf_counter() - start) / len(first)
    images = few_of(split, max(FIRST, int(SECONDS / each)))
    del dense
    start = perf_counter()
    prune(network.fresh(), plan, network.read)
    pruned = perf_counter()
    compressed, _ = count_and_quantize(network.pruned(plan).network, plan)
    ready = perf_counter()
    tally(compressed, images, batch_size)
    scored = (perf_counter() - ready) / len(images)
    # The second time came with the repair.
    pruning, repair = pruned - start, max(0.0, ready - pruned - (pruned - start))
    if moves := network.moves.repair:
        repair *= repaired / len(moves.order)
    return Timed(len(images), pruning + repair, scored * of_all)


def _of_time(timed: Timed, study: Study, threads: int) -> str:
    seconds = timed.compression + timed.scoring
    evaluations = len(study.seeds) * len(study.methods_by_name()) * study.budget.evaluations
    return (
        f"  one evaluation: about {_seconds(seconds)} with {counted(threads, 'thread')} "
        f"({_seconds(timed.compression)} of compression, {_seconds(timed.scoring)} of images); "
        f"at most {counted(evaluations, 'evaluation')} on this network, "
        f"{_seconds(evaluations * seconds)} one after the other"
    )


def _seconds(seconds: float) -> str:
    return duration(seconds) if seconds >= 10 else f"{seconds:.2g} s"


def _of_weights(
    name: str, network: MappedNetwork, dataset: Dataset, study: Study, images: int
) -> Iterator[str]:
    """Measure brought weights on a few images, and say what the gate would warn of."""
    splits = {kind: few_of(split, images) for kind, split in dataset.splits.items()}
    split, dense = study.evaluation.split, network.fresh()
    metrics = measure_dense(
        name, dense, splits["validation"], splits["test"], study.evaluation.batch_size
    )
    metrics["validation_from"] = dataset.facts.validation_from
    training = image_facts(splits["train"])
    metrics["tests"] = import_facts_of(dense, splits[split], training)
    measured = counted(len(splits[split]), f"{split} image")
    yield f"  accuracy of the dense network: {metrics['accuracy'][split]:.1%} of {measured}"
    least = study.networks[name].gate.least_accuracy
    if least is not None and metrics["accuracy"][split] < least:
        yield (
            f"{WARNING}this is under networks.{name}.gate.least_accuracy = {least:g}. With such an "
            "accuracy on all images the study stops before its searches"
        )
    warnings = cautions(metrics, split, True, study.normalization_left_out)
    yield from (f"{WARNING}{caution}" for caution in warnings)


def _of_network(name: str, planned: Planned, dataset: Dataset, threads: int) -> Iterator[str]:
    """Try one network, and say what is found."""
    study, own = planned.study, planned.study.networks[name]
    split, training = dataset.splits[study.evaluation.split], dataset.splits["train"]
    asked = planned.moves["repair"]
    repair = asked and RepairImages(training, spread(training, FEW), asked["batch_size"], FEW)
    weights = Path(own.weights) if own.weights else None
    if weights:
        check_digest(weights, own.checksum, f"networks.{name}.checksum")
    facts, space = dataset.facts.splits, space_of(study.search_space.model_dump(mode="json"))
    with tempfile.TemporaryDirectory() as folder:
        tried, network, plan = preflight(
            own.architecture.model_dump(mode="json"),
            split,
            weights,
            Moves(tuple(planned.moves["keep"]), repair=repair or None),
            space,
            Path(folder),
        )
        timed = _timed(
            network,
            plan,
            split,
            study.evaluation.batch_size,
            facts[study.evaluation.split].images,
            min(asked["images"], facts["train"].images) if asked else 0,
        )
        function = getattr(own.architecture, "function", "")
        built = f"{own.architecture.name} {function}".rstrip()
        yield f"\n{name}: {built}, {f'weights {weights}' if weights else 'to be trained'}"
        yield from _of_layers(tried.inspection.layers)
        yield from (f"  - {note}" for note in tried.notes())
        if weights and facts["train"].opened:
            yield from _of_weights(name, network, dataset, study, timed.images)
        yield _of_time(timed, study, threads)


def show(study: Study, results: Path, advice: Advice = NO_ADVICE, *, threads: int = 1) -> str:
    """Try the images and the networks of a study. Nothing is written into the study.

    Args:
        study: The study as its config asks for it.
        results: Its folder of results.
        advice: How the study is started here.
        threads: The threads that torch computes with.

    Returns:
        The text to print.

    Raises:
        UserError: Something that the study needs cannot be used.
    """
    torch.set_num_threads(threads)
    planned = Planned(study, str(results))
    if not study.networks or study.dataset is None:
        return f"{study.study}: no networks of its own, and so no images and nothing to try"
    path = getattr(study.dataset, "path", None)
    lines = [f"{study.study}: images of the kind {study.dataset.kind}{f', {path}' if path else ''}"]
    dataset = _dataset(planned)
    lines += _of_images(dataset)
    architectures = {
        name: own.architecture.model_dump(mode="json") for name, own in study.networks.items()
    }
    check_keep(planned.moves["keep"], architectures, len(dataset.splits["train"].classes))
    for name in study.networks:
        try:
            lines += _of_network(name, planned, dataset, threads)
        except UserError as error:
            raise UserError(f"{name}: {error}") from error
    warnings = sum(line.startswith(WARNING) for line in lines)
    lines += [
        "",
        f"The study can start. {counted(warnings, 'warning') if warnings else 'No warnings'}.",
    ]
    return "\n".join(lines)
