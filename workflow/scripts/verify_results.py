"""Holds every file of a study against the record of what its job wrote, and of what it was made from."""

import sys

from command_line import study_of_command
from paretopress.provenance import damaged_and_outdated, recorded_files

_, results = study_of_command(__doc__)
recorded = recorded_files(results)
files = [file for file in recorded if file.is_file()]
damaged, outdated = damaged_and_outdated(results, files)
if damaged:
    sys.exit("\n".join(damaged))
print(f"{results}: {len(files)} files, each as its job wrote it")
if outdated:
    print("Of an earlier config, or not made again yet:", *outdated, sep="\n  ")
if gone := [str(file) for file in recorded if not file.is_file()]:
    print(
        "Recorded and gone; Snakemake makes one again where a job needs it or it is given as the target:",
        *gone,
        sep="\n  ",
    )
