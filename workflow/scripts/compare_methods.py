"""Compare the methods of every network by their final hypervolumes."""

from pathlib import Path

import pandas as pd

from paretopress.jobs.job import job
from paretopress.networks.metrics import read_metrics
from paretopress.runs.network_rows import network_row
from paretopress.search.objectives import threshold_of
from paretopress.statistics.comparison import comparison_tables
from paretopress.statistics.costs import costs
from paretopress.statistics.summary import summary
from paretopress.tables import read_table, write_csv

with job(snakemake) as work:
    inputs, params, level = snakemake.input, snakemake.params, snakemake.params.significance_level
    runs = pd.concat([read_table(path) for path in inputs.runs], ignore_index=True)
    networks = []
    for (network, split), path in zip(params.splits.items(), inputs.metrics, strict=True):
        metrics = read_metrics(Path(path))
        networks.append(
            network_row(
                network,
                metrics,
                split,
                threshold_of(metrics, split, params.constraints[network]),
                params.sizes[network],
            )
        )
    tables = {
        "runs": runs,
        "networks": pd.DataFrame(networks),
        "summary": summary(runs),
        **comparison_tables(runs, level, params.smallest_effect),
        "costs": costs(pd.concat([read_table(path) for path in inputs.timings], ignore_index=True)),
    }
    for name, table in tables.items():
        write_csv(table, snakemake.output[name])
    work.log.info("runs compared: %d; significance level %g", len(runs), level)
