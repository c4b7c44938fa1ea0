"""Draws the inference times of one network's front."""

from paretopress.figures import draw_inference, save
from paretopress.logs import job_log
from paretopress.tables import read_table

with job_log(snakemake.log[0]):
    save(draw_inference(read_table(snakemake.input.times), snakemake.wildcards.network), snakemake.output)
