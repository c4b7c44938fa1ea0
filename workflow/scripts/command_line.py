"""What the commands for people have in common: which study is meant."""

import argparse
import sys
from pathlib import Path

from paretopress.config import Study
from paretopress.config_sources import read_config
from paretopress.errors import UserError
from paretopress.validation import read_study


def study_of_command(description: str | None) -> tuple[Study, Path]:
    """The study of --configfile and its results folder; ends with a message where the config cannot be used."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument(
        "--configfile",
        default="config/config.yaml",
        help="the study's config (default: %(default)s)",
    )
    file = parser.parse_args().configfile
    try:
        study = read_study(read_config(file), [file], check_files=False)
    except UserError as error:
        sys.exit(str(error))
    return study, Path("results") / study.study
