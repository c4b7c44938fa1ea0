"""Compares the methods by their final hypervolumes."""

from paretopress.logs import job_log
from paretopress.statistics import friedman, pairwise, summary
from paretopress.tables import final_hypervolumes, read_hypervolumes, read_tables, write_csv

with job_log(snakemake.log[0]) as log:
    history = read_hypervolumes(snakemake.input.hypervolumes)
    final = final_hypervolumes(history)
    iterations, evaluations = read_tables(snakemake.input.iterations), read_tables(snakemake.input.evaluations)
    level = snakemake.params.significance_level
    write_csv(summary(history, final, iterations, evaluations), snakemake.output.summary)
    write_csv(friedman(final, level), snakemake.output.friedman)
    write_csv(pairwise(final, level), snakemake.output.pairwise)
    log.info("%d runs compared at significance level %g", len(final), level)
