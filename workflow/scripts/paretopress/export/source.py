"""What the exports of a network are made from."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from importlib.metadata import version
from pathlib import Path
from typing import Any

from ..code import counted_files, told
from ..compression.devices import described
from ..dataset.split import Split, load_split
from ..fronts.union import DENSE
from ..jobs.digests import content_digest, file_digest
from ..jobs.machine import int8_products, processor_name
from ..jobs.versions import versions
from ..networks.mapped import MappedNetwork, load_network
from ..networks.metrics import read_metrics
from ..networks.moves import load_moves
from ..networks.training import Recipe, training_device
from ..tables import read_table, records
from .chosen import Row

TRAINING = "train"
HERE = Path(__file__).parent
WRITERS = ("onnx", "onnx-ir", "onnxscript", "onnxruntime")
OWN = {"results", "progress", "command"}  # settings that no content of an export depends on


@dataclass(frozen=True)
class Source:
    """What the exports of a network are made from.

    Attributes:
        study, network: The names.
        mapped: The dense network.
        table: The file of the front, for messages.
        front: The designs of the front, smallest first.
        evaluated: All evaluated designs.
        size: The size that was minimised, a column of both.
        splits: The images by split: those of "train", of the search and of "test".
        search: The split of the search.
        metrics: The content of the network's metrics.json.
        constraint: The section `constraint` of the config.
        initial_seed: `budget.initial_seed` of the config.
        data: The kind of the images, and their path.
        scaling: How an image becomes a square: `image_size`, `resize` and `interpolation`.
        batch_size: Images in a batch of an evaluation.
        device: evaluation.device, for fine-tuning.
        threads: The threads of a pass.
        repeats: The timed blocks of each network.
        recipe: How designs are fine-tuned before they are exported. None if they are not.
        read: The SHA-256 of each file that the networks of the exports are made from, by path.
        made_from: A digest of these, and of the settings that a fine-tuning depends on.
        same_for: A digest of all that the files and times of a design depend on: other files,
            settings, code, versions, and the processor.
        chosen_from: A digest of the tables that designs are chosen from.
        results: The folder of results of the study.
        progress: The folder of the unfinished fine-tunings.
        folder: The folder of the network's exports.
        command: The words of the command line that export from this study, but for the network.
        say: Function that is called with what was done.
    """

    study: str
    network: str
    mapped: MappedNetwork
    table: Path
    front: Sequence[Row]
    evaluated: Sequence[Row]
    size: str
    splits: Mapping[str, Split]
    search: str
    metrics: Mapping[str, Any]
    constraint: Mapping[str, float | None]
    initial_seed: int | None
    data: str
    scaling: Mapping[str, Any]
    batch_size: int
    device: str
    threads: int
    repeats: int
    recipe: Recipe | None
    read: Mapping[str, str]
    made_from: str
    same_for: str
    chosen_from: str
    results: Path
    progress: Path
    folder: Path
    command: str
    say: Callable[[str], None]


@dataclass(frozen=True)
class ExportFiles:
    """The files of a study that its exports are made from.

    Attributes:
        front, evaluations: The tables of the front and of all evaluations of the network.
        weights, metrics: The dense network, and what was measured on it.
        splits: The images by split: "train", that of the search, and "test".
        allocation: The table of the allocation, if the study has one.
        own_code: The user's Python files that build the network, if it has any.
    """

    front: Path
    evaluations: Path
    weights: Path
    metrics: Path
    splits: Mapping[str, Path]
    allocation: Sequence[Path]
    own_code: Sequence[Path]


def _digest(*parts: Any) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def source_of(
    files: ExportFiles, settings: Mapping[str, Any], folder: Path, say: Callable[[str], None]
) -> Source:
    """Load what the exports of a network are made from.

    Args:
        files: The files of the study.
        settings: The settings, from `settings.export_settings`, and those of OWN: the folders
            "results" of the study and "progress" of its fine-tunings, and the "command" that
            exports from it.
        folder: The folder of the network's exports.
        say: Function that is called with what was done.

    Returns:
        The source.

    Raises:
        UserError: The files do not fit each other.
    """
    splits = {name: load_split(path) for name, path in files.splits.items()}
    training = [files.splits[TRAINING]] if settings["moves"]["repair"] else []
    moves = load_moves(settings["moves"], files.allocation, training)
    test = splits["test"]
    front = read_table(files.front)
    recipe = settings["fine_tune"]
    paths = [files.weights, files.splits[TRAINING], *files.allocation, *files.own_code]
    read = {str(path): content_digest(path) for path in paths}
    made_from = _digest(settings["architecture"], settings["moves"], *read.values())
    measured = {files.metrics, *files.splits.values()} - {files.splits[TRAINING]}
    given = {name: value for name, value in settings.items() if name not in OWN}
    own = {field.name for field in fields(Source)} & settings.keys() - {"results", "progress"}
    return Source(
        mapped=load_network(settings["architecture"], test, files.weights, moves),
        table=files.front,
        front=records(front[front["design_id"] != DENSE]),
        evaluated=records(read_table(files.evaluations)),
        splits=splits,
        metrics=read_metrics(files.metrics),
        recipe=recipe and Recipe(**recipe),
        read=read,
        made_from=made_from,
        same_for=_digest(
            made_from,
            [file_digest(path) for path in [*sorted(measured), *sorted(HERE.glob("*.j2"))]],
            given,
            [told(file) for file in counted_files(HERE / "exporting.py")],
            versions() | {package: version(package) for package in WRITERS},
            [
                processor_name(),
                int8_products(),
                recipe and described(training_device(settings["device"])),
            ],
        ),
        chosen_from=_digest(file_digest(files.front), file_digest(files.evaluations)),
        results=Path(settings["results"]),
        progress=Path(settings["progress"]),
        folder=folder,
        say=say,
        **{name: settings[name] for name in own},
    )
