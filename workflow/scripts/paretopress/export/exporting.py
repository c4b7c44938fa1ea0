"""Export designs of a front: choose them, write their files, and say what they are."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import numpy as np
import pandas as pd

from ..compression.designs import design_of
from ..compression.packed_size import bytes_rate, dense_bytes
from ..compression.plans import Plan
from ..compression.pruning import Pruned
from ..compression.tally import accuracy, scores_of
from ..config.export import Choice
from ..dataset.split import few_of
from ..fronts.remade import DENSE_PLAN, plan_of_row
from ..fronts.union import DENSE
from ..jobs.files import folder_written_whole
from ..jobs.machine import int8_products, machine_load, overflows_int8, processor_name
from ..jobs.provenance import record_files
from ..search.objectives import threshold_of
from ..tables import write_csv
from .card import TIMES, file_to_ship, require_running, write_card
from .chosen import Row, candidates
from .exported import (
    EVALUATED,
    FLOAT32,
    INT8,
    Exported,
    FineTuned,
    folder_name,
    write_exported,
)
from .formats import FORMATS, ONNX_INT8, PACKED, WEIGHTS, Exportable
from .measuring import TEST, Measuring, on_test, write_files
from .onnx_files import left_in_float
from .scores import all_scores, correct
from .source import TRAINING, Source
from .speed import Runner, runners_of, speeds
from .tuning import forget, tuned

CALIBRATION_IMAGES: Final = 1024
PACKAGES = ("torch", "onnx", "onnxruntime", "safetensors")
FORMS = {EVALUATED: PACKED, FLOAT32: WEIGHTS, INT8: ONNX_INT8}


class _Below(Exception):
    """The int8 file of a design misses the accuracy that was asked for."""

    def __init__(self, accuracy: float) -> None:
        super().__init__(accuracy)
        self.accuracy = accuracy


class DenseNetwork:
    """The dense network beside its exports: what it classifies correctly, and how fast it is.

    Args:
        source: What the exports are made from.
        folder: A folder for its files, which nobody keeps.
    """

    def __init__(self, source: Source, folder: Path) -> None:
        self._source, self._folder = source, folder

    @cached_property
    def right(self) -> np.ndarray:
        """Which test images it classifies correctly, bool of shape (images,)."""
        network, test = self._source.mapped.fresh(), self._source.splits[TEST]
        scores = all_scores(
            lambda images: scores_of(network, images), test, self._source.batch_size
        )
        return correct(scores, test.labels).numpy()

    @cached_property
    def runners(self) -> list[Runner]:
        """Its passes in each runtime."""
        self._source.say("the dense network: written, to be timed")
        network = _exportable(self._source, DENSE_PLAN, self._source.mapped.pruned(DENSE_PLAN))
        missing = write_files(network, self._folder, lambda text: None)
        return runners_of(network, self._folder, missing, DENSE)


def _exportable(source: Source, plan: Plan, pruned: Pruned) -> Exportable:
    training = source.splits[TRAINING]
    return Exportable(
        structure=source.mapped.structure,
        pruned=pruned,
        plan=plan,
        images=(3, *training.images.shape[2:]),
        calibration=few_of(training, CALIBRATION_IMAGES),
        threads=source.threads,
    )


def _export(
    source: Source,
    dense: DenseNetwork,
    row: Row,
    choice: Choice,
    least: float | None,
    passed: Mapping[str, float],
) -> Exported:
    """Export one design.

    Args:
        source: What it is made from.
        dense: The dense network.
        row: The design.
        choice: The choice that means it.
        least: The accuracy on the images of the search that its int8 file must have. None if any
            accuracy will do.
        passed: The accuracy of the int8 files of the designs before it, by design_id.

    Returns:
        The export, whose folder is written.

    Raises:
        _Below: The int8 file misses `least`. Nothing is written then.
    """
    layout, splits, search = source.mapped.layout(), source.splits, source.search
    plan = plan_of_row(row, layout, source.initial_seed, source.table)
    source.say(f"{source.network}, design {plan.design_id}: compressing")
    pruned, fine_tuned = source.mapped.pruned(plan), None
    if source.recipe:
        before = {
            split: accuracy(pruned.network, splits[split], source.batch_size)
            for split in dict.fromkeys((search, TEST))
        }
        pruned = tuned(source, plan, pruned, source.recipe)
        fine_tuned = FineTuned(asdict(source.recipe), before)
    network = _exportable(source, plan, pruned)
    name = folder_name(plan.design_id, fine_tuned)
    with folder_written_whole(source.folder / name) as folder:
        measuring = Measuring(source, network, folder, write_files(network, folder, source.say))
        if least is not None and ONNX_INT8 not in measuring.missing:
            of_int8 = float(measuring.right(ONNX_INT8, search).mean())
            if of_int8 < least:
                raise _Below(of_int8)
        measuring.verify()
        forms = {form: name for form, name in FORMS.items() if name not in measuring.missing}
        left = left_in_float(folder / ONNX_INT8) if INT8 in forms else ([], 0)
        exported = Exported(
            study=source.study,
            network=source.network,
            design_id=plan.design_id,
            choices=[str(choice)],
            passed_over=dict(passed),
            data=source.data,
            design=vars(design_of(row)),
            seed=int(row["seed"]),
            nonzero_rate=float(row["nonzero_rate"]),
            packed_bytes=round(bytes_rate(plan, layout) * dense_bytes(layout)),
            dense_bytes=dense_bytes(layout),
            classes=splits[TEST].classes,
            mean=splits[TEST].mean,
            std=splits[TEST].std,
            scaling=source.scaling,
            search=search,
            images={split: len(splits[split]) for split in dict.fromkeys((search, TEST))},
            floors={
                split: threshold_of(source.metrics, split, source.constraint)
                for split in dict.fromkeys((search, TEST))
            },
            allowed_drop_points=source.constraint["allowed_drop_points"],
            fine_tuned=fine_tuned,
            searched_accuracy=float(row["accuracy"]),
            accuracy={
                split: {
                    DENSE: source.metrics["accuracy"][split],
                    **{
                        form: float(measuring.right(name, split).mean())
                        for form, name in forms.items()
                    },
                }
                for split in dict.fromkeys((search, TEST))
            },
            on_test=on_test(
                source,
                dense.right,
                {form: measuring.right(name, TEST) for form, name in forms.items()},
            ),
            files=measuring.files(),
            missing=measuring.missing,
            calibration_images=len(network.calibration),
            reduce_range=overflows_int8(),
            float_layers=left,
            versions={package: version(package) for package in PACKAGES},
        )
        source.say("timing")
        own = runners_of(network, folder, measuring.missing, name)
        conditions = {
            "processor": processor_name(),
            "int8_instructions": " ".join(int8_products()),
            "machine_load": machine_load(),
        }
        times = speeds([*dense.runners, *own], splits[TEST], source.threads, source.repeats)
        rows = [{**asdict(speed), **conditions} for speed in times]
        write_csv(pd.DataFrame(rows), str(folder / TIMES))
        write_exported(exported, folder)
        write_card(folder, source.command)
        if file := file_to_ship(exported):
            image = splits[TEST].images[0].permute(1, 2, 0).numpy()
            require_running(exported, folder, image, FORMATS[file].scores(network, folder / file))
    _record(source, source.folder / name)
    forget(source, plan)
    return exported


def _record(source: Source, folder: Path) -> None:
    """Record the files of an export, so that `paretopress verify` notices what changes in them."""
    files = [str(path) for path in sorted(folder.iterdir())]
    wildcards = {"network": source.network}
    record_files(source.results, files, "export", wildcards, {}, source.read, [])


def _chosen_again(
    source: Source, exported: Exported, choice: Choice, passed: Mapping[str, float]
) -> Exported:
    """Add a choice to an export whose folder is written."""
    folder = source.folder / exported.name
    more = replace(
        exported,
        choices=[*exported.choices, str(choice)],
        passed_over={**exported.passed_over, **passed},
    )
    write_exported(more, folder)
    write_card(folder, source.command)
    _record(source, folder)
    return more


def _least(source: Source, choice: Choice) -> float:
    floor = threshold_of(source.metrics, source.search, source.constraint)
    return floor if choice.accuracy is None else choice.accuracy


def export(source: Source, choices: Sequence[Choice]) -> list[Exported]:
    """Export the designs that are chosen, each once.

    Where a choice means several designs, the first one is taken whose int8 file keeps the accuracy
    on the images of the search. If none does, it is the first of all.

    Args:
        source: What the exports are made from.
        choices: The choices.

    Returns:
        The exports, in the order in which they were made. Their folders are written.

    Raises:
        UserError: A choice means no design, or the disk is full.
    """
    made: dict[str, Exported] = {}
    int8: dict[str, float] = {}  # the accuracy of int8 files on the images of the search
    found = [
        candidates(choice, source.front, source.evaluated, source.size, source.network)
        for choice in choices
    ]
    with TemporaryDirectory() as folder:
        dense = DenseNetwork(source, Path(folder))
        for choice, rows in zip(choices, found, strict=True):
            least = _least(source, choice) if len(rows) > 1 else None
            passed: dict[str, float] = {}
            for number, row in enumerate([*rows, rows[0]]):
                name = row["design_id"]
                if number == len(rows):
                    least = None
                elif least is not None and int8.get(name, least) < least:
                    passed[name] = int8[name]
                    continue
                try:
                    if name in made:
                        made[name] = _chosen_again(source, made[name], choice, passed)
                    else:
                        made[name] = _export(source, dense, row, choice, least, passed)
                    int8[name] = made[name].accuracy[source.search].get(INT8, 1.0)
                    break
                except _Below as error:
                    int8[name] = passed[name] = error.accuracy
                    source.say(
                        f"{name}: passed over, its int8 file has {error.accuracy:.2%} of {least:.2%}"
                    )
    return list(made.values())
