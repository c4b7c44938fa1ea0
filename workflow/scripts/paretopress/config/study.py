"""The config of a study: every key, its type, its default, and the checks between keys.

Each config is checked against this model. It is also the source of config/schema.json and of the
key tables in config/README.md.
"""

from collections import Counter
from typing import Annotated, Any

from pydantic import AfterValidator, Field, model_validator

from .base import Name, Section, distinct, refuse
from .dataset import Cifar10Dataset, DigitsDataset, FolderDataset
from .evaluation_tables import EvaluationTable, TableNetwork
from .export import LEAST_ACCURACY, WORDS, Choices
from .methods import CtaeaMethod, MethodFamily, SurrogateMethods
from .networks import FineTuning, Network
from .number_types import Count, Seed
from .search import (
    PAPER_DROP_POINTS,
    Budget,
    CompressionSettings,
    Constraint,
    EvaluationSettings,
    Objectives,
    Space,
    StatisticsSettings,
)

# Cross-validation with 5 folds leaves 8 of 10 samples to fit on, and KNN asks for 5 neighbours.
LEAST_INITIAL_FOR_SURROGATES = 10
# Pairs of network names that would share a file. The networks "a" and "a.test" would share
# fronts/a.test.csv, from fronts/{network}.csv and fronts/{network}.test.csv. The networks "a" and
# "by-objective-metric-a" would share figures/hypervolume-by-objective-metric-a.svg.
OF_SAME_FILES = (
    "{}.test", "{}.sizes", "{}.passes", "{}.worst-run", "{}.runs", "{}.runs.test",
    "by-objective-metric-{}", "by-constraint-metric-{}",
)  # fmt: skip
# The names in results/ that are no studies.
BESIDE_STUDIES = ("downloads", "readme.md")


class InferenceTime(Section):
    """The timing of the networks of the final front."""

    threads: Count = Field(
        1,
        description="Number of threads that a network computes with. The job itself has the "
        "machine to itself",
    )
    batch_size: Count = Field(200, description="Images in each batch")
    repeats: Count = Field(
        5, description="Number of timed passes of each network over all test images"
    )
    warm_up: Annotated[int, Field(ge=0)] = Field(
        1, description="Number of untimed batches before each pass"
    )


