"""The files that an evaluation reads: whether they are there, whole, and made for this config."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..config.messages import nearest
from ..config.study import Study
from ..errors import UserError, short
from ..jobs.provenance import Damaged, read_record, verified
from ..runs.planned import Planned
from .advice import Advice


def _refuse_other_networks(study: Study, network: str, configfile: str) -> None:
    if network in study.networks:
        return
    why = (
        "only its evaluations are there, in a table, and no weights"
        if network in study.network_names()
        else "not a network of the study"
    )
    raise UserError(
        f"{short(network)}: {why} ({configfile}).{nearest(network, list(study.networks))} "
        f"Allowed: {', '.join(study.networks) or 'none, since the study has no networks'}."
    )


@dataclass(frozen=True)
class NetworkFiles:
    """The files of a study that an evaluation of a network reads.

    Attributes:
        weights: The weights of the network.
        metrics: What was measured on the dense network. This file may be missing.
        images: The split.
        allocation: The tables of the allocation, if the study has those of the present config.
        training: The training split, if the study repairs networks.
    """

    weights: Path
    metrics: Path
    images: Path
    allocation: tuple[Path, ...]
    training: tuple[Path, ...]


def _differs(results: Path, file: Path, made_for: Mapping[str, Any]) -> str | None:
    """The first key that a file was made with another value of."""
    recorded = read_record(results, file).params
    return next((key for key, value in made_for.items() if recorded.get(key, value) != value), None)


def _check(files: NetworkFiles, results: Path, made_for: Mapping[str, Any], advice: Advice) -> None:
    """Check that the files are there and whole, and the weights made for the present config."""
    needed = dict.fromkeys([files.weights, files.images, *files.training])
    if missing := [file for file in needed if not file.is_file()]:
        # The metrics are made from the weights and the images.
        targets = missing if files.metrics.is_file() else [files.metrics]
        raise UserError(
            f"{', '.join(map(str, missing))}: not there yet. "
            f"This makes what is missing, without the searches: {advice.make(targets)}"
        )
    present = [*needed, *files.allocation, *([files.metrics] if files.metrics.is_file() else [])]
    verified(results, map(str, present))
    if key := _differs(results, files.weights, made_for):
        raise UserError(
            f"{files.weights}: made for another {key} than {advice.configfile} has now. Give this "
            "config another name of the study. Or make the weights again, and with them all that "
            f"rests on them: {advice.make([files.weights])}"
        )


def files_of(planned: Planned, network: str, split: str, advice: Advice) -> NetworkFiles:
    """Find the files of a network, and check them.

    Args:
        planned: The plan of the study.
        network: The name of the network.
        split: The name of the split that is read.
        advice: How the study is started here.

    Returns:
        The files.

    Raises:
        UserError: The study has no weights of such a network. Or a file is missing, damaged, or
            made for another config.
    """
    _refuse_other_networks(planned.study, network, advice.configfile)
    results = Path(planned.results)
    baseline, dataset = results / "baselines" / network, results / "dataset"
    moves, own = planned.moves, planned.study.networks[network].model_dump(mode="json")
    tables = baseline / "allocation.safetensors"
    of_tables = {"architecture": own["architecture"], "keep": moves["keep"]}
    try:
        usable = (
            moves["allocation"] == "lamp"
            and tables.is_file()
            and not _differs(results, tables, of_tables)
        )
        files = NetworkFiles(
            baseline / "weights.safetensors",
            baseline / "metrics.json",
            dataset / f"{split}.safetensors",
            (tables,) if usable else (),
            (dataset / "train.safetensors",) if moves["repair"] else (),
        )
        _check(files, results, {key: own[key] for key in ("architecture", "training")}, advice)
    except Damaged as error:
        raise UserError(advice.made_right(str(error))) from error
    return files
