"""Export the chosen designs of one network."""

import json
from dataclasses import asdict
from pathlib import Path

import torch

from paretopress.config.export import command_in, read_choice
from paretopress.export.card import file_to_ship, loading_program, times_of
from paretopress.export.exporting import export
from paretopress.export.source import TRAINING, ExportFiles, source_of
from paretopress.jobs.files import write_whole
from paretopress.jobs.job import job
from paretopress.jobs.machine import require_cores
from paretopress.jobs.provenance import study_folder

with job(snakemake) as work:
    inputs, params = snakemake.input, snakemake.params
    require_cores(params.settings["threads"], snakemake.threads)
    torch.set_num_threads(params.settings["threads"])
    study = study_folder(snakemake.log[0])
    folder = study / "export" / snakemake.wildcards.network
    own = {"results": study, "progress": params.progress, "command": command_in(study)}
    files = ExportFiles(
        front=Path(inputs.front),
        evaluations=Path(inputs.evaluations),
        weights=Path(inputs.weights),
        metrics=Path(inputs.metrics),
        splits={
            TRAINING: Path(inputs.train),
            params.settings["search"]: Path(inputs.search),
            "test": Path(inputs.test),
        },
        allocation=list(map(Path, inputs.allocation)),
        own_code=list(map(Path, inputs.own_code)),
    )
    exports = export(
        source_of(files, params.settings | own, folder, work.log.info),
        [read_choice(text) for text in params.choices],
    )
    told = [
        {
            **asdict(found),
            "name": found.name,
            "folder": str(folder / found.name),
            "ships": (file := file_to_ship(found)),
            "program": file and loading_program(found, file),
            "times": times_of(folder / found.name),
        }
        for found in exports
    ]
    write_whole(snakemake.output[0], json.dumps(told, indent=2) + "\n")
