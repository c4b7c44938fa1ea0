"""The table of a study's networks: the known facts of each dense network, own or imported."""

from collections.abc import Mapping
from typing import Any

from ..config.sizes import NONZERO_RATE

# The split of a network that only imported evaluations know. Their images are not known.
IMPORTED = "imported"


def network_row(
    network: str,
    metrics: Mapping[str, Any],
    split: str,
    threshold: float,
    size: str = NONZERO_RATE,
) -> dict[str, Any]:
    """Make the row of one network in the table of networks.

    Args:
        network: The name of the network.
        metrics: The content of its metrics.json.
        split: The images of the search, or IMPORTED.
        threshold: The accuracy floor (tau) on these images, a fraction.
        size: The size that is minimised, a key of `config.sizes.SIZES`.

    Returns:
        The columns of the row. dense_accuracy is measured on the images of the search.
    """
    return {
        "network": network,
        "imported": split == IMPORTED,
        "split": None if split == IMPORTED else split,
        "images": metrics["images"][split],
        "dense_accuracy": metrics["accuracy"][split],
        "dense_nonzero_rate": metrics["nonzero_rate"],
        "threshold": threshold,
        "size": size,
    }
