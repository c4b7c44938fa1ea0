"""Compute the hypervolume of one run, at its end and after each evaluation."""

import json
from pathlib import Path

from paretopress.jobs.files import write_whole
from paretopress.jobs.job import job
from paretopress.networks.metrics import read_metrics
from paretopress.runs.hypervolume import run_hypervolume
from paretopress.search.objectives import threshold_of
from paretopress.tables import read_table

with job(snakemake) as work:
    metrics = read_metrics(Path(snakemake.input.metrics))
    evaluations = read_table(snakemake.input.evaluations)
    threshold = threshold_of(metrics, snakemake.params.split, snakemake.params.constraint)
    size = snakemake.params.size
    result = run_hypervolume(
        evaluations[size].to_numpy(), evaluations["accuracy"].to_numpy(), threshold, size
    )
    write_whole(snakemake.output[0], json.dumps(result, indent=2) + "\n")
    work.log.info("hypervolume %.6f; evaluations: %d", result["hypervolume"], len(evaluations))
