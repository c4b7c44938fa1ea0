"""Draws the front of one network among everything that was evaluated."""

from pathlib import Path

from paretopress.figures import draw_front, save
from paretopress.logs import job_log
from paretopress.metrics import read_metrics
from paretopress.objectives import threshold_of
from paretopress.tables import read_table, read_tables

with job_log(snakemake.log[0]):
    params, inputs = snakemake.params, snakemake.input
    metrics = read_metrics(Path(inputs.metrics))
    thresholds = {split: threshold_of(metrics, split, params.constraint) for split in (params.split, "test")}
    evaluations = read_tables(inputs.evaluations)
    figure = draw_front(
        evaluations, read_table(inputs.front), read_table(inputs.test), params.split, thresholds, snakemake.wildcards.network
    )
    save(figure, snakemake.output)
