"""Measure one dense network."""

from pathlib import Path

import torch

from paretopress.dataset.split import load_split
from paretopress.jobs.job import job
from paretopress.networks.build import check_keep
from paretopress.networks.dense import measure_dense, measure_repaired
from paretopress.networks.mapped import load_moves, load_network
from paretopress.networks.metrics import write_metrics

with job(snakemake) as work:
    torch.set_num_threads(snakemake.threads)
    validation, test = (load_split(Path(snakemake.input[name])) for name in ("validation", "test"))
    check_keep(snakemake.params.keep, snakemake.params.architectures, len(test.classes))
    network = load_network(
        snakemake.params.architecture,
        test,
        Path(snakemake.input.weights),
        load_moves(snakemake.params.moves, (), snakemake.input.training),
    )
    splits = (validation, test, snakemake.params.batch_size)
    metrics = measure_dense(snakemake.wildcards.network, network.fresh(), *splits)
    if repaired := measure_repaired(network, *splits):
        metrics["repaired"] = repaired
        for note in [
            *repaired["notes"],
            *map("repair leaves {} alone".format, repaired["left_alone"]),
        ]:
            work.log.warning("%s: %s", snakemake.wildcards.network, note)
    work.log.info("%s: accuracy %s", snakemake.wildcards.network, metrics["accuracy"])
    write_metrics(metrics, Path(snakemake.output[0]))
