"""The accuracy of a guess that ignores the image."""

import torch


def largest_share(labels: torch.Tensor) -> float:
    """Compute the share of the most frequent class.

    Args:
        labels: Class indices, shape (images,).

    Returns:
        The share, in (0, 1].
    """
    return int(labels.bincount().max()) / len(labels)
