"""Put the fronts of all runs of one network into one table."""

from pathlib import Path

from paretopress.fronts.union import run_fronts
from paretopress.jobs.job import job
from paretopress.networks.metrics import dense_row, read_metrics
from paretopress.runs.files import read_tables
from paretopress.search.objectives import threshold_of
from paretopress.tables import write_csv

with job(snakemake) as work:
    params = snakemake.params
    metrics = read_metrics(Path(snakemake.input.metrics))
    dense = dense_row(metrics, params.split)
    threshold = threshold_of(metrics, params.split, params.constraint)
    evaluations = read_tables(snakemake.input.evaluations)
    fronts = run_fronts(evaluations, dense, threshold, params.size)
    write_csv(fronts, snakemake.output[0])
    work.log.info("designs on the fronts of the runs: %d", len(fronts) - 1)
