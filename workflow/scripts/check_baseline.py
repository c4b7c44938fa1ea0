"""Stop the study if a dense network is not worth a search."""

from pathlib import Path

from paretopress.jobs.gate import check_metrics
from paretopress.jobs.job import job
from paretopress.networks.metrics import read_metrics

with job(snakemake) as work:
    params, name = snakemake.params, snakemake.wildcards.network
    metrics = read_metrics(Path(snakemake.input.metrics))
    chance = check_metrics(name, params.training, metrics, params.split, params.gate)
    if params.training is None and params.gate["least_accuracy"] is None:
        work.log.warning(
            "%s: set networks.%s.gate.least_accuracy to notice wrong mean and std", name, name
        )
    accuracy = metrics["accuracy"][params.split]
    work.log.info("%s: accuracy %.4f on the %s images; %s", name, accuracy, params.split, chance)
    Path(snakemake.output[0]).touch()
