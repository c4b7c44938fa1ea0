"""The sections `search_space`, `compression`, `constraint`, `evaluation` and `budget`."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from .base import Count, Fraction, Section, Seed, distinct, refuse

# tau in the paper's published code is about this far below the accuracy of the dense network.
PAPER_DROP_POINTS = 4.4


# One image alone may have one value of a channel, and then no standard deviation.
Images = Annotated[int, Field(ge=2, le=10**9)]
LayerName = Annotated[str, StringConstraints(min_length=1)]


class AmountRange(Section):
    """The bounds of an amount, both in (0, 1)."""

    minimum: Fraction = Field(
        0.001, description="Smallest amount, a fraction of the entries that is set to zero"
    )
    maximum: Fraction = Field(
        0.999, description="Largest amount, a fraction of the entries that is set to zero"
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
    """The bounds of the designs."""

    linear_amount: AmountRange = Field(
        AmountRange(), description="Range of the amount of the Linear layers (x3)"
    )
    conv_amount: AmountRange = Field(
        AmountRange(), description="Range of the amount of the convolution layers (x4)"
    )
    allocation: Literal["uniform", "lamp"] = Field(
        "lamp",
        description="How an amount is spread over the layers of its kind. uniform: each chosen "
        "tensor loses that share of its entries. lamp: all layers of the kind together lose that "
        "share of their weights, by one threshold of the LAMP score, which spares layers that need "
        "their weights; biases stay uniform",
    )
    keep: Annotated[list[LayerName], AfterValidator(distinct)] = Field(
        [],
        description="Layers that nothing is done to, by name or pattern, such as `conv1` or "
        "`layer4.*`. `*` stands for any text, with dots too. Quote a pattern. The names are those of "
        "`named_modules()`. One that no network has is refused when the networks are built. The "
        "entries of these layers count in the non-zero rate",
    )


class CompressionSettings(Section):
    """What is done to a pruned network beside its design."""

    repair: Literal["none", "auto"] = Field(
        "auto",
        description="What is mended after pruning, without training. auto: batch norm gets its "
        "running statistics measured again, and the channels of other layers are scaled and "
        "shifted to the statistics of the dense network",
    )
    images: Images = Field(
        1000,
        description="Training images that repair measures statistics on, the same ones for every "
        "design. Fewer are used if there are fewer",
    )
    batch_size: Images = Field(
        200,
        description="Images in each batch of the repair. It can change results, since a batch goes "
        "on through the network mended by its own statistics",
    )


class Constraint(Section):
    """The accuracy floor tau, either itself or by the allowed drop."""

    # tau is rounded to 12 decimals. It must stay below 1 if the dense network makes no errors.
    allowed_drop_points: Annotated[float, Field(ge=1e-6, lt=100)] | None = Field(
        None,
        description="Allowed drop of accuracy in percentage points. tau is the accuracy of the "
        "dense network on the search split minus this drop",
    )
    floor: Fraction | None = Field(None, description="The accuracy floor tau itself, as a fraction")

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
    """The measurement of accuracy in the search."""

    split: Literal["validation", "test"] = Field(
        "validation", description="The images that the search measures accuracy on"
    )
    batch_size: Count = Field(
        200,
        description="Images in each batch. It can change results, since int8 scales are computed "
        "for each batch",
    )


class Budget(Section):
    """The true evaluations of each run."""

    evaluations: Annotated[int, Field(ge=1, le=100_000)] = Field(
        100, description="Number of true evaluations in each run, all of different networks"
    )
    initial: Annotated[int, Field(ge=1, le=100_000)] = Field(
        50,
        description="Number of evaluations in the initial random sample, which all methods of a "
        "seed share. It is part of the budget. Surrogates need at least 10",
    )
    initial_seed: Seed | None = Field(
        None,
        description="Seed of one initial sample for all runs, and of their random subsets of "
        "layers. Without it, each seed has its own",
    )
