"""Evaluate each design of one network's front, or of those of its runs, once on the test images."""

from dataclasses import asdict
from pathlib import Path

import torch

from paretopress.compression.devices import described, device_of, kinds
from paretopress.compression.evaluation import Evaluator
from paretopress.dataset.split import load_split
from paretopress.fronts.remade import load_fronts
from paretopress.fronts.union import on_test_images
from paretopress.jobs.job import job
from paretopress.networks.metrics import read_metrics
from paretopress.networks.moves import load_moves
from paretopress.search.objectives import threshold_of
from paretopress.tables import read_table, write_csv

with job(snakemake) as work:
    torch.set_num_threads(snakemake.threads)
    params, inputs = snakemake.params, snakemake.input
    device = device_of(params.device)
    work.log.info("evaluated on %s", described(device))
    metrics = read_metrics(Path(inputs.metrics))
    split = load_split(Path(inputs.images))
    network, designs = load_fronts(
        [Path(inputs.front)],
        Path(inputs.weights),
        params.architecture,
        split,
        params.initial_seed,
        load_moves(params.moves, inputs.allocation, inputs.training),
        device,
    )
    evaluate = Evaluator(network, split, params.batch_size)
    plans = {design.design_id: design.plan for design in designs}
    # The journal is kept, and its settings leave the front out, so that only the new designs of a
    # changed front, or of another one, are evaluated.
    settings = [params.architecture, params.batch_size, params.moves, *kinds(device)]
    without = [inputs.front, inputs.metrics, inputs.get("after", "")]
    journal = work.journal(params.journal, settings, without)

    def test_accuracy(design_id: str) -> float:
        """The accuracy of a design on the test images, from the journal if it is recorded."""
        measured = journal.remember(
            "evaluations", design_id, lambda: asdict(evaluate(plans[design_id]))
        )
        work.log.info(
            "%s: accuracy %.4f on the test images, %.1f s",
            design_id,
            measured["accuracy"],
            measured["seconds"],
        )
        return measured["accuracy"]

    threshold = threshold_of(metrics, "test", params.constraint)
    table = on_test_images(
        read_table(inputs.front),
        params.split,
        metrics["accuracy"]["test"],
        threshold,
        test_accuracy,
    )
    write_csv(table, snakemake.output[0])
    work.log.info(
        "designs that keep the floor on the test images: %d of %d; the floor is %.4f",
        table["test_feasible"][:-1].sum(),
        len(table) - 1,
        threshold,
    )
