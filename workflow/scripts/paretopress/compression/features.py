"""The features of images: what the body of a network gives its head, for designs of the head alone."""

from collections.abc import Iterable

import torch
from torch import nn

from .head import Head
from .tally import denormals_flushed

MOST_BYTES = 2**28  # of the features of all images, above which they are not kept


def features_of(
    head: Head, network: nn.Module, batches: Iterable[torch.Tensor]
) -> list[torch.Tensor] | None:
    """The features of some batches.

    Args:
        head: The head of the network.
        network: The dense network, in evaluation mode.
        batches: The images, as batches of the plain path.

    Returns:
        The features of each batch. None if they have more than MOST_BYTES, a batch does not come to
        the head, or the scores from the first features are not those of a whole pass to the bit.
    """
    found: list[torch.Tensor] = []
    bytes_left = MOST_BYTES
    with torch.no_grad(), denormals_flushed():
        for images in batches:
            features = head.features(network, images)
            bytes_left -= 0 if features is None else features.nbytes
            if features is None or bytes_left < 0:
                return None
            if not found and not torch.equal(head.scores(network, features), network(images)):
                return None
            found.append(features)
    return found
