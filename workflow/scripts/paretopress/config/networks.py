"""The section `networks`: their architectures, and the sources of their weights."""

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from .base import Checksum, FilePath, Section, refuse
from .number_types import Count, Fraction, Positive, Seed
from .recipes import DEFAULT_RECIPE, RECIPES
from .torchvision_models import TorchvisionModel


class Vgg16Slim(Section):
    """A narrow VGG16."""

    name: Literal["vgg16_slim"] = Field(
        description="VGG of torchvision, configuration D, with every width divided"
    )
    width_divisor: Literal[1, 2, 4, 8, 16, 32] = Field(
        8, description="Divisor of every width of VGG16"
    )


class Resnet50Slim(Section):
    """A ResNet50 with narrow blocks."""

    name: Literal["resnet50_slim"] = Field(
        description="ResNet of torchvision with the blocks of ResNet50, narrower inside"
    )
    width_per_group: Annotated[int, Field(ge=1, le=64)] = Field(
        8, description="Width of the 3x3 convolutions in the blocks. ResNet50 has 64"
    )


class TorchvisionNetwork(Section):
    """A classification network of torchvision."""

    name: TorchvisionModel = Field(
        description="The classification network of torchvision with this name. Its head has one "
        "output for each class"
    )
    arguments: dict[str, Any] = Field(
        {},
        description="Arguments of torchvision's builder, such as image_size: 32 for vit_b_16",
    )


class OwnNetwork(Section):
    """A network that the user has written."""

    name: Literal["file"] = Field(
        description="Your own network: a Python file and a function in it"
    )
    path: FilePath = Field(
        description="The Python file. It may import installed packages, and files in its folder"
    )
    function: str = Field(
        "build_network",
        min_length=1,
        description="The function. It is called as function(num_classes, **arguments) and returns "
        "a torch Module",
    )
    arguments: dict[str, Any] = Field({}, description="Arguments of the function, by name")


ONE_CYCLE = RECIPES[DEFAULT_RECIPE]


class Training(Section):
    """The training of a dense network."""

    recipe: Literal["one_cycle", "paper", "paper_low_rate", "sgd_warmup"] = Field(
        DEFAULT_RECIPE,
        description="Recipe that gives each key that is left out here. The defaults below are "
        "those of one_cycle",
    )
    epochs: Count = Field(
        ONE_CYCLE["epochs"], description="Number of passes over the training images"
    )
    batch_size: Annotated[int, Field(ge=2)] = Field(
        ONE_CYCLE["batch_size"], description="Images in each step"
    )
    optimizer: Literal["adam", "adamw", "sgd"] = Field(
        ONE_CYCLE["optimizer"], description="Optimiser. sgd has momentum 0.9"
    )
    learning_rate: Positive = Field(
        ONE_CYCLE["learning_rate"],
        description="Learning rate of the constant schedule, or the peak of the other schedules",
    )
    weight_decay: Annotated[float, Field(ge=0)] = Field(
        ONE_CYCLE["weight_decay"],
        description="Weight decay, decoupled for adamw and L2 in the gradient for the others",
    )
    schedule: Literal["constant", "one_cycle", "warmup_cosine"] = Field(
        ONE_CYCLE["schedule"],
        description="How the learning rate changes. warmup_cosine rises in the first 5 % of the "
        "steps",
    )
    augmentation: Literal["none", "crop", "crop_flip"] = Field(
        ONE_CYCLE["augmentation"],
        description="Random changes of the training images. crop moves an image by up to 4 pixels, "
        "and flip mirrors it left to right",
    )
    precision: Literal["float32", "bfloat16"] = Field(
        "float32",
        description="Precision of the forward pass in training. Weights, loss and accuracies are "
        "float32 in both cases",
    )
    seed: Seed = Field(
        0, description="Seed of the initial weights, the order of the images and the augmentation"
    )

    @model_validator(mode="before")
    @classmethod
    def _from_recipe(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        name = data.get("recipe", DEFAULT_RECIPE)
        return {**RECIPES.get(name, {}), **data} if isinstance(name, str) else data


class FineTuning(Training):
    """The fine-tuning of exported designs."""

    epochs: Count = Field(
        2, description="Number of passes over the training images, whatever the recipe says"
    )

    @model_validator(mode="before")
    @classmethod
    def _of_few_epochs(cls, data: Any) -> Any:
        return {"epochs": 2, **data} if isinstance(data, dict) else data


class Gate(Section):
    """The accuracy that a dense network needs."""

    epochs: Count = Field(
        5,
        description="Number of epochs after which the accuracy on training or validation images "
        "must be clearly above chance",
    )
    least_accuracy: Fraction | None = Field(
        None, description="Least accuracy of the dense network on the search split"
    )
    above_chance: bool = Field(
        True, description="Whether a network that is not clearly above chance stops the study"
    )


class Network(Section):
    """A network to compress."""

    architecture: Vgg16Slim | Resnet50Slim | OwnNetwork | TorchvisionNetwork = Field(
        discriminator="name",
        description="Architecture of the network: a name, and the keys of that architecture",
    )
    weights: FilePath | None = Field(
        None,
        description="A file with trained weights, of safetensors or of torch.save, under any "
        "suffix. They are imported, and the network is not trained here",
    )
    checksum: Checksum | None = Field(
        None,
        description="SHA-256 that the file of weights must have. A .safetensors file has no "
        "checksum of its own",
    )
    training: Training | None = Field(
        None,
        description="How the network is trained here. Without this key and without weights, it is "
        "trained with all defaults",
    )
    gate: Gate = Field(
        Gate(), description="Accuracy that the dense network must reach before its searches start"
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
