"""Train the dense baseline.

A training that was killed goes on after its last finished epoch, and ends with the same weights.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import nn
from torch.optim import lr_scheduler

from ..compression.devices import AUTO, device_of
from ..compression.tally import CPU
from ..dataset.split import Split, normalized
from ..jobs.stopping import finished_first
from .history import Epoch, history_of

Parameters = Iterable[nn.Parameter]

# The VGG and ResNet papers train with momentum 0.9. All other settings are torch's defaults.
OPTIMIZERS: dict[str, Callable[[Parameters, float, float], torch.optim.Optimizer]] = {
    "adam": lambda parameters, rate, decay: torch.optim.Adam(
        parameters, lr=rate, weight_decay=decay
    ),
    "adamw": lambda parameters, rate, decay: torch.optim.AdamW(
        parameters, lr=rate, weight_decay=decay
    ),
    "sgd": lambda parameters, rate, decay: torch.optim.SGD(
        parameters, lr=rate, weight_decay=decay, momentum=0.9
    ),
}

WARM_UP = 0.05  # fraction of the steps


def _warmup_cosine(optimizer: torch.optim.Optimizer, steps: int) -> lr_scheduler.LRScheduler:
    """Rise linearly to the learning rate of `optimizer`, then fall to 0 along half a cosine."""
    warm = max(1, round(WARM_UP * steps))
    rise = lr_scheduler.LinearLR(optimizer, start_factor=1 / warm, total_iters=warm)
    fall = lr_scheduler.CosineAnnealingLR(optimizer, T_max=max(1, steps - warm))
    return lr_scheduler.SequentialLR(optimizer, [rise, fall], milestones=[warm])


SCHEDULES: dict[str, Callable[[torch.optim.Optimizer, float, int], lr_scheduler.LRScheduler]] = {
    "constant": lambda optimizer, rate, steps: lr_scheduler.ConstantLR(optimizer, factor=1.0),
    "one_cycle": lambda optimizer, rate, steps: lr_scheduler.OneCycleLR(
        optimizer, max_lr=rate, total_steps=steps
    ),
    "warmup_cosine": lambda optimizer, rate, steps: _warmup_cosine(optimizer, steps),
}

# Contexts for the forward pass on a type of device.
PRECISIONS: dict[str, Callable[[str], AbstractContextManager[Any]]] = {
    "float32": lambda device: nullcontext(),
    "bfloat16": lambda device: torch.autocast(device, torch.bfloat16),
}


def _crop(images: torch.Tensor, generator: torch.Generator, padding: int = 4) -> torch.Tensor:
    """Shift each image by up to `padding` pixels each way (He et al. 2016, section 4.2).

    Zeros fill the gap.
    """
    count, _, height, width = images.shape
    padded = nn.functional.pad(images, (padding,) * 4)
    tops = torch.randint(2 * padding + 1, (count, 1), generator=generator) + torch.arange(height)
    lefts = torch.randint(2 * padding + 1, (count, 1), generator=generator) + torch.arange(width)
    return padded[
        torch.arange(count)[:, None, None], :, tops[:, :, None], lefts[:, None, :]
    ].permute(0, 3, 1, 2)


def _flip(images: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    chosen = torch.rand(len(images), generator=generator) < 0.5
    return torch.where(chosen.view(-1, 1, 1, 1), images.flip(3), images)


AUGMENTATIONS: dict[str, Callable[[torch.Tensor, torch.Generator], torch.Tensor]] = {
    "none": lambda images, generator: images,
    "crop": _crop,
    "crop_flip": lambda images, generator: _flip(_crop(images, generator), generator),
}


@dataclass(frozen=True)
class Recipe:
    """The settings of a training. The loss is cross-entropy (paper, section 5).

    Attributes:
        epochs: Number of epochs.
        batch_size: Images in a batch.
        optimizer: A key of OPTIMIZERS.
        learning_rate: Learning rate of the optimizer, the highest of the schedule.
        weight_decay: Weight decay of the optimizer.
        schedule: A key of SCHEDULES.
        augmentation: A key of AUGMENTATIONS.
        seed: Seed of the order of the images and of their augmentation.
        precision: A key of PRECISIONS.
    """

    epochs: int
    batch_size: int
    optimizer: str
    learning_rate: float
    weight_decay: float
    schedule: str
    augmentation: str
    seed: int
    precision: str = "float32"


def _batches(order: torch.Tensor, size: int) -> list[torch.Tensor]:
    """Divide indices into batches of `size`.

    A last batch of one image joins the batch before, because batch norm cannot take it.
    """
    parts = list(order.split(size))
    return [*parts[:-2], torch.cat(parts[-2:])] if len(parts) > 1 and len(parts[-1]) == 1 else parts


class NonFiniteLoss(ArithmeticError):
    """The loss of a step is infinite or NaN, so no later step can be of use."""

    def __init__(self, epoch: int, step: int, loss: float) -> None:
        super().__init__(f"loss {loss} in step {step} of epoch {epoch}")
        self.epoch, self.step, self.loss = epoch, step, loss


class TrainingState:
    """A training between two epochs. The caller must have seeded torch.

    Args:
        network: The network, which is trained in place on `device`.
        split: The training images.
        recipe: Settings of the training.
        device: Device for the computation.

    Attributes:
        history: The finished epochs.
        optimizer: The optimizer of the network's parameters.
    """

    def __init__(
        self, network: nn.Module, split: Split, recipe: Recipe, device: torch.device
    ) -> None:
        self.history: list[Epoch] = []
        self._network, self._split = network.to(device), split
        self._recipe, self._device = recipe, device
        # Always on the CPU, so that order and augmentation are the same on each device.
        self._generator = torch.Generator().manual_seed(recipe.seed)
        self.optimizer = OPTIMIZERS[recipe.optimizer](
            network.parameters(), recipe.learning_rate, recipe.weight_decay
        )
        steps = recipe.epochs * len(_batches(torch.arange(len(split)), recipe.batch_size))
        self._schedule = SCHEDULES[recipe.schedule](self.optimizer, recipe.learning_rate, steps)

    def run_epoch(self, validation_accuracy: Callable[[nn.Module], float]) -> None:
        """Train one epoch and add it to `history`.

        Args:
            validation_accuracy: Function that computes the accuracy of the network in [0, 1].

        Raises:
            NonFiniteLoss: The loss of a step is infinite or NaN.
        """
        split, epoch, network = self._split, len(self.history) + 1, self._network.train()
        loss_sum = torch.zeros((), device=self._device)
        correct = 0
        order = torch.randperm(len(split), generator=self._generator)
        for step, index in enumerate(_batches(order, self._recipe.batch_size), start=1):
            images = AUGMENTATIONS[self._recipe.augmentation](
                normalized(split, split.images[index]), self._generator
            ).to(self._device)
            labels = split.labels[index].to(self._device)
            with PRECISIONS[self._recipe.precision](self._device.type):
                scores = network(images)
                loss = nn.functional.cross_entropy(scores.float(), labels)
            if not math.isfinite(value := loss.item()):
                raise NonFiniteLoss(epoch, step, value)
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            self._schedule.step()
            loss_sum += loss.detach() * len(index)
            correct += int((scores.argmax(1) == labels).sum())
        network.eval()
        self.history.append(
            Epoch(
                epoch,
                float(loss_sum) / len(split),
                correct / len(split),
                validation_accuracy(network),
            )
        )

    def state_dict(self) -> dict[str, Any]:
        """The history, and all that later epochs depend on, as tensors and plain data."""
        return {
            "history": [asdict(epoch) for epoch in self.history],
            "network": self._network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "schedule": self._schedule.state_dict(),
            "generator": self._generator.get_state(),
            # Dropout draws from torch's global generator of the device.
            "torch": torch.get_rng_state(),
            "cuda": torch.cuda.get_rng_state(self._device) if self._device.type == "cuda" else None,
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore a state from `state_dict`.

        That of a CUDA generator is restored only if both trainings run on a CUDA device.
        """
        self.history = history_of(state)
        self._network.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimizer"])
        self._schedule.load_state_dict(state["schedule"])
        self._generator.set_state(state["generator"])
        torch.set_rng_state(state["torch"])
        if self._device.type == "cuda" and state["cuda"] is not None:
            torch.cuda.set_rng_state(state["cuda"], self._device)


