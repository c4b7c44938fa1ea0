"""Draw the searches of one network: the chosen surrogates, the random infills and the times."""

from paretopress.figures.search_times import draw_times
from paretopress.figures.style import save
from paretopress.figures.surrogates import draw_fallbacks, draw_surrogates
from paretopress.jobs.job import job
from paretopress.tables import read_table

with job(snakemake):
    inputs, outputs = snakemake.input, snakemake.output
    runs, evaluations, iterations, timings = (
        read_table(inputs[name]) for name in ("runs", "evaluations", "iterations", "timings")
    )
    save(draw_surrogates(runs, iterations, **snakemake.params.columns), outputs.surrogates)
    save(draw_fallbacks(runs, iterations), outputs.fallbacks)
    save(draw_times(runs, timings, evaluations), outputs.time)
