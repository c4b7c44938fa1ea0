"""Find the front of the worst run of the best surrogate setting of one network."""

import json
from pathlib import Path

import pandas as pd

from paretopress.fronts.union import union_front
from paretopress.jobs.job import job
from paretopress.networks.metrics import dense_row, read_metrics
from paretopress.runs.files import read_tables, rows_of_run, run_of
from paretopress.runs.rows import is_complete
from paretopress.search.objectives import threshold_of
from paretopress.statistics.extremes import best_and_worst, worst_run
from paretopress.tables import write_csv

with job(snakemake) as work:
    inputs, params = snakemake.input, snakemake.params
    metrics, evaluations = read_metrics(Path(inputs.metrics)), read_tables(inputs.evaluations)
    rows = []
    for path in inputs.hypervolumes:
        run, history = run_of(path), json.loads(Path(path).read_text(encoding="utf-8"))["history"]
        complete = not params.imported or is_complete(rows_of_run(evaluations, run), params.budget)
        rows.append(
            {
                **run,
                "imported": params.imported,
                "hypervolume": history[: params.budget][-1],
                "complete": complete,
            }
        )
    runs = pd.DataFrame(rows)
    found = best_and_worst(runs)
    # Without two settings that have complete runs there is no best one. The table then holds only
    # the dense network.
    run = (
        {
            "network": snakemake.wildcards.network,
            "method": found[0],
            "seed": worst_run(runs, found[0]),
        }
        if found
        else {}
    )
    evaluations = rows_of_run(evaluations, run) if run else evaluations.iloc[:0]
    dense = dense_row(metrics, params.split)
    threshold = threshold_of(metrics, params.split, params.constraint)
    front = union_front(evaluations, dense, threshold, params.size)
    write_csv(front, snakemake.output[0])
    work.log.info("%s; rows: %d", run or "no two settings with complete runs", len(front))
