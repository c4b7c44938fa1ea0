"""Make the run table of one network, and its hypervolumes after each evaluation."""

import json
from pathlib import Path

import pandas as pd

from paretopress.jobs.job import job
from paretopress.runs.files import read_hypervolumes, rows_of_run, run_of
from paretopress.runs.method_names import factors_of
from paretopress.runs.rows import RUN_TABLE_COLUMNS, carried_forward, run_row
from paretopress.tables import read_table, write_csv

with job(snakemake) as work:
    inputs, params, outputs = snakemake.input, snakemake.params, snakemake.output
    tables = {name: read_table(inputs[name]) for name in ("evaluations", "iterations", "timings")}
    rows = []
    for path in inputs.hypervolumes:
        run, volumes = run_of(path), json.loads(Path(path).read_text(encoding="utf-8"))
        own = {name: rows_of_run(table, run) for name, table in tables.items()}
        imported = [run["method"], run["seed"]] in params.imported
        measured = run_row(**own, volumes=volumes, budget=params.budget, imported=imported)
        rows.append({**run, **factors_of(str(run["method"])), **measured})
    runs = pd.DataFrame(rows)[RUN_TABLE_COLUMNS]
    write_csv(runs, outputs.runs)
    write_csv(
        carried_forward(read_hypervolumes(inputs.hypervolumes), runs, params.budget),
        outputs.history,
    )
    work.log.info(
        "%s: runs %d, complete %d",
        snakemake.wildcards.network,
        len(runs),
        runs["complete"].sum(),
    )
