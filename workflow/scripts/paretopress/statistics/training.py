"""Whether a dense network was trained for long enough to be compared with."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

FIFTHS = 5
LEAST_EPOCHS = 2  # of each side, since one good epoch says little
# All three thresholds are ours: the paper names none.
STANDARD_ERRORS = 2.0


def still_improving(accuracies: Sequence[float], metrics: Mapping[str, Any]) -> float | None:
    """The rise of the accuracy at the end of a training that was still improving.

    The mean accuracy of the last epochs is compared with that of as many epochs before them: a
    fifth of all epochs, but at least LEAST_EPOCHS where there are enough for both sides. A training
    of one epoch is compared with guessing. The standard error is that of the difference of two
    accuracies, each measured on so many images. It is too large for the same images, and so errs on
    the side of silence. Where the learning rate falls until the end, a part of the rise is due to
    that.

    Args:
        accuracies: The accuracy on the validation images after each epoch, in [0, 1].
        metrics: The content of the network's metrics.json, for the number of validation images and
            the accuracy of guessing their most frequent class.

    Returns:
        The rise as a fraction if it is more than STANDARD_ERRORS standard errors. None if it is
        not, or if there are no epochs.
    """
    if not accuracies:
        return None
    count = max(1, len(accuracies) // FIFTHS, min(LEAST_EPOCHS, len(accuracies) // 2))
    images = metrics["images"]["validation"]
    curve = [metrics["most_frequent_class"]["validation"], *accuracies]
    before, last = (sum(part) / count for part in (curve[-2 * count : -count], curve[-count:]))
    error = math.sqrt((before * (1 - before) + last * (1 - last)) / images)
    return last - before if last - before > STANDARD_ERRORS * error else None
