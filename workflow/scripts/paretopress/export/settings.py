"""The settings that the exports of a network depend on."""

from typing import Any

from ..runs.planned import Planned

SCALING = ("image_size", "resize", "interpolation")


def export_settings(planned: Planned, network: str) -> dict[str, Any]:
    """List what the exports of a network depend on beside files, for `source.source_of`.

    Args:
        planned: The plan of the study.
        network: The name of the network.

    Returns:
        The settings, as plain data.
    """
    study = planned.study
    dataset = study.dataset.model_dump(mode="json") if study.dataset else {}
    tuning = study.fine_tune
    return {
        "study": study.study,
        "network": network,
        "architecture": study.networks[network].architecture.model_dump(mode="json"),
        "moves": planned.moves,
        "size": planned.sizes[network],
        "search": planned.splits[network],
        "constraint": planned.constraints[network],
        "initial_seed": study.budget.initial_seed,
        "data": f"{dataset.get('kind', '')} {dataset.get('path', '')}".strip(),
        "scaling": {key: dataset[key] for key in SCALING if key in dataset},
        "batch_size": study.evaluation.batch_size,
        "device": study.evaluation.device,
        "threads": study.inference_time.threads,
        "repeats": study.inference_time.repeats,
        "fine_tune": tuning and tuning.model_dump(mode="json", exclude={"recipe"}),
    }
