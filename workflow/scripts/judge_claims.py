"""Judge the paper's claims by the tables of the study."""

from pathlib import Path

import pandas as pd

from paretopress.jobs.job import job
from paretopress.networks.metrics import read_metrics
from paretopress.statistics.claims.judge import Evidence, claims
from paretopress.statistics.extremes import made_here
from paretopress.statistics.training import still_improving
from paretopress.tables import RUN_COLUMNS, read_table, write_csv

TIMED = [*RUN_COLUMNS, "evaluation", "seconds"]

with job(snakemake) as work:
    inputs, params = snakemake.input, snakemake.params
    names = ("networks", "friedman", "factors", "pairwise", "level_pairs")
    tables = {name: read_table(inputs[name]) for name in names}
    every_run = read_table(inputs.runs)
    runs = pd.concat([made_here(own) for _, own in every_run.groupby("network", sort=False)])
    evaluations = pd.concat([read_table(path) for path in inputs.evaluations], ignore_index=True)
    judged = evaluations[evaluations["evaluation"] <= params.budget].merge(
        runs[RUN_COLUMNS], on=RUN_COLUMNS
    )
    # Of networks that only tables of evaluations know; a table without times leaves an empty one.
    if timings := [timed for timed in map(read_table, inputs.timings) if len(timed)]:
        judged = judged.merge(pd.concat(timings)[TIMED], on=TIMED[:-1], how="left")
    metrics = {
        name: read_metrics(Path(path))
        for name, path in zip(params.own, inputs.metrics, strict=True)
    }
    rises = {
        name: still_improving(list(read_table(path)["validation_accuracy"]), metrics[name])
        for name, path in zip(params.own, inputs.history, strict=True)
    }
    evidence = Evidence(
        level=params.significance_level,
        smallest=params.smallest_effect,
        **tables,
        runs=runs,
        every_run=every_run,
        evaluations=judged,
        worst_run_fronts={
            name: read_table(path)
            for name, path in zip(params.compared, inputs.worst_runs, strict=True)
        },
        tests={name: read_table(path) for name, path in zip(params.own, inputs.tests, strict=True)},
        passes={
            name: read_table(path) for name, path in zip(params.own, inputs.passes, strict=True)
        },
        loads={
            name: float(read_table(path)["machine_load"].iloc[0])
            for name, path in zip(params.own, inputs.times, strict=True)
        },
        improving={name: rise for name, rise in rises.items() if rise is not None},
        test_images={name: content["images"]["test"] for name, content in metrics.items()},
        figures=params.figures,
    )
    table = claims(evidence)
    write_csv(table, snakemake.output[0])
    for row in table.itertuples():
        work.log.info("%s, %s: %s", row.claim, row.network, row.verdict)
