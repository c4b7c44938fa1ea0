"""What a study makes: its runs, the networks and methods that they are of, fronts, figures, journals."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from ..compression.designs import sample_seed
from ..config.dataset import CIFAR10_ARCHIVE, Cifar10Dataset
from ..config.study import Study
from ..errors import UserError
from .imported import Run, read_evaluations
from .method_names import compared_settings
from .network_rows import IMPORTED

# Studies share what is downloaded where the config names no path.
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
    """What `study` makes in the folder `results`; imported: the runs that its evaluation tables hold."""

    study: Study
    results: str
    imported: Sequence[Run] = ()

    @cached_property
    def methods(self) -> dict[str, dict[str, Any]]:
        return self.study.methods_by_name()

    @cached_property
    def networks(self) -> list[str]:
        """The study's own networks, then those that only its evaluation tables know."""
        return self.study.network_names()

    @property
    def imported_networks(self) -> list[str]:
        return [name for name in self.networks if name not in self.study.networks]

    def networks_with_weights(self, given: bool) -> list[str]:
        """The study's own networks whose weights are given, or those that are trained here."""
        return [name for name, own in self.study.networks.items() if bool(own.weights) == given]

    @cached_property
    def own_runs(self) -> list[Run]:
        return [
            Run(network, method, seed)
            for network in self.study.networks
            for method in self.methods
            for seed in self.study.seeds
        ]

    @cached_property
    def runs(self) -> list[Run]:
        return [*self.own_runs, *self.imported]

    @cached_property
    def front_runs(self) -> list[Run]:
        """Runs whose designs can be on a front: the weights behind imported evaluations of an own
        network are not here."""
        others = [run for run in self.imported if run.network not in self.study.networks]
        return [*self.own_runs, *others]

    @cached_property
    def compared(self) -> list[str]:
        """Networks with surrogate settings to compare, imported runs of an own network left out."""
        return [
            name
            for name in self.networks
            if compared_settings(run.method for run in self.front_runs if run.network == name)
        ]

    @cached_property
    def constraints(self) -> dict[str, dict[str, float | None]]:
        """The section `constraint` of each network: the study's, or the threshold of its table."""
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
        """The images that accuracy is measured on in the search of each network."""
        own = self.study.evaluation.split
        return {name: own if name in self.study.networks else IMPORTED for name in self.networks}

    @cached_property
    def figures(self) -> dict[str, list[str]]:
        """What is drawn of each network, by the first part of the figures' file names."""
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
        """The path of a file of a run, one of RUN_FILES."""
        return f"{self.results}/runs/{run.network}/{run.method}/seed-{run.seed}/{file}"

    @property
    def images(self) -> list[str]:
        """Where the images are: the path in the config, or the archive that is downloaded; none for
        a kind of dataset that needs none."""
        if path := getattr(self.study.dataset, "path", None):
            return [path]
        return [CIFAR10_DOWNLOAD] if isinstance(self.study.dataset, Cifar10Dataset) else []

    def sample_seed(self, seed: int) -> int:
        """The seed of the initial sample of a run."""
        return sample_seed(seed, self.study.budget.initial_seed)

    def sample_file(self, run: Run, suffix: str) -> str:
        """The path of a file of the initial sample that a run begins with."""
        return f"{self.results}/designs/{run.network}/seed-{self.sample_seed(run.seed)}{suffix}"

    def sample_seeds(self) -> list[int]:
        """The seeds of the initial samples: one for all runs, or each run's own."""
        return list(dict.fromkeys(map(self.sample_seed, self.study.seeds)))

    def journal(self, *job: str) -> str:
        """Where the journal of a job lies."""
        return "/".join((self.results, "progress", *job))

    def search_journal(self, run: Run) -> str:
        """Where what the search of a run has evaluated is kept, also when it is done.

        Neither the budget nor the name of the method is in it: a larger budget goes on from there.
        """
        name = journal_name(self.methods[run.method])
        return self.journal(run.network, name, f"seed-{run.seed}")


def journal_name(method: Mapping[str, Any]) -> str:
    """Of the journals of a method's searches, by its implementation and settings."""
    told = json.dumps(method, sort_keys=True)
    kind = method["implementation"].split(".")[0]
    return f"{kind}-{hashlib.sha256(told.encode()).hexdigest()[:DIGITS]}"


def imported_runs(study: Study) -> list[Run]:
    """The runs of all tables of the study.

    Raises UserError: a table that cannot be used, or a run that two tables hold or that the study makes itself.
    """
    source: dict[Run, str] = {}
    spelled = {
        (network, method.lower()): method
        for network in study.networks
        for method in study.methods_by_name()
    }
    for name, table in study.evaluation_tables.items():
        for run in read_evaluations(table):
            network, method, seed = run
            own = network in study.networks and method in study.methods_by_name()
            if own or run in source:
                raise UserError(
                    f"{table.path} (evaluation_tables.{name}): {network}, {method}, seed {seed} is also "
                    f"{'a method of this study' if own else f'in {source[run]}'}. Allowed: each run once; rename it there."
                )
            if (other := spelled.setdefault((network, method.lower()), method)) != method:
                raise UserError(
                    f"{table.path} (evaluation_tables.{name}): {network} has the methods {method} and {other}, "
                    "one folder on other machines. Allowed: names that differ in more than upper and lower case; rename one of them."
                )
            source[run] = table.path
    return list(source)


def planned(study: Study) -> Planned:
    """What `study` makes. Raises UserError: a table of evaluations that cannot be used."""
    return Planned(study, f"results/{study.study}", tuple(imported_runs(study)))
