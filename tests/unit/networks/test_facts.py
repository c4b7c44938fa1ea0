"""What is tested before a recipe or a file is blamed, from real images and networks to the words of a message."""

import math
from contextlib import nullcontext
from dataclasses import replace

import pytest
import torch
from torch import nn

from paretopress.dataset.split import Split
from paretopress.errors import UserError
from paretopress.jobs.findings import explained, found
from paretopress.networks.dense import measure_dense
from paretopress.networks.facts import facts_of, label_facts, standard_errors
from paretopress.networks.import_facts import import_facts_of
from paretopress.networks.not_finite import untrained_facts

CLASSES = ("a", "b", "c", "d")


def split(count: int = 200, **changes) -> Split:
    """Images whose quarter of bright pixels is their class."""
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 200, (count, 3, 8, 8), dtype=torch.uint8, generator=generator)
    labels = torch.arange(count) % 4
    for image, label in zip(images, labels.tolist(), strict=True):
        image[:, 2 * label : 2 * label + 2] += 50
    return replace(Split(images, labels, CLASSES, (0.4,) * 3, (0.25,) * 3), **changes)


class Quarters(nn.Module):
    """Names the brightest quarter of an image, if it is trained with the mean and std of `split`."""

    def __init__(self, order: tuple[int, ...] = (0, 1, 2, 3), mean: float = 0.4, std: float = 0.25):
        super().__init__()
        self.layer = nn.Linear(4, 4)
        self.order, self.mean, self.std = list(order), mean, std
        nn.init.eye_(self.layer.weight)
        nn.init.zeros_(self.layer.bias)

    def forward(self, x):
        pixels = x * self.std + self.mean
        # As a network that was trained on pixels from 0 to 1, it makes little of others.
        pixels = torch.where(
            (pixels.amin((1, 2, 3)) < -0.01)[:, None, None, None], 0 * pixels, pixels
        )
        pixels = torch.where(
            (pixels.amax((1, 2, 3)) > 1.01)[:, None, None, None], 0 * pixels, pixels
        )
        return self.layer(pixels.unflatten(2, (4, 2)).mean((1, 3, 4)))[:, self.order]


def findings(
    train: Split, validation: Split | None = None, network: nn.Module | None = None
) -> str:
    splits = {"train": train, "validation": validation if validation is not None else train}
    return "\n".join(found(facts_of(network or Quarters(), splits, "validation")))


def test_images_and_a_network_as_they_should_be_give_no_finding():
    assert findings(split()) == ""
    told = explained(
        facts_of(Quarters(), {"validation": split()}, "validation"), "the recipe.", "it."
    )
    assert told.startswith("Tested, with nothing unusual: the images (after dataset.mean")
    assert told.endswith("Not tested: the recipe.")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda one: {"images": torch.full_like(one.images, 255)},
         ["of 200 train images looked at, 1 is distinct", "200 of 200 train images looked at are of one colour"]),
        (lambda one: {"images": (one.images > 120).byte() * 255}, ["of the pixel values of the train images, "]),
        (lambda one: {"images": one.images * (torch.rand(one.images.shape, generator=torch.Generator().manual_seed(2)) < 0.02)},
         ["of the pixel values of the train images, 98.", "% are 0 and 0.0% are 255"]),
        (lambda one: {"mean": (128.0,) * 3, "std": (60.0,) * 3},
         ["the train images have a mean of -2.13 and a deviation of 0.00405, 0.00405, 0.00404", "of these images themselves are 0.442, 0.438, 0.44 and 0.243"]),
        (lambda one: {"std": (0.25, 0.25, 25.0)}, ["a deviation of 0.9", "0.009"]),
        (lambda one: {"std": (1e-6,) * 3}, ["have a mean of "]),
        (lambda one: {"labels": torch.zeros_like(one.labels)},
         ["100.0% of the train images are of the class 'a'", "no train image is of the class 'b', 'c', 'd'"]),
        (lambda one: {"labels": torch.where(torch.arange(200) < 196, 1, one.labels)}, ["98.5% of the train images are of the class 'b'"]),
        (lambda one: {"labels": one.labels.clamp(max=2)}, ["no train image is of the class 'd'"]),
        (lambda one: {"labels": torch.where(one.labels > 1, 0, one.labels)}, ["the class 'a' has 75.0% of the train images and 25.0% of the validation images"]),
        (lambda one: {"classes": ("b", "a", "c", "d")}, ["the classes of validation are not those of train, or in another order"]),
    ],
)  # fmt: skip
def test_what_is_unusual_in_images_and_labels_is_named(change, expected):
    usual = split()
    told = findings(replace(usual, **change(usual)), usual)
    for part in expected:
        assert part in told
    assert "of the validation" not in told.replace("of the validation images", "", 1)


class Constant(nn.Module):
    """Scores that depend on the image by as much as `share` says."""

    def __init__(self, share: float):
        super().__init__()
        self.share, self.layer = share, nn.Linear(1, 1)

    def forward(self, x):
        scores = torch.tensor([0.1, 3.0, -2.0, 0.5]).expand(len(x), 4)
        return scores + self.share * x.mean((1, 2, 3))[:, None]


def test_scores_that_do_not_depend_on_the_image_are_named():
    for share in (0.0, 1e-8):
        told = findings(split(), network=Constant(share))
        assert told == "the network gives the same scores for all 200 images looked at"
    told = findings(split(), network=Constant(0.5))
    assert told == "the network predicts the class 'b' for all 200 images looked at"
    symptom = facts_of(Constant(0.5), {"validation": split()}, "validation")
    assert explained(symptom, "the recipe, which may be why.", "it.").endswith("may be why.")


