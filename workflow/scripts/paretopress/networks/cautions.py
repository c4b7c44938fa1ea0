"""What a person must know of a dense network before its searches: warnings that stop nothing."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..words import counted, listed

CLEAR = 3.0  # standard errors; by chance alone once in 370 networks (a normal distribution)
LEAST_CHANGE = 0.005  # of the accuracy: what other devices and batches can make
SHOWN = 5
# By the origin of the validation images and the split of the search.
DRAWN = "images were drawn here from one set with the training images"
CUT = {
    ("train", "validation"): "the validation images were held out of train/ here",
    ("source", "validation"): f"the validation {DRAWN}",
    ("source", "test"): f"the test {DRAWN}",
}


@dataclass(frozen=True)
class Caution:
    """A warning.

    Attributes:
        what: What is the matter, as a sentence without its full stop.
        more: What was measured, and what to do.
    """

    what: str
    more: str

    def __str__(self) -> str:
        return f"{self.what}. {self.more}"


def _percent(share: float) -> str:
    return f"{100 * share:.2f} %"


def _accuracies(metrics: Mapping[str, Any]) -> str:
    """The accuracies on validation and test images, and whether chance may part them."""
    accuracy, images, apart = metrics["accuracy"], metrics["images"], metrics["splits_apart"]
    return (
        f"{_percent(accuracy['validation'])} on {counted(images['validation'], 'validation image')}"
        f" and {_percent(accuracy['test'])} on {counted(images['test'], 'test image')}, "
        f"{abs(apart):.1f} standard errors apart"
    )


def _seen(metrics: Mapping[str, Any], split: str, imported: bool) -> Iterator[Caution]:
    origin = str(metrics.get("validation_from"))
    cut = CUT.get((origin, split))
    if not imported or cut is None or "splits_apart" not in metrics:
        return
    shows = split != "test" and metrics["splits_apart"] > CLEAR
    search_on_test = ", or search on the test images (evaluation: {split: test})"
    yield Caution(
        "Its weights have probably seen the images of the search",
        f"They were trained elsewhere, and {cut}. If that training used all of these images, the "
        "accuracies in the search are too high, and so is the floor. "
        f"Measured: {_accuracies(metrics)}: "
        + ("more than chance explains. " if shows else "chance can explain it. ")
        + f"Give images that the training never saw{search_on_test if origin == 'train' else ''}.",
    )


def _apart(metrics: Mapping[str, Any], split: str, imported: bool) -> Iterator[Caution]:
    apart = metrics.get("splits_apart", 0.0)
    if split == "test" or abs(apart) <= CLEAR:
        return
    side = "higher" if apart > 0 else "lower"
    yield Caution(
        f"Its accuracy on the images of the search is {side} than on the test images",
        f"{_accuracies(metrics)}: more than chance explains (test of two proportions). Not tested: "
        "whether the images of the two splits are of other kinds"
        f"{', or the weights have seen those of one' if imported else ''}. The floor, which is set "
        "on the images of the search, means another accuracy on others. Judge the front by the "
        "test images.",
    )


def _built_again(metrics: Mapping[str, Any]) -> Iterator[Caution]:
    trained, accuracy = metrics.get("trained_accuracy"), metrics["accuracy"].get("validation")
    if trained is None or abs(trained - accuracy) <= LEAST_CHANGE:
        return
    yield Caution(
        "It is not quite the network that was trained",
        f"The training ended with {_percent(trained)} on the validation images, and the network that "
        f"is built again for its weights has {_percent(accuracy)} on the same images. Its scores may "
        "depend on the other images of a batch, or on something outside of its state dict.",
    )


def _order(metrics: Mapping[str, Any]) -> Iterator[Caution]:
    facts = metrics.get("tests", {}).get("order", {})
    if not facts.get("order"):
        return
    shown = listed(facts["order"], SHOWN)
    yield Caution(
        "The classes of its weights seem to stand in another order than those of the images",
        f"In the order {shown} its accuracy on {counted(facts['images'], 'image')} is "
        f"{_percent(facts['in_other_order'])}, and {_percent(facts['accuracy'])} as it is. The "
        "classes of a folder of images stand in the order of the names of their folders: rename "
        "those.",
    )


def _normalization(metrics: Mapping[str, Any], missing: Sequence[str]) -> Iterator[Caution]:
    facts = metrics.get("tests", {}).get("normalization")
    if facts is None or not (missing or facts["better"]):
        return
    others = "; ".join(
        f"{_percent(other['accuracy'])} with {name} ({_values(other)})"
        for name, other in facts["others"].items()
    )
    keys = " and ".join(f"dataset.{key}" for key in missing)
    if facts["better"]:
        what = "Other values of dataset.mean and dataset.std give a higher accuracy"
        what = f"{what}: {facts['better']}"
    else:
        what = f"{keys} {'are' if len(missing) > 1 else 'is'} not given for its imported weights"
    given = f"{keys} left out. " if missing and facts["better"] else ""
    own = "the default values" if missing else "the values of the config"
    yield Caution(
        what,
        f"{given}On {counted(facts['images'], 'image')} its accuracy is "
        f"{_percent(facts['accuracy'])} with {own}, {others}. Set both to those "
        "of its training.",
    )


def _values(other: Mapping[str, Any]) -> str:
    return f"mean {list(other['mean'])}, std {list(other['std'])}"


def cautions(
    metrics: Mapping[str, Any], split: str, imported: bool, missing: Sequence[str]
) -> list[Caution]:
    """List the warnings on a dense network.

    Args:
        metrics: The content of its metrics.json.
        split: The split of the search.
        imported: Whether its weights were trained elsewhere.
        missing: The keys "mean" and "std" of the section `dataset` that the config leaves out.

    Returns:
        The warnings. None where metrics.json has nothing to judge by.
    """
    seen = list(_seen(metrics, split, imported))
    if not seen or metrics["splits_apart"] < 0:
        seen += _apart(metrics, split, imported)
    return [
        *seen,
        *_built_again(metrics),
        *_order(metrics),
        *(_normalization(metrics, missing) if imported else ()),
    ]
