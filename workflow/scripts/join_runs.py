"""Join the tables of every run of one network."""

from paretopress.jobs.job import job
from paretopress.runs.files import read_tables
from paretopress.runs.tables import iteration_columns, with_integers
from paretopress.tables import RUN_COLUMNS, write_csv

with job(snakemake) as work:
    for name, path in snakemake.output.items():
        table = with_integers(read_tables(snakemake.input[name]))
        if name == "iterations":
            # Methods can have different candidates, and a run without iterations has no row.
            columns = [*RUN_COLUMNS, *iteration_columns(**snakemake.params.columns)]
            table = table.reindex(columns=columns)
        write_csv(table, path)
        work.log.info("%s: rows %d, runs %d", path, len(table), len(snakemake.input[name]))
