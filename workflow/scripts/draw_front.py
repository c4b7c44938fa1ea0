"""Draw the front of one network among all its evaluations."""

from pathlib import Path

from paretopress.figures.front import draw_front
from paretopress.figures.style import save
from paretopress.jobs.job import job
from paretopress.networks.metrics import read_metrics, repaired_accuracy
from paretopress.runs.files import read_tables
from paretopress.runs.network_rows import IMPORTED
from paretopress.search.objectives import threshold_of
from paretopress.tables import read_table

with job(snakemake):
    params, inputs = snakemake.params, snakemake.input
    metrics = read_metrics(Path(inputs.metrics))
    # For imported evaluations, neither the images of the search nor test images are known.
    split = "" if params.split == IMPORTED else params.split
    thresholds = {split: threshold_of(metrics, params.split, params.constraint)}
    thresholds |= {"test": threshold_of(metrics, "test", params.constraint)} if inputs.test else {}
    test = read_table(inputs.test[0]) if inputs.test else None
    evaluations = read_tables(inputs.evaluations)
    front = read_table(inputs.front)
    network, repaired = snakemake.wildcards.network, repaired_accuracy(metrics)
    save(
        draw_front(evaluations, front, test, split, thresholds, network, repaired, params.size),
        snakemake.output,
    )
