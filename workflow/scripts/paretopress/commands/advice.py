"""The Snakemake commands that messages name, with the options that the study needs."""

import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ..config.export import export_command
from ..imports import PACKAGE

PROFILE = PACKAGE.parents[2] / "profiles" / "default"
ANY_CONFIG = "--configfile ..."  # in the messages of jobs, which do not know the file


@dataclass(frozen=True)
class Advice:
    """How a study is started here.

    Attributes:
        configfile: The config file of the study, as it was given.
        prefix: The folder of the module that the study is. Empty if it is no module.
    """

    configfile: str = "config/config.yaml"
    prefix: str = ""

    @property
    def options(self) -> str:
        """The options after the targets and the cores.

        A module gets its config from the Snakefile around it. It needs the profile of this
        checkout.
        """
        if not self.prefix:
            return f"--configfile {shlex.quote(self.configfile)}"
        return f"--workflow-profile {shlex.quote(str(PROFILE))}" if PROFILE.is_dir() else ""

    def export(self, *words: str) -> str:
        """The command that exports designs, with these words behind it."""
        return " ".join([export_command(self.configfile, self.prefix), *map(shlex.quote, words)])

    def start(self, results: Path) -> str:
        """The command that starts or continues the study in the folder `results`."""
        return self.make([results / "report.html"] if self.prefix else [])

    def make(self, files: Iterable[Path]) -> str:
        """The command that makes these files, and what they need."""
        targets = "".join(f"{shlex.quote(str(file))} " for file in files)
        return f"snakemake {targets}--cores all {self.options}".rstrip()

    def made_right(self, message: str) -> str:
        """Complete the commands in the message of a job, which does not know the config file."""
        return message.replace(f" {ANY_CONFIG}", f" {self.options}".rstrip())
