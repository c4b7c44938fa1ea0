"""Try one network before any work: build it, take its weights over, compress it by one design."""

import tempfile
from pathlib import Path

import torch

from paretopress.compression.designs import space_of
from paretopress.dataset.split import load_split
from paretopress.jobs.digests import check_digest
from paretopress.jobs.files import write_whole
from paretopress.jobs.job import job
from paretopress.networks.build import check_keep
from paretopress.networks.moves import load_moves
from paretopress.networks.preflight import preflight, preflight_json

with job(snakemake) as work:
    torch.set_num_threads(snakemake.threads)
    params, inputs, name = snakemake.params, snakemake.input, snakemake.wildcards.network
    split = load_split(Path(inputs.images))
    check_keep(params.keep, params.architectures, len(split.classes))
    trained = next(map(Path, inputs.trained), None)
    if trained:
        check_digest(trained, params.checksum, f"networks.{name}.checksum")
    moves, space = load_moves(params.moves, (), inputs.training), space_of(params.space)
    with tempfile.TemporaryDirectory() as folder:
        found, _, _ = preflight(params.architecture, split, trained, moves, space, Path(folder))
    for note in found.notes():
        work.log.info("%s: %s", name, note)
    write_whole(snakemake.output[0], preflight_json(found))
