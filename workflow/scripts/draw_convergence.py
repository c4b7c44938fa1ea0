"""Draws hypervolume against evaluations for one network's methods."""

from paretopress.figures import draw_convergence, save
from paretopress.logs import job_log
from paretopress.tables import read_hypervolumes

with job_log(snakemake.log[0]):
    history = read_hypervolumes(snakemake.input.hypervolumes)
    save(draw_convergence(history, snakemake.params.initial, snakemake.wildcards.network), snakemake.output)
