"""What the commands for people have in common: which study is meant."""

import argparse
import sys
from pathlib import Path

import yaml

from paretopress.config import Study
from paretopress.errors import UserError
from paretopress.validation import read_study


def study_of_command(description: str | None) -> tuple[Study, Path]:
    """The study of --configfile and its results folder; ends with a message where the config cannot be used."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--configfile", default="config/config.yaml", help="the study's config (default: %(default)s)")
    file = parser.parse_args().configfile
    try:
        data = yaml.safe_load(Path(file).read_text(encoding="utf-8"))
        study = read_study(data, [file], check_files=False)
    except FileNotFoundError:
        sys.exit(f"{file}: no such file. Give the config that the study runs with: --configfile FILE.")
    except yaml.YAMLError as error:
        sys.exit(f"{file}: not valid YAML.\n{error}")
    except UserError as error:
        sys.exit(str(error))
    return study, Path("results") / study.study
