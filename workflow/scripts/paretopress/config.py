"""The configuration of a study: every key, its type, its default, and the checks between keys.

This one model is what a config is checked against, and what config/schema.json and the tables in config/README.md are made from.
"""

from collections import Counter
from itertools import product
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

# Cross-validation with 5 folds leaves 8 of 10 samples to fit on, and KNN asks for 5 neighbours.
LEAST_INITIAL_FOR_SURROGATES = 10
# tau of the paper's published code lies about this far under the dense accuracy.
PAPER_DROP_POINTS = 4.4

Listed = TypeVar("Listed", bound=list[Any])


def refuse(what: str, allowed: str, key: str = "") -> PydanticCustomError:
    """The error of a check that types cannot express; `key` is the key to blame within the section that is checked."""
    return PydanticCustomError("refused", "{what}", {"what": what, "allowed": allowed, "key": key})


def _distinct(values: Listed) -> Listed:
    repeated = [value for value, count in Counter(values).items() if count > 1]
    if repeated:
        raise refuse(f"{repeated[0]!r} stands in it more than once", "each value once")
    return values


Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")]
Count = Annotated[int, Field(ge=1)]
Fraction = Annotated[float, Field(gt=0, lt=1)]
Seed = Annotated[int, Field(ge=0, lt=2**31)]
Positive = Annotated[float, Field(gt=0)]
Metric = Literal["mse", "mape", "spearman", "random"]
Metrics = Annotated[list[Metric], Field(min_length=1), AfterValidator(_distinct)]
ImageSize = Annotated[int, Field(ge=32, le=1024)]


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)


class Images(Section):
    image_size: ImageSize = Field(32, description="Side of the square images in pixels; others are resized and cut at the centre")
    validation_fraction: Fraction = Field(0.2, description="Share of the images held out from training for the search")
    split_seed: Seed = Field(0, description="Seed of the random splits")
    mean: Annotated[list[float], Field(min_length=3, max_length=3)] = Field(
        [0.0, 0.0, 0.0], description="Subtracted from each channel of images scaled to [0, 1]"
    )
    std: Annotated[list[Positive], Field(min_length=3, max_length=3)] = Field(
        [1.0, 1.0, 1.0], description="What each channel is divided by after that"
    )


class DigitsDataset(Images):
    kind: Literal["digits"] = Field(description="scikit-learn's 1,797 handwritten digits, part of the installed packages")
    test_fraction: Fraction = Field(0.2, description="Share of the images held out for the test split")

    @model_validator(mode="after")
    def _leaves_training(self) -> "DigitsDataset":
        held_out = self.validation_fraction + self.test_fraction
        if held_out >= 1:
            raise refuse(
                f"validation_fraction and test_fraction hold out {held_out:g} of all images", "a sum below 1", "validation_fraction"
            )
        return self


class FolderDataset(Images):
    kind: Literal["folder"] = Field(description="Your own images in the layout SPLIT/CLASS/IMAGE, in a folder or an archive")
    path: str = Field(min_length=1, description="The folder or archive (.zip, .tar, .tar.gz, ...) with train/ and test/ in it")


class Vgg16Slim(Section):
    name: Literal["vgg16_slim"] = Field(description="torchvision's VGG, configuration D, with every width divided")
    width_divisor: Literal[1, 2, 4, 8, 16, 32] = Field(8, description="What every width of VGG16 is divided by")


class Resnet50Slim(Section):
    name: Literal["resnet50_slim"] = Field(description="torchvision's ResNet with ResNet50's blocks, narrow inside")
    width_per_group: Annotated[int, Field(ge=1, le=64)] = Field(8, description="Width of the blocks' 3x3 convolutions; ResNet50 has 64")


class TorchvisionNetwork(Section):
    name: Literal["vgg16", "resnet50"] = Field(description="torchvision's network of that name, the head as wide as the classes")


class Training(Section):
    epochs: Count = Field(30, description="Passes over the training images")
    batch_size: Annotated[int, Field(ge=2)] = Field(128, description="Images in each step")
    optimizer: Literal["adam", "adamw", "sgd"] = Field("adamw", description="sgd has momentum 0.9")
    learning_rate: Positive = Field(5e-4, description="Of the constant schedule; the peak of one_cycle")
    weight_decay: Annotated[float, Field(ge=0)] = Field(0.05, description="Decoupled for adamw, L2 in the gradient for the others")
    schedule: Literal["constant", "one_cycle"] = Field("one_cycle", description="How the learning rate moves")
    augmentation: Literal["none", "crop", "crop_flip"] = Field("none", description="crop: moved by up to 4 pixels; flip: left to right")
    seed: Seed = Field(0, description="Seed of initial weights, order and augmentation")


