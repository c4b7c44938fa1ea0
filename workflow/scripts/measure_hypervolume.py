"""Hypervolume of one run, at its end and after each evaluation."""

import json
from pathlib import Path

from paretopress.indicators import run_hypervolume
from paretopress.logs import job_log
from paretopress.metrics import read_metrics
from paretopress.objectives import threshold_of
from paretopress.tables import read_table

with job_log(snakemake.log[0]) as log:
    metrics = read_metrics(Path(snakemake.input.metrics))
    evaluations = read_table(snakemake.input.evaluations)
    threshold = threshold_of(metrics, snakemake.params.split, snakemake.params.constraint)
    result = run_hypervolume(evaluations["nonzero_rate"].to_numpy(), evaluations["accuracy"].to_numpy(), threshold)
    Path(snakemake.output[0]).write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    log.info("hypervolume %.6f after %d evaluations", result["hypervolume"], len(evaluations))
