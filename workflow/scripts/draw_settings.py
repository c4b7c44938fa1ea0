"""Draw the figures that compare the surrogate settings on one network.

They show the effects of the two metrics, and the worst run of the best setting.
"""

from pathlib import Path

import pandas as pd

from paretopress.figures.front import draw_worst_run_front
from paretopress.figures.hypervolumes import draw_best_and_worst, draw_by_factor
from paretopress.figures.style import nothing_to_draw, save
from paretopress.jobs.job import job
from paretopress.networks.metrics import read_metrics, repaired_accuracy
from paretopress.runs.method_names import FACTORS
from paretopress.runs.network_rows import network_row
from paretopress.search.objectives import threshold_of
from paretopress.statistics.extremes import best_and_worst, worst_run
from paretopress.tables import read_table

with job(snakemake):
    inputs, outputs, params = snakemake.input, snakemake.output, snakemake.params
    runs, evaluations = read_table(inputs.runs), read_table(inputs.evaluations)
    metrics = read_metrics(Path(inputs.metrics))
    threshold = threshold_of(metrics, params.split, params.constraint)
    name = snakemake.wildcards.network
    network = pd.Series(network_row(name, metrics, params.split, threshold, params.size))
    for factor in FACTORS:
        save(draw_by_factor(runs, factor), outputs[f"hypervolume_by_{factor}"])
    if found := best_and_worst(runs):
        best, worst = found
        save(draw_best_and_worst(runs, best, worst), outputs.best_and_worst)
        repaired = repaired_accuracy(metrics).get(params.split)
        save(
            draw_worst_run_front(evaluations, network, best, worst_run(runs, best), repaired),
            outputs.worst_run_front,
        )
    else:
        for paths in (outputs.best_and_worst, outputs.worst_run_front):
            save(
                nothing_to_draw(
                    f"{network['network']}: n = 0, no two surrogate settings have a complete run."
                ),
                paths,
            )
