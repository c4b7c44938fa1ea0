"""Time the designs of one network's fronts on all test images."""

from pathlib import Path

import pandas as pd
import torch

from paretopress.dataset.split import load_split
from paretopress.fronts.remade import load_fronts
from paretopress.fronts.times import inference_table, interleaved, time_design
from paretopress.jobs.job import job
from paretopress.jobs.machine import machine_load, processor_name, require_cores
from paretopress.networks.moves import load_moves
from paretopress.tables import write_csv

with job(snakemake) as work:
    inputs, settings = snakemake.input, snakemake.params.settings
    require_cores(settings["threads"], snakemake.threads)
    torch.set_num_threads(settings["threads"])
    split = load_split(Path(inputs.images))
    fronts = [Path(path) for path in (inputs.front, *inputs.worst_run)]
    network, designs = load_fronts(
        fronts,
        Path(inputs.weights),
        snakemake.params.architecture,
        split,
        snakemake.params.initial_seed,
        load_moves(snakemake.params.moves, inputs.allocation, inputs.training),
    )
    load = machine_load()
    work.log.info(
        "networks timed: %d; on %s, other work keeps %.1f cores busy",
        len(designs),
        processor_name(),
        load,
    )
    # A killed job starts from the beginning, because times of two sessions cannot be compared.
    rows = []
    for repeat, design in interleaved(designs, settings["repeats"]):
        seconds = time_design(
            network, design.plan, split, settings["batch_size"], settings["warm_up"]
        )
        rows.append({"design_id": design.design_id, "repeat": repeat, "seconds": seconds})
        work.log.info(
            "repeat %d of %d, %s: %.3f s", repeat, settings["repeats"], design.design_id, seconds
        )
    passes = pd.DataFrame(rows)
    conditions = {
        **settings,
        "images": len(split),
        "processor": processor_name(),
        "machine_load": load,
    }
    write_csv(inference_table(designs, passes, conditions), snakemake.output.times)
    write_csv(passes, snakemake.output.passes)
