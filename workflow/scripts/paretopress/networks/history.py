"""The finished epochs of a training (history.csv)."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

import pandas as pd


@dataclass(frozen=True)
class Epoch:
    """One row of history.csv.

    Attributes:
        epoch: Number of the epoch, from 1.
        loss: Mean loss over the training images of the epoch.
        train_accuracy: Accuracy on the training images during the epoch, in [0, 1].
        validation_accuracy: Accuracy on the validation images after the epoch, in [0, 1].
    """

    epoch: int
    loss: float
    train_accuracy: float
    validation_accuracy: float


def history_of(state: Mapping[str, Any] | None) -> list[Epoch]:
    """The finished epochs in the state of a training, none where the state is None."""
    return [Epoch(**epoch) for epoch in state["history"]] if state is not None else []


def history_table(history: Iterable[Epoch]) -> pd.DataFrame:
    """The table of history.csv: one row for each epoch, none for imported weights."""
    return pd.DataFrame(
        [asdict(epoch) for epoch in history], columns=[field.name for field in fields(Epoch)]
    )
