"""What stops a study before any search is spent: the thresholds, and messages that can be followed."""

import math
import re
from copy import deepcopy

import pytest
import torch
import yaml
from snakemake.utils import update_config

from paretopress.config.networks import Training
from paretopress.config.recipes import RECIPES
from paretopress.config.validation import read_study
from paretopress.errors import UserError
from paretopress.jobs.gate import Chance, check_dense, check_metrics, check_training, diverged
from paretopress.networks.facts import largest_share
from paretopress.networks.history import Epoch

TENTH = Chance(0.1, 400)  # 0.1 + 3 sqrt(0.1 * 0.9 / 400) = 0.145
NINE_TENTHS = Chance(0.9, 4000)  # 0.9 + 3 sqrt(0.9 * 0.1 / 4000) = 0.914
CHANCES = {"training": NINE_TENTHS, "validation": TENTH}
# Facts of images, labels and scores in which there is nothing unusual.
IMAGES = {
    "images": 400, "mean": [0.5, 0.4, 0.4], "deviation": [0.2, 0.2, 0.2], "input_mean": [0.1, -0.1, 0.0],
    "input_deviation": [1.0, 1.0, 1.0], "at_0": 0.01, "at_255": 0.02, "constant": 0, "distinct": 400,
}  # fmt: skip
LABELS = {"images": 400, "most_frequent": "a", "share": 0.1, "without_images": []}
NOTHING = {
    "split": "validation",
    "images": {"train": IMAGES | {"input_mean": [0.9, 0.9, 0.9]}, "validation": IMAGES},
    "labels": {"train": LABELS, "validation": LABELS, "differ": []},
    "scores": {"images": 400, "accuracy": 0.1, "same": False, "only": None, "norms": 0},
}


def epochs_of(validation: list[float], train: float = 0.9, loss: float = 2.3026) -> list[Epoch]:
    return [
        Epoch(number, loss, train, accuracy) for number, accuracy in enumerate(validation, start=1)
    ]


def training(**given) -> dict:
    return Training.model_validate(given).model_dump(mode="json")


def followed(message: str, given: dict) -> dict:
    """The training after what the message says to put on the command line, read as Snakemake reads it."""
    (line,) = re.findall(r"--config 'networks=(.*)'", message)
    config = {
        "study": "s",
        "seeds": [1],
        "dataset": {"kind": "digits"},
        "networks": {"vgg.16": {"architecture": {"name": "vgg16"}, "training": deepcopy(given)}},
        "methods": [{"family": "random"}],
    }
    update_config(config, {"networks": yaml.load(line, Loader=yaml.BaseLoader)})
    return read_study(config, []).model_dump(mode="json")["networks"]["vgg.16"]["training"]


def test_chance_is_the_share_of_the_most_frequent_class():
    assert largest_share(torch.tensor([2, 0, 2, 1, 2])) == 0.6
    assert largest_share(torch.arange(10)) == 0.1


@pytest.mark.parametrize(
    ("share", "images", "threshold"),
    [(0.1, 400, 0.145), (0.1, 10_000, 0.109), (0.5, 100, 0.65), (0.5, 4, 1.0), (1.0, 50, 1.0)],
)
def test_clearly_above_chance_is_three_standard_errors(share, images, threshold):
    assert Chance(share, images).threshold == pytest.approx(threshold)


def test_guessing_hardly_ever_passes():
    """The exact binomial tail, for the sizes of real validation splits."""
    for share, images in ((0.1, 360), (0.1, 5000), (0.5, 1000), (0.01, 10_000)):
        least = math.ceil(Chance(share, images).threshold * images)
        tail = 1 - sum(math.exp(math.lgamma(images + 1) - math.lgamma(k + 1) - math.lgamma(images - k + 1)
                                + k * math.log(share) + (images - k) * math.log1p(-share)) for k in range(least))  # fmt: skip
        assert tail < 0.004


@pytest.mark.parametrize(
    ("accuracies", "epochs", "stops"),
    [
        ([0.1] * 4, 5, False),  # not yet
        ([0.1] * 5, 5, True),
        ([0.1] * 9, 5, True),  # gone on from a checkpoint of a longer gate
        ([0.1, 0.1475, 0.1, 0.1, 0.1], 5, False),
        ([0.1425] * 5, 5, True),
        ([0.1] * 12, 50, True),  # all epochs are fewer
        ([0.1] * 11, 50, False),
    ],
)
def test_the_early_gate_looks_at_the_best_accuracy_once_enough_epochs_are_done(
    accuracies, epochs, stops
):
    arguments = ("vgg", training(epochs=12), epochs_of(accuracies), CHANCES, epochs, dict)
    if not stops:
        return check_training(*arguments)
    with pytest.raises(
        UserError,
        match=rf"vgg: the network is not clearly better than guessing after {len(accuracies)} of 12 epochs",
    ):
        check_training(*arguments)
    return None


@pytest.mark.parametrize(("train", "stops"), [(0.9, True), (0.913, True), (0.915, False)])
def test_each_split_is_compared_with_its_own_chance(train, stops):
    """A network that always names the most frequent class of unbalanced training images is far above the chance of balanced ones."""
    history = epochs_of([0.1] * 5, train)
    if not stops:
        return check_training("vgg", training(), history, CHANCES, 5, dict)
    with pytest.raises(
        UserError, match=r"on the training images 0\.9.* on the validation images 0\.1000"
    ):
        check_training("vgg", training(), history, CHANCES, 5, dict)
    return None


