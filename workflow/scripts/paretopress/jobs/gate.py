"""The gate: stop a study before its searches if a dense network has learned too little.

The gate decides whether a job goes on. It changes no result.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from ..errors import UserError
from .progress import Trained

STANDARD_ERRORS = 3
# The recipe to try after another one failed. Both of these train the slim VGG on the digits, and
# sgd_warmup stays at chance there.
RECOMMENDED = "one_cycle"
RECOMMENDED_AFTER = {RECOMMENDED: "paper_low_rate"}

WEIGHTS_IMPORTED = (
    "Its weights are imported. Check that it is the right file, that dataset.mean and dataset.std "
    "are those of its training, and that the classes are as many and in the same order (here that "
    "of the names of their folders)."
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
    "If the accuracy on the training images (history.csv) is far better, the running statistics "
    "of batch norm lag behind: train for more steps, by more epochs or a smaller batch_size."
)


def _go_on(network: str) -> str:
    return f"To go on with the network as it is, set networks.{network}.gate.above_chance: false."


def diverged(
    network: str, training: Mapping[str, Any], epoch: int, step: int, loss: float
) -> UserError:
    """Make the error for a loss that is not a finite number.

    Args:
        network: The name of the network.
        training: The section networks.NAME.training with every key.
        epoch: The epoch, from 1.
        step: The step within the epoch.
        loss: The loss of this step.

    Returns:
        The error, to be raised.
    """
    lower = float(f"{training['learning_rate'] / 10:.3g}")
    return UserError(
        f"{network}: the training broke down, its loss is {loss} in step {step} of epoch {epoch}. "
        f"The learning rate is too high.\n{_settings(training)}\n"
        f"{_try(network, 'learning_rate', lower)}\n"
        f"Or another recipe. {_other_recipe(network, training)}"
    )


def check_training(
    network: str,
    training: Mapping[str, Any],
    history: Sequence[Trained],
    chances: Mapping[str, Chance],
    epochs: int,
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
    raise UserError(
        f"{network}: the network is not clearly better than guessing after {len(history)} of "
        f"{training['epochs']} epochs. The loss is {history[-1].loss:.4f}; {reached}.\n"
        f"{_settings(training)} VGG16 has no batch norm. It is known to stay at chance from random "
        "weights under Adam at learning rate 0.001 with L2 decay (the recipe paper).\n"
        f"{_other_recipe(network, training)}\n{_go_on(network)}"
    )


def check_dense(
    network: str,
    training: Mapping[str, Any] | None,
    accuracy: float,
    split: str,
    chance: Chance | None,
    least_accuracy: float | None,
) -> None:
    """Check the accuracy of a dense network before any search.

    Args:
        network: The name of the network.
        training: The section networks.NAME.training with every key; None for imported weights.
        accuracy: The accuracy of the dense network on the images of `split`, in [0, 1].
        split: The name of the split.
        chance: The chance on the same images; None if the accuracy may be at chance.
        least_accuracy: The least accuracy that is allowed; None if there is none.

    Raises:
        UserError: The accuracy is not clearly above chance, or it is under `least_accuracy`.
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
    check_dense(network, training, accuracy, split, looked_at, gate["least_accuracy"])
    return chance
