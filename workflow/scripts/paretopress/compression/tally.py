"""Count the images that a network predicts correctly."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import nn

from ..dataset.split import Split, batches

CPU = torch.device("cpu")
# Part of torch's error for a batch that its dynamic int8 layers cannot scale because of NaN.
WITHOUT_SCALE = "ChooseQuantizationParams"


@dataclass(frozen=True)
class Tally:
    """The number of images that a network predicts correctly.

    Attributes:
        images: All images of the split.
        correct: Images with a correct top-1 prediction.
        unscored: Images whose highest score is not finite. This is no prediction.
    """

    images: int
    correct: int
    unscored: int

    @property
    def accuracy(self) -> float:
        """Fraction of correct top-1 predictions, in [0, 1]. Unscored images count as wrong."""
        return self.correct / self.images


@contextmanager
def denormals_flushed() -> Iterator[None]:
    """Make torch treat denormal numbers as zero within the block.

    Decayed weights hold denormals, which make a forward pass up to ten times slower. The count of
    non-zero entries must still see them, so it happens outside the block.
    """
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)


def scores_of(network: nn.Module, images: torch.Tensor) -> torch.Tensor:
    """The scores of a network for a batch of images.

    Args:
        network: The network, in evaluation mode.
        images: Its inputs, float32 of shape (images, 3, height, width).

    Returns:
        Scores of shape (images, classes). Where int8 layers refuse the batch because of NaN, NaN
        of shape (images, 1).
    """
    try:
        return network(images)
    except RuntimeError as error:
        if WITHOUT_SCALE not in str(error):
            raise
        return torch.full((len(images), 1), torch.nan, device=images.device)


def tally(network: nn.Module, split: Split, batch_size: int, device: torch.device = CPU) -> Tally:
    """Count the images of a split that a network predicts correctly.

    The size of the batches is a part of the result, because it can change the int8 scores.

    Args:
        network: The network. It is put in evaluation mode.
        split: The images.
        batch_size: Images in a batch.
        device: Device of `network`.

    Returns:
        The counts.
    """
    network.eval()
    correct = unscored = 0
    # No inference mode: what a network keeps of a pass there could not be trained with afterwards.
    with torch.no_grad(), denormals_flushed():
        for images, labels in batches(split, batch_size):
            scores = scores_of(network, images.to(device))
            predicted = scores.argmax(1, keepdim=True)  # the place of a NaN, where a row has one
            scored = scores.gather(1, predicted).isfinite()
            correct += int(((predicted == labels.to(device)[:, None]) & scored).sum())
            unscored += int((~scored).sum())
    return Tally(len(split), correct, unscored)


def accuracy(
    network: nn.Module, split: Split, batch_size: int, device: torch.device = CPU
) -> float:
    """Fraction of correct top-1 predictions, as `tally` counts them.

    Args:
        network: The network. It is put in evaluation mode.
        split: The images.
        batch_size: Images in a batch.
        device: Device of `network`.

    Returns:
        The accuracy, in [0, 1].
    """
    return tally(network, split, batch_size, device).accuracy
