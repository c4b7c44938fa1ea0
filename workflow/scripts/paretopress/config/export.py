"""The section `export`: the designs of a front that become files, and the command for it."""

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

from pydantic import AfterValidator

from .base import distinct, refuse

SMALLEST: Final = "smallest"
KNEE: Final = "knee"
MOST_ACCURATE: Final = "most-accurate"
LEAST_ACCURACY: Final = "least-accuracy"
WORDS: Mapping[str, str] = {
    SMALLEST: "the smallest design that keeps the floor, also as int8",
    KNEE: "the design at the bend of the front, where more bytes begin to buy little accuracy",
    MOST_ACCURATE: "the most accurate design",
}
LEAST_ACCURACY_MEANING = (
    "the smallest design with at least this accuracy on the images of the search, also as int8"
)
DESIGN_ID = re.compile(r"[0-9a-f]{12}")
ALLOWED = (
    f"{', '.join(WORDS)}, {LEAST_ACCURACY} with an accuracy from 0 to 1 (such as "
    f"'{LEAST_ACCURACY} 0.76'), or a design_id of 12 hexadecimal digits, in quotes"
)


@dataclass(frozen=True)
class Choice:
    """How a design is chosen.

    Attributes:
        word: A key of WORDS, LEAST_ACCURACY, or a design_id.
        accuracy: The accuracy that LEAST_ACCURACY asks for, in [0, 1]. None for the others.
    """

    word: str
    accuracy: float | None = None

    def __str__(self) -> str:
        return self.word if self.accuracy is None else f"{self.word} {self.accuracy:g}"

    @property
    def option(self) -> str:
        """The words of the command line that choose the same."""
        return str(self) if DESIGN_ID.fullmatch(self.word) else f"--{self}"


def read_choice(text: str) -> Choice:
    """Read a choice as the config has it.

    Args:
        text: A key of WORDS, LEAST_ACCURACY with an accuracy, or a design_id.

    Returns:
        The choice.

    Raises:
        ValueError: The text is none of these.

    Example:
        >>> read_choice("least-accuracy 0.76").option
        '--least-accuracy 0.76'
    """
    word, _, rest = text.strip().partition(" ")
    if not rest and (word in WORDS or DESIGN_ID.fullmatch(word)):
        return Choice(word)
    if word == LEAST_ACCURACY and 0 <= (accuracy := float(rest)) <= 1:
        return Choice(word, accuracy)
    raise ValueError(text)


def _readable(text: str) -> str:
    try:
        return str(read_choice(text))
    except ValueError as error:
        raise refuse(f"{text!r} chooses no design", ALLOWED) from error


ChoiceText = Annotated[str, AfterValidator(_readable)]
Choices = Annotated[list[ChoiceText], AfterValidator(distinct)]


def export_command(configfile: str, prefix: str) -> str:
    """The command that exports designs, but for the network and the choices.

    Args:
        configfile: The config file of the study.
        prefix: The folder of the module that the study is. Empty if it is no module.

    Returns:
        The start of the command, for the folder that Snakemake runs in.
    """
    module = ["--prefix", prefix] if prefix else []
    return shlex.join(["paretopress", "export", "--configfile", configfile, *module])


def command_in(results: Path) -> str:
    """The same, with the config that a study writes into its own folder [PREFIX/]results/STUDY."""
    prefix = results.parents[1]
    return export_command(str(results / "config.yaml"), str(prefix) if prefix.name else "")
