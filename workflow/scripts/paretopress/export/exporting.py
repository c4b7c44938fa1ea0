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
from ..compression.tally import scores_of
from ..config.export import Choice
from ..dataset.split import few_of
from ..fronts.remade import DENSE_PLAN, plan_of_row
from ..fronts.union import DENSE
from ..jobs.files import folder_written_whole
from ..jobs.machine import overflows_int8
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
from .kept import chosen, kept, made_before, record
from .measuring import TEST, Measuring, on_test, write_files
from .onnx_files import left_in_float
from .scores import all_scores, correct
from .source import TRAINING, Source
from .speed import Runner, runners_of, speeds
from .tuning import compressed, forget

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


def _described(
    source: Source,
    dense: DenseNetwork,
    row: Row,
    network: Exportable,
    measuring: Measuring,
    fine_tuned: FineTuned | None,
) -> Exported:
    """Describe an export whose files are verified, but for its choices."""
    layout, search, test = source.mapped.layout(), source.search, source.splits[TEST]
    shown = list(dict.fromkeys((search, TEST)))
    forms = {form: name for form, name in FORMS.items() if name not in measuring.missing}
    right = {
        split: {form: measuring.right(name, split) for form, name in forms.items()}
        for split in shown
    }
    dense_has = source.metrics["accuracy"]
    return Exported(
        study=source.study,
        network=source.network,
        design_id=network.plan.design_id,
        choices=[],
        passed_over={},
        data=source.data,
        design=vars(design_of(row)),
        seed=int(row["seed"]),
        nonzero_rate=float(row["nonzero_rate"]),
        packed_bytes=round(bytes_rate(network.plan, layout) * dense_bytes(layout)),
        dense_bytes=dense_bytes(layout),
        classes=test.classes,
        mean=test.mean,
        std=test.std,
        scaling=source.scaling,
        search=search,
        images={split: len(source.splits[split]) for split in shown},
        floors={split: threshold_of(source.metrics, split, source.constraint) for split in shown},
        allowed_drop_points=source.constraint["allowed_drop_points"],
        fine_tuned=fine_tuned,
        searched_accuracy=float(row["accuracy"]),
        accuracy={
            split: {
                DENSE: dense_has[split],
                **{form: float(found.mean()) for form, found in own.items()},
            }
            for split, own in right.items()
        },
        on_test=on_test(source, dense.right, right[TEST]),
        files=measuring.files(),
        missing=measuring.missing,
        calibration_images=len(network.calibration),
        reduce_range=overflows_int8(),
        float_layers=left_in_float(measuring.folder / ONNX_INT8) if INT8 in forms else ([], 0),
        versions={package: version(package) for package in PACKAGES},
        same_for=source.same_for,
        chosen_from=source.chosen_from,
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
    plan = plan_of_row(row, source.mapped.layout(), source.initial_seed, source.table)
    name = folder_name(plan.design_id, source.recipe is not None)
    source.say(f"{source.network}, design {plan.design_id}: compressing")
    pruned, fine_tuned = compressed(source, plan)
    network = _exportable(source, plan, pruned)
    with folder_written_whole(source.folder / name) as folder:
        measuring = Measuring(source, network, folder, write_files(network, folder, source.say))
        if least is not None and ONNX_INT8 not in measuring.missing:
            of_int8 = float(measuring.right(ONNX_INT8, source.search).mean())
            if of_int8 < least:
                raise _Below(of_int8)
        measuring.verify()
        exported = replace(
            _described(source, dense, row, network, measuring, fine_tuned),
            choices=[str(choice)],
            passed_over=dict(passed),
        )
        source.say("timing")
        runners = [*dense.runners, *runners_of(network, folder, measuring.missing, name)]
        times = speeds(runners, source.splits[TEST], source.threads, source.repeats)
        write_csv(pd.DataFrame(map(asdict, times)), str(folder / TIMES))
        write_exported(exported, folder)
        write_card(folder, source.command)
        if file := file_to_ship(exported):
            image = source.splits[TEST].images[0].permute(1, 2, 0).numpy()
            require_running(exported, folder, image, FORMATS[file].scores(network, folder / file))
    record(source, (source.folder / name).iterdir())
    forget(source, plan)
    return exported


def export(source: Source, choices: Sequence[Choice]) -> list[Exported]:
    """Export the designs that are chosen, each once.

    Where a choice means several designs, the first one is taken whose int8 file keeps the accuracy
    on the images of the search. If none does, it is the first of all. An export that is there
    already, made of the same things, is not made again.

    Args:
        source: What the exports are made from.
        choices: The choices.

    Returns:
        The exports, in the order in which they were made. Their folders are written.

    Raises:
        UserError: A choice means no design, or the disk is full.
    """
    floor = threshold_of(source.metrics, source.search, source.constraint)
    means = [
        candidates(choice, source.front, source.evaluated, source.size, source.network)
        for choice in choices
    ]
    before = {found.design_id: found for found in made_before(source)}
    int8 = {name: own for found in before.values() for name, own in found.passed_over.items()}
    int8 |= {name: found.of_int8 for name, found in before.items()}
    made: dict[str, Exported] = {}
    with TemporaryDirectory() as folder:
        dense = DenseNetwork(source, Path(folder))
        for choice, rows in zip(choices, means, strict=True):
            asked = floor if choice.accuracy is None else choice.accuracy
            several = [(row, asked) for row in rows] if len(rows) > 1 else []
            passed: dict[str, float] = {}
            for row, least in [*several, (rows[0], None)]:
                name = row["design_id"]
                try:
                    if least is not None and int8.get(name, least) < least:
                        raise _Below(int8[name])
                    found = made.get(name) or kept(source, before.get(name), row)
                    made[name] = (
                        chosen(source, found, choice, passed)
                        if found
                        else _export(source, dense, row, choice, least, passed)
                    )
                    int8[name] = made[name].of_int8
                    break
                except _Below as error:
                    int8[name] = passed[name] = error.accuracy
                    source.say(
                        f"{name}: passed over, its int8 file has {error.accuracy:.2%} of {least:.2%}"
                    )
    return list(made.values())
