"""Read the dataset of the config, and write its three splits and what they are made of."""

from pathlib import Path

from paretopress.dataset.builders import DATASETS
from paretopress.dataset.facts import facts_json, notes
from paretopress.dataset.split import SPLITS, save_split
from paretopress.jobs.files import write_whole
from paretopress.jobs.job import job

with job(snakemake) as work:
    settings = dict(snakemake.params.settings)
    known = {} if snakemake.params.checksum is None else {"checksum": snakemake.params.checksum}
    dataset = DATASETS[settings.pop("kind")](*snakemake.input.images, **settings, **known)
    for name in SPLITS:
        split = dataset.splits[name]
        save_split(split, Path(snakemake.output[name]))
        work.log.info("%s: %d images of %d classes", name, len(split), len(split.classes))
    work.log.info("validation images are from: %s", dataset.facts.validation_from)
    for note in notes(dataset.facts):
        work.log.warning(note)
    write_whole(snakemake.output.images, facts_json(dataset.facts))
