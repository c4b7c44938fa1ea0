"""Run one search: a method spends its budget of true evaluations on one network with one seed."""

from pathlib import Path

import torch

from paretopress.compression.designs import sample_seed, space_of
from paretopress.compression.devices import described, device_of, kinds, name_of
from paretopress.config.candidates import candidates_of
from paretopress.jobs.gate import check_metrics
from paretopress.jobs.job import job
from paretopress.jobs.machine import peak_memory, processor_name
from paretopress.jobs.progress import reporter
from paretopress.methods import build_method, designs_at_once
from paretopress.networks.metrics import read_metrics
from paretopress.networks.moves import load_moves
from paretopress.runs.tables import evaluation_table, iteration_table, timing_table
from paretopress.search.archive import Archive, Evaluation
from paretopress.search.hypervolume import scaled_hypervolume
from paretopress.search.objectives import threshold_of
from paretopress.search.targets import load_target, other_devices, read_initial
from paretopress.tables import read_table, records, write_csv

with job(snakemake) as work:
    params, wildcards, seed = snakemake.params, snakemake.wildcards, int(snakemake.wildcards.seed)
    metrics = read_metrics(Path(snakemake.input.metrics))
    check_metrics(wildcards.network, params.training, metrics, params.split, params.gate)
    threshold = threshold_of(metrics, params.split, params.constraint)
    dense = metrics["accuracy"][params.split]
    device = device_of(params.device)
    work.log.info("designs are evaluated on %s", described(device))
    work.log.info(
        "dense accuracy %.4f on the %s images, designs need at least %.4f",
        dense,
        params.split,
        threshold,
    )
    # Always the same for one method, since the number of threads can change the last digits.
    method = build_method(**params.method)
    at_once = min(snakemake.threads, designs_at_once(method))
    torch.set_num_threads(snakemake.threads // at_once)
    space = space_of(params.space)
    layers_from = sample_seed(seed, params.initial_seed)
    target = load_target(
        Path(snakemake.input.weights),
        Path(snakemake.input.images),
        params.architecture,
        space,
        layers_from,
        params.batch_size,
        threshold,
        load_moves(params.moves, snakemake.input.allocation, snakemake.input.training),
        params.size,
        at_once,
        device,
    )
    # Neither the budget nor the name of the method is among the settings of the journal, so that a
    # search with a larger budget continues from the recorded evaluations.
    settings = [
        params.space, params.architecture, params.batch_size, params.method, params.constraint,
        params.split, params.moves, params.size, seed, layers_from, *kinds(device),
    ]  # fmt: skip
    # The times of the sample are copied into the outputs. The search does not depend on them.
    journal = work.journal(params.journal, settings, without=[snakemake.input.timings])
    initial = read_initial(Path(snakemake.input.designs), Path(snakemake.input.timings))
    if others := other_devices(Path(snakemake.input.timings), device):
        work.log.warning(
            "the initial sample was evaluated on %s, the search goes on on %s; some predictions may "
            "differ between them",
            ", ".join(others),
            described(device),
        )
    journal.report(0, params.budget)
    machine = {
        "threads": snakemake.threads,
        "processor": processor_name(),
        "device": name_of(device),
    }
    archive = Archive(
        target, params.budget, seed, initial, journal, lambda: {**machine, "memory": peak_memory()}
    )
    label = f"{wildcards.network} {wildcards.method} seed {seed}"

    def hypervolume() -> float:
        """The scaled hypervolume of the evaluations so far."""
        objectives = archive.objectives()
        return scaled_hypervolume(objectives[:, 0], -objectives[:, 1], threshold)

    method.run(archive, reporter(work.log, journal, label, hypervolume))
    if archive.left:
        work.log.warning(
            "%s: no new network found, %d of the budget of %d not spent",
            label,
            archive.left,
            archive.budget,
        )

    sampled = {row["evaluation"]: row for row in records(read_table(snakemake.input.timings))}
    steps = [
        {**step, **({} if step["iteration"] else sampled[step["evaluation"]])}
        for step in archive.timings
    ]
    write_csv(
        evaluation_table(map(Evaluation.row, archive.evaluations), threshold, space.names),
        snakemake.output.evaluations,
    )
    write_csv(
        iteration_table(archive.iterations, candidates_of(params.method), params.size),
        snakemake.output.iterations,
    )
    write_csv(timing_table(steps), snakemake.output.timings)
    journal.keep()
