"""Import the trained weights of one network."""

from pathlib import Path

from paretopress.dataset.split import load_split
from paretopress.jobs.digests import check_digest
from paretopress.jobs.job import job
from paretopress.networks.build import build_network, check_keep
from paretopress.networks.history import history_table
from paretopress.networks.trial import check_network
from paretopress.networks.weights import import_weights, without_memory
from paretopress.tables import write_csv

with job(snakemake) as work:
    trained, name = Path(snakemake.input.trained), snakemake.wildcards.network
    check_digest(trained, snakemake.params.checksum, f"networks.{name}.checksum")
    split = load_split(Path(snakemake.input.images))
    params = snakemake.params
    check_keep(params.keep, params.architectures, len(split.classes))
    network = build_network(params.architecture, len(split.classes))
    check_network(network, len(split.classes), split.images.shape[-1])
    network = without_memory(network)
    taken = import_weights(network, trained, Path(snakemake.output.weights))
    work.log.info("%s: the weights of %s fit", name, trained)
    for note in taken.notes():
        work.log.info("%s: %s", name, note)
    write_csv(history_table([]), snakemake.output.history)
