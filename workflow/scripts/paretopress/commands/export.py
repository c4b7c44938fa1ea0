"""Export designs of a network's front as files that run elsewhere."""

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch

from ..config.export import Choice, read_choice
from ..config.study import Study
from ..errors import UserError
from ..export.card import LOADING, file_to_ship
from ..export.exported import FLOAT32, INT8, Exported, megabytes
from ..export.exporting import export
from ..export.settings import export_settings
from ..export.source import TRAINING, ExportFiles, source_of
from ..jobs.digests import content_digest
from ..jobs.provenance import Damaged, read_record, verified
from ..runs.planned import Planned
from ..words import counted
from .advice import Advice
from .network_files import files_of


def _require_same_sources(results: Path, weights: Path, advice: Advice) -> None:
    """Refuse weights whose own source is another one now."""
    for source, was in read_record(results, weights).made_from.items():
        path = Path(source)
        if path.is_relative_to(results) or not path.exists() or content_digest(path) == was:
            continue
        raise UserError(
            f"{path}: changed since the study took it over, so that its front is of other weights. "
            f"Put the file back, or bring the study up to date: {advice.start(results)}"
        )


def _files(planned: Planned, network: str, advice: Advice) -> ExportFiles:
    """The files of a network, checked. All of them were made from each other."""
    results, search = Path(planned.results), planned.study.evaluation.split
    of_network = files_of(planned, network, search, advice)
    splits = {
        split: results / "dataset" / f"{split}.safetensors" for split in (TRAINING, search, "test")
    }
    front = results / "fronts" / f"{network}.csv"
    tested = results / "fronts" / f"{network}.test.csv"
    evaluations = results / "runs" / network / "evaluations.csv"
    needed = [front, tested, evaluations, *splits.values()]
    if missing := [path for path in needed if not path.is_file()]:
        raise UserError(
            f"{', '.join(map(str, missing))}: not there yet. Run the study first: "
            f"{advice.make(missing)}"
        )
    try:
        # The table of the test images says which weights the front is of.
        verified(results, map(str, [*needed, of_network.weights, of_network.metrics]))
        _require_same_sources(results, of_network.weights, advice)
    except Damaged as error:
        raise UserError(advice.made_right(str(error))) from error
    return ExportFiles(
        front,
        evaluations,
        of_network.weights,
        of_network.metrics,
        splits,
        of_network.allocation,
        list(map(Path, planned.own_code[network])),
    )


def _told(exported: Exported, folder: Path) -> Iterator[str]:
    """Yield what an export is."""
    test = exported.accuracy["test"]
    yield f"{exported.network}, design {exported.design_id} ({', '.join(exported.choices)}): {folder}"
    for name, file in exported.files.items():
        yield f"  {name:20} {megabytes(file.bytes):>12}  {file.test_accuracy:.2%} on test images"
    for name, reason in exported.missing.items():
        yield f"  {name:20} missing: {reason}"
    if tuned := exported.fine_tuned:
        yield (
            f"  fine-tuned for {counted(tuned.recipe['epochs'], 'epoch')}: "
            f"{tuned.accuracy_before['test']:.2%} before, {test[FLOAT32]:.2%} after"
        )
    kept = [form for form in (FLOAT32, INT8) if form in test and exported.keeps_floor(form)]
    yield (
        f"  the floor on the {exported.search} images, which chose the design, is kept by: "
        f"{' and '.join(kept) or 'none of its files'}"
    )
    if shipped := file_to_ship(exported):
        own = exported.on_test_in_words(exported.files[shipped].form)
        yield f"  {shipped} has {own} (dense {test['dense']:.2%})"
        yield f"  to run it: python {folder / LOADING} IMAGE ..."


def show(
    study: Study,
    results: Path,
    advice: Advice,
    *,
    network: str,
    choices: Sequence[Choice] = (),
    threads: int | None = None,
) -> str:
    """Export designs of a network.

    Args:
        study: The study as its config asks for it.
        results: Its folder of results.
        advice: How the study is started here.
        network: The name of the network.
        choices: The choices of designs. Those of the config if there are none.
        threads: The threads of a pass, `inference_time.threads` if None.

    Returns:
        The text to print. What is done meanwhile goes to stderr.

    Raises:
        UserError: There is no such network or design. Or a file is missing, damaged, or made for
            another config.
    """
    planned = Planned(study, str(results))
    files = _files(planned, network, advice)
    chosen = list(choices) or [read_choice(text) for text in study.export.get(network, [])]
    if not chosen:
        raise UserError(
            f"{network}: no design is chosen. Allowed: --smallest, --knee, --most-accurate, "
            "--least-accuracy 0.76 and a design_id; or a list of them under `export` in the config."
        )
    settings = export_settings(planned, network) | {
        "command": advice.export(),
        "results": results,
        "progress": planned.journal(network, "fine-tuned"),
    }
    if threads is not None:
        settings["threads"] = threads
    torch.set_num_threads(settings["threads"])

    def say(text: str) -> None:
        """Say on stderr what was done."""
        print(text, file=sys.stderr, flush=True)

    folder = results / "export" / network
    exports = export(source_of(files, settings, folder, say), chosen)
    return "\n".join(line for found in exports for line in _told(found, folder / found.name))
