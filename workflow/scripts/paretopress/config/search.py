"""The sections of a config that say what is searched, and how methods are compared."""

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Discriminator,
    Field,
    StringConstraints,
    Tag,
    create_model,
    model_validator,
)

from .base import Section, distinct, refuse
from .number_types import Count, Fraction, Seed
from .variables import AMOUNT_DIGITS, LARGEST_AMOUNT, LEAST_AMOUNT, VARIABLES, Known

# tau in the paper's published code is about this far below the accuracy of the dense network.
PAPER_DROP_POINTS = 4.4


# One image alone may have one value of a channel, and then no standard deviation.
Images = Annotated[int, Field(ge=2, le=10**9)]
LayerName = Annotated[str, StringConstraints(min_length=1)]


class AmountRange(Section):
    """The bounds of an amount, both in (0, 1)."""

    minimum: Fraction = Field(
        LEAST_AMOUNT, description="Smallest amount, a fraction of the entries that is set to zero"
    )
    maximum: Fraction = Field(
        LARGEST_AMOUNT, description="Largest amount, a fraction of the entries that is set to zero"
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


def _listed(kind: Any) -> Any:
    """A list of distinct values, in ascending order."""
    least = Field(min_length=1)
    return Annotated[list[kind], least, AfterValidator(distinct), AfterValidator(sorted)]


TAGS = SECTION, LIST = "section", "list"


def _rounded(amount: float) -> float:
    """The amount with the digits that designs have."""
    found = round(amount, AMOUNT_DIGITS)
    if not 0 < found < 1:
        raise refuse(f"it is {found:g} with {AMOUNT_DIGITS} digits", "above 0 and below 1")
    return found


Amount = Annotated[float, Field(gt=0, lt=1), AfterValidator(_rounded)]
Amounts: Any = Annotated[
    Annotated[AmountRange, Tag(SECTION)] | Annotated[_listed(Amount), Tag(LIST)],
    Discriminator(lambda given: LIST if isinstance(given, list) else SECTION),
]


def _value_of(known: Known) -> Any:
    """A value of a variable that has a few."""

    def check(given: Any) -> Any:
        if isinstance(given, bool):  # else true would be 1
            raise refuse(
                "true and false are no numbers", f"one of {', '.join(map(str, known.values))}"
            )
        return given

    return Annotated[Literal[*known.values], BeforeValidator(check)]


def _variables() -> Iterator[tuple[str, tuple[Any, Any]]]:
    """The key, type and default of each variable of a design."""
    for name, known in VARIABLES.items():
        meaning = f"{known.meaning[0].upper()}{known.meaning[1:]}"
        meaning += f" ({known.symbol})" if known.symbol else ""
        if known.values:
            usual = "" if known.symbol else ". 32 alone rounds nothing"
            listed = Field(known.usual, description=f"{meaning}: {known.choice}{usual}")
            yield name, (_listed(_value_of(known)), listed)
        else:
            yield name, (Amounts, Field(AmountRange(), description=meaning))


_keys: dict[str, Any] = dict(_variables())
_VariablesOfDesigns: Any = create_model("_VariablesOfDesigns", __base__=Section, **_keys)


class Space(_VariablesOfDesigns):
    """The values of each variable of a design. One value fixes a variable."""

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

    @model_validator(mode="after")
    def _has_a_choice(self) -> "Space":
        values = [getattr(self, name) for name in VARIABLES]
        if all(isinstance(listed, list) and len(listed) == 1 for listed in values):
            raise refuse(
                "each variable of a design has one value, and nothing is left to search",
                "several values for at least one of them. One design alone is evaluated by "
                "`paretopress evaluate`",
            )
        return self


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


class Objectives(Section):
    """What is minimised while the accuracy is maximised."""

    size: Literal["nonzero_rate", "bytes"] = Field(
        "bytes",
        description="The size of a network. nonzero_rate: the share of non-zero entries in Linear "
        "and convolution layers, as in the paper. bytes: the bytes of the packed network (masks, "
        "weights in their bits, scales), as a share of those of the dense float32 network; they see "
        "quantisation too",
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
    device: Literal["auto", "cpu", "cuda"] = Field(
        "auto",
        description="The device that networks are trained, pruned, repaired and evaluated on. auto: "
        "the first CUDA device that PyTorch finds, else the CPU. cuda is refused where there is "
        "none. Weights that were trained are kept if it changes",
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


class StatisticsSettings(Section):
    """The comparison of methods."""

    significance_level: Fraction = Field(0.05, description="Significance level of every test")
    smallest_effect: Fraction = Field(
        0.05,
        description="The smallest difference of hypervolumes that matters, as a share of their "
        "mean. Our own choice",
    )
    test_images: bool = Field(
        False,
        description="Also evaluate the front of each run on the test images, and compare the "
        "methods by those hypervolumes. It takes an evaluation for each design of these fronts",
    )
