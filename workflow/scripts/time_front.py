"""Times the designs of one network's front on all test images."""

from pathlib import Path

import pandas as pd
import torch

from paretopress.data import load_split
from paretopress.errors import UserError
from paretopress.front_designs import load_front
from paretopress.inference import inference_table, interleaved, time_design
from paretopress.logs import job_log
from paretopress.machine import machine_load, processor_name
from paretopress.tables import write_csv

with job_log(snakemake.log[0]) as log:
    inputs, settings = snakemake.input, snakemake.params.settings
    if snakemake.threads < settings["threads"]:
        raise UserError(
            f"inference_time.threads = {settings['threads']}: the job has {snakemake.threads} cores. "
            f"Allowed: at most as many threads as cores. Lower it in the config, or run with --cores {settings['threads']} or more."
        )
    torch.set_num_threads(settings["threads"])
    split = load_split(Path(inputs.images))
    network, designs = load_front(
        Path(inputs.front), Path(inputs.weights), snakemake.params.architecture, split, snakemake.params.initial_seed
    )
    load = machine_load()
    log.info("%d networks on %s, other work keeps %.1f cores busy", len(designs), processor_name(), load)
    # A killed job starts anew: times of two sessions are not to be compared.
    rows = []
    for repeat, design in interleaved(designs, settings["repeats"]):
        seconds = time_design(network, design.plan, split, settings["batch_size"], settings["warm_up"])
        rows.append({"design_id": design.design_id, "repeat": repeat, "seconds": seconds})
        log.info("repeat %d of %d, %s: %.3f s", repeat, settings["repeats"], design.design_id, seconds)
    passes = pd.DataFrame(rows)
    conditions = {**settings, "images": len(split), "processor": processor_name(), "machine_load": load}
    write_csv(inference_table(designs, passes, conditions), snakemake.output.times)
    write_csv(passes, snakemake.output.passes)
