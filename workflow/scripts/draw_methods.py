"""Draw the figures that compare the methods on one network."""

from paretopress.figures.attainment import draw_attainment
from paretopress.figures.convergence import draw_convergence
from paretopress.figures.hypervolumes import draw_hypervolumes
from paretopress.figures.ranks import draw_critical_difference
from paretopress.figures.style import save
from paretopress.jobs.job import job
from paretopress.statistics.pairs import pairwise
from paretopress.statistics.ranks import friedman, ranks
from paretopress.tables import read_table

COMPARED = "methods"

with job(snakemake):
    inputs, outputs, level = snakemake.input, snakemake.output, snakemake.params.significance_level
    size = snakemake.params.size
    runs, history, evaluations = (
        read_table(inputs[name]) for name in ("runs", "history", "evaluations")
    )
    tested, ranked, pairs = (
        table[table["compared"] == COMPARED]
        for table in (friedman(runs, level), ranks(runs), pairwise(runs, level))
    )
    save(draw_hypervolumes(runs), outputs.hypervolume)
    save(draw_convergence(runs, history, evaluations), outputs.convergence)
    save(
        draw_attainment(runs, evaluations, runs["threshold"].iloc[0], size),
        outputs.attainment,
    )
    ranks_drawn = draw_critical_difference(tested.iloc[0], ranked, pairs, size)
    save(ranks_drawn, outputs.critical_difference)
