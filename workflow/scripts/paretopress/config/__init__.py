"""The configuration of a study: every key, its type, its default, and the checks between keys.

This one model is what a config is checked against, and what config/schema.json and the tables in config/README.md are made from.
"""

from collections import Counter
from typing import Annotated, Any

from pydantic import AfterValidator, Field, model_validator

from .base import Fraction, Name, Section, Seed, distinct, refuse
from .dataset import Cifar10Dataset, DigitsDataset, FolderDataset
from .methods import CtaeaMethod, MethodFamily, SurrogateMethods
from .networks import Network
from .search import PAPER_DROP_POINTS, Budget, Constraint, EvaluationSettings, InferenceTime, Space

# Cross-validation with 5 folds leaves 8 of 10 samples to fit on, and KNN asks for 5 neighbours.
LEAST_INITIAL_FOR_SURROGATES = 10
# results/{study}/fronts/{network}.test.csv: beside the network "a", one that is called "a.test" would claim the same file.
SUFFIXES = ("test", "sizes", "passes")


class StatisticsSettings(Section):
    significance_level: Fraction = Field(0.05, description="Of every test")


class Study(Section):
    study: Name = Field(description="Name of the study; its results are under results/NAME")
    seeds: Annotated[list[Seed], Field(min_length=1), AfterValidator(distinct)] = Field(description="One run of each method for each")
    dataset: DigitsDataset | FolderDataset | Cifar10Dataset = Field(
        discriminator="kind", description="The images: a kind and what that kind takes"
    )
    networks: Annotated[dict[Name, Network], Field(min_length=1)] = Field(description="The networks to compress, by name")
    search_space: Space = Field(Space(), description="Bounds of the amounts")
    constraint: Constraint = Field(Constraint(allowed_drop_points=PAPER_DROP_POINTS), description="The accuracy that must be kept")
    evaluation: EvaluationSettings = Field(EvaluationSettings(), description="How accuracy is measured in the search")
    budget: Budget = Field(Budget(), description="True evaluations of each run")
    methods: Annotated[list[MethodFamily], Field(min_length=1)] = Field(description="The search methods, a list of families")
    inference_time: InferenceTime = Field(InferenceTime(), description="How the networks of the final front are timed")
    statistics: StatisticsSettings = Field(StatisticsSettings(), description="Of the comparison of methods")

    @model_validator(mode="after")
    def _names_are_folders(self) -> "Study":
        repeated = [name for name, count in Counter(map(str.lower, self.networks)).items() if count > 1]
        if repeated:
            raise refuse(f"two networks are called {repeated[0]!r} but for upper and lower case", "names that differ in more", "networks")
        mixed = [(name, f"{name}.{suffix}") for name in self.networks for suffix in SUFFIXES if f"{name}.{suffix}" in self.networks]
        if mixed:
            raise refuse(
                f"the files of {mixed[0][0]!r} and {mixed[0][1]!r} would have the same names", "another name for one of them", "networks"
            )
        return self

    @model_validator(mode="after")
    def _methods_fit(self) -> "Study":
        names = Counter(name for family in self.methods for name in family.named())
        for name, count in names.items():
            if count > 1:
                raise refuse(f"the method {name} is listed {count} times under methods", "each method once", "methods")
        for family in self.methods:
            if isinstance(family, CtaeaMethod) and family.population * family.generations != self.budget.evaluations:
                raise refuse(
                    f"ctaea with population {family.population} and generations {family.generations} "
                    f"does not spend budget.evaluations = {self.budget.evaluations}",
                    "methods of family ctaea with population x generations = budget.evaluations",
                    "methods",
                )
            if isinstance(family, SurrogateMethods) and self.budget.initial < max(LEAST_INITIAL_FOR_SURROGATES, 2 * family.folds):
                raise refuse(
                    "too small a sample to compare surrogates on",
                    f"at least {LEAST_INITIAL_FOR_SURROGATES}, and 2 for each fold, where methods has the family surrogate",
                    "budget.initial",
                )
        return self

    def methods_by_name(self) -> dict[str, dict[str, Any]]:
        """{method name: {"family": ..., "settings": ...}} in the order of the config."""
        return {
            name: {"family": family.family, "settings": settings} for family in self.methods for name, settings in family.named().items()
        }

    def sample_seeds(self) -> list[int]:
        """The seeds of the initial samples: one for all runs, or each run's own."""
        return self.seeds if self.budget.initial_seed is None else [self.budget.initial_seed]
