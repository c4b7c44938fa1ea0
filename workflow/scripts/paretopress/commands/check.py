"""Try all that a study will use, in seconds and before any work: its images and its networks."""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import torch

from ..compression.designs import space_of
from ..compression.devices import device_of
from ..compression.layers import in_text
from ..compression.repair import RepairImages
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
from ..runs.forecast import Cost, Times
from ..runs.planned import CIFAR10_DOWNLOAD, Planned
from ..runs.remaining import remaining
from ..runs.timed import Timing, images_within, time_network
from ..words import counted
from .advice import Advice

NO_ADVICE = Advice()
WARNING = "  - warning: "
SECONDS = 2.0  # of a pass over the images, of which there are a dozen
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


def _table(rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    """The rows of a table. All columns but the first stand at their right edge."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for first, *others in rows:
        cells = [f"{cell:>{width}}" for cell, width in zip(others, widths[1:], strict=True)]
        yield "  ".join(["", f"{first:<{widths[0]}}", *cells])


def _of_kinds(times: Times) -> Iterator[tuple[str, ...]]:
    yield "one evaluation", "share", "takes"
    for kind in sorted(times.kinds, key=lambda kind: -kind.share):
        changed = "convolutions" if kind.convolutions else "Linear layers alone"
        words = f"{changed}, int8" if kind.int8 else changed
        yield words, f"{kind.share:.0%}", _seconds(kind.seconds)


def _of_costs(costs: Mapping[str, Cost]) -> Iterator[tuple[str, ...]]:
    yield "forecast", "evaluations", "they take", "searches take", "peak memory"
    for name, cost in [*costs.items(), ("total", sum(costs.values(), Cost()))]:
        seconds = (_seconds(cost.evaluating), _seconds(cost.searching))
        memory = f"{cost.memory / 1e9:.1f} GB" if cost.evaluations else "–"
        yield name, f"{cost.evaluations:,}", *seconds, memory


def _of_forecast(times: Times, costs: Mapping[str, Cost]) -> Iterator[str]:
    yield ""
    yield from _table(list(_of_kinds(times)))
    yield ""
    yield from _table(list(_of_costs(costs)))
    yield f"  one after the other, with {counted(times.threads, 'thread')}"


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


def _of_network(
    name: str, planned: Planned, dataset: Dataset, threads: int, total: list[Cost]
) -> Iterator[str]:
    """Try one network, and say what is found. What it costs is added to `total`."""
    study, own = planned.study, planned.study.networks[name]
    split, training = dataset.splits[study.evaluation.split], dataset.splits["train"]
    asked = planned.moves["repair"]
    repair = asked and RepairImages(training, spread(training, FEW), asked["batch_size"], FEW)
    weights = Path(own.weights) if own.weights else None
    if weights:
        check_digest(weights, own.checksum, f"networks.{name}.checksum")
    facts, space = dataset.facts.splits, space_of(study.search_space.model_dump(mode="json"))
    with tempfile.TemporaryDirectory() as folder:
        tried, network, _ = preflight(
            own.architecture.model_dump(mode="json"),
            split,
            weights,
            Moves(tuple(planned.moves["keep"]), repair=repair or None),
            space,
            Path(folder),
        )
        function = getattr(own.architecture, "function", "")
        built = f"{own.architecture.name} {function}".rstrip()
        yield f"\n{name}: {built}, {f'weights {weights}' if weights else 'to be trained'}"
        yield from _of_layers(tried.inspection.layers)
        yield from (f"  - {note}" for note in tried.notes())
        if weights and facts["train"].opened:
            images = images_within(network, split, study.evaluation.batch_size, SECONDS)
            yield from _of_weights(name, network, dataset, study, images)
        timing = Timing(
            replace(network, device=device_of(study.evaluation.device)),
            split,
            study.evaluation.batch_size,
            facts[study.evaluation.split].images,
            min(asked["images"], facts["train"].images) if asked else 0,
            SECONDS,
        )
        times = time_network(timing, space, study, threads)
        costs = remaining(planned, name, times)
        total.append(sum(costs.values(), Cost()))
        yield from _of_forecast(times, costs)


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
    total: list[Cost] = []
    for name in study.networks:
        try:
            lines += _of_network(name, planned, dataset, threads, total)
        except UserError as error:
            raise UserError(f"{name}: {error}") from error
    warnings = sum(line.startswith(WARNING) for line in lines)
    lines += [
        "",
        f"Forecast of the study: {_seconds(sum(total, Cost()).seconds)}, one after the other.",
        f"The study can start. {counted(warnings, 'warning') if warnings else 'No warnings'}.",
    ]
    return "\n".join(lines)
