"""Draw the initial sample of one network and seed, and evaluate it."""

from dataclasses import asdict
from pathlib import Path

import pandas as pd
import torch

from paretopress.compression.designs import space_of
from paretopress.compression.devices import described, device_of, kinds, name_of
from paretopress.jobs.gate import check_metrics
from paretopress.jobs.job import job
from paretopress.jobs.logs import duration
from paretopress.jobs.machine import peak_memory, processor_name
from paretopress.networks.metrics import read_metrics
from paretopress.networks.moves import load_moves
from paretopress.search.archive import measured, sample_initial
from paretopress.search.targets import load_target
from paretopress.tables import write_csv

with job(snakemake) as work:
    torch.set_num_threads(1)  # designs are evaluated at once, each on one thread
    params, seed = snakemake.params, int(snakemake.wildcards.seed)
    device = device_of(params.device)
    work.log.info("designs are evaluated on %s", described(device))
    metrics = read_metrics(Path(snakemake.input.metrics))
    check_metrics(snakemake.wildcards.network, params.training, metrics, params.split, params.gate)
    space = space_of(params.space)
    target = load_target(
        Path(snakemake.input.weights),
        Path(snakemake.input.images),
        params.architecture,
        space,
        seed,
        params.batch_size,
        threshold=0.0,
        moves=load_moves(params.moves, snakemake.input.allocation, snakemake.input.training),
        at_once=snakemake.threads,
        device=device,
    )
    settings = [
        params.space, params.architecture, params.batch_size, params.sample_size, params.moves, seed,
        *kinds(device),
    ]  # fmt: skip
    journal = work.journal(params.journal, settings, without=[snakemake.input.metrics])
    journal.report(0, params.sample_size)
    rows, timings = [], []
    sample = sample_initial(target, params.sample_size, seed)
    for number, (design, plan) in enumerate(sample, start=1):
        following = [
            plan
            for _, plan in sample[number - 1 :]
            if not journal.has("evaluations", plan.design_id)
        ]
        target.begin(following)
        record = journal.remember(
            "evaluations",
            plan.design_id,
            lambda plan=plan: {**asdict(measured(target, plan)), "memory": peak_memory()},
        )
        timings.append(
            {"evaluation": number}
            | {key: record.pop(key, None) for key in ("seconds", "path", "differing", "memory")}
        )
        said = {"evaluation": number, "design_id": plan.design_id, "bytes": target.bytes_rate(plan)}
        rows.append(said | asdict(design) | record)
        left = sum(row["seconds"] for row in timings) / number * (params.sample_size - number)
        label = f"{snakemake.wildcards.network} initial sample of seed {seed}"
        work.log.info(
            "%s: evaluation %d of %d, accuracy %.4f at non-zero rate %.4f, share of bytes %.4f, %s "
            "left",
            label,
            number,
            params.sample_size,
            record["accuracy"],
            record["nonzero_rate"],
            said["bytes"],
            duration(left),
        )
        journal.report(number, params.sample_size, seconds_left=left)
    columns = ["evaluation", "design_id", *space.names, "nonzero_rate", "bytes", "accuracy"]
    write_csv(pd.DataFrame(rows)[columns], snakemake.output.designs)
    write_csv(
        pd.DataFrame(timings)
        .astype({"differing": "Int64", "memory": "Int64"})
        .assign(threads=snakemake.threads, processor=processor_name(), device=name_of(device))[
            [
                "evaluation",
                "seconds",
                "threads",
                "processor",
                "path",
                "device",
                "differing",
                "memory",
            ]
        ],
        snakemake.output.timings,
    )
    journal.keep()