class Network(Section):
    architecture: Vgg16Slim | Resnet50Slim | TorchvisionNetwork = Field(
        discriminator="name", description="What is built: a name and what that architecture takes"
    )
    weights: str | None = Field(None, description="A .safetensors file with trained weights, imported instead of training")
    training: Training | None = Field(None, description="How the network is trained here; all defaults where weights are not given either")

    @model_validator(mode="before")
    @classmethod
    def _one_source(cls, data: Any) -> Any:
        if isinstance(data, dict) and data.get("weights") is not None and data.get("training") is not None:
            raise refuse("weights and training are both given", "weights (imported) or training (done here), not both")
        if isinstance(data, dict) and data.get("weights") is None and data.get("training") is None:
            return {**data, "training": {}}
        return data


class AmountRange(Section):
    minimum: Fraction = Field(0.001, description="Least fraction of a chosen tensor that is set to zero")
    maximum: Fraction = Field(0.999, description="Largest fraction of a chosen tensor that is set to zero")

    @model_validator(mode="after")
    def _ordered(self) -> "AmountRange":
        if self.minimum >= self.maximum:
            raise refuse(f"minimum {self.minimum:g} is not below maximum {self.maximum:g}", "minimum < maximum, both in (0, 1)", "minimum")
        return self


class Space(Section):
    linear_amount: AmountRange = Field(AmountRange(), description="Range of x3, for the Linear layers")
    conv_amount: AmountRange = Field(AmountRange(), description="Range of x4, for the convolution layers")


class Constraint(Section):
    allowed_drop_points: Annotated[float, Field(gt=0, lt=100)] | None = Field(
        None, description="tau is the dense network's accuracy on the search split less so many percentage points"
    )
    floor: Fraction | None = Field(None, description="tau itself: the least accuracy allowed, as a fraction")

    @model_validator(mode="after")
    def _one_of_both(self) -> "Constraint":
        if (self.allowed_drop_points is None) == (self.floor is None):
            given = "both allowed_drop_points and floor are" if self.floor is not None else "neither allowed_drop_points nor floor is"
            raise refuse(f"{given} given", "exactly one of them")
        return self


class EvaluationSettings(Section):
    split: Literal["validation", "test"] = Field("validation", description="The images that the search measures accuracy on")
    batch_size: Count = Field(200, description="Images in each batch; part of the result, since int8 scales are per batch")


class Budget(Section):
    evaluations: Count = Field(100, description="True evaluations of each run; counts distinct networks")
    initial: Count = Field(
        50, description="How many of them are the initial random sample, shared by all methods of a seed; surrogates need 10"
    )

    @model_validator(mode="after")
    def _holds_initial(self) -> "Budget":
        if self.evaluations < self.initial:
            raise refuse(
                f"evaluations {self.evaluations} is smaller than the initial sample of {self.initial}",
                "evaluations >= initial",
                "evaluations",
            )
        return self


class SurrogateMethods(Section):
    family: Literal["surrogate"] = Field(description="The paper's method; one run for each pair of metrics")
    objective_metrics: Metrics = Field(description="How the surrogates of both objectives are selected")
    constraint_metrics: Metrics = Field(description="How the surrogate of the constraint is selected")
    population: Annotated[int, Field(ge=2)] = Field(50, description="Population of CTAEA on the surrogates")
    generations: Count = Field(1000, description="Generations of CTAEA on the surrogates")
    infills: Count = Field(2, description="Designs evaluated for real in each iteration")
    folds: Annotated[int, Field(ge=2, le=10)] = Field(5, description="Folds of the cross-validation that compares the surrogates")
    infill_rule: Literal["random"] = Field("random", description="How infills are chosen from the surrogate front")

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


class StatisticsSettings(Section):
    significance_level: Fraction = Field(0.05, description="Of every test")


MethodFamily = Annotated[SurrogateMethods | CtaeaMethod | RandomMethod, Field(discriminator="family")]


class Study(Section):
    study: Name = Field(description="Name of the study; its results are under results/NAME")
    seeds: Annotated[list[Seed], Field(min_length=1), AfterValidator(_distinct)] = Field(description="One run of each method for each")
    dataset: DigitsDataset | FolderDataset = Field(discriminator="kind", description="The images: a kind and what that kind takes")
    networks: Annotated[dict[Name, Network], Field(min_length=1)] = Field(description="The networks to compress, by name")
    search_space: Space = Field(Space(), description="Bounds of the amounts")
    constraint: Constraint = Field(Constraint(allowed_drop_points=PAPER_DROP_POINTS), description="The accuracy that must be kept")
    evaluation: EvaluationSettings = Field(EvaluationSettings(), description="How accuracy is measured in the search")
    budget: Budget = Field(Budget(), description="True evaluations of each run")
    methods: Annotated[list[MethodFamily], Field(min_length=1)] = Field(description="The search methods, a list of families")
    statistics: StatisticsSettings = Field(StatisticsSettings(), description="Of the comparison of methods")

    @model_validator(mode="after")
    def _names_are_folders(self) -> "Study":
        repeated = [name for name, count in Counter(map(str.lower, self.networks)).items() if count > 1]
        if repeated:
            raise refuse(f"two networks are called {repeated[0]!r} but for upper and lower case", "names that differ in more", "networks")
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
