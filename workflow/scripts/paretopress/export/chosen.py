"""Choose designs of a front."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ..config.export import KNEE, LEAST_ACCURACY, MOST_ACCURATE, SMALLEST, Choice
from ..errors import UserError, short

Row = Mapping[str, Any]
SHOWN = 20


def knee(sizes: np.ndarray, accuracies: np.ndarray) -> int:
    """Find the knee of a front.

    It is the design farthest from the straight line between the smallest and the most accurate one
    (Das 1999, "On characterizing the 'knee' of the Pareto curve"), both objectives scaled to [0, 1].

    Args:
        sizes: Sizes in ascending order, shape (n,).
        accuracies: Accuracies in ascending order, shape (n,).

    Returns:
        The index of the design. The first one, where none lies above the line.

    Example:
        >>> knee(np.array([0.1, 0.2, 0.6]), np.array([0.70, 0.78, 0.80]))
        1
    """

    def scaled(values: np.ndarray) -> np.ndarray:
        return (values - values[0]) / ((values[-1] - values[0]) or 1.0)

    return int(np.argmax(scaled(accuracies) - scaled(sizes)))


def _smallest(rows: Sequence[Row], size: str, accuracy: float | None) -> list[Row]:
    return list(rows)


def _knee(rows: Sequence[Row], size: str, accuracy: float | None) -> list[Row]:
    found = knee(*(np.array([row[key] for row in rows], float) for key in (size, "accuracy")))
    return [rows[found]]


def _most_accurate(rows: Sequence[Row], size: str, accuracy: float | None) -> list[Row]:
    return [max(rows, key=lambda row: (row["accuracy"], -row[size]))]


def _least_accuracy(rows: Sequence[Row], size: str, accuracy: float | None) -> list[Row]:
    assert accuracy is not None
    return [row for row in rows if row["accuracy"] >= accuracy]


CHOOSING: Mapping[str, Callable[[Sequence[Row], str, float | None], list[Row]]] = {
    SMALLEST: _smallest,
    KNEE: _knee,
    MOST_ACCURATE: _most_accurate,
    LEAST_ACCURACY: _least_accuracy,
}


def candidates(
    choice: Choice, front: Sequence[Row], evaluated: Sequence[Row], size: str, network: str
) -> list[Row]:
    """The designs that a choice may mean, the first one first.

    Args:
        choice: The choice.
        front: The designs of the front, smallest first.
        evaluated: All evaluated designs. A design_id may be that of any of them.
        size: The size that was minimised, a column of the rows.
        network: The name of the network, for messages.

    Returns:
        At least one row. Where there are more, the choice walks along the front until the int8 file
        keeps the accuracy too.

    Raises:
        UserError: There is no such design.
    """
    if choose := CHOOSING.get(choice.word):
        if not front:
            raise UserError(
                f"{network}: no evaluated design keeps the floor, so that nothing can be chosen by "
                f"{choice}. Allow a larger drop or a larger budget, or name a design_id."
            )
        if found := choose(front, size, choice.accuracy):
            return found
        raise UserError(
            f"{network}: no design of the front has an accuracy of {choice.accuracy:.2%} on the "
            f"images of the search. Allowed: at most {front[-1]['accuracy']:.2%}."
        )
    if named := [row for row in (*front, *evaluated) if row["design_id"] == choice.word]:
        return named[:1]
    ids = [row["design_id"] for row in front]
    more = f", and {len(ids) - SHOWN} more" if len(ids) > SHOWN else ""
    raise UserError(
        f"{short(choice.word)}: not a design of this study's {network}. Allowed: the design_id of an "
        f"evaluated design. Those of the front: {', '.join(ids[:SHOWN]) or 'none'}{more}."
    )
