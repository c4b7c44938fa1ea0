"""The sections `search_space`, `constraint`, `evaluation` and `budget`: what is searched, and what a search may spend."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from .base import Count, Fraction, Section, Seed, refuse

# tau of the paper's published code lies about this far under the dense accuracy.
PAPER_DROP_POINTS = 4.4


class AmountRange(Section):
    minimum: Fraction = Field(
        0.001, description="Least fraction of a chosen tensor that is set to zero"
    )
    maximum: Fraction = Field(
        0.999, description="Largest fraction of a chosen tensor that is set to zero"
    )

    @model_validator(mode="after")
    def _ordered(self) -> "AmountRange":
        if self.minimum >= self.maximum:
            raise refuse(
                f"minimum {self.minimum:g} is not below maximum {self.maximum:g}",
                "minimum < maximum, both in (0, 1)",
                "minimum",
            )
        return self


class Space(Section):
    linear_amount: AmountRange = Field(
        AmountRange(), description="Range of x3, for the Linear layers"
    )
    conv_amount: AmountRange = Field(
        AmountRange(), description="Range of x4, for the convolution layers"
    )


class Constraint(Section):
    # tau is rounded to 12 decimals, and must stay below 1 under a network without errors.
    allowed_drop_points: Annotated[float, Field(ge=1e-6, lt=100)] | None = Field(
        None,
        description="tau is the dense network's accuracy on the search split less so many percentage points",
    )
    floor: Fraction | None = Field(
        None, description="tau itself: the least accuracy allowed, as a fraction"
    )

    @model_validator(mode="after")
    def _one_of_both(self) -> "Constraint":
        if (self.allowed_drop_points is None) == (self.floor is None):
            given = (
                "both allowed_drop_points and floor are"
                if self.floor is not None
                else "neither allowed_drop_points nor floor is"
            )
            raise refuse(f"{given} given", "exactly one of them")
        return self


class EvaluationSettings(Section):
    split: Literal["validation", "test"] = Field(
        "validation", description="The images that the search measures accuracy on"
    )
    batch_size: Count = Field(
        200, description="Images in each batch; part of the result, since int8 scales are per batch"
    )


class Budget(Section):
    evaluations: Annotated[int, Field(ge=1, le=100_000)] = Field(
        100, description="True evaluations of each run; counts distinct networks"
    )
    initial: Annotated[int, Field(ge=1, le=100_000)] = Field(
        50,
        description="How many of them are the initial random sample, shared by all methods of a seed; surrogates need 10",
    )
    initial_seed: Seed | None = Field(
        None,
        description="Seed of one initial sample for all runs, and of their random subsets of layers; none: each seed has its own",
    )