def train(
    network: nn.Module,
    split: Split,
    recipe: Recipe,
    validation_accuracy: Callable[[nn.Module], float],
    report: Callable[[Sequence[Epoch]], None],
    *,
    state: Mapping[str, Any] | None = None,
    save: Callable[[int, Mapping[str, Any]], None] = lambda epoch, state: None,
    device: torch.device = CPU,
    prepare: Callable[[torch.optim.Optimizer], None] = lambda optimizer: None,
) -> list[Epoch]:
    """Train a network in place. The caller must have seeded torch.

    Args:
        network: The network. It is on the CPU again at the end.
        split: The training images.
        recipe: Settings of the training.
        validation_accuracy: Function that computes the accuracy of the network in [0, 1].
        report: Function that is called after each epoch with all epochs so far.
        state: A state that `save` was called with. The training goes on from it.
        save: Function that is called before `report`, with the number of finished epochs and the
            state of the training.
        device: Device for the computation.
        prepare: Function that is called with the optimizer before the first step, to add hooks.

    Returns:
        The epochs of the training.

    Raises:
        NonFiniteLoss: The loss of a step is infinite or NaN.
        Stopped: The process was asked to stop. It stops after the epoch.
        Exception: Any exception of `report`.
    """
    training = TrainingState(network, split, recipe, device)
    prepare(training.optimizer)
    if state is not None:
        training.load_state_dict(state)
    while len(training.history) < recipe.epochs:
        with finished_first(lambda: f"epoch {len(training.history)} of {recipe.epochs}"):
            training.run_epoch(validation_accuracy)
            save(len(training.history), training.state_dict())
            report(training.history)
    network.to(CPU).eval()
    return training.history


def training_device(asked: str = AUTO) -> torch.device:
    """Give the device for a training, as `device_of` does, and make torch deterministic there."""
    device = device_of(asked)
    if device == CPU:
        torch.use_deterministic_algorithms(True)
    return device
