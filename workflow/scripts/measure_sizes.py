"""Measure the sizes of the designs of one network's front."""

from dataclasses import asdict
from pathlib import Path

import pandas as pd
import torch

from paretopress.compression.packed_size import bytes_rate, dense_bytes
from paretopress.dataset.split import load_split
from paretopress.fronts.remade import load_fronts
from paretopress.fronts.sizes import measure_sizes, pruned_layers
from paretopress.jobs.job import job
from paretopress.networks.moves import load_moves
from paretopress.tables import write_csv

with job(snakemake) as work:
    torch.set_num_threads(snakemake.threads)
    inputs = snakemake.input
    split = load_split(Path(inputs.images))
    network, designs = load_fronts(
        [Path(inputs.front)],
        Path(inputs.weights),
        snakemake.params.architecture,
        split,
        snakemake.params.initial_seed,
        load_moves(snakemake.params.moves, inputs.allocation, inputs.training),
    )
    rows, layout = [], network.layout()
    for design in designs:
        sizes = measure_sizes(
            network.pruned(design.plan).network, design.plan, tuple(split.images.shape[1:])
        )
        rows.append(
            {
                "design_id": design.design_id,
                "nonzero_rate": design.nonzero_rate,
                **asdict(sizes),
                "packed_bytes": round(bytes_rate(design.plan, layout) * dense_bytes(layout)),
                "linear_layers": pruned_layers(design.plan, layout.linear),
                "conv_layers": pruned_layers(design.plan, layout.conv),
            }
        )
        work.log.info(
            "%s: %d bytes, %d through gzip", design.design_id, sizes.bytes, sizes.compressed_bytes
        )
    write_csv(pd.DataFrame(rows), snakemake.output[0])
