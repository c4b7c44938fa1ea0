"""The section `dataset`: where the images come from."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from .base import Fraction, ImageSize, Positive, Section, Seed, refuse


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
