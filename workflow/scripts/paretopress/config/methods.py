"""The section `methods`: families of search methods, each with the methods that it stands for."""

from itertools import product
from typing import Annotated, Any, Literal

from pydantic import Field

from .base import Count, Metrics, Section


class SurrogateMethods(Section):
    family: Literal["surrogate"] = Field(description="The paper's method; one run for each pair of metrics")
    objective_metrics: Metrics = Field(description="How the surrogates of both objectives are selected")
    constraint_metrics: Metrics = Field(description="How the surrogate of the constraint is selected")
    population: Annotated[int, Field(ge=2)] = Field(50, description="Population of CTAEA on the surrogates")
    generations: Count = Field(1000, description="Generations of CTAEA on the surrogates")
    infills: Count = Field(2, description="Designs evaluated for real in each iteration")
    folds: Annotated[int, Field(ge=2, le=10)] = Field(5, description="Folds of the cross-validation that compares the surrogates")
    infill_rule: Literal["random", "objective_distance"] = Field(
        "random", description="How infills are chosen from the surrogate front; objective_distance: farthest from the known front"
    )

    def named(self) -> dict[str, dict[str, Any]]:
        shared = self.model_dump(exclude={"family", "objective_metrics", "constraint_metrics"})
        return {
            f"surrogate-{objective}-{constraint}": {"objective_metric": objective, "constraint_metric": constraint, **shared}
            for objective, constraint in product(self.objective_metrics, self.constraint_metrics)
        }


class CtaeaMethod(Section):
    family: Literal["ctaea"] = Field(description="CTAEA on true evaluations; population x generations is the budget")
    population: Annotated[int, Field(ge=2)] = Field(description="Designs in each generation")
    generations: Count = Field(description="Nominal number of generations")

    def named(self) -> dict[str, dict[str, Any]]:
        return {f"ctaea-{self.population}x{self.generations}": {"population": self.population}}


class RandomMethod(Section):
    family: Literal["random"] = Field(description="Random search, the yardstick")

    def named(self) -> dict[str, dict[str, Any]]:
        return {"random": {}}


MethodFamily = Annotated[SurrogateMethods | CtaeaMethod | RandomMethod, Field(discriminator="family")]
