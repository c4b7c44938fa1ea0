"""What is told of a dense network before its searches: images that its weights have seen, and mean and std."""

import pytest

from paretopress.networks.cautions import cautions
from paretopress.networks.facts import standard_errors

OTHERS = {
    "ImageNet's": {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225], "accuracy": 0.815},
    "0.5 and 0.5": {"mean": [0.5] * 3, "std": [0.5] * 3, "accuracy": 0.6},
}
TESTS = {
    "normalization": {"images": 1000, "accuracy": 0.418, "others": OTHERS, "better": "ImageNet's"},
    "order": {"images": 500, "accuracy": 0.42, "in_other_order": 0.4, "order": None},
}


def metrics(
    validation: float = 0.8, test: float = 0.8, origin: str | None = "train", **tests
) -> dict:
    return {
        "accuracy": {"validation": validation, "test": test},
        "images": {"validation": 1000, "test": 2000},
        "splits_apart": standard_errors(validation, 1000, test, 2000),
        "validation_from": origin,
        "tests": tests,
    }  # fmt: skip


def told(given: dict, split: str = "validation", imported: bool = True, missing=()) -> str:
    return "\n".join(map(str, cautions(given, split, imported, missing)))


@pytest.mark.parametrize(
    ("origin", "imported", "split", "expected"),
    [
        ("train", True, "validation", "the validation images were held out of train/ here"),
        ("source", True, "validation", "the validation images were drawn here from one set"),
        ("source", True, "test", "the test images were drawn here from one set"),
        ("folder", True, "validation", ""),
        (None, True, "validation", ""),
        ("train", False, "validation", ""),
        ("train", True, "test", ""),
    ],
)
def test_weights_from_elsewhere_have_probably_seen_images_that_were_cut_from_train(
    origin, imported, split, expected
):
    found = told(metrics(origin=origin), split, imported)
    assert bool(found) == bool(expected)
    assert expected in found
    if expected:
        assert found.startswith("Its weights have probably seen the images of the search. ")
        assert "80.00 % on 1,000 validation images and 80.00 % on 2,000 test images, 0.0 standard errors apart: chance can explain it" in found  # fmt: skip
        assert "Give images that the training never saw" in found
        assert ("search on the test images" in found) == (origin == "train")


def test_seen_images_that_show_are_told_once():
    (caution,) = cautions(metrics(validation=0.999), "validation", True, ())
    assert "more than chance explains" in caution.more
    assert "99.90 % on 1,000 validation images" in caution.more


@pytest.mark.parametrize("origin", ["folder", "train", None])
@pytest.mark.parametrize("imported", [True, False])
def test_accuracies_that_differ_by_more_than_chance_are_told_whatever_the_origin(imported, origin):
    low = told(metrics(validation=0.75, origin=origin), imported=imported)
    assert "Its accuracy on the images of the search is lower than on the test images" in low
    if not imported or origin != "train":
        high = told(metrics(validation=0.85, origin=origin), imported=imported)
        assert high.startswith("Its accuracy on the images of the search is higher than on the test images. 85.00 %")  # fmt: skip
        assert "3.3 standard errors apart: more than chance explains" in high
        assert told(metrics(validation=0.84, origin=origin), imported=imported) == ""
    assert told(metrics(validation=0.85, origin=origin), "test", imported) == ""


def test_mean_and_std_that_are_left_out_are_told_with_what_the_usual_ones_give():
    given = metrics(origin="folder", **TESTS)
    found = told(given, missing=("mean", "std"))
    for part in (
        "Other values of dataset.mean and dataset.std give a higher accuracy: ImageNet's. ",
        "dataset.mean and dataset.std left out. ",
        "On 1,000 images its accuracy is 41.80 % with the default values, 81.50 % with "
        "ImageNet's (mean [0.485, 0.456, 0.406], std [0.229, 0.224, 0.225]); 60.00 % with 0.5",
    ):
        assert part in found
    assert told(given, imported=False, missing=("mean", "std")) == ""
    assert "give a higher accuracy" in told(given), "also where they are given"
    equal = {"normalization": TESTS["normalization"] | {"better": None}}
    assert told(metrics(origin="folder", **equal)) == ""
    found = told(metrics(origin="folder", **equal), missing=("std",))
    assert found.startswith("dataset.std is not given for its imported weights. On 1,000 images")


def test_classes_in_another_order_are_told():
    order = {"images": 500, "accuracy": 0.3, "in_other_order": 0.9, "order": list("badcfeg")}
    found = told(metrics(origin="folder", order=order))
    assert "In the order b, a, d, c, f, and 2 more its accuracy on 500 images is 90.00 %, and 30.00 % as it is" in found  # fmt: skip
    assert told(metrics(origin="folder", order=TESTS["order"])) == ""


def test_metrics_of_an_earlier_version_give_no_warning():
    assert told({"accuracy": {"validation": 0.9, "test": 0.1}, "images": {}}) == ""
