"""What a study does to a network beside the variables of its designs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..compression.allocation import load_tables
from ..compression.repair import RepairImages
from ..dataset.split import load_split, spread


@dataclass(frozen=True)
class Moves:
    """What a study does to a network beside the variables of its designs.

    Attributes:
        keep: Names or patterns of layers that nothing is done to.
        tables: Weights that each layer loses for each amount, by kind, from
            `allocation.lamp_table`. None if each tensor loses the same share of its entries.
        repair: The training images that a pruned network is repaired on. None without repair.

    Example:
        >>> Moves(keep=("conv1",)).repair is None  # the paper's moves, but for one layer
        True
    """

    keep: tuple[str, ...] = ()
    tables: Mapping[str, np.ndarray] | None = None
    repair: RepairImages | None = None


NO_MOVES = Moves()


def load_moves(
    settings: Mapping[str, Any],
    allocation: Sequence[str | Path],
    training: Sequence[str | Path],
) -> Moves:
    """Load what the moves of a study need.

    Args:
        settings: {"keep": [...], "repair": {"images": ..., "batch_size": ...} or None}.
        allocation: The file with the tables of the network, none without them.
        training: The file of the training split, none without repair.

    Returns:
        The moves.

    Example:
        >>> import tempfile
        >>> import torch
        >>> from paretopress.dataset.split import Split, save_split
        >>> split = Split(torch.zeros(4, 3, 8, 8, dtype=torch.uint8), torch.arange(4), tuple("abcd"))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     save_split(split, Path(folder) / "train.safetensors")
        ...     settings = {"keep": [], "repair": {"images": 3, "batch_size": 2}}
        ...     moves = load_moves(settings, [], [f"{folder}/train.safetensors"])
        ...     len(moves.repair.order)
        3
    """
    repairing = settings["repair"]
    images = None
    for path in training:
        split, asked = load_split(Path(path)), repairing["images"]
        images = RepairImages(split, spread(split, asked), repairing["batch_size"], asked)
    tables = load_tables(Path(allocation[0])) if allocation else None
    return Moves(tuple(settings["keep"]), tables, images)
