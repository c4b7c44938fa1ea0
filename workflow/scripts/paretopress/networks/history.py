"""The epochs that a training has behind it (history.csv)."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

import pandas as pd


@dataclass(frozen=True)
class Epoch:
    """One row of history.csv; the loss is the mean over the epoch's training images."""

    epoch: int
    loss: float
    train_accuracy: float
    validation_accuracy: float


def history_of(state: Mapping[str, Any] | None) -> list[Epoch]:
    """The epochs that a training in this state has behind it."""
    return [Epoch(**epoch) for epoch in state["history"]] if state is not None else []


def history_table(history: Iterable[Epoch]) -> pd.DataFrame:
    """history.csv: a row for each epoch; none for imported weights."""
    return pd.DataFrame(
        [asdict(epoch) for epoch in history], columns=[field.name for field in fields(Epoch)]
    )
