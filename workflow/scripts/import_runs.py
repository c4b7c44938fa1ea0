"""Write the files of every imported run, in the form of the study's own runs."""

import json
from pathlib import Path

from paretopress.config.evaluation_tables import EvaluationTable
from paretopress.config.variables import OF_THE_PAPER, VARIABLES
from paretopress.jobs.files import write_whole
from paretopress.jobs.job import job
from paretopress.networks.metrics import write_metrics
from paretopress.runs.hypervolume import run_hypervolume
from paretopress.runs.imported import read_evaluations
from paretopress.runs.network_rows import IMPORTED
from paretopress.runs.tables import evaluation_table, iteration_table, timing_table
from paretopress.tables import write_csv

with job(snakemake) as work:
    results, metrics = Path(snakemake.params.results), {}
    for settings in snakemake.params.tables.values():
        table = EvaluationTable.model_validate(settings)
        for (network, method, seed), rows in read_evaluations(table).items():
            folder = results / "runs" / network / method / f"seed-{seed}"
            threshold = table.networks[network].threshold
            given = [name for name in VARIABLES if name in OF_THE_PAPER or name in rows[0]]
            evaluations = evaluation_table(rows, threshold, given)
            size = snakemake.params.sizes[network]
            result = run_hypervolume(
                evaluations[size].to_numpy(), evaluations["accuracy"].to_numpy(), threshold, size
            )
            timed = [
                {**row, "step": "evaluation"} for row in rows if row.get("seconds") is not None
            ]
            write_csv(evaluations, str(folder / "evaluations.csv"))
            write_csv(iteration_table([], size=size), str(folder / "iterations.csv"))
            write_csv(timing_table(timed), str(folder / "timings.csv"))
            write_whole(folder / "hypervolume.json", json.dumps(result, indent=2) + "\n")
            if negative := int((evaluations["nonzero_rate"] < 0).sum()):
                work.log.warning(
                    "%s, %s, seed %d: %d non-zero rates below 0, taken as given",
                    network,
                    method,
                    seed,
                    negative,
                )
        work.log.info("%s: read", table.path)
        for network, known in table.networks.items():
            accuracy, images = known.dense_accuracy, known.images
            metrics[network] = {
                "accuracy": {IMPORTED: accuracy},
                "images": {IMPORTED: images},
                "nonzero_rate": 1.0,
            }
    for path in map(Path, snakemake.output.metrics):
        write_metrics(metrics[path.parent.name], path)
