"""The plan of a study: its networks, methods, runs, figures and the paths of its files."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Any

from ..compression.designs import sample_seed
from ..config.candidates import candidates_of
from ..config.dataset import CIFAR10_ARCHIVE, Cifar10Dataset
from ..config.networks import OwnNetwork
from ..config.own_modules import code_files
from ..config.sizes import BYTES, NONZERO_RATE
from ..config.study import Study
from ..errors import UserError
from .imported import Run, read_evaluations
from .method_names import compared_settings
from .network_rows import IMPORTED

# All studies of a folder share the downloaded archive, unless the config names a path.
CIFAR10_DOWNLOAD = f"results/downloads/{CIFAR10_ARCHIVE}"
RUN_FILES = ("evaluations.csv", "iterations.csv", "timings.csv", "hypervolume.json")
DIGITS = 8  # of a digest, in the name of a journal
OF_EVERY_NETWORK = ("front", "hypervolume", "convergence", "attainment", "critical-difference")
OF_COMPARED_SETTINGS = (
    "hypervolume-by-objective-metric",
    "hypervolume-by-constraint-metric",
    "best-and-worst",
    "worst-run-front",
)
OF_OWN_NETWORKS = ("inference", "time")
OF_SURROGATES = ("surrogates", "fallbacks")
OF_OWN_COMPARED_SETTINGS = ("worst-run-inference",)


@dataclass(frozen=True)
class Planned:
    """The plan of a study.

    Attributes:
        study: The validated config.
        results: The folder of the study's results.
        imported: The runs in the study's evaluation tables.
    """

    study: Study
    results: str
    imported: Sequence[Run] = ()

    @cached_property
    def methods(self) -> dict[str, dict[str, Any]]:
        """The implementation and the settings of each of the study's own methods, by name."""
        return self.study.methods_by_name()

    @cached_property
    def candidates(self) -> list[str]:
        """The candidate surrogates of all the study's own methods, each once."""
        names = chain.from_iterable(map(candidates_of, self.methods.values()))
        return list(dict.fromkeys(names))

    @cached_property
    def networks(self) -> list[str]:
        """The study's own networks, then those of its evaluation tables alone."""
        return self.study.network_names()

    @cached_property
    def own_code(self) -> dict[str, list[str]]:
        """The user's Python files that build each of the study's own networks, by its name."""
        return {
            name: list(map(str, code_files(Path(own.architecture.path))))
            if isinstance(own.architecture, OwnNetwork)
            else []
            for name, own in self.study.networks.items()
        }

    @property
    def imported_networks(self) -> list[str]:
        """The networks of the evaluation tables alone."""
        return [name for name in self.networks if name not in self.study.networks]

    def networks_with_weights(self, given: bool) -> list[str]:
        """List the study's own networks by the source of their weights.

        Args:
            given: True for the networks whose weights the config names, False for those that the
                study trains.

        Returns:
            The names of the networks.
        """
        return [name for name, own in self.study.networks.items() if bool(own.weights) == given]

    @cached_property
    def own_runs(self) -> list[Run]:
        """The runs that the study makes itself."""
        return [
            Run(network, method, seed)
            for network in self.study.networks
            for method in self.methods
            for seed in self.study.seeds
        ]

    @cached_property
    def runs(self) -> list[Run]:
        """All runs: the own ones, then the imported ones."""
        return [*self.own_runs, *self.imported]

    @cached_property
    def front_runs(self) -> list[Run]:
        """The runs whose designs can be on a front.

        Imported runs of an own network are left out, because the weights that they were evaluated
        with are not here.
        """
        others = [run for run in self.imported if run.network not in self.study.networks]
        return [*self.own_runs, *others]

    @cached_property
    def compared(self) -> list[str]:
        """The networks with at least two surrogate settings among `front_runs`."""
        return [
            name
            for name in self.networks
            if compared_settings(run.method for run in self.front_runs if run.network == name)
        ]

    @cached_property
    def constraints(self) -> dict[str, dict[str, float | None]]:
        """The section `constraint` of each network: the study's, or the floor of its table."""
        own = self.study.constraint.model_dump(mode="json")
        tables = self.study.evaluation_tables.values()
        facts = {name: known for table in tables for name, known in table.networks.items()}
        return {
            name: own
            if name in self.study.networks
            else {"floor": facts[name].threshold, "allowed_drop_points": None}
            for name in self.networks
        }

    @cached_property
    def splits(self) -> dict[str, str]:
        """The split of each network whose images give the accuracy in a search."""
        own = self.study.evaluation.split
        return {name: own if name in self.study.networks else IMPORTED for name in self.networks}

    @cached_property
    def sizes(self) -> dict[str, str]:
        """The size of each network that is minimised, a key of `config.sizes.SIZES`.

        Networks of evaluation tables alone have non-zero rates.
        """
        own = self.study.objectives.size
        return {
            name: own if name in self.study.networks else NONZERO_RATE for name in self.networks
        }

    @cached_property
    def figures(self) -> dict[str, list[str]]:
        """The figures of each network, as the first parts of their file names."""
        return {name: list(self._figures_of(name)) for name in self.networks}

    def _figures_of(self, network: str) -> Iterable[str]:
        own, compared = network in self.study.networks, network in self.compared
        surrogates = any(family.family == "surrogate" for family in self.study.methods)
        yield from OF_EVERY_NETWORK
        yield from OF_COMPARED_SETTINGS if compared else ()
        yield from OF_OWN_NETWORKS if own else ()
        yield from OF_SURROGATES if own and surrogates else ()
        yield from OF_OWN_COMPARED_SETTINGS if own and compared else ()

    def run_file(self, run: Run, file: str) -> str:
        """The path of one of the RUN_FILES of a run."""
        return f"{self.results}/runs/{run.network}/{run.method}/seed-{run.seed}/{file}"

    @property
    def moves(self) -> dict[str, Any]:
        """What the study does to a network beside the variables of its designs.

        The key "repair" has the images and the batch size of the repair, or None without repair.
        """
        space, compression = self.study.search_space, self.study.compression
        repair = compression.model_dump(mode="json", exclude={"repair"})
        return {
            "allocation": space.allocation,
            "keep": space.keep,
            "repair": None if compression.repair == "none" else repair,
        }

    @property
    def images(self) -> list[str]:
        """The path of the images: that of the config, or of the downloaded archive.

        Empty for a kind of dataset that needs no files.
        """
        if path := getattr(self.study.dataset, "path", None):
            return [path]
        return [CIFAR10_DOWNLOAD] if isinstance(self.study.dataset, Cifar10Dataset) else []

    def sample_seed(self, seed: int) -> int:
        """The seed of the initial sample of a run."""
        return sample_seed(seed, self.study.budget.initial_seed)

    def sample_file(self, run: Run, suffix: str) -> str:
        """The path of a file of the initial sample with which a run begins."""
        return f"{self.results}/designs/{run.network}/seed-{self.sample_seed(run.seed)}{suffix}"

    def sample_seeds(self) -> list[int]:
        """The distinct seeds of the initial samples: one for all runs, or one for each seed."""
        return list(dict.fromkeys(map(self.sample_seed, self.study.seeds)))

    def journal(self, *job: str) -> str:
        """The folder of a job's journal."""
        return "/".join((self.results, "progress", *job))

    def search_journal(self, run: Run) -> str:
        """The folder of the journal with the evaluations of a run. It is kept after the search.

        The path holds neither the budget nor the name of the method, so that a search with a larger
        budget continues from the recorded evaluations.
        """
        name = journal_name(self.methods[run.method])
        return self.journal(run.network, name, f"seed-{run.seed}")


