"""Download the archive of CIFAR-10."""

from pathlib import Path

from paretopress.config.dataset import CIFAR10_ARCHIVE, CIFAR10_BYTES, CIFAR10_URLS
from paretopress.dataset.downloads import Wanted, fetch
from paretopress.jobs.job import job

with job(snakemake) as work:
    wanted = Wanted(CIFAR10_ARCHIVE, CIFAR10_BYTES, snakemake.params.checksum, key="dataset.path")
    # Not through params: another address is no reason to fetch the archive again.
    urls = snakemake.config["dataset"].get("urls", CIFAR10_URLS)
    fetch(wanted, urls, Path(snakemake.output.archive), Path(snakemake.params.store), work.log)
