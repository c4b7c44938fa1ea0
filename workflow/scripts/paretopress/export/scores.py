"""The scores of a network for all images of a split, by whatever runtime."""

from collections.abc import Callable

import torch

from ..compression.tally import denormals_flushed
from ..dataset.split import Split, batches

# Scores, float32 of shape (images, classes), of images, float32 of shape (images, 3, height, width).
Scores = Callable[[torch.Tensor], torch.Tensor]


def all_scores(scores: Scores, split: Split, batch_size: int) -> torch.Tensor:
    """Compute the scores of all images of a split.

    Args:
        scores: The network.
        split: The images.
        batch_size: Images in a batch. It can change the scores of dynamic int8.

    Returns:
        The scores, float32 of shape (images, classes).
    """
    with torch.no_grad(), denormals_flushed():
        return torch.cat([scores(images) for images, _ in batches(split, batch_size)])


def correct(scores: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    """Tell which images are classified correctly. A score that is not finite is no prediction.

    Args:
        scores: Scores, float32 of shape (images, classes).
        labels: Labels, int64 of shape (images,).

    Returns:
        bool of shape (images,).
    """
    predicted = scores.argmax(1, keepdim=True)
    scored = scores.gather(1, predicted).isfinite()
    return ((predicted == labels[:, None]) & scored).view(-1)
