"""Measures one network dense."""

from pathlib import Path

import torch

from paretopress.baselines import measure_dense
from paretopress.data import load_split
from paretopress.logs import job_log
from paretopress.metrics import write_metrics
from paretopress.networks import build_network
from paretopress.weights import load_weights

with job_log(snakemake.log[0]) as log:
    torch.set_num_threads(snakemake.threads)
    validation, test = (load_split(Path(snakemake.input[name])) for name in ("validation", "test"))
    network = build_network(snakemake.params.architecture, len(test.classes))
    load_weights(network, Path(snakemake.input.weights))
    metrics = measure_dense(network, validation, test, snakemake.params.batch_size)
    log.info("%s: accuracy %s", snakemake.wildcards.network, metrics["accuracy"])
    write_metrics(metrics, Path(snakemake.output[0]))
