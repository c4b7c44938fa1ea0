"""Count the images that a network predicts correctly."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import nn

from ..dataset.split import Split, batches

CPU = torch.device("cpu")
# Part of torch's error for a batch that its dynamic int8 layers cannot scale because of NaN.
WITHOUT_SCALE = "ChooseQuantizationParams"
UNSCORED = -1


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


def scores_of(
    network: Callable[[torch.Tensor], torch.Tensor], images: torch.Tensor
) -> torch.Tensor:
    """The scores of a network for a batch of images.

    Args:
        network: The network, in evaluation mode, or a part of it.
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


def predicted(scores: torch.Tensor) -> torch.Tensor:
    """The predictions of a batch, int64 of shape (images,).

    UNSCORED where the highest score of an image is not finite. This is no prediction.
    """
    best = scores.argmax(1, keepdim=True)  # the place of a NaN, where a row has one
    return torch.where(scores.gather(1, best).isfinite(), best, UNSCORED)[:, 0]


def counted(predictions: torch.Tensor, split: Split) -> Tally:
    """Count predictions.

    Args:
        predictions: Those of all images of the split, as `predicted` gives them.
        split: The images.

    Returns:
        The counts.
    """
    own = predictions.cpu()
    return Tally(len(split), int((own == split.labels).sum()), int((own == UNSCORED).sum()))


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
    # No inference mode: what a network keeps of a pass there could not be trained with afterwards.
    with torch.no_grad(), denormals_flushed():
        predictions = [
            predicted(scores_of(network, images.to(device)))
            for images, _ in batches(split, batch_size)
        ]
    return counted(torch.cat(predictions), split)


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
