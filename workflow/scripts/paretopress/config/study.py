"""The configuration of a study: every key, its type, its default, and the checks between keys.

This one model is what a config is checked against, and what config/schema.json and the tables in config/README.md are made from.
"""

from collections import Counter
from typing import Annotated, Any

from pydantic import AfterValidator, Field, model_validator

from .base import Count, Fraction, Name, Section, Seed, distinct, refuse
from .dataset import Cifar10Dataset, DigitsDataset, FolderDataset
from .evaluation_tables import EvaluationTable, TableNetwork
from .methods import CtaeaMethod, MethodFamily, SurrogateMethods
from .networks import Network
from .search import PAPER_DROP_POINTS, Budget, Constraint, EvaluationSettings, Space

# Cross-validation with 5 folds leaves 8 of 10 samples to fit on, and KNN asks for 5 neighbours.
LEAST_INITIAL_FOR_SURROGATES = 10
# results/{study}/fronts/{network}.test.csv: beside the network "a", one that is called "a.test" would claim the same file. So would
# "by-objective-metric-a" beside "a" among figures/hypervolume-{network}.svg and figures/hypervolume-by-objective-metric-{network}.svg.
OF_SAME_FILES = (
    "{}.test",
    "{}.sizes",
    "{}.passes",
    "{}.worst-run",
    "by-objective-metric-{}",
    "by-constraint-metric-{}",
)
# What lies in results/ beside the studies.
BESIDE_STUDIES = ("downloads", "readme.md")


class InferenceTime(Section):
    threads: Count = Field(
        1,
        description="Threads that a network computes with; the job itself has the machine to itself",
    )
    batch_size: Count = Field(200, description="Images in each batch")
    repeats: Count = Field(5, description="Timed passes of each network over all test images")
    warm_up: Annotated[int, Field(ge=0)] = Field(1, description="Untimed batches before each pass")


class StatisticsSettings(Section):
    significance_level: Fraction = Field(0.05, description="Of every test")


