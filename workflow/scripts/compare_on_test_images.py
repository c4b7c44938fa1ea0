"""Compare the methods of the study's own networks by the test accuracies of each run's front."""

from pathlib import Path

import pandas as pd

from paretopress.jobs.job import job
from paretopress.networks.metrics import read_metrics
from paretopress.runs.hypervolume import hypervolumes_on_test_images
from paretopress.runs.method_names import FACTORS
from paretopress.search.objectives import threshold_of
from paretopress.statistics.comparison import comparison_tables
from paretopress.tables import RUN_COLUMNS, read_table, write_csv

COLUMNS = [
    *RUN_COLUMNS, *FACTORS, "complete", "threshold", "size", "initial_hypervolume",
    "search_hypervolume", "hypervolume",
]  # fmt: skip

with job(snakemake) as work:
    inputs, params = snakemake.input, snakemake.params
    of_networks = []
    for files in zip(inputs.runs, inputs.fronts, inputs.tests, inputs.metrics, strict=True):
        table, fronts, tests = map(read_table, files[:3])
        threshold = threshold_of(read_metrics(Path(files[3])), "test", params.constraint)
        own = table[~table["imported"].astype(bool)]
        of_networks.append(hypervolumes_on_test_images(own, fronts, tests, threshold, params.size))
    runs = pd.concat(of_networks, ignore_index=True)[COLUMNS]
    tables = comparison_tables(runs, params.significance_level, params.smallest_effect)
    for name, table in {"runs": runs, **tables}.items():
        write_csv(table, snakemake.output[name])
    work.log.info("runs compared on the test images: %d", len(runs))
