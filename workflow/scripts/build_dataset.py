"""Reads the dataset of the config and writes its three splits, one file each."""

from pathlib import Path

from paretopress.data import SPLITS, save_split
from paretopress.datasets import DATASETS
from paretopress.logs import job_log

with job_log(snakemake.log[0]) as log:
    settings = dict(snakemake.params.settings)
    splits = DATASETS[settings.pop("kind")](*snakemake.input.images, **settings)
    for name, path in zip(SPLITS, snakemake.output, strict=True):
        save_split(splits[name], Path(path))
        log.info("%s: %d images of %d classes", name, len(splits[name]), len(splits[name].classes))