class Study(Section):
    study: Name = Field(description="Name of the study; its results are under results/NAME")
    seeds: Annotated[list[Seed], AfterValidator(distinct)] = Field(
        [], description="One run of each method for each; at least one where the study has networks"
    )
    dataset: DigitsDataset | FolderDataset | Cifar10Dataset | None = Field(
        None,
        discriminator="kind",
        description="The images: a kind and what that kind takes; needed where the study has networks",
    )
    networks: dict[Name, Network] = Field({}, description="The networks to compress, by name")
    evaluation_tables: dict[Name, EvaluationTable] = Field(
        {},
        description="Evaluations made elsewhere, by name: judged and drawn beside the study's own runs, or alone without networks",
    )
    search_space: Space = Field(Space(), description="Bounds of the amounts")
    constraint: Constraint = Field(
        Constraint(allowed_drop_points=PAPER_DROP_POINTS),
        description="The accuracy that must be kept",
    )
    evaluation: EvaluationSettings = Field(
        EvaluationSettings(), description="How accuracy is measured in the search"
    )
    budget: Budget = Field(Budget(), description="True evaluations of each run")
    methods: list[MethodFamily] = Field(
        [],
        description="The search methods, a list of families; needed where the study has networks",
    )
    inference_time: InferenceTime = Field(
        InferenceTime(), description="How the networks of the final front are timed"
    )
    statistics: StatisticsSettings = Field(
        StatisticsSettings(), description="Of the comparison of methods"
    )

    @model_validator(mode="after")
    def _has_what_it_needs(self) -> "Study":
        if not self.networks and not self.evaluation_tables:
            raise refuse(
                "neither networks nor evaluation_tables are given",
                "at least one network, or one table of evaluations",
                "networks",
            )
        needed = {
            "seeds": "a list of at least one value",
            "dataset": "a section with the key kind",
            "methods": "a list of at least one family",
        }
        for key, allowed in needed.items():
            if self.networks and not getattr(self, key):
                raise refuse("needed, since the study has networks", allowed, key)
        if self.networks and self.budget.evaluations < self.budget.initial:
            raise refuse(
                f"evaluations {self.budget.evaluations} is smaller than the initial sample of {self.budget.initial}",
                "evaluations >= initial",
                "budget",
                "evaluations",
            )
        return self

    @model_validator(mode="after")
    def _has_a_folder_of_its_own(self) -> "Study":
        if self.study.lower() in BESIDE_STUDIES:
            raise refuse(f"results/{self.study} is not a study's", "another name", "study")
        return self

    @model_validator(mode="after")
    def _names_are_folders(self) -> "Study":
        names = self.network_names()
        repeated = [name for name, count in Counter(map(str.lower, names)).items() if count > 1]
        if repeated:
            raise refuse(
                f"two networks are called {repeated[0]!r} but for upper and lower case",
                "names that differ in more",
                "networks",
            )
        mixed = [
            (name, other)
            for name in names
            for other in names
            if other in [pattern.format(name) for pattern in OF_SAME_FILES]
        ]
        if mixed:
            raise refuse(
                f"the files of {mixed[0][0]!r} and {mixed[0][1]!r} would have the same names",
                "another name for one of them",
                "networks",
            )
        return self

    @model_validator(mode="after")
    def _tables_agree(self) -> "Study":
        known: dict[str, tuple[str, TableNetwork]] = {}
        for name, table in self.evaluation_tables.items():
            for network, facts in table.networks.items():
                if network in self.networks and facts.threshold != self.constraint.floor:
                    floor = self.constraint.floor
                    raise refuse(
                        f"the study has {network} itself, and its floor is {floor or 'not known before the dense network is measured'}",
                        "the study's constraint.floor, since hypervolumes above different floors cannot be compared; or another name for "
                        "the network in the table, which is then judged by itself",
                        "evaluation_tables",
                        name,
                        "networks",
                        network,
                        "threshold",
                    )
                other, others = known.setdefault(network, (name, facts))
                if facts != others:
                    raise refuse(
                        f"differs from evaluation_tables.{other}.networks.{network}",
                        "the same facts of one network in all tables; name the network otherwise where they are not the same",
                        "evaluation_tables",
                        name,
                        "networks",
                        network,
                    )
        return self

    @model_validator(mode="after")
    def _methods_fit(self) -> "Study":
        names = Counter(
            name.lower()
            for family in self.methods
            for name in family.named(self.budget.evaluations)
        )
        for name, count in names.items():
            if count > 1:
                raise refuse(
                    f"the method {name} is listed {count} times under methods",
                    "each method once",
                    "methods",
                )
        for family in self.methods:
            if (
                isinstance(family, CtaeaMethod)
                and family.generations is not None
                and family.population * family.generations != self.budget.evaluations
            ):
                raise refuse(
                    f"ctaea with population {family.population} and generations {family.generations} "
                    f"does not spend budget.evaluations = {self.budget.evaluations}",
                    "population x generations = budget.evaluations, or no generations: they follow from the budget",
                    "methods",
                )
            if isinstance(family, SurrogateMethods) and self.budget.initial < max(
                LEAST_INITIAL_FOR_SURROGATES, 2 * family.folds
            ):
                raise refuse(
                    "too small a sample to compare surrogates on",
                    f"at least {LEAST_INITIAL_FOR_SURROGATES}, and 2 for each fold, where methods has the family surrogate",
                    "budget",
                    "initial",
                )
        return self

    def network_names(self) -> list[str]:
        """The study's own networks, then those that only its evaluation tables know."""
        return list(
            dict.fromkeys(
                [
                    *self.networks,
                    *(name for table in self.evaluation_tables.values() for name in table.networks),
                ]
            )
        )

    def methods_by_name(self) -> dict[str, dict[str, Any]]:
        """{method name: {"implementation": FILE.CLASS, "settings": its fields}} in the order of the config."""
        return {
            name: {"implementation": family.implementation, "settings": settings}
            for family in self.methods
            for name, settings in family.named(self.budget.evaluations).items()
        }
