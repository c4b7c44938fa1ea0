"""The table of a study's networks: what is known of each dense network, own or imported."""

from collections.abc import Mapping
from typing import Any

# The split of a network that only imported evaluations know: whatever images those were measured on.
IMPORTED = "imported"


def network_row(
    network: str, metrics: Mapping[str, Any], split: str, threshold: float
) -> dict[str, Any]:
    """What the table of networks says of one: its dense accuracy on the images of the search, and tau there. metrics: of metrics.json."""
    return {
        "network": network,
        "imported": split == IMPORTED,
        "split": None if split == IMPORTED else split,
        "images": metrics["images"][split],
        "dense_accuracy": metrics["accuracy"][split],
        "dense_nonzero_rate": metrics["nonzero_rate"],
        "threshold": threshold,
    }
