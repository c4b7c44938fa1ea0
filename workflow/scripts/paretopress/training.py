"""Training of the dense baseline."""

from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, fields

import pandas as pd
import torch
from torch import nn

from .data import Split, normalized

Parameters = Iterable[nn.Parameter]

# Momentum 0.9 is what the VGG and ResNet papers train with; the rest are torch's defaults.
OPTIMIZERS: dict[str, Callable[[Parameters, float, float], torch.optim.Optimizer]] = {
    "adam": lambda parameters, rate, decay: torch.optim.Adam(parameters, lr=rate, weight_decay=decay),
    "adamw": lambda parameters, rate, decay: torch.optim.AdamW(parameters, lr=rate, weight_decay=decay),
    "sgd": lambda parameters, rate, decay: torch.optim.SGD(parameters, lr=rate, weight_decay=decay, momentum=0.9),
}

SCHEDULES: dict[str, Callable[[torch.optim.Optimizer, float, int], torch.optim.lr_scheduler.LRScheduler]] = {
    "constant": lambda optimizer, rate, steps: torch.optim.lr_scheduler.ConstantLR(optimizer, factor=1.0),
    "one_cycle": lambda optimizer, rate, steps: torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=rate, total_steps=steps),
}


def _crop(images: torch.Tensor, generator: torch.Generator, padding: int = 4) -> torch.Tensor:
    """Each image moved by up to `padding` pixels each way, zeros moving in (He et al. 2016, section 4.2)."""
    count, _, height, width = images.shape
    padded = nn.functional.pad(images, (padding,) * 4)
    tops = torch.randint(2 * padding + 1, (count, 1), generator=generator) + torch.arange(height)
    lefts = torch.randint(2 * padding + 1, (count, 1), generator=generator) + torch.arange(width)
    return padded[torch.arange(count)[:, None, None], :, tops[:, :, None], lefts[:, None, :]].permute(0, 3, 1, 2)


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
    """How a baseline is trained. Cross-entropy is the loss (paper, section 5.2)."""

    epochs: int
    batch_size: int
    optimizer: str
    learning_rate: float
    weight_decay: float
    schedule: str
    augmentation: str
    seed: int


@dataclass(frozen=True)
class Epoch:
    """One row of history.csv; the loss is the mean over the epoch's training images."""

    epoch: int
    loss: float
    train_accuracy: float
    validation_accuracy: float


def _batches(order: torch.Tensor, size: int) -> list[torch.Tensor]:
    """Indices in batches of `size`; a last batch of one image, which batch norm cannot take, joins the one before."""
    parts = list(order.split(size))
    return [*parts[:-2], torch.cat(parts[-2:])] if len(parts) > 1 and len(parts[-1]) == 1 else parts


def train(
    network: nn.Module,
    split: Split,
    recipe: Recipe,
    validation_accuracy: Callable[[nn.Module], float],
    report: Callable[[Epoch], None],
) -> list[Epoch]:
    """Trains `network` in place on `split`; `report` is called after each epoch. The caller has seeded torch."""
    generator = torch.Generator().manual_seed(recipe.seed)
    optimizer = OPTIMIZERS[recipe.optimizer](network.parameters(), recipe.learning_rate, recipe.weight_decay)
    steps = recipe.epochs * len(_batches(torch.arange(len(split)), recipe.batch_size))
    schedule = SCHEDULES[recipe.schedule](optimizer, recipe.learning_rate, steps)
    augment = AUGMENTATIONS[recipe.augmentation]
    history = []
    for epoch in range(1, recipe.epochs + 1):
        network.train()
        loss_sum = torch.zeros(())
        correct = 0
        for index in _batches(torch.randperm(len(split), generator=generator), recipe.batch_size):
            images, labels = augment(normalized(split, split.images[index]), generator), split.labels[index]
            scores = network(images)
            loss = nn.functional.cross_entropy(scores, labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            loss_sum += loss.detach() * len(index)
            correct += int((scores.argmax(1) == labels).sum())
        network.eval()
        history.append(Epoch(epoch, float(loss_sum) / len(split), correct / len(split), validation_accuracy(network)))
        report(history[-1])
    return history


def history_table(history: Iterable[Epoch]) -> pd.DataFrame:
    """history.csv: a row for each epoch; none for imported weights."""
    return pd.DataFrame([asdict(epoch) for epoch in history], columns=[field.name for field in fields(Epoch)])
