"""Takes over the trained weights of one network and measures it dense."""

from pathlib import Path

import torch

from paretopress.baselines import measure_dense
from paretopress.data import load_split
from paretopress.logs import job_log
from paretopress.metrics import write_metrics
from paretopress.networks import build_network, load_weights, save_weights
from paretopress.tables import write_csv
from paretopress.training import history_table

with job_log(snakemake.log[0]) as log:
    torch.set_num_threads(snakemake.threads)
    validation, test = (load_split(Path(snakemake.input[name])) for name in ("validation", "test"))
    network = build_network(snakemake.params.architecture, len(test.classes))
    load_weights(network, Path(snakemake.input.trained))
    log.info("%s: weights of %s fit", snakemake.wildcards.network, snakemake.input.trained)
    save_weights(network, Path(snakemake.output.weights))
    write_csv(history_table([]), snakemake.output.history)
    metrics = measure_dense(network, validation, test, snakemake.params.batch_size)
    log.info("%s: accuracy %s", snakemake.wildcards.network, metrics["accuracy"])
    write_metrics(metrics, Path(snakemake.output.metrics))
