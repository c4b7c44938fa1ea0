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
        allocation: The tables of the allocation, if the study has them.
        training: The training split, if the study repairs networks.
    """

    results: Path
    weights: Path
    metrics: Path
    images: Path
    allocation: tuple[Path, ...]
    training: tuple[Path, ...]

    def _check(self, made_for: Mapping[Path, Mapping[str, Any]], advice: Advice) -> None:
        """Check that the files are there, whole, and made for the present config.

        Args:
            made_for: The parameters that a file must have been made with.
            advice: How the study is started here.

        Raises:
            UserError: A file is missing, damaged or made for another config.
        """
        needed = dict.fromkeys([self.weights, self.images, *self.allocation, *self.training])
        if missing := [file for file in needed if not file.is_file()]:
            # The metrics are made from the weights and the images.
            targets = missing
            if not self.metrics.is_file():
                tables = [file for file in missing if file in self.allocation]
                targets = [self.metrics, *tables]
            raise UserError(
                f"{', '.join(map(str, missing))}: not there yet. "
                f"This makes what is missing, without the searches: {advice.make(targets)}"
            )
        present = [*needed, *([self.metrics] if self.metrics.is_file() else [])]
        try:
            verified(self.results, map(str, present))
        except Damaged as error:
            raise UserError(advice.made_right(str(error))) from error
        for file, params in made_for.items():
            recorded = read_record(self.results, file).params
            for key, value in params.items():
                if recorded.get(key, value) != value:
                    raise UserError(
                        f"{file}: made for another {key} than {advice.configfile} has now. "
                        f"Make it again first: {advice.make([file])}"
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
    moves = planned.moves
    files = NetworkFiles(
        results,
        baseline / "weights.safetensors",
        baseline / "metrics.json",
        dataset / f"{split}.safetensors",
        (baseline / "allocation.safetensors",) if moves["allocation"] == "lamp" else (),
        (dataset / "train.safetensors",) if moves["repair"] else (),
    )
    own = planned.study.networks[network].model_dump(mode="json")
    architecture = {"architecture": own["architecture"]}
    files._check(
        {
            files.weights: {**architecture, "training": own["training"]},
            **{file: {**architecture, "keep": moves["keep"]} for file in files.allocation},
        },
        advice,
    )
    return files