def test_running_statistics_that_do_not_fit_are_named():
    images = split(mean=(0.0,) * 3, std=(1.0,) * 3)
    network = nn.Sequential(nn.BatchNorm2d(3), Quarters(mean=0.44, std=0.24))
    network.eval()[0].running_mean += 0.44
    network[0].running_var *= 0.24**2
    assert findings(images, network=network) == ""
    network[0].running_mean += 0.5
    before = {name: value.clone() for name, value in network.state_dict().items()}
    told = findings(images, network=network)
    assert (
        "with the statistics of each batch in place of the running ones of batch norm, the accuracy "
        "on 200 images looked at is 1.0000 instead of 0.25"
    ) in told
    for name, value in network.state_dict().items():
        assert torch.equal(value, before[name]), "the network was changed"


def imported(network: nn.Module, images: Split) -> str:
    train = facts_of(network, {"train": images}, "train")["images"]["train"]
    return "\n".join(found(import_facts_of(network, images, train)))


def test_other_values_of_mean_and_std_are_tried_on_imported_weights():
    images = split()
    assert imported(Quarters(), images) == ""
    halves = Quarters(mean=0.5, std=0.5)
    told = imported(halves, replace(images, mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225)))
    assert told.startswith("with dataset.mean 0.5 and dataset.std 0.5 (0.5 and 0.5) the accuracy on 200 images is 1.0000 instead of 0.")  # fmt: skip
    assert "order" not in told
    assert imported(halves, replace(images, mean=(0.5,) * 3, std=(0.5,) * 3)) == ""


@pytest.mark.parametrize("order", [(1, 0, 2, 3), (3, 0, 1, 2)])
def test_another_order_of_the_classes_is_found_on_one_half_and_measured_on_the_other(order):
    told = imported(Quarters(order), split())
    meant = ", ".join(CLASSES[place] for place in order)
    assert told.startswith(f"with its classes in another order, {meant}, the accuracy on 100 images is 1.0000 instead of")  # fmt: skip


def test_a_network_that_guesses_has_no_better_order():
    """With as many classes as images, the best order of the images that chose it is always good."""
    generator = torch.Generator().manual_seed(1)
    labels = torch.randperm(150, generator=generator)
    images = split(150, labels=labels, classes=tuple(map(str, range(150))))
    torch.manual_seed(0)
    network = nn.Sequential(nn.Flatten(), nn.Linear(192, 150))
    assert "order" not in imported(network, images)


def test_a_difference_of_two_accuracies_in_standard_errors():
    pooled = (0.99 * 1000 + 0.8 * 500) / 1500
    error = math.sqrt(pooled * (1 - pooled) * (1 / 1000 + 1 / 500))
    assert standard_errors(0.99, 1000, 0.8, 500) == pytest.approx(0.19 / error)
    assert standard_errors(0.8, 500, 0.99, 1000) == pytest.approx(-0.19 / error)
    assert standard_errors(1.0, 5, 1.0, 7) == standard_errors(0.0, 5, 0.0, 7) == 0


class Breaks(nn.Module):
    """Divides by what may be 0, between two layers or in the last one."""

    def __init__(self, where: str):
        super().__init__()
        self.first, self.second, self.where = nn.Linear(3, 3), nn.Linear(3, 4), where
        with torch.no_grad():
            self.second.weight.fill_(1e38 if where == "weight" else 0.1)
            self.first.weight.fill_(1e4 if where == "weight" else 0.1)

    def forward(self, x):
        x = self.first(x.mean((2, 3)))
        if self.where == "between":
            x = x / (x - x)
        if self.where == "gradient":
            x = torch.sqrt(x - x)
        x = self.second(x)
        return x / (x - x) if self.where == "after" else x


@pytest.mark.parametrize(
    ("network", "changes", "place"),
    [
        (Breaks("between"), {}, "between first (Linear) and second (Linear) a number is not finite"),
        (Breaks("after"), {}, "after second (Linear) a number is not finite"),
        (Breaks("weight"), {}, "the output of second (Linear) is not finite"),
        (Breaks(""), {"std": (1e-45,) * 3}, "the inputs of the network are not finite"),
    ],
)  # fmt: skip
def test_where_numbers_stop_being_finite_is_found(network, changes, place):
    images = split(8, **changes)
    with pytest.raises(UserError, match=r"the scores of the dense network are not finite") as error:
        measure_dense("n", network, images, images, 4)
    assert f"{place}." in str(error.value)
    facts = untrained_facts(network, images, 4, nullcontext)
    assert facts == {"images": 8, "scores": place, "gradient": None}
    assert found({"untrained": facts}) == [f"before any step of the training, {place}"]


def test_a_gradient_that_is_not_finite_is_found():
    facts = untrained_facts(Breaks("gradient"), split(9), 4, nullcontext)
    assert facts == {"images": 9, "scores": None, "gradient": "first.weight"}
    told = explained({"untrained": facts}, "a learning rate that is too high.", "the rate.")
    assert told.startswith(
        "Found:\n  before any step of the training, the gradient of first.weight"
    )
    assert untrained_facts(Breaks(""), split(9), 4, nullcontext)["gradient"] is None


def test_a_tensor_that_is_not_finite_is_named():
    network = nn.Sequential(nn.Flatten(), nn.Linear(192, 4))
    network[1].weight.data[0, 0] = math.inf
    images = split(8)
    with pytest.raises(
        UserError, match=r"output of 1 \(Linear\) is not finite, and its weight has"
    ):
        measure_dense("n", network, images, images, 4)


def test_shares_of_classes_that_chance_can_part_are_not_told():
    few = {
        "train": split(40),
        "validation": split(8, labels=torch.tensor([0, 0, 0, 1, 1, 2, 2, 3])),
    }
    assert "farthest" not in label_facts(few)
