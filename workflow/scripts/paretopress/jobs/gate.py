"""The gate: stop a study before its searches if a dense network has learned too little.

The gate decides whether a job goes on. It changes no result.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from ..errors import UserError
from .findings import Tests, explained
from .progress import Trained

STANDARD_ERRORS = 3
# The recipe to try after another one failed. Both of these train the slim VGG on the digits, and
# sgd_warmup stays at chance there.
RECOMMENDED = "one_cycle"
RECOMMENDED_AFTER = {RECOMMENDED: "paper_low_rate"}

# The recipe paper: what VGG16 is known for.
WITHOUT_NORMS = (
    "The network has no batch norm or other normalisation. VGG16, which has none either, is known "
    "to stay at chance from random weights under Adam at learning rate 0.001 with L2 decay. "
)


@dataclass(frozen=True)
class Chance:
    """The accuracy that guessing reaches on a split.

    Attributes:
        share: The share of the most frequent class, in (0, 1]. A network that always gives the
            same answer reaches it.
        images: The number of images in the split.
    """

    share: float
    images: int

    @property
    def threshold(self) -> float:
        """The least accuracy that is clearly above chance, at most 1.

        It is share + 3 sqrt(share (1 - share) / images). The root is the standard error of a
        binomial proportion. In the normal approximation, guessing reaches this once in 740 times.
        """
        return min(
            1.0,
            self.share + STANDARD_ERRORS * math.sqrt(self.share * (1 - self.share) / self.images),
        )

    def __str__(self) -> str:
        return (
            f"the most frequent class alone gives {self.share:.4f}, and on {self.images} images "
            f"{self.threshold:.4f} is clearly above that ({STANDARD_ERRORS} standard errors)"
        )


def _try(network: str, key: str, value: Any) -> str:
    """Advice to set networks.NAME.training.KEY, in the config or on the command line."""
    text = yaml.safe_dump(value).split()[0]
    return (
        f"Try networks.{network}.training.{key}: {text}, in the config or on the command line: "
        f"--config 'networks={{{network}: {{training: {{{key}: {text}}}}}}}'."
    )


def _settings(training: Mapping[str, Any]) -> str:
    used = ", ".join(
        f"{key} {value}" for key, value in training.items() if key not in ("recipe", "seed")
    )
    return f"It was trained by the recipe {training['recipe']}: {used}."


def _other_recipe(network: str, training: Mapping[str, Any]) -> str:
    other = RECOMMENDED_AFTER.get(training["recipe"], RECOMMENDED)
    return (
        f"{_try(network, 'recipe', other)} A key beside recipe in the config overrides it: "
        "remove the key, or change it."
    )


LAGGING = (
    "Running statistics of batch norm follow the weights with a delay: more epochs or a smaller "
    "batch_size give them more steps.\n"
)


def _untested(network: str, training: Mapping[str, Any], tests: Tests) -> str:
    """What tests have found, then advice on the recipe of a training, which no test looks at."""
    scores = tests.get("scores", {})
    left = (
        f"the recipe. {WITHOUT_NORMS if scores.get('norms') == 0 else ''}"
        f"{LAGGING if scores.get('lagging') else ''}{_other_recipe(network, training)}"
    )
    return explained(tests, left, f"the recipe (networks.{network}.training.recipe).")


def _weights(tests: Tests) -> str:
    """What no test has looked at of imported weights."""
    values = ", if these are others than those tested" if "normalization" in tests else ""
    order = (
        ""
        if "order" in tests
        else ", and whether the classes are in the same order (here that of their folders' names)"
    )
    return (
        "whether the file of the imported weights is the right one, and whether dataset.mean and "
        f"dataset.std are those of its training{values}{order}."
    )


def _go_on(network: str) -> str:
    return f"To go on with the network as it is, set networks.{network}.gate.above_chance: false."


def diverged(
    network: str,
    training: Mapping[str, Any],
    epoch: int,
    step: int,
    loss: float,
    tests: Tests,
) -> UserError:
    """Make the error for a loss that is not a finite number.

    Args:
        network: The name of the network.
        training: The section networks.NAME.training with every key.
        epoch: The epoch, from 1.
        step: The step within the epoch.
        loss: The loss of this step.
        tests: What was tested of the images and of the untrained network, see jobs.findings.

    Returns:
        The error, to be raised.
    """
    lower = float(f"{training['learning_rate'] / 10:.3g}")
    told = (
        f"{network}: the training broke down, its loss is {loss} in step {step} of epoch {epoch}.\n"
        f"{_settings(training)}\n"
    )
    if (epoch, step) == (1, 1):
        left = "the code of the network. No step was taken before: it is not the learning rate."
        return UserError(told + explained(tests, left, left))
    left = (
        f"a learning rate that is too high.\n{_try(network, 'learning_rate', lower)}\n"
        f"Or another recipe. {_other_recipe(network, training)}"
    )
    key = f"networks.{network}.training"
    briefly = f"the learning rate and the recipe ({key}.learning_rate, {key}.recipe)."
    return UserError(told + explained(tests, left, briefly))


def check_training(
    network: str,
    training: Mapping[str, Any],
    history: Sequence[Trained],
    chances: Mapping[str, Chance],
    epochs: int,
    tests: Callable[[], Tests],
) -> None:
    """Stop a training early if the network is not better than guessing.

    A good accuracy on the training images alone is enough. In the first epochs the running
    statistics of batch norm may lag behind, which lowers the accuracy on validation images.

    Args:
        network: The name of the network.
        training: The section networks.NAME.training with every key.
        history: The epochs so far.
        chances: The chance on the "training" and on the "validation" images.
        epochs: The number of epochs after which the gate decides. If the training has fewer, it
            decides after the last one.
        tests: Tests images, labels and scores, see jobs.findings. It is called before a recipe is
            blamed, and only then.

    Raises:
        UserError: The best accuracy is not clearly above chance on either split.
    """
    best = {
        "training": max((epoch.train_accuracy for epoch in history), default=0.0),
        "validation": max((epoch.validation_accuracy for epoch in history), default=0.0),
    }
    if len(history) < min(epochs, training["epochs"]) or any(
        best[split] >= chance.threshold for split, chance in chances.items()
    ):
        return
    reached = "; ".join(
        f"on the {split} images {best[split]:.4f} at best, where {chance}"
        for split, chance in chances.items()
    )
    tested = tests()
    raise UserError(
        f"{network}: the network is not clearly better than guessing after {len(history)} of "
        f"{training['epochs']} epochs. The loss is {history[-1].loss:.4f}; {reached}.\n"
        f"{_settings(training)}\n{_untested(network, training, tested)}\n"
        f"{_go_on(network)}"
    )


def check_dense(
    network: str,
    training: Mapping[str, Any] | None,
    accuracy: float,
    split: str,
    chance: Chance | None,
    least_accuracy: float | None,
    tests: Tests,
) -> None:
    """Check the accuracy of a dense network before any search.

    Args:
        network: The name of the network.
        training: The section networks.NAME.training with every key; None for imported weights.
        accuracy: The accuracy of the dense network on the images of `split`, in [0, 1].
        split: The name of the split.
        chance: The chance on the same images; None if the accuracy may be at chance.
        least_accuracy: The least accuracy that is allowed; None if there is none.
        tests: What was tested of images, labels and scores, see jobs.findings.

    Raises:
        UserError: The accuracy is not clearly above chance, or it is under `least_accuracy`.
    """
    measured = f"{network}: the dense network's accuracy on the {split} images is {accuracy:.4f}"
    if training is None:
        advice = explained(tests, _weights(tests), _weights(tests))
    else:
        advice = f"{_settings(training)}\n{_untested(network, training, tests)}"
    if chance is not None and accuracy < chance.threshold:
        raise UserError(f"{measured}, not above chance: {chance}.\n{advice}\n{_go_on(network)}")
    if least_accuracy is not None and accuracy < least_accuracy:
        raise UserError(
            f"{measured}, under networks.{network}.gate.least_accuracy = {least_accuracy:g}.\n"
            f"{advice}\nTo go on with the network as it is, lower that floor: the weights are kept."
        )


def check_metrics(
    network: str,
    training: Mapping[str, Any] | None,
    metrics: Mapping[str, Any],
    split: str,
    gate: Mapping[str, Any],
) -> Chance:
    """Check the metrics of a dense network before any search.

    Args:
        network: The name of the network.
        training: The section networks.NAME.training with every key; None for imported weights.
        metrics: The content of metrics.json.
        split: The name of the split that the search measures accuracy on.
        gate: The section networks.NAME.gate.

    Returns:
        The chance on the images of `split`.

    Raises:
        UserError: The network does not pass, see check_dense.
    """
    chance = Chance(metrics["most_frequent_class"][split], metrics["images"][split])
    looked_at = chance if gate["above_chance"] else None
    accuracy = metrics["accuracy"][split]
    tests = metrics.get("tests", {})
    check_dense(network, training, accuracy, split, looked_at, gate["least_accuracy"], tests)
    return chance
