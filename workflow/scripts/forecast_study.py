"""Time a network's evaluations and searches, and forecast what is left of the study."""

import sys
import tempfile
from pathlib import Path

import torch

from paretopress.compression.designs import space_of
from paretopress.compression.devices import device_of
from paretopress.config.study import Study
from paretopress.dataset.split import load_split
from paretopress.jobs.files import write_whole
from paretopress.jobs.job import job
from paretopress.networks.build import build_for
from paretopress.networks.mapped import load_network
from paretopress.networks.moves import load_moves
from paretopress.networks.weights import save_weights
from paretopress.runs.forecast import times_json
from paretopress.runs.planned import Planned
from paretopress.runs.remaining import forecast_line
from paretopress.runs.timed import Timing, time_network

SECONDS = 10.0  # of a pass over the images

with job(snakemake) as work:
    torch.set_num_threads(snakemake.threads)
    params, inputs, name = snakemake.params, snakemake.input, snakemake.wildcards.network
    study, split = Study.model_validate(params.config), load_split(Path(inputs.images))
    device = device_of(study.evaluation.device)
    moves = load_moves(params.moves, (), inputs.training)
    with tempfile.TemporaryDirectory() as folder:
        weights = Path(folder) / "weights.safetensors"
        save_weights(build_for(params.architecture, split, moves.keep), weights)
        timing = Timing(
            load_network(params.architecture, split, weights, moves, device),
            split,
            study.evaluation.batch_size,
            len(split),
            len(moves.repair.order) if moves.repair else 0,
            SECONDS,
        )
        times = time_network(timing, space_of(params.space), study, snakemake.threads)
    write_whole(snakemake.output[0], times_json(times))
    results = Path(snakemake.output[0]).parents[2]
    if line := forecast_line(Planned(study, str(results)), name, times):
        work.log.info("%s", line)
        print(line, file=sys.stderr, flush=True)
