"""Join the tables of every run of one network."""

from paretopress.jobs.job import job
from paretopress.runs.files import read_tables
from paretopress.runs.tables import with_integers
from paretopress.tables import write_csv

with job(snakemake) as work:
    for name, path in snakemake.output.items():
        table = with_integers(read_tables(snakemake.input[name]))
        write_csv(table, path)
        work.log.info("%s: %d rows of %d runs", path, len(table), len(snakemake.input[name]))
