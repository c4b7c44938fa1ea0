"""Draws the inference times of one front of a network."""

from paretopress.figures.inference import draw_inference
from paretopress.figures.style import save
from paretopress.logs import job_log
from paretopress.tables import read_table

with job_log(snakemake.log[0]):
    times, front = read_table(snakemake.input.times), read_table(snakemake.input.front)
    times = times[times["design_id"].isin(front["design_id"])]
    save(draw_inference(times, snakemake.wildcards.network, snakemake.params.front), snakemake.output)