@pytest.mark.parametrize("name", RECIPES)
def test_the_early_gate_names_another_recipe_and_the_line_that_takes_it(name):
    given = {"recipe": name}
    with pytest.raises(UserError) as error:
        check_training(
            "vgg.16", training(**given), epochs_of([0.1, 0.12]), CHANCES, 2, lambda: NOTHING
        )
    message = str(error.value)
    for part in (
        "loss is 2.3026",
        "0.1200",
        "alone gives 0.1000",
        "400 images 0.1450",
        f"the recipe {name}",
        "no batch norm",
        "Tested, with nothing unusual: the images (after dataset.mean and dataset.std the validation "
        "images have a mean of 0.1, -0.1, 0 and a deviation of 1; of their pixel values, 1.0% are 0 "
        "and 2.0% are 255)",
        "Not tested: the recipe.",
    ):
        assert part in message
    assert "networks.vgg.16.gate.above_chance: false" in message
    after = followed(message, given)
    assert after["recipe"] != name
    assert after == training(recipe=after["recipe"])


@pytest.mark.parametrize(("rate", "lower"), [(10.0, 1.0), (0.0005, 5e-5), (1e-6, 1e-7)])
def test_a_loss_that_is_no_number_is_told_with_a_lower_rate(rate, lower):
    message = str(diverged("vgg.16", training(learning_rate=rate), 3, 7, math.nan, {}))
    assert "loss is nan in step 7 of epoch 3" in message
    assert f"learning_rate {rate}" in message
    assert "Not tested: a learning rate that is too high" in message
    line = message.split("Or another recipe")[0]
    assert followed(line, {"learning_rate": rate})["learning_rate"] == pytest.approx(lower)


def test_the_last_gate_keeps_a_floor():
    check_dense("vgg", training(), 0.8, "test", TENTH, 0.8, {})
    check_dense("vgg", None, 0.8, "test", TENTH, None, {})
    with pytest.raises(
        UserError,
        match=r"accuracy on the test images is 0\.7900, under networks\.vgg\.gate\.least_accuracy = 0\.8",
    ) as error:
        check_dense("vgg", training(), 0.79, "test", TENTH, 0.8, {})
    assert "training: {recipe: paper_low_rate}" in str(error.value)


def test_imported_weights_at_chance_are_told_what_was_not_tested():
    with pytest.raises(
        UserError, match=r"accuracy on the validation images is 0\.1400, not above chance"
    ) as error:
        check_dense("vgg", None, 0.14, "validation", TENTH, None, {})
    for part in ("Not tested: ", "dataset.mean", "dataset.std", "order", "above_chance: false"):
        assert part in str(error.value)
    assert "recipe" not in str(error.value)
    tests = NOTHING | {
        "normalization": {"others": {"ImageNet's": {}, "0.5": {}}, "better": None},
        "order": {"order": None},
    }
    with pytest.raises(UserError) as error:
        check_dense("vgg", None, 0.14, "validation", TENTH, None, tests)
    tested, left = str(error.value).split("Not tested: ")
    for part in ("other values of mean and std (ImageNet's, 0.5)", "another order of the classes"):
        assert part in tested
    assert "others than those tested" in left
    assert "order" not in left


def test_the_last_gate_can_leave_chance_out_and_keep_the_floor():
    check_dense("vgg", None, 0.1, "validation", None, None, {})
    with pytest.raises(UserError, match="least_accuracy"):
        check_dense("vgg", None, 0.1, "validation", None, 0.2, {})


def test_a_first_step_that_breaks_down_is_not_put_on_the_learning_rate():
    message = str(diverged("vgg", training(), 1, 1, math.nan, {}))
    assert "it is not the learning rate" in message
    assert "Try" not in message
    assert "too high" not in message


METRICS = {
    "accuracy": {"validation": 0.1},
    "most_frequent_class": {"validation": 0.1},
    "images": {"validation": 400},
}
GATE = {"above_chance": True, "epochs": 5, "least_accuracy": None}


def test_what_was_found_is_named_before_the_recipe():
    for given in ({}, {"tests": NOTHING}):
        with pytest.raises(UserError) as error:
            check_metrics("vgg", training(), METRICS | given, "validation", GATE)
        assert "Found" not in str(error.value)
    lagging = {"scores": NOTHING["scores"] | {"batch_statistics": 0.8, "lagging": True, "norms": 3}}
    with pytest.raises(UserError) as error:
        check_metrics("vgg", training(), METRICS | {"tests": NOTHING | lagging}, "validation", GATE)
    told, left = str(error.value).split("\nNot tested: ")
    assert told.endswith(
        "Found:\n  with the statistics of each batch in place of the running ones of batch norm, the "
        "accuracy on 400 images looked at is 0.8000 instead of 0.1000."
    )
    assert "more epochs or a smaller batch_size" in left
    assert "no batch norm" not in left
    assert "recipe: paper_low_rate" in left


def test_where_something_else_can_be_the_cause_no_recipe_is_advised():
    found = {"tests": NOTHING | {"differs_between_builds": ["mask", "head.scale"]}}
    for given, left in (
        (training(), "not tested: the recipe (networks.vgg.training.recipe)."),
        (None, "not tested: whether the file of the imported weights is the right one"),
    ):
        with pytest.raises(UserError) as error:
            check_metrics("vgg", given, METRICS | found, "validation", GATE)
        assert (
            "Found:\n  building the network draws mask, head.scale at random, which its state dict does "
            "not hold (each job here draws the same).\n"
            "If that is as it should be, "
        ) in str(error.value)
        assert left in str(error.value)
        assert "Try" not in str(error.value)
