"""Show the state of a ParetoPress study, while it runs and after. Run it in the study's folder."""

import argparse
import os
import sys
from importlib import import_module
from pathlib import Path

from .commands.advice import Advice
from .config.sources import read_config
from .config.validation import read_study
from .errors import UserError

# Each command is a module of commands/ with a function `show`, which takes a study and its results
# folder. A module is imported only for its own command: `front` needs pandas, and `status` shall
# answer within a second.
OF_A_STUDY = {
    "status": "show the state of all runs of a study at a glance, also while it runs",
    "front": "show the best rows of each network's front, and where the report is",
    "verify": "hold every file of a study against the record of what its job wrote",
}
DOCUMENTS = "documents"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="paretopress",
        description=__doc__,
        epilog="example: paretopress status --configfile config/paper.yaml",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, description in OF_A_STUDY.items():
        of_study = commands.add_parser(
            name,
            help=description,
            description=f"{description.capitalize()}.",
            epilog=f"example: paretopress {name} --configfile config/paper.yaml",
            allow_abbrev=False,  # --config is Snakemake's, for values
        )
        of_study.add_argument(
            "--configfile",
            metavar="FILE",
            default="config/config.yaml",
            help="the study's config (default: %(default)s)",
        )
        of_study.add_argument(
            "--prefix",
            default="",
            help="the prefix of the Snakemake module that the study is, the folder before results/",
        )
    commands.add_parser(
        DOCUMENTS,
        help="write the key tables and the schema of the config again, in a checkout",
        description="Write config/schema.json and the key tables of config/README.md again.",
        epilog=f"example, in the folder of a checkout: paretopress {DOCUMENTS}",
    )
    return parser


def _run(given: argparse.Namespace) -> None:
    module = import_module(f".commands.{given.command}", __package__)
    if given.command == DOCUMENTS:
        module.write_documents(Path("config"))
        return
    file = given.configfile
    study = read_study(read_config(file), [file], check_files=False)
    results = Path(given.prefix) / "results" / study.study
    print(module.show(study, results, Advice(file, given.prefix)), flush=True)


def main() -> None:
    """Run the command that the command line asks for, and print its answer.

    A UserError ends the program with its message and exit status 1.
    """
    try:
        _run(_parser().parse_args())
    except UserError as error:
        sys.exit(str(error))
    except BrokenPipeError:  # A reader such as `head` has ended before all lines were printed.
        # Python flushes stdout once more at its end. It would fail again without this line.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    main()
