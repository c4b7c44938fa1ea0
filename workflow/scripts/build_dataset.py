"""Read the dataset of the config, and write each of its three splits to a file."""

from pathlib import Path

from paretopress.dataset.builders import DATASETS
from paretopress.dataset.split import SPLITS, save_split
from paretopress.jobs.job import job

with job(snakemake) as work:
    settings = dict(snakemake.params.settings)
    known = {} if snakemake.params.checksum is None else {"checksum": snakemake.params.checksum}
    splits = DATASETS[settings.pop("kind")](*snakemake.input.images, **settings, **known)
    for name, path in zip(SPLITS, snakemake.output, strict=True):
        save_split(splits[name], Path(path))
        work.log.info(
            "%s: %d images of %d classes", name, len(splits[name]), len(splits[name].classes)
        )
