"""Find the union front of all runs of one network."""

from pathlib import Path

from paretopress.fronts.union import DENSE, union_front
from paretopress.jobs.job import job
from paretopress.networks.metrics import dense_row, read_metrics
from paretopress.runs.files import read_tables
from paretopress.search.objectives import threshold_of
from paretopress.tables import write_csv

with job(snakemake) as work:
    metrics = read_metrics(Path(snakemake.input.metrics))
    dense = dense_row(metrics, snakemake.params.split)
    threshold = threshold_of(metrics, snakemake.params.split, snakemake.params.constraint)
    evaluations = read_tables(snakemake.input.evaluations)
    front = union_front(evaluations, dense, threshold, snakemake.params.size)
    write_csv(front, snakemake.output[0])
    work.log.info(
        "designs on the front: %d; accuracy at least %.4f",
        (front["design_id"] != DENSE).sum(),
        threshold,
    )
