"""Predictions on faster paths than the plain one, and the same predictions.

The plain path is a whole pass of batches of the config's size, in torch's usual memory format. Sums
of floats may differ in their last digits on another path: in another memory format, in larger
batches, or with a folded head. So a batch runs again on the plain path if one of its images has its
two best scores close together. Close is a stated share of the largest score, and more where the
paths of this very network were seen to differ more.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import perf_counter

import torch

from .tally import predicted

# Two scores are close up to this share of the largest magnitude of a score of their batch. Between
# paths, scores of trained networks differ by 1e-6 of it.
CLOSE = 2e-5
# Images of each evaluation that go both paths, and the multiple of their largest difference up to
# which two scores are close.
COMPARED, MARGIN = 32, 16
TRIES = 3  # of each path before the fastest is taken; the first of them warms up
GROUPS = (1, 2)  # batches that a path takes at once

log = logging.getLogger(__name__)
Scores = Callable[[torch.Tensor], torch.Tensor]


@dataclass(frozen=True)
class Path:
    """How batches pass through a network.

    Attributes:
        memory_format: The memory format of the images.
        group: Batches that pass at once.
        plain: Whether it is the plain path.
    """

    memory_format: torch.memory_format = torch.contiguous_format
    group: int = 1
    plain: bool = False

    def described(self, batch_size: int) -> str:
        """The path as tables name it, such as "plain" or "channels_last 400"."""
        if self.plain:
            return "plain"
        return f"{str(self.memory_format).removeprefix('torch.')} {self.group * batch_size}"


PLAIN = Path(plain=True)


class Pace:
    """The fastest path of a network on this machine. It is found while evaluations run.

    Args:
        folds: Whether other paths have a folded head, which can be faster by itself.
        batches: Number of batches, of which no more pass at once.
    """

    def __init__(self, folds: bool, batches: int) -> None:
        others = [
            Path(memory_format, group)
            for memory_format in (torch.contiguous_format, torch.channels_last)
            for group in GROUPS
            if group <= batches
        ]
        # Without a folded head, the first one is the plain path.
        self._seconds: dict[Path, list[float]] = {
            path: [] for path in (PLAIN, *others[0 if folds else 1 :])
        }

    def path(self) -> Path:
        """The path with the fewest tries, and the fastest once all have TRIES."""
        least = min(self._seconds, key=lambda path: len(self._seconds[path]))
        if len(self._seconds[least]) < TRIES:
            return least
        return min(self._seconds, key=lambda path: min(self._seconds[path][1:]))

    def took(self, path: Path, seconds: float) -> None:
        """Note the seconds of an image on a path."""
        if len(self._seconds[path]) < TRIES:
            self._seconds[path].append(seconds)

    def without(self, path: Path) -> None:
        """Leave out a path that the network does not take."""
        self._seconds.pop(path, None)


class Comparison:
    """Predictions of one network by fast scores, those of the plain path where two are close.

    Args:
        plain: The scores of a batch on the plain path.

    Attributes:
        again: Number of batches that ran again.
    """

    def __init__(self, plain: Scores) -> None:
        self.again = 0
        self._plain = plain
        self._differences: dict[Path, float] = {}

    def predictions(
        self, parts: Sequence[torch.Tensor], scores: torch.Tensor, path: Path
    ) -> list[torch.Tensor]:
        """The predictions of some batches.

        Args:
            parts: The batches.
            scores: Their fast scores, shape (images, classes).
            path: The path of these scores.

        Returns:
            The predictions of each batch, as `tally.predicted` gives them.
        """
        if path not in self._differences:
            # Of the last batch, since a network may go by the first image that passes with others.
            own, few = scores[-len(parts[-1]) :], parts[-1][:COMPARED]
            difference = (self._plain(few) - own[: len(few)]).abs().max()
            self._differences[path] = float(difference.nan_to_num(torch.inf))
        bounded = MARGIN * self._differences[path]
        found = []
        for part, own in zip(parts, scores.split([len(part) for part in parts]), strict=True):
            best, second = own.topk(2, 1).values.unbind(1)
            bound = (CLOSE * own.abs().max()).clamp(min=bounded)
            if bool((best - second > bound).all() & best.isfinite().all()):
                found.append(predicted(own))
            else:
                self.again += 1
                found.append(predicted(self._plain(part)))
        return found


def paced(
    batches: Sequence[torch.Tensor], plain: Scores, fast: Scores, pace: Pace
) -> tuple[torch.Tensor, Path]:
    """Predict all images on the fastest path.

    Args:
        batches: The batches of images, as the plain path takes them.
        plain: The scores of a batch on the plain path.
        fast: The scores of images in any memory format and number.
        pace: What is known of the paths.

    Returns:
        The predictions, shape (images,), and the path of the last batches.
    """
    comparison, found, path = Comparison(plain), [], PLAIN
    start = 0
    while start < len(batches):
        path = pace.path()
        parts = [batches[at] for at in range(start, min(start + path.group, len(batches)))]
        began = perf_counter()
        if path.plain:
            found.append(predicted(plain(parts[0])))
        else:
            try:
                images = torch.cat(parts).contiguous(memory_format=path.memory_format)
                scores = fast(images)
            except RuntimeError as error:
                log.info("no passes in %s: %s", path.memory_format, error)
                pace.without(path)
                continue
            found += comparison.predictions(parts, scores, path)
        pace.took(path, (perf_counter() - began) / sum(map(len, parts)))
        start += len(parts)
    if comparison.again:
        log.info("%d of %d batches ran again on the plain path", comparison.again, len(batches))
    return torch.cat(found), path
