"""Put in words what tests of images, labels and scores have found, before anything is blamed."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from ..words import are, listed

Tests = Mapping[str, Any]

# Ours: where a value is unusual enough to be named. None of them stops a study.
SATURATED = 0.95  # of all pixel values at 0 or 255
ONE_CLASS = 0.95  # of all images in one class
FEW = 0.5  # of the images that are distinct, or of more than one colour
FAR_MEAN = 1.0  # of the network's inputs from 0
FAR_DEVIATION = 5.0  # times 1, or a part of it
SHARES_APART = 0.2  # of a class in two splits
SHOWN = 5


def numbers(values: Sequence[float]) -> str:
    """Write numbers with three digits: "0.45, 0.44, 0.4". Equal ones are written once."""
    told = [f"{value:.3g}" for value in values]
    return told[0] if len(set(told)) == 1 else ", ".join(told)


def _pixels(name: str, facts: Tests) -> Iterator[str]:
    images = facts["images"]
    if images > 1 and facts["distinct"] <= FEW * images:
        verb = are(facts["distinct"])
        yield f"of {images} {name} images looked at, {facts['distinct']} {verb} distinct"
    if facts["constant"] >= FEW * images:
        yield f"{facts['constant']} of {images} {name} images looked at are of one colour"
    elif facts["at_0"] + facts["at_255"] >= SATURATED:
        yield f"of the pixel values of the {name} images, {_at_ends(facts)}"


def _at_ends(facts: Tests) -> str:
    return f"{facts['at_0']:.1%} are 0 and {facts['at_255']:.1%} are 255"


def _inputs(name: str, facts: Tests) -> Iterator[str]:
    far = any(abs(mean) > FAR_MEAN for mean in facts["input_mean"]) or any(
        not 1 / FAR_DEVIATION <= deviation <= FAR_DEVIATION
        for deviation in facts["input_deviation"]
    )
    if far:
        yield (
            f"after dataset.mean and dataset.std, the {name} images have a mean of "
            f"{numbers(facts['input_mean'])} and a deviation of "
            f"{numbers(facts['input_deviation'])}; mean and std of these images themselves are "
            f"{numbers(facts['mean'])} and {numbers(facts['deviation'])}"
        )


def _images(tests: Tests) -> Iterator[str]:
    for name, facts in tests.get("images", {}).items():
        yield from _pixels(name, facts)
        yield from _inputs(name, facts)


def _labels(tests: Tests) -> Iterator[str]:
    labels = dict(tests.get("labels", {}))
    differ, farthest = labels.pop("differ", ()), labels.pop("farthest", None)
    first = next(iter(labels), "")
    for name in differ:
        yield f"the classes of {name} are not those of {first}, or in another order"
    for name, facts in labels.items():
        if facts["share"] >= ONE_CLASS:
            share, frequent = facts["share"], facts["most_frequent"]
            yield f"{share:.1%} of the {name} images are of the class {frequent!r}"
        if lacking := facts["without_images"]:
            yield f"no {name} image is of the class {listed(map(repr, lacking), SHOWN)}"
    if farthest is not None:
        (one, share), (other, others) = farthest["shares"].items()
        if abs(share - others) >= SHARES_APART:
            yield (
                f"the class {farthest['class']!r} has {share:.1%} of the {one} images and "
                f"{others:.1%} of the {other} images"
            )


def _scores(tests: Tests) -> Iterator[str]:
    facts = tests.get("scores")
    if facts is None:
        return
    images = f"{facts['images']} images looked at"
    if facts["same"]:
        yield f"the network gives the same scores for all {images}"
    elif facts["only"] is not None:
        yield f"the network predicts the class {facts['only']!r} for all {images}"
    # Other values of mean and std shift the statistics of each batch too.
    if facts.get("lagging") and not tests.get("normalization", {}).get("better"):
        yield (
            f"with the statistics of each batch in place of the running ones of batch norm, the "
            f"accuracy on {images} is {facts['batch_statistics']:.4f} instead of "
            f"{facts['accuracy']:.4f}"
        )


def _imported(tests: Tests) -> Iterator[str]:
    facts = tests.get("normalization")
    if facts is not None and facts["better"] is not None:
        other = facts["others"][facts["better"]]
        yield (
            f"with dataset.mean {numbers(other['mean'])} and dataset.std {numbers(other['std'])} "
            f"({facts['better']}) the accuracy on {facts['images']} images is "
            f"{other['accuracy']:.4f} instead of {facts['accuracy']:.4f}"
        )
    facts = tests.get("order")
    if facts is not None and facts["order"] is not None:
        yield (
            f"with its classes in another order, {listed(facts['order'], SHOWN)}, the accuracy on "
            f"{facts['images']} images is {facts['in_other_order']:.4f} instead of {facts['accuracy']:.4f}. The "
            "classes of a folder of images stand in the order of the names of their folders"
        )


def _built(tests: Tests) -> Iterator[str]:
    if drawn := tests.get("differs_between_builds"):
        yield (
            f"building the network draws {', '.join(drawn)} at random, which its state dict does not "
            "hold (each job here draws the same)"
        )
    if tests.get("not_finite"):
        yield str(tests["not_finite"])
    untrained = tests.get("untrained", {})
    if untrained.get("scores"):
        yield f"before any step of the training, {untrained['scores']}"
    if gradient := untrained.get("gradient"):
        yield f"before any step of the training, the gradient of {gradient} is not finite"


# What can keep a network from learning, or from being right. What scores are like can follow from
# anything.
OF_CAUSES: tuple[Callable[[Tests], Iterator[str]], ...] = (_images, _labels, _built, _imported)


def found(tests: Tests) -> list[str]:
    """List what tests have found that is unusual.

    Args:
        tests: The facts: the entry "tests" of metrics.json, or some of its keys.

    Returns:
        Each finding in words. It states what was measured and no cause.
    """
    return [finding for finder in (*OF_CAUSES, _scores) for finding in finder(tests)]


def _looked_at(tests: Tests) -> Iterator[str]:
    images = tests.get("images", {})
    if images:
        name, facts = next(iter(images.items()))
        name, facts = tests.get("split", name), images.get(tests.get("split"), facts)
        yield (
            f"the images (after dataset.mean and dataset.std the {name} images have a mean of "
            f"{numbers(facts['input_mean'])} and a deviation of "
            f"{numbers(facts['input_deviation'])}; of their pixel values, {_at_ends(facts)})"
        )
    if "labels" in tests:
        yield "the classes of each split"
    if "scores" in tests:
        yield "whether the scores depend on the image"
    if "batch_statistics" in tests.get("scores", {}):
        yield "the running statistics of batch norm"
    if "differs_between_builds" in tests:
        yield "the scores of two builds of the network"
    if "normalization" in tests:
        yield f"other values of mean and std ({', '.join(tests['normalization']['others'])})"
    if "order" in tests:
        yield "another order of the classes"
    if "untrained" in tests:
        yield "scores and gradients before any step of the training"
    if "not_finite" in tests:
        yield "the output of each layer"


def explained(tests: Tests, left: str, briefly: str) -> str:
    """Say what tests have found or not, then what was not tested.

    Args:
        tests: The facts. Empty where nothing was tested.
        left: What was not tested, with advice on it.
        briefly: The same in a few words, for where something else was found that can be the cause.

    Returns:
        One line for each finding, then what was not tested.
    """
    causes = any([*finder(tests)] for finder in OF_CAUSES)
    if findings := found(tests):
        told = ["Found:", *(f"  {finding}." for finding in findings)]
    else:
        looked_at = ", ".join(_looked_at(tests))
        told = [f"Tested, with nothing unusual: {looked_at}."] if looked_at else []
    said = f"If that is as it should be, not tested: {briefly}" if causes else f"Not tested: {left}"
    return "\n".join([*told, said])
