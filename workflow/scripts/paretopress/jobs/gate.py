"""The gate: a dense network that learned nothing, or too little, stops the study before any search is spent on it.

It says whether a job goes on, never what comes of it.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from ..errors import UserError
from .progress import Trained

STANDARD_ERRORS = 3
# The recipe to try after another one failed: both train the slim VGG on the digits, where sgd_warmup stays at chance.
RECOMMENDED = "one_cycle"
RECOMMENDED_AFTER = {RECOMMENDED: "paper_low_rate"}

WEIGHTS_IMPORTED = (
    "Its weights are imported: check that it is the right file, that dataset.mean and dataset.std are those that the network was trained "
    "with, and that the classes are as many and in the same order (here that of the names of their folders)."
)


@dataclass(frozen=True)
class Chance:
    """What guessing reaches on a split.

    share: the share of its most frequent class, which a network that always answers the same reaches.
    images: the images of the split.
    """

    share: float
    images: int

    @property
    def threshold(self) -> float:
        """The least accuracy that is clearly above chance: share + 3 sqrt(share (1 - share) / images), 1 at most.

        The root is the standard error of a binomial proportion; in its normal approximation guessing gets there once in 740 times.
        """
        return min(
            1.0,
            self.share + STANDARD_ERRORS * math.sqrt(self.share * (1 - self.share) / self.images),
        )

    def __str__(self) -> str:
        return (
            f"the most frequent class alone gives {self.share:.4f}, and on {self.images} images {self.threshold:.4f} is clearly "
            f"above that ({STANDARD_ERRORS} standard errors)"
        )


def _try(network: str, key: str, value: Any) -> str:
    """How to set networks.NAME.training.KEY, in the config and on the command line."""
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
    return f"{_try(network, 'recipe', other)} A key that stands beside recipe in the config wins over it: take it out, or change it."


LAGGING = (
    "If the accuracy on the training images (history.csv) is far better, the running statistics of batch norm lag behind: "
    "train for more steps, by more epochs or a smaller batch_size."
)


def _go_on(network: str) -> str:
    return f"To go on with the network as it is: networks.{network}.gate.above_chance: false."


def diverged(
    network: str, training: Mapping[str, Any], epoch: int, step: int, loss: float
) -> UserError:
    """The error for a loss that is no finite number. training: the section networks.NAME.training with every key."""
    lower = float(f"{training['learning_rate'] / 10:.3g}")
    return UserError(
        f"{network}: the training broke down, its loss is {loss} in step {step} of epoch {epoch}. The learning rate is too high.\n"
        f"{_settings(training)}\n{_try(network, 'learning_rate', lower)}\nOr another recipe. {_other_recipe(network, training)}"
    )


def check_training(
    network: str,
    training: Mapping[str, Any],
    history: Sequence[Trained],
    chances: Mapping[str, Chance],
    epochs: int,
) -> None:
    """The early gate. history: the epochs so far. chances: of the "training" and the "validation" images.

    A network that does well on the training images alone has learned something: the running statistics of its batch norm may lag
    behind in the first epochs.
    Raises UserError: after `epochs` epochs, or all where they are fewer, the best accuracy is clearly above chance on neither.
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
    raise UserError(
        f"{network}: the network is not clearly better than guessing after {len(history)} of {training['epochs']} epochs. "
        f"The loss is {history[-1].loss:.4f}; {reached}.\n"
        f"{_settings(training)} VGG16, which has no batch norm, is known to stay at chance from random weights under Adam at learning "
        f"rate 0.001 with L2 decay (the recipe paper).\n{_other_recipe(network, training)}\n{_go_on(network)}"
    )


def check_dense(
    network: str,
    training: Mapping[str, Any] | None,
    accuracy: float,
    split: str,
    chance: Chance | None,
    least_accuracy: float | None,
) -> None:
    """The last gate, before any search. accuracy: of the dense network on the images of `split`, that `chance` is of.

    training: None for imported weights. chance: None where it is not to be looked at. least_accuracy: None for no such floor.
    Raises UserError: the accuracy is not clearly above chance, or under the floor.
    """
    measured = f"{network}: the dense network's accuracy on the {split} images is {accuracy:.4f}"
    advice = (
        WEIGHTS_IMPORTED
        if training is None
        else f"{_settings(training)}\n{LAGGING}\n{_other_recipe(network, training)}"
    )
    if chance is not None and accuracy < chance.threshold:
        raise UserError(f"{measured}, not above chance: {chance}.\n{advice}\n{_go_on(network)}")
    if least_accuracy is not None and accuracy < least_accuracy:
        raise UserError(
            f"{measured}, under networks.{network}.gate.least_accuracy = {least_accuracy:g}.\n{advice}\n"
            f"To go on with the network as it is, lower that floor: the weights stay."
        )


def check_metrics(
    network: str,
    training: Mapping[str, Any] | None,
    metrics: Mapping[str, Any],
    split: str,
    gate: Mapping[str, Any],
) -> Chance:
    """What guessing reaches on the images of `split`, where the dense network has passed its gate.

    metrics: the content of metrics.json; gate: the section networks.NAME.gate.
    Raises UserError: see check_dense.
    """
    chance = Chance(metrics["most_frequent_class"][split], metrics["images"][split])
    looked_at = chance if gate["above_chance"] else None
    accuracy = metrics["accuracy"][split]
    check_dense(network, training, accuracy, split, looked_at, gate["least_accuracy"])
    return chance
