"""The section `methods`: families of search methods, and the methods of each family."""

from collections.abc import Mapping
from functools import cached_property
from itertools import product
from typing import Annotated, Any, ClassVar, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Discriminator,
    Field,
    StringConstraints,
    Tag,
    model_validator,
)
from pydantic_core import PydanticCustomError

from .base import Metrics, Name, Section, distinct, is_table_of_a_network, refuse
from .candidates import IMPLEMENTATION, SURROGATES, path_of
from .method_files import METHODS, families, method_class
from .number_types import Count, Folds, Population

# Other jobs have their progress beside that of the searches, under these names.
OTHER_JOBS = ("initial", "test", "training")
# The method names of these families are made from their settings.
NAMED_BY_SETTINGS = ("surrogate-", "ctaea-")
WORD = "[A-Za-z_][A-Za-z0-9_]*"
CANDIDATE = rf"^({'|'.join(SURROGATES)}|{WORD}(\.{WORD})+)$"


def _different(names: list[str]) -> list[str]:
    """Refuse a list that has a regressor twice, also by two names."""
    distinct(list(map(path_of, distinct(names))))
    return names


Candidate = Annotated[str, StringConstraints(pattern=CANDIDATE)]
Candidates = Annotated[list[Candidate], Field(min_length=1), AfterValidator(_different)]


class SurrogateMethods(Section):
    """The paper's method, one method for each pair of metrics."""

    implementation: ClassVar[str] = IMPLEMENTATION

    family: Literal["surrogate"] = Field(
        description="The paper's method. Each pair of metrics is one method"
    )
    objective_metrics: Metrics = Field(
        description="Metrics that select the surrogates of both objectives"
    )
    constraint_metrics: Metrics = Field(
        description="Metrics that select the surrogate of the constraint"
    )
    population: Population = Field(50, description="Population size of CTAEA on the surrogates")
    generations: Count = Field(1000, description="Number of generations of CTAEA on the surrogates")
    infills: Count = Field(
        2, description="Number of designs in each iteration that get a true evaluation"
    )
    folds: Folds = Field(
        5, description="Number of folds in the cross-validation that compares the surrogates"
    )
    candidates: Candidates = Field(
        list(SURROGATES),
        description="The regressors that the surrogates are chosen from: names of the paper's "
        "four, or dotted names of classes with scikit-learn's interface. Of equal scores, the "
        "first listed is chosen",
    )
    infill_rule: Literal["random", "objective_distance"] = Field(
        "random",
        description="How infills are chosen from the surrogate front. objective_distance takes "
        "those that are farthest from the known front",
    )

    def named(self, budget: int) -> dict[str, dict[str, Any]]:
        """The settings of each method of the family, by its name; the budget is not used."""
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
    """CTAEA on true evaluations."""

    implementation: ClassVar[str] = "ctaea.PlainCtaea"

    family: Literal["ctaea"] = Field(
        description="CTAEA on true evaluations, until the budget is spent"
    )
    population: Population = Field(description="Number of designs in each generation")
    generations: Count | None = Field(
        None,
        description="Number of generations. If given, it must be budget.evaluations / population",
    )

    def named(self, budget: int) -> dict[str, dict[str, Any]]:
        """The settings of the method by its name, which has the generations that a budget gives."""
        generations = -(-budget // self.population)
        return {f"ctaea-{self.population}x{generations}": {"population": self.population}}


# The families whose settings are keys of their own. All others are tagged ANY_OTHER.
WITH_KEYS = ("surrogate", "ctaea")
ANY_OTHER = "any other family"


def _defines_a_method(family: str) -> str:
    """Refuse a family whose file defines no method."""
    method_class(family)
    return family


class RegisteredMethod(Section):
    """A method of a file in the folder methods/."""

    family: Annotated[Name, AfterValidator(_defines_a_method)] = Field(
        description="A search method: the name of its file in "
        "workflow/scripts/paretopress/methods/, without .py. random is random search, for "
        "comparison, and ehvi is ours. docs/search.md has the others",
        json_schema_extra={"not": {"enum": [*WITH_KEYS]}},
    )
    settings: dict[str, Any] = Field({}, description="The fields of the method's class, by name")
    name: Name | None = Field(
        None,
        description="Name of the method in every table. Without it, the method has the name of its "
        "family",
    )

    @cached_property
    def implementation(self) -> str:
        """The FILE.CLASS of the method in the folder methods/."""
        return f"{self.family}.{method_class(self.family)[0]}"

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
        """The settings of the method by its name; the budget is not used."""
        return {self.name or self.family: self.model_dump(mode="json")["settings"]}


def _has_a_file(given: Any) -> Any:
    """Refuse an entry of a family that has no file."""
    if isinstance(given, Mapping) and (family := given.get("family")) not in (known := families()):
        raise PydanticCustomError(
            "refused",
            "{what}",
            {
                "what": "missing"
                if family is None
                else f"there is no file of this name in {METHODS}",
                "allowed": f"one of {', '.join(known)}, or the name of your own file there",
                "key": ("family",),
                "said": family,
                "meant": known,
            },
        )
    return given


def _tag_of(given: Any) -> str:
    family = given.get("family") if isinstance(given, Mapping) else getattr(given, "family", None)
    return family if family in WITH_KEYS else ANY_OTHER


MethodFamily = Annotated[
    Annotated[SurrogateMethods, Tag("surrogate")]
    | Annotated[CtaeaMethod, Tag("ctaea")]
    | Annotated[RegisteredMethod, Tag(ANY_OTHER)],
    Discriminator(_tag_of),
    BeforeValidator(_has_a_file),
]
