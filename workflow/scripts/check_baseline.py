"""Stops the study where a dense network is not worth a search."""

from pathlib import Path

from paretopress.jobs.job import job
from paretopress.networks.chance import Chance
from paretopress.networks.gate import check_dense
from paretopress.networks.metrics import read_metrics

with job(snakemake) as work:
    params = snakemake.params
    metrics = read_metrics(Path(snakemake.input.metrics))
    accuracy = metrics["accuracy"][params.split]
    chance = Chance(metrics["most_frequent_class"][params.split], metrics["images"][params.split])
    check_dense(
        snakemake.wildcards.network, params.training, accuracy, params.split,
        chance if params.gate["above_chance"] else None, params.gate["least_accuracy"],
    )  # fmt: skip
    if params.training is None and params.gate["least_accuracy"] is None:
        work.log.warning(
            "%s: set networks.%s.gate.least_accuracy to notice wrong mean and std",
            *2 * [snakemake.wildcards.network],
        )
    work.log.info(
        "%s: accuracy %.4f on the %s images; %s",
        snakemake.wildcards.network,
        accuracy,
        params.split,
        chance,
    )
    Path(snakemake.output[0]).touch()