def journal_name(method: Mapping[str, Any]) -> str:
    """Name the journals of a method's searches by its implementation and its settings."""
    told = json.dumps(method, sort_keys=True)
    kind = method["implementation"].split(".")[0]
    return f"{kind}-{hashlib.sha256(told.encode()).hexdigest()[:DIGITS]}"


def imported_runs(study: Study) -> list[Run]:
    """List the runs of all evaluation tables of a study.

    Args:
        study: The validated config.

    Returns:
        The runs, in the order of the tables.

    Raises:
        UserError: A table cannot be used, two tables hold the same run, a run is of a method of the
            study itself, or the names of two methods differ in upper and lower case only.
    """
    source: dict[Run, str] = {}
    spelled = {
        (network, method.lower()): method
        for network in study.networks
        for method in study.methods_by_name()
    }
    for name, table in study.evaluation_tables.items():
        for run, rows in read_evaluations(table).items():
            network, method, seed = run
            if (
                network in study.networks
                and study.objectives.size == BYTES
                and any(row.get(BYTES) is None for row in rows)
            ):
                raise UserError(
                    f"{table.path} (evaluation_tables.{name}): {network}, {method}, seed {seed}: "
                    "evaluations without bytes, and the study compares its own by their bytes. "
                    "Allowed: the column `bytes` in each row, objectives.size: nonzero_rate, or "
                    "another name for the network in the table, which is then judged by itself."
                )
            own = network in study.networks and method in study.methods_by_name()
            if own or run in source:
                raise UserError(
                    f"{table.path} (evaluation_tables.{name}): {network}, {method}, seed {seed} "
                    f"is also {'a method of this study' if own else f'in {source[run]}'}. "
                    "Allowed: each run once. Rename its method in this table."
                )
            if (other := spelled.setdefault((network, method.lower()), method)) != method:
                raise UserError(
                    f"{table.path} (evaluation_tables.{name}): {network} has the methods {method} "
                    f"and {other}, one folder on other machines. Allowed: names that differ in "
                    "more than upper and lower case. Rename one of them."
                )
            source[run] = table.path
    return list(source)


def planned(study: Study) -> Planned:
    """Plan a study, with the runs of its evaluation tables.

    Args:
        study: The validated config.

    Returns:
        The plan.

    Raises:
        UserError: A table of evaluations cannot be used.
    """
    return Planned(study, f"results/{study.study}", tuple(imported_runs(study)))
