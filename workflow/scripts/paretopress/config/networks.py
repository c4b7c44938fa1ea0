"""The section `networks`: what is built, and where its weights come from."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from .base import Checksum, Count, FilePath, Fraction, Positive, Section, Seed, refuse
from .recipes import DEFAULT_RECIPE, RECIPES
from .torchvision_models import TorchvisionModel
from .weight_files import WEIGHT_FILES


class Vgg16Slim(Section):
    name: Literal["vgg16_slim"] = Field(
        description="torchvision's VGG, configuration D, with every width divided"
    )
    width_divisor: Literal[1, 2, 4, 8, 16, 32] = Field(
        8, description="What every width of VGG16 is divided by"
    )


class Resnet50Slim(Section):
    name: Literal["resnet50_slim"] = Field(
        description="torchvision's ResNet with ResNet50's blocks, narrow inside"
    )
    width_per_group: Annotated[int, Field(ge=1, le=64)] = Field(
        8, description="Width of the blocks' 3x3 convolutions; ResNet50 has 64"
    )


class TorchvisionNetwork(Section):
    name: TorchvisionModel = Field(
        description="torchvision's classification network of that name, the head as wide as the classes"
    )
    arguments: dict[str, Any] = Field(
        {}, description="Passed to torchvision's builder, such as image_size: 32 for vit_b_16"
    )


class OwnNetwork(Section):
    name: Literal["file"] = Field(
        description="Your own network: a Python file and a function in it"
    )
    path: FilePath = Field(
        description="The Python file; it may import what is installed, and no other file of yours"
    )
    function: str = Field(
        "build_network",
        min_length=1,
        description="Called as function(num_classes, **arguments), returns a torch Module",
    )
    arguments: dict[str, Any] = Field({}, description="Passed to the function by name")


def _weight_file(path: str) -> str:
    if not path.lower().endswith(tuple(WEIGHT_FILES)):
        raise refuse("not a file of weights", f"a path that ends with {', '.join(WEIGHT_FILES)}")
    return path


ONE_CYCLE = RECIPES[DEFAULT_RECIPE]


class Training(Section):
    recipe: Literal["one_cycle", "paper", "paper_low_rate", "sgd_warmup"] = Field(
        DEFAULT_RECIPE,
        description="Gives every key that is left out here; the defaults below are those of one_cycle",
    )
    epochs: Count = Field(ONE_CYCLE["epochs"], description="Passes over the training images")
    batch_size: Annotated[int, Field(ge=2)] = Field(
        ONE_CYCLE["batch_size"], description="Images in each step"
    )
    optimizer: Literal["adam", "adamw", "sgd"] = Field(
        ONE_CYCLE["optimizer"], description="sgd has momentum 0.9"
    )
    learning_rate: Positive = Field(
        ONE_CYCLE["learning_rate"], description="Of the constant schedule; the peak of the others"
    )
    weight_decay: Annotated[float, Field(ge=0)] = Field(
        ONE_CYCLE["weight_decay"],
        description="Decoupled for adamw, L2 in the gradient for the others",
    )
    schedule: Literal["constant", "one_cycle", "warmup_cosine"] = Field(
        ONE_CYCLE["schedule"],
        description="How the learning rate moves; warmup_cosine rises in the first 5 % of the steps",
    )
    augmentation: Literal["none", "crop", "crop_flip"] = Field(
        ONE_CYCLE["augmentation"], description="crop: moved by up to 4 pixels; flip: left to right"
    )
    precision: Literal["float32", "bfloat16"] = Field(
        "float32",
        description="Of the forward pass in training; weights, loss and accuracies are float32 in both",
    )
    seed: Seed = Field(0, description="Seed of initial weights, order and augmentation")

    @model_validator(mode="before")
    @classmethod
    def _from_recipe(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        name = data.get("recipe", DEFAULT_RECIPE)
        return {**RECIPES.get(name, {}), **data} if isinstance(name, str) else data


class Gate(Section):
    epochs: Count = Field(
        5,
        description="Epochs of training by which the accuracy on training or validation images must be clearly above chance",
    )
    least_accuracy: Fraction | None = Field(
        None, description="What the dense network must reach on the search split"
    )
    above_chance: bool = Field(
        True, description="Whether a network that is not clearly above chance stops the study"
    )


class Network(Section):
    architecture: Vgg16Slim | Resnet50Slim | OwnNetwork | TorchvisionNetwork = Field(
        discriminator="name", description="What is built: a name and what that architecture takes"
    )
    weights: Annotated[FilePath, AfterValidator(_weight_file)] | None = Field(
        None,
        description="A .safetensors or .pt file with trained weights, imported instead of training",
    )
    checksum: Checksum | None = Field(
        None,
        description="SHA-256 that the file of weights must have; a .safetensors file has no checksum of its own",
    )
    training: Training | None = Field(
        None,
        description="How the network is trained here; all defaults where weights are not given either",
    )
    gate: Gate = Field(
        Gate(), description="What the dense network must reach before any search is spent on it"
    )

    @model_validator(mode="before")
    @classmethod
    def _one_source(cls, data: Any) -> Any:
        if (
            isinstance(data, dict)
            and data.get("weights") is not None
            and data.get("training") is not None
        ):
            raise refuse(
                "weights and training are both given",
                "weights (imported) or training (done here), not both",
            )
        if (
            isinstance(data, dict)
            and data.get("weights") is None
            and data.get("checksum") is not None
        ):
            raise refuse(
                "a checksum without weights",
                "a checksum beside the weights that it is of",
                "checksum",
            )
        if isinstance(data, dict) and data.get("weights") is None and data.get("training") is None:
            return {**data, "training": {}}
        return data
