"""Look at a ParetoPress study, while it runs and after. Run it in the study's folder."""

import argparse
import os
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from textwrap import wrap

from .commands.advice import Advice
from .config.export import (
    DESIGN_ID,
    LEAST_ACCURACY,
    LEAST_ACCURACY_MEANING,
    WORDS,
    Choice,
    read_choice,
)
from .config.sources import read_config
from .config.validation import read_study
from .config.variables import VARIABLES
from .errors import UserError
from .jobs.stopping import Stopped

# Each command is a module of commands/ with a function `show`, which takes a study, its results
# folder, and the command's own arguments by name. A module is imported only for its own command:
# `front` needs pandas, and `status` shall answer within a second.
OF_A_STUDY = {
    "status": "show the state of all runs of a study at a glance, also while it runs",
    "front": "show the best rows of each network's front, and where the report is",
    "check": "try the images and the networks of a study in seconds, before any work",
    "verify": "hold every file of a study against the record of what its job wrote",
    "evaluate": "compress a network of a study by one design, and measure it",
    "export": "write designs of a network's front as files that run elsewhere, verified",
}
EVALUATE, CHECK, EXPORT = "evaluate", "check", "export"
READ_FILES = (CHECK,)  # commands that read the files which the config names
EXAMPLES = {
    EVALUATE: " vgg16 conv_scope=2 conv_amount=0.9 conv_target=1",
    EXPORT: " vgg16 --smallest",
}
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


def _add_threads(
    parser: argparse.ArgumentParser, default: int | None = 1, told: str = "1, as in a study"
) -> None:
    parser.add_argument(
        "--threads",
        metavar="N",
        type=_whole(1),
        default=default,
        help=f"threads to compute with (default: {told})",
    )


def _design_choice(text: str) -> Choice:
    """The choice of a design_id."""
    if not DESIGN_ID.fullmatch(text):
        raise UserError(
            f"{text!r}: not a design_id. Allowed: 12 hexadecimal digits, as in the tables of the "
            f"study, or {', '.join(f'--{word}' for word in (*WORDS, LEAST_ACCURACY))}."
        )
    return Choice(text)


def _least_accuracy(text: str) -> Choice:
    try:
        return read_choice(f"{LEAST_ACCURACY} {text}")
    except ValueError as error:
        raise argparse.ArgumentTypeError(
            f"{text!r}: not allowed. Allowed: an accuracy from 0 to 1"
        ) from error


def _add_arguments_of_export(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("network", metavar="NETWORK", help="a network of the study")
    parser.add_argument(
        "choices",
        metavar="DESIGN_ID",
        nargs="*",
        default=[],
        help="an evaluated design. Without any choice: those of `export` in the config",
    )
    for word, meaning in WORDS.items():
        parser.add_argument(
            f"--{word}", dest="words", action="append_const", const=Choice(word), help=meaning
        )
    parser.add_argument(
        f"--{LEAST_ACCURACY}",
        dest="words",
        action="append",
        metavar="A",
        type=_least_accuracy,
        help=LEAST_ACCURACY_MEANING,
    )
    _add_threads(parser, None, "inference_time.threads of the config")


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
ARGUMENTS = {
    CHECK: _add_threads,
    EVALUATE: _add_arguments_of_evaluate,
    EXPORT: _add_arguments_of_export,
}
LISTS = {EVALUATE: "variables", EXPORT: "choices"}  # the last positional argument


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
            f"{EXAMPLES.get(name, '')}",
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
    # argparse takes a list from one place alone, and leaves what stands behind a further option.
    listed = LISTS.get(given.command)
    if left and (listed is None or any(word.startswith("-") for word in left)):
        parser.error(f"unrecognized arguments: {' '.join(left)}")
    if listed:
        setattr(given, listed, [*getattr(given, listed), *left])
    if given.command == EXPORT:
        given.choices = [*map(_design_choice, given.choices), *(given.words or [])]
        del given.words
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

    A UserError, or a signal to stop, ends the program with a message and exit status 1.
    """
    try:
        _run(_given())
    except (UserError, Stopped) as error:
        sys.exit(str(error))
    except KeyboardInterrupt:
        sys.exit("Stopped. Nothing is half-written.")
    except BrokenPipeError:  # A reader such as `head` has ended before all lines were printed.
        # Python flushes stdout once more at its end. It would fail again without this line.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    main()
