"""Draws the front of one network among everything that was evaluated."""

from pathlib import Path

from paretopress.figures import draw_front, save
from paretopress.logs import job_log
from paretopress.metrics import read_metrics
from paretopress.objectives import accuracy_threshold
from paretopress.tables import read_table, read_tables

with job_log(snakemake.log[0]):
    dense = read_metrics(Path(snakemake.input.metrics))["accuracy"][snakemake.params.split]
    threshold = accuracy_threshold(dense, **snakemake.params.constraint)
    evaluations = read_tables(snakemake.input.evaluations)
    save(draw_front(evaluations, read_table(snakemake.input.front), threshold, snakemake.wildcards.network), snakemake.output)