class Study(Section):
    """The config of a study."""

    study: Name = Field(description="Name of the study. Its results are under results/NAME")
    seeds: Annotated[list[Seed], AfterValidator(distinct)] = Field(
        [],
        description="Seeds of the runs. Each method has one run on each network for each seed. A "
        "study with networks needs at least one",
    )
    dataset: DigitsDataset | FolderDataset | Cifar10Dataset | None = Field(
        None,
        discriminator="kind",
        description="The images: a kind and the keys of that kind. A study with networks needs it",
    )
    networks: dict[Name, Network] = Field({}, description="The networks to compress, by name")
    evaluation_tables: dict[Name, EvaluationTable] = Field(
        {},
        description="Tables of evaluations that were made elsewhere, by name. They are judged and "
        "drawn beside the study's own runs, or alone if the study has no networks",
    )
    search_space: Space = Field(
        Space(),
        description="What a design may prune and round, and how. Each variable takes a list of its "
        "values, an amount a range too. One value fixes a variable",
    )
    compression: CompressionSettings = Field(
        CompressionSettings(), description="What is done to a pruned network beside its design"
    )
    objectives: Objectives = Field(
        Objectives(), description="What is minimised while the accuracy is maximised"
    )
    constraint: Constraint = Field(
        Constraint(allowed_drop_points=PAPER_DROP_POINTS),
        description="The accuracy that must be kept",
    )
    evaluation: EvaluationSettings = Field(
        EvaluationSettings(), description="How the search measures accuracy"
    )
    budget: Budget = Field(Budget(), description="Number of true evaluations in each run")
    methods: list[MethodFamily] = Field(
        [],
        description="The search methods, a list of families. A study with networks needs at least "
        "one",
    )
    inference_time: InferenceTime = Field(
        InferenceTime(), description="How the networks of the final front are timed"
    )
    export: dict[Name, Choices] = Field(
        {},
        description="Designs of a network's front that become files, by network: "
        f"{', '.join(WORDS)}, `{LEAST_ACCURACY} 0.76` or a design_id. The command `export` takes "
        "the same words at any time",
    )
    fine_tune: FineTuning | None = Field(
        None,
        description="How the exported designs are trained on before they are exported, on the "
        "training images. Their zeros stay zero, and their weights keep their bits. Without this "
        "key they are not",
    )
    statistics: StatisticsSettings = Field(
        StatisticsSettings(), description="How the methods are compared"
    )

    @property
    def normalization_left_out(self) -> list[str]:
        """The keys `mean` and `std` of the dataset that the config leaves to their defaults."""
        given = self.dataset.model_fields_set if self.dataset else set()
        return [key for key in ("mean", "std") if self.dataset and key not in given]

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
                f"evaluations {self.budget.evaluations} is smaller than the initial sample of "
                f"{self.budget.initial}",
                "evaluations >= initial",
                "budget",
                "evaluations",
            )
        return self

    @model_validator(mode="after")
    def _has_a_folder_of_its_own(self) -> "Study":
        if self.study.lower() in BESIDE_STUDIES:
            raise refuse(
                f"results/{self.study} is reserved for other files", "another name", "study"
            )
        return self

    @model_validator(mode="after")
    def _names_are_folders(self) -> "Study":
        names = self.network_names()
        repeated = [name for name, count in Counter(map(str.lower, names)).items() if count > 1]
        if repeated:
            raise refuse(
                f"two networks are called {repeated[0]!r} but for upper and lower case",
                "names that differ in more than case",
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
    def _asked_of_own_networks(self) -> "Study":
        if unknown := [name for name in self.export if name not in self.networks]:
            raise refuse(
                f"{unknown[0]!r} is no network of this study that has weights",
                ", ".join(self.networks) or "nothing, since the study has no networks",
                "export",
                unknown[0],
            )
        if self.statistics.test_images and not (self.networks and self.evaluation.split != "test"):
            raise refuse(
                "the study has no networks, or searches on the test images already",
                "false, or networks and evaluation.split: validation",
                "statistics",
                "test_images",
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
                        f"the study has {network} itself, and its floor is "
                        f"{floor or 'not known before the dense network is measured'}",
                        "the study's constraint.floor, since hypervolumes above different floors "
                        "cannot be compared; or another name for the network in the table, which "
                        "is then judged by itself",
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
                        "the same facts about one network in all tables, or another name for a "
                        "network with other facts",
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
                    "each method once. Entries of the family surrogate with the same metrics, "
                    "such as those of other candidates, belong into studies of their own",
                    "methods",
                )
        for family in self.methods:
            if (
                isinstance(family, CtaeaMethod)
                and family.generations is not None
                and family.population * family.generations != self.budget.evaluations
            ):
                raise refuse(
                    f"ctaea with population {family.population} and generations "
                    f"{family.generations} does not spend budget.evaluations = "
                    f"{self.budget.evaluations}",
                    "population x generations = budget.evaluations, or no generations: they follow "
                    "from the budget",
                    "methods",
                )
            if isinstance(family, SurrogateMethods) and self.budget.initial < max(
                LEAST_INITIAL_FOR_SURROGATES, 2 * family.folds
            ):
                raise refuse(
                    "too small a sample to compare surrogates on",
                    f"at least {LEAST_INITIAL_FOR_SURROGATES}, and 2 for each fold, if methods has "
                    "the family surrogate",
                    "budget",
                    "initial",
                )
        return self

    def network_names(self) -> list[str]:
        """List the study's own networks, and then the other networks of its evaluation tables."""
        return list(
            dict.fromkeys(
                [
                    *self.networks,
                    *(name for table in self.evaluation_tables.values() for name in table.networks),
                ]
            )
        )

    def methods_by_name(self) -> dict[str, dict[str, Any]]:
        """List the search methods in the order of the config.

        Returns:
            {method name: {"implementation": FILE.CLASS, "settings": the fields of the class}}.
        """
        return {
            name: {"implementation": family.implementation, "settings": settings}
            for family in self.methods
            for name, settings in family.named(self.budget.evaluations).items()
        }
