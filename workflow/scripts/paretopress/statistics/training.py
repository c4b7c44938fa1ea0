"""Whether a dense network was trained for long enough to be compared with."""

import math
from collections.abc import Sequence

FIFTHS = 5
# Both thresholds are ours: the paper names none.
STANDARD_ERRORS = 2.0


def still_improving(accuracies: Sequence[float], images: int) -> float | None:
    """The rise of the accuracy at the end of a training that was still improving.

    The mean accuracy of the last fifth of the epochs is compared with that of the fifth before. A
    fifth is at least one epoch. The standard error is that of the difference of two accuracies,
    each measured on so many images. It is too large for the same images, and so errs on the side
    of silence. Where the learning rate falls until the end, a part of the rise is due to that.

    Args:
        accuracies: The accuracy on the validation images after each epoch, in [0, 1].
        images: The number of validation images.

    Returns:
        The rise as a fraction if it is more than STANDARD_ERRORS standard errors. None if it is
        not, or if there are fewer than two epochs.
    """
    fifth = max(1, len(accuracies) // FIFTHS)
    if len(accuracies) < 2 * fifth:
        return None
    before, last = (
        sum(part) / fifth for part in (accuracies[-2 * fifth : -fifth], accuracies[-fifth:])
    )
    error = math.sqrt((before * (1 - before) + last * (1 - last)) / images)
    return last - before if last - before > STANDARD_ERRORS * error else None
