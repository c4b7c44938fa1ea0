"""The section `methods`: families of search methods, each with the methods that it stands for."""

from itertools import product
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, model_validator

from .base import Count, Metrics, Name, Population, Section, is_table_of_a_network, refuse

# The registry, family: FILE.CLASS in the folder methods/. A method of one's own is a file there and an entry here.
REGISTRY = {
    "random": "random.RandomSearch",
}

# What other jobs are called, whose progress lies beside that of the searches.
OTHER_JOBS = ("initial", "test", "training")
# Names of these families say what their settings are.
NAMED_BY_SETTINGS = ("surrogate-", "ctaea-")


class SurrogateMethods(Section):
    implementation: ClassVar[str] = "surrogate.SurrogateSearch"

    family: Literal["surrogate"] = Field(
        description="The paper's method; one run for each pair of metrics"
    )
    objective_metrics: Metrics = Field(
        description="How the surrogates of both objectives are selected"
    )
    constraint_metrics: Metrics = Field(
        description="How the surrogate of the constraint is selected"
    )
    population: Population = Field(50, description="Population of CTAEA on the surrogates")
    generations: Count = Field(1000, description="Generations of CTAEA on the surrogates")
    infills: Count = Field(2, description="Designs evaluated for real in each iteration")
    folds: Annotated[int, Field(ge=2, le=10)] = Field(
        5, description="Folds of the cross-validation that compares the surrogates"
    )
    infill_rule: Literal["random", "objective_distance"] = Field(
        "random",
        description="How infills are chosen from the surrogate front; objective_distance: farthest from the known front",
    )

    def named(self, budget: int) -> dict[str, dict[str, Any]]:
        shared = self.model_dump(exclude={"family", "objective_metrics", "constraint_metrics"})
        return {
            f"surrogate-{objective}-{constraint}": {
                "objective_metric": objective,
                "constraint_metric": constraint,
                **shared,
            }
            for objective, constraint in product(self.objective_metrics, self.constraint_metrics)
        }


class CtaeaMethod(Section):
    implementation: ClassVar[str] = "ctaea.PlainCtaea"

    family: Literal["ctaea"] = Field(
        description="CTAEA on true evaluations, for as many generations as the budget has"
    )
    population: Population = Field(description="Designs in each generation")
    generations: Count | None = Field(
        None,
        description="What budget.evaluations / population must be, if you want that checked",
    )

    def named(self, budget: int) -> dict[str, dict[str, Any]]:
        generations = -(-budget // self.population)
        return {f"ctaea-{self.population}x{generations}": {"population": self.population}}


class RegisteredMethod(Section):
    # The tags of the union are the registry's families, so that a new one is one entry there.
    family: Literal[tuple(REGISTRY)] = Field(  # type: ignore[valid-type]
        description="A search method of the registry in workflow/scripts/paretopress/config/methods.py; random: the yardstick"
    )
    settings: dict[str, Any] = Field({}, description="The fields of the method's class, by name")
    name: Name | None = Field(
        None,
        description="What the method is called in every table; its family where it is left out",
    )

    @property
    def implementation(self) -> str:
        return REGISTRY[self.family]

    @model_validator(mode="after")
    def _name_is_its_own(self) -> "RegisteredMethod":
        name = (self.name or self.family).lower()
        if name in OTHER_JOBS or name.startswith(NAMED_BY_SETTINGS) or is_table_of_a_network(name):
            raise refuse(
                f"{name!r} is, or begins or ends like, a name of other methods, jobs or tables",
                "a name of its own",
                "name" if self.name else "family",
            )
        return self

    def named(self, budget: int) -> dict[str, dict[str, Any]]:
        return {self.name or self.family: self.model_dump(mode="json")["settings"]}


MethodFamily = Annotated[
    SurrogateMethods | CtaeaMethod | RegisteredMethod, Field(discriminator="family")
]
