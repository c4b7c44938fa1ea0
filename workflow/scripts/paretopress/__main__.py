"""Look at a ParetoPress study, while it runs and after. Run it in the study's folder."""

import argparse
import os
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from textwrap import wrap

from .commands.advice import Advice
from .config.sources import read_config
from .config.validation import read_study
from .config.variables import VARIABLES
from .errors import UserError

# Each command is a module of commands/ with a function `show`, which takes a study, its results
# folder, and the command's own arguments by name. A module is imported only for its own command:
# `front` needs pandas, and `status` shall answer within a second.
OF_A_STUDY = {
    "status": "show the state of all runs of a study at a glance, also while it runs",
    "front": "show the best rows of each network's front, and where the report is",
    "check": "try the images and the networks of a study in seconds, before any work",
    "verify": "hold every file of a study against the record of what its job wrote",
    "evaluate": "compress a network of a study by one design, and measure it",
}
EVALUATE, CHECK = "evaluate", "check"
READ_FILES = (CHECK,)  # commands that read the files which the config names
EVALUATE_EXAMPLE = " vgg16 conv_scope=2 conv_amount=0.9 conv_target=1"
DOCUMENTS = "documents"
SPLITS = ("train", "validation", "test")
LARGEST = 2**31 - 1
OF_EVERY_STUDY = ("command", "configfile", "prefix")


def _whole(least: int) -> Callable[[str], int]:
    """A function that reads a whole number from `least` on."""

    def read(text: str) -> int:
        if not (text.isdecimal() and least <= int(text) <= LARGEST):
            raise argparse.ArgumentTypeError(
                f"{text!r}: not allowed. Allowed: a whole number from {least:,} to {LARGEST:,}"
            )
        return int(text)

    return read


def _variables() -> str:
    """The variables of a design, a line for each."""
    lines = ["The variables of a design. What is not named is untouched."]
    for name, known in VARIABLES.items():
        said = f"{known.meaning}: {known.choice or 'a number from 0 to 1'}"
        lines += wrap(said, 96, initial_indent=f"  {name:15}", subsequent_indent=" " * 17)
    return "\n".join(lines)


def _add_threads(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--threads",
        metavar="N",
        type=_whole(1),
        default=1,
        help="threads to compute with (default: %(default)s, as in a study)",
    )


def _add_arguments_of_evaluate(parser: argparse.ArgumentParser) -> None:
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.description = f"{parser.description}\n\n{_variables()}"
    parser.add_argument("network", metavar="NETWORK", help="a network of the study")
    parser.add_argument(
        "variables",
        metavar="NAME=VALUE",
        nargs="*",
        default=[],
        help="a variable of the design, see above",
    )
    parser.add_argument(
        "--split", choices=SPLITS, help="the images (default: those of the study's search)"
    )
    parser.add_argument(
        "--images",
        metavar="N",
        type=_whole(1),
        help="measure on N images of the split, always the same ones (default: all)",
    )
    parser.add_argument(
        "--seed",
        metavar="S",
        type=_whole(0),
        help="the run whose random subset of layers is meant (default: the study's first seed)",
    )
    _add_threads(parser)
    parser.add_argument("--json", dest="as_json", action="store_true", help="print one JSON object")


# The arguments of a command beside those of every study.
ARGUMENTS = {CHECK: _add_threads, EVALUATE: _add_arguments_of_evaluate}


def command_line() -> argparse.ArgumentParser:
    """The parser of the command line."""
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
            epilog=f"example: paretopress {name} --configfile config/paper.yaml"
            f"{EVALUATE_EXAMPLE if name == EVALUATE else ''}",
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
        if name in ARGUMENTS:
            ARGUMENTS[name](of_study)
    commands.add_parser(
        DOCUMENTS,
        help="write the key tables and the schema of the config again, in a checkout",
        description="Write config/schema.json and the key tables of config/README.md again.",
        epilog=f"example, in the folder of a checkout: paretopress {DOCUMENTS}",
    )
    return parser


def _given() -> argparse.Namespace:
    """What the command line asks for."""
    parser = command_line()
    given, left = parser.parse_known_args()
    # argparse takes the variables from one place alone, and leaves those behind a further option.
    if left and (given.command != EVALUATE or any(word.startswith("-") for word in left)):
        parser.error(f"unrecognized arguments: {' '.join(left)}")
    if left:
        given.variables = [*given.variables, *left]
    return given


def _run(given: argparse.Namespace) -> None:
    module = import_module(f".commands.{given.command}", __package__)
    if given.command == DOCUMENTS:
        module.write_documents(Path("config"))
        return
    file = given.configfile
    study = read_study(read_config(file), [file], check_files=given.command in READ_FILES)
    results = Path(given.prefix) / "results" / study.study
    own = {name: value for name, value in vars(given).items() if name not in OF_EVERY_STUDY}
    print(module.show(study, results, Advice(file, given.prefix), **own), flush=True)


def main() -> None:
    """Run the command that the command line asks for, and print its answer.

    A UserError ends the program with its message and exit status 1.
    """
    try:
        _run(_given())
    except UserError as error:
        sys.exit(str(error))
    except BrokenPipeError:  # A reader such as `head` has ended before all lines were printed.
        # Python flushes stdout once more at its end. It would fail again without this line.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    main()
