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
        results: The folder of the results.
        weights: The weights of the network.
        metrics: What was measured on the dense network. This file may be missing.
        images: The split.
        allocation: The tables of the allocation, if the study has those of the present config.
        training: The training split, if the study repairs networks.
    """

    results: Path
    weights: Path
    metrics: Path
    images: Path
    allocation: tuple[Path, ...]
    training: tuple[Path, ...]

    def _check(self, made_for: Mapping[str, Any], advice: Advice) -> None:
        """Check that the files are there, whole, and made for the present config.

        Args:
            made_for: The parameters that the weights must have been made with.
            advice: How the study is started here.

        Raises:
            Damaged: A file is damaged.
            UserError: A file is missing or made for another config.
        """
        needed = dict.fromkeys([self.weights, self.images, *self.training])
        if missing := [file for file in needed if not file.is_file()]:
            # The metrics are made from the weights and the images.
            targets = missing if self.metrics.is_file() else [self.metrics]
            raise UserError(
                f"{', '.join(map(str, missing))}: not there yet. "
                f"This makes what is missing, without the searches: {advice.make(targets)}"
            )
        present = [*needed, *self.allocation, *([self.metrics] if self.metrics.is_file() else [])]
        verified(self.results, map(str, present))
        recorded = read_record(self.results, self.weights).params
        for key, value in made_for.items():
            if recorded.get(key, value) != value:
                raise UserError(
                    f"{self.weights}: made for another {key} than {advice.configfile} has now. Give "
                    "this config another name of the study. Or make the weights again, and with "
                    f"them all that rests on them: {advice.make([self.weights])}"
                )


def _tables(results: Path, file: Path, made_for: Mapping[str, Any]) -> tuple[Path, ...]:
    """The tables of a network, if they are there for these parameters."""
    if not file.is_file():
        return ()
    recorded = read_record(results, file).params
    return (file,) if all(recorded.get(key) == value for key, value in made_for.items()) else ()


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
    moves = planned.moves
    own = planned.study.networks[network].model_dump(mode="json")
    tables = {"architecture": own["architecture"], "keep": moves["keep"]}
    try:
        files = NetworkFiles(
            results,
            baseline / "weights.safetensors",
            baseline / "metrics.json",
            dataset / f"{split}.safetensors",
            _tables(results, baseline / "allocation.safetensors", tables)
            if moves["allocation"] == "lamp"
            else (),
            (dataset / "train.safetensors",) if moves["repair"] else (),
        )
        files._check({key: own[key] for key in ("architecture", "training")}, advice)
    except Damaged as error:
        raise UserError(advice.made_right(str(error))) from error
    return files
