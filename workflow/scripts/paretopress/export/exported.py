"""What an exported design is: its files, its accuracy, and how it was made."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..jobs.files import write_whole

DESIGN_FILE = "design.json"
# What a file computes: the network of the search, its float form without dynamic int8, or static
# int8.
EVALUATED, FLOAT32, INT8 = "evaluated", "float32", "int8"


def megabytes(size: float) -> str:
    """Bytes in megabytes, with three digits at least."""
    return f"{size / 1e6:.3f} MB" if size < 1e6 else f"{size / 1e6:,.2f} MB"


@dataclass(frozen=True)
class ExportedFile:
    """A file of an export.

    Attributes:
        form, runtime, holds: As of its Format.
        bytes: Its bytes.
        gzip_bytes: Its bytes after gzip.
        sha256: Its SHA-256.
        test_accuracy: Its accuracy on the test images, in [0, 1].
        difference: The largest difference of its scores on the test images from those of torch for
            the same weights. None where they are those of torch, or int8.
    """

    form: str
    runtime: str
    holds: str
    bytes: int
    gzip_bytes: int
    sha256: str
    test_accuracy: float
    difference: float | None


@dataclass(frozen=True)
class OnTest:
    """A form of the design on the test images, beside the dense network.

    Attributes:
        dense_only: Images that the dense network alone classifies correctly.
        design_only: Images that the design alone classifies correctly.
        p: The p value of McNemar's exact test.
        keeps_floor: Whether the floor is kept with 95 % certainty.
    """

    dense_only: int
    design_only: int
    p: float
    keeps_floor: bool


@dataclass(frozen=True)
class FineTuned:
    """The fine-tuning of a design.

    Attributes:
        recipe: Its settings.
        accuracy_before: The accuracy of the float design before it, by split.
    """

    recipe: Mapping[str, Any]
    accuracy_before: Mapping[str, float]


def folder_name(design_id: str, fine_tuned: bool) -> str:
    """The name of the folder of an export."""
    return f"{design_id}-tuned" if fine_tuned else design_id


@dataclass(frozen=True)
class Exported:
    """An exported design, as design.json has it.

    Attributes:
        study, network: The names.
        design_id: The id of the design.
        choices: The choices that mean it.
        passed_over: The smaller designs whose int8 file misses the accuracy, by design_id, with
            that file's accuracy on the images of the search.
        data: The kind of the images, and their path.
        design, seed: Its variables, and the seed of its random subsets of layers.
        nonzero_rate: Its non-zero rate, in [0, 1].
        packed_bytes, dense_bytes: The bytes of the packed network by the formula, and those of the
            dense network in float32.
        classes: The names of the classes, in the order of the scores.
        mean, std: Of the input, images scaled to [0, 1], by channel.
        scaling: How an image becomes a square: `image_size`, `resize` and `interpolation`.
        search: The split of the search.
        images: The number of images by split.
        floors: The accuracy floor by split, in [0, 1].
        allowed_drop_points: The drop that the floors follow from. None for a fixed floor.
        fine_tuned: Its fine-tuning. None if it was not trained on.
        searched_accuracy: The accuracy in the table of the front, in [0, 1].
        accuracy: The accuracy by split, of the "dense" network and of each form of the design.
        on_test: Each form on the test images.
        files: The files of networks.
        missing: The files that could not be made, each with the reason.
        calibration_images: The training images that int8 was calibrated on.
        reduce_range: Whether int8 weights have 7 bits.
        float_layers: The operators with weights that int8 leaves in float32, and the number of all.
        versions: The versions of what wrote the files.
        same_for, chosen_from: As of its Source.
    """

    study: str
    network: str
    design_id: str
    choices: Sequence[str]
    passed_over: Mapping[str, float]
    data: str
    design: Mapping[str, Any]
    seed: int
    nonzero_rate: float
    packed_bytes: int
    dense_bytes: int
    classes: Sequence[str]
    mean: Sequence[float]
    std: Sequence[float]
    scaling: Mapping[str, Any]
    search: str
    images: Mapping[str, int]
    floors: Mapping[str, float]
    allowed_drop_points: float | None
    fine_tuned: FineTuned | None
    searched_accuracy: float
    accuracy: Mapping[str, Mapping[str, float]]
    on_test: Mapping[str, OnTest]
    files: Mapping[str, ExportedFile]
    missing: Mapping[str, str]
    calibration_images: int
    reduce_range: bool
    float_layers: tuple[Sequence[str], int]
    versions: Mapping[str, str]
    same_for: str
    chosen_from: str

    def keeps_floor(self, form: str) -> bool:
        """Whether a form keeps the floor on the images of the search."""
        return self.accuracy[self.search][form] >= self.floors[self.search]

    @property
    def of_int8(self) -> float:
        """The accuracy of the int8 file on the images of the search. 1 if there is none."""
        return self.accuracy[self.search].get(INT8, 1.0)

    def on_test_in_words(self, form: str) -> str:
        """What a form has on the test images, and what becomes of the floor there."""
        accuracy, floor = self.accuracy["test"][form], self.floors["test"]
        certain = self.on_test[form].keeps_floor
        kept = f"kept there, {'with' if certain else 'not with'} 95% certainty"
        return (
            f"{accuracy:.2%} of {self.images['test']:,} test images: the floor of {floor:.2%} is "
            f"{kept if accuracy >= floor else 'missed there'}"
        )

    @property
    def name(self) -> str:
        """The name of its folder."""
        return folder_name(self.design_id, self.fine_tuned is not None)


def write_exported(exported: Exported, folder: Path) -> None:
    """Write design.json."""
    write_whole(folder / DESIGN_FILE, json.dumps(asdict(exported), indent=2) + "\n")


def made_for(folder: Path) -> str | None:
    """Read `Exported.same_for` of an export, whatever version wrote it. None if there is none."""
    try:
        return json.loads((folder / DESIGN_FILE).read_text(encoding="utf-8"))["same_for"]
    except (FileNotFoundError, ValueError, TypeError, KeyError):
        return None


def read_exported(folder: Path) -> Exported:
    """Read design.json."""
    found = json.loads((folder / DESIGN_FILE).read_text(encoding="utf-8"))
    found["files"] = {name: ExportedFile(**file) for name, file in found["files"].items()}
    found["on_test"] = {form: OnTest(**own) for form, own in found["on_test"].items()}
    if found["fine_tuned"]:
        found["fine_tuned"] = FineTuned(**found["fine_tuned"])
    return Exported(**found)
