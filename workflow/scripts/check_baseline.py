"""Stop the study if a dense network is not worth a search, and print what to know before one."""

from pathlib import Path

from paretopress.jobs.gate import check_metrics
from paretopress.jobs.job import job
from paretopress.jobs.logs import warn
from paretopress.networks.cautions import cautions
from paretopress.networks.metrics import read_metrics

with job(snakemake) as work:
    params, name = snakemake.params, snakemake.wildcards.network
    metrics, imported = read_metrics(Path(snakemake.input.metrics)), params.training is None
    for caution in cautions(metrics, params.split, imported, params.normalization_left_out):
        warn(work.log, f"{name}: {caution}")
    chance = check_metrics(name, params.training, metrics, params.split, params.gate)
    if imported and params.gate["least_accuracy"] is None:
        warn(
            work.log,
            f"{name}: Its weights are imported, and no accuracy of theirs is known here. "
            f"networks.{name}.gate.least_accuracy, a little below the one that you know, stops the "
            "study if the file, mean and std or the classes are not those of their training.",
        )
    accuracy = metrics["accuracy"][params.split]
    work.log.info("%s: accuracy %.4f on the %s images; %s", name, accuracy, params.split, chance)
    Path(snakemake.output[0]).touch()
