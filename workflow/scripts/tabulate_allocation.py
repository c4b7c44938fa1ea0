"""Tabulate how many weights each layer of one network loses for each amount."""

from pathlib import Path

import torch

from paretopress.compression.allocation import save_tables
from paretopress.dataset.split import load_split
from paretopress.jobs.job import job
from paretopress.networks.mapped import load_network
from paretopress.networks.moves import Moves

with job(snakemake) as work:
    torch.set_num_threads(snakemake.threads)
    params, inputs = snakemake.params, snakemake.input
    network = load_network(
        params.architecture,
        load_split(Path(inputs.images)),
        Path(inputs.weights),
        Moves(keep=tuple(params.keep)),
    )
    tables = network.tables()
    for kind, table in tables.items():
        work.log.info("%s: layers that share one threshold: %d", kind, table.shape[1])
    save_tables(tables, Path(snakemake.output[0]))
