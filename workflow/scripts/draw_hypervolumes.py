"""Draws the final hypervolumes of one network's methods as boxes over seeds."""

from paretopress.figures import draw_hypervolumes, save
from paretopress.logs import job_log
from paretopress.tables import final_hypervolumes, read_hypervolumes

with job_log(snakemake.log[0]):
    final = final_hypervolumes(read_hypervolumes(snakemake.input.hypervolumes))
    save(draw_hypervolumes(final, snakemake.wildcards.network), snakemake.output)
