"""Measure one dense network."""

import json
from dataclasses import replace
from pathlib import Path

import torch

from paretopress.compression.devices import described, device_of
from paretopress.compression.tally import CPU
from paretopress.dataset.split import SPLITS, load_split
from paretopress.jobs.job import job
from paretopress.networks.build import check_keep
from paretopress.networks.builds import check_builds, require_in_weights
from paretopress.networks.dense import measure_dense, measure_repaired, require_what_was_trained
from paretopress.networks.facts import facts_of
from paretopress.networks.import_facts import import_facts_of
from paretopress.networks.mapped import load_network
from paretopress.networks.metrics import write_metrics
from paretopress.networks.moves import load_moves
from paretopress.tables import read_table

with job(snakemake) as work:
    torch.set_num_threads(snakemake.threads)
    params, name = snakemake.params, snakemake.wildcards.network
    device = device_of(params.device)
    splits = {kind: load_split(Path(snakemake.input[kind])) for kind in SPLITS}
    validation, test = splits["validation"], splits["test"]
    check_keep(params.keep, params.architectures, len(test.classes))
    drawn = check_builds(params.architecture, len(test.classes), test.images.shape[-1])
    if params.imported:
        require_in_weights(name, drawn)
    network = load_network(
        params.architecture,
        test,
        Path(snakemake.input.weights),
        load_moves(params.moves, (), snakemake.input.training),
        device,
    )
    measured = (validation, test, params.batch_size)
    metrics = measure_dense(name, network.fresh(), *measured, device)
    epochs = read_table(snakemake.input.history)["validation_accuracy"]
    if len(epochs):
        metrics["trained_accuracy"] = require_what_was_trained(
            name, float(epochs.iloc[-1]), metrics
        )
    if repaired := measure_repaired(network, *measured):
        metrics["repaired"] = repaired
        for note in [
            *repaired["notes"],
            *map("repair leaves {} alone".format, repaired["left_alone"]),
        ]:
            work.log.warning("%s: %s", name, note)
    told = json.loads(Path(snakemake.input.told).read_text(encoding="utf-8"))
    metrics["validation_from"] = told["validation_from"]
    dense = replace(network, device=CPU).fresh()
    tests = facts_of(dense, splits, params.split) | {"differs_between_builds": drawn}
    if params.imported:
        tests |= import_facts_of(dense, splits[params.split], tests["images"]["train"])
    metrics["tests"] = tests
    work.log.info("%s: accuracy %s on %s", name, metrics["accuracy"], described(device))
    write_metrics(metrics, Path(snakemake.output[0]))
