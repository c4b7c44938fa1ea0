"""The commands for people: python -m paretopress.commands NAME --configfile FILE."""

import argparse
import sys
from importlib import import_module
from pathlib import Path

from ..config.sources import read_config
from ..config.validation import read_study
from ..errors import UserError

# Each is a module here with a function `show` of a study and its results folder. It is imported
# only where it is asked for: the state of a study is shown in a second, and a front needs pandas.
OF_A_STUDY = {
    "status": "the state of all runs of a study at a glance, also while it runs",
    "front": "the best rows of each network's front, and where the report is",
    "verify": "every file of a study against the record of what its job wrote",
}
DOCUMENTS = "documents"


def main() -> None:
    """Prints what a command says; ends with a message where it cannot, or where it found damage."""
    parser = argparse.ArgumentParser(prog="paretopress", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, description in OF_A_STUDY.items():
        of_study = commands.add_parser(name, help=description, description=description)
        of_study.add_argument(
            "--configfile",
            default="config/config.yaml",
            help="the study's config (default: %(default)s)",
        )
    commands.add_parser(DOCUMENTS, help="write config/schema.json and the tables of its README")
    given = parser.parse_args()
    module = import_module(f".{given.command}", __package__)
    if given.command == DOCUMENTS:
        module.write_documents(Path("config"))
        return
    file = given.configfile
    try:
        study = read_study(read_config(file), [file], check_files=False)
        print(module.show(study, Path("results") / study.study))
    except UserError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
