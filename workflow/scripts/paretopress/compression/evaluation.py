"""The true evaluation of a design: prune, count, quantise, classify the images.

The result is a function of the design, the images and the size of a batch. The path to it, and so
the time, depends on what the design changes.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from multiprocessing.pool import AsyncResult, ThreadPool
from time import perf_counter
from typing import Protocol

import torch
from torch import nn

from ..dataset.split import Split
from .features import features_of
from .head import Head, head_of
from .inputs import Inputs, slices
from .layers import with_tensors
from .norms import Pairs, norms_of, without_norms
from .plans import Plan
from .pruning import compress
from .scoring import Comparison, Pace, Path, Scores, paced
from .tally import CPU, counted, denormals_flushed, predicted, scores_of

FEATURES = "features"
AT_ONCE = 1000  # images whose features pass a folded head at once
# Another device than the CPU is compared with it by these first images, in whole batches, of the
# first design and then of one design in EACH. More would take longer than the evaluations.
COMPARED, EACH = 1000, 50

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Measurement:
    """Both objectives of one design, and the time that the evaluation took.

    Attributes:
        nonzero_rate: Non-zero entries divided by all entries of the Linear and convolution layers,
            in [0, 1].
        accuracy: Fraction of correct top-1 predictions, in [0, 1].
        seconds: Wall-clock time of the evaluation.
        path: How the images passed: "plain", FEATURES, or memory format and batch.
        differing: On another device than the CPU, the images of which the CPU predicts another
            class, among COMPARED. None if it was not asked.

    Example:
        >>> Measurement(nonzero_rate=0.12, accuracy=0.93, seconds=0.4).accuracy
        0.93
    """

    nonzero_rate: float
    accuracy: float
    seconds: float
    path: str = ""
    differing: int | None = None


class Compressible(Protocol):
    """A trained network as an evaluation needs it, such as `networks.mapped.MappedNetwork`."""

    @property
    def device(self) -> torch.device:
        """The device that it is compressed and evaluated on."""

    @property
    def head(self) -> Head | None:
        """Its head, from `head.head_of`. None if all designs pass as a whole."""

    def fresh(self) -> nn.Module:
        """The dense network, in evaluation mode."""

    def compress(self, plan: Plan) -> tuple[nn.Module, float]:
        """The compressed network of a plan, and its non-zero rate in [0, 1]."""


@dataclass(frozen=True)
class InMemory:
    """A trained network in memory, without repair.

    Attributes:
        network: The network, which stays as it is.
        image_size: Side of the images, in pixels.
        device: The device of the network.

    Example:
        >>> network = nn.Sequential(nn.Flatten(), nn.Linear(12, 2, bias=False))
        >>> InMemory(network, 2).compress(Plan((("1.weight", 18),), quantized=False))[1]
        0.25
    """

    network: nn.Module
    image_size: int
    device: torch.device = CPU

    @cached_property
    def head(self) -> Head | None:
        """Its head."""
        return head_of(self.fresh(), self.image_size)

    def fresh(self) -> nn.Module:
        """The dense network, in evaluation mode."""
        return with_tensors(self.network, {}).eval()

    def compress(self, plan: Plan) -> tuple[nn.Module, float]:
        """The compressed network of a plan, and its non-zero rate in [0, 1]."""
        return compress(self.fresh(), plan)


class Evaluator:
    """True evaluations of the designs of one network on every image of a split.

    It keeps what designs share: the features of the dense network, and the fastest path.

    Args:
        network: The network.
        split: The images.
        batch_size: Images in a batch. It is a part of the result, as it can change int8 scores.
        at_once: Evaluations that `begin` begins at once, each in a thread of its own.
        on_cpu: The same network on the CPU, if `network` is on another device and is compared.

    Example:
        >>> images = torch.zeros(4, 3, 2, 2, dtype=torch.uint8)
        >>> split = Split(images, labels=torch.tensor([0, 1, 0, 1]), classes=("cat", "dog"))
        >>> network = nn.Sequential(nn.Flatten(), nn.Linear(12, 2, bias=False))
        >>> evaluate = Evaluator(InMemory(network, 2), split, batch_size=4)
        >>> measured = evaluate(Plan(zeros=(("1.weight", 18),), quantized=False))
        >>> measured.accuracy
        0.5
    """

    def __init__(
        self,
        network: Compressible,
        split: Split,
        batch_size: int,
        at_once: int = 1,
        on_cpu: Compressible | None = None,
    ) -> None:
        self._network, self._split, self._batch_size = network, split, batch_size
        self._batches = Inputs(split, slices(len(split), batch_size), network.device)
        self._on_cpu, self._evaluated = on_cpu, 0
        # Its threads end with the process, whatever they are at.
        self._pool = ThreadPool(at_once) if at_once > 1 else None
        self._at_once, self._begun = at_once, dict[str, AsyncResult]()

    def begin(self, plans: Sequence[Plan]) -> None:
        """Begin the evaluations of the first plans at once, if they are not begun."""
        for plan in plans[: self._at_once]:
            if self._pool and plan.design_id not in self._begun:
                self._begun[plan.design_id] = self._pool.apply_async(self._evaluate, (plan,))

    def __call__(self, plan: Plan) -> Measurement:
        """Evaluate the network of a plan, or wait for the end of the evaluation that has begun.

        Raises:
            Exception: Any exception of the network.
        """
        begun = self._begun.pop(plan.design_id, None)
        return begun.get() if begun else self._evaluate(plan)

    def _evaluate(self, plan: Plan) -> Measurement:
        start = perf_counter()
        if not self._plain_alone(plan):
            _ = self._pace  # which maps the dense weights, that then leave memory
        compressed, rate = self._network.compress(plan)
        if plan.emptied:
            names = ", ".join(plan.emptied)
            log.info("design %s leaves no weight in these layers: %s", plan.design_id, names)
        predictions, path = self.predictions(compressed, plan)
        found = counted(predictions, self._split)
        if found.unscored:
            log.warning(
                "design %s: the scores of %d of %d images are not finite; these count as wrong",
                plan.design_id, found.unscored, found.images,
            )  # fmt: skip
        seconds = perf_counter() - start
        differing = None
        if self._on_cpu is not None and self._evaluated % EACH == 0:
            differing = self._differing(predictions, self._on_cpu, plan)
        self._evaluated += 1
        return Measurement(rate, found.accuracy, seconds, path, differing)

    def _differing(self, predictions: torch.Tensor, on_cpu: Compressible, plan: Plan) -> int:
        """Count the first images of which the plain path of the CPU predicts another class."""
        compressed, _ = on_cpu.compress(plan)
        parts = slices(len(self._split), self._batch_size)[: -(-COMPARED // self._batch_size)]
        with torch.no_grad(), denormals_flushed():
            found = [
                predicted(scores_of(compressed, images)) for images in Inputs(self._split, parts)
            ]
        theirs = torch.cat(found)
        count = int((predictions[: len(theirs)].cpu() != theirs).sum())
        log.info(
            "design %s: the CPU predicts another class for %d of the first %d images",
            plan.design_id, count, len(theirs),
        )  # fmt: skip
        return count

    def predictions(self, compressed: nn.Module, plan: Plan) -> tuple[torch.Tensor, str]:
        """Predict all images with the compressed network of a plan.

        Returns:
            The predictions, as `tally.predicted` gives them, those of the plain path. And the path.
        """
        # No inference mode: what a network keeps of a pass there could not be trained with later.
        with torch.no_grad(), denormals_flushed():
            head = self._network.head
            if head and head.holds(plan) and self._features is not None:
                return self._by_features(compressed, plan, head), FEATURES
            plain = partial(scores_of, compressed)
            if self._plain_alone(plan):
                return torch.cat([predicted(plain(images)) for images in self._batches]), "plain"
            found, path = paced(self._batches, plain, self._fast(compressed), self._pace)
            return found, path.described(self._batch_size)

    def _plain_alone(self, plan: Plan) -> bool:
        # Faster paths compare scores batch by batch, for which another device would wait.
        elsewhere = self._network.device != CPU
        return plan.quantized or elsewhere or len(self._split.classes) == 1

    @cached_property
    def _pace(self) -> Pace:
        head = self._network.head
        folds = bool(self._norms) or (head is not None and head.repeats > 1)
        return Pace(folds, len(self._batches))

    @cached_property
    def _norms(self) -> Pairs:
        """The norms that other paths fold into the convolutions before them."""
        return norms_of(self._network.fresh(), self._split.images.shape[-1])

    def _fast(self, compressed: nn.Module) -> Scores:
        """Scores of images in any memory format, with folded norms and a folded head."""
        network, head = compressed, self._network.head
        if self._norms:
            network = without_norms(compressed, self._norms)
        if head is None or head.repeats == 1:
            return network
        folded = head.folded(network)

        def scores(images: torch.Tensor) -> torch.Tensor:
            features = head.features(network, images)
            return network(images) if features is None else folded(features)

        return scores

    @cached_property
    def _features(self) -> list[torch.Tensor] | None:
        """What the body gives the head for each batch. None if it cannot be kept."""
        head = self._network.head
        assert head is not None
        return features_of(head, self._network.fresh(), self._batches)

    def _by_features(self, compressed: nn.Module, plan: Plan, head: Head) -> torch.Tensor:
        plain = partial(scores_of, partial(head.scores, compressed))
        parts = self._features or []
        if head.repeats == 1 or self._plain_alone(plan):
            return torch.cat([predicted(plain(part)) for part in parts])
        group = max(1, AT_ONCE // self._batch_size)
        path, folded, comparison = Path(group=group), head.folded(compressed), Comparison(plain)
        found: list[torch.Tensor] = []
        for at in range(0, len(parts), group):
            own = parts[at : at + group]
            found += comparison.predictions(own, folded(torch.cat(own)), path)
        return torch.cat(found)
