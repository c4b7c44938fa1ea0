"""Draw the inference times of one front of a network."""

from paretopress.figures.inference_times import draw_inference
from paretopress.figures.style import save
from paretopress.jobs.job import job
from paretopress.tables import read_table

with job(snakemake):
    times, front = read_table(snakemake.input.times), read_table(snakemake.input.front)
    times = times[times["design_id"].isin(front["design_id"])]
    params, network = snakemake.params, snakemake.wildcards.network
    save(draw_inference(times, network, params.front, params.size), snakemake.output)
