"""The head of a network: its last Linear layers. All that comes before is the body.

A design that changes the head alone leaves what the body gives as it is, to the bit. So the body
runs once for all such designs, and each of them runs from these features.

A trial pass finds the head, by what is called and not by names: the last calls of the pass, each of
which takes the value of the call before it and nothing else of the images.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from .calls import Step, calls_of, last_in_line
from .layers import is_quantizable, with_tensors
from .passage import trial_images
from .plans import Plan
from .tally import CPU


class _Reached(BaseException):
    """Ends a pass at the head. No network takes it for an error of its own."""

    def __init__(self, features: torch.Tensor) -> None:
        self.features = features


@dataclass(frozen=True)
class Head:
    """The last Linear layers of a network, and what is called between and after them.

    Attributes:
        start: Name of the module whose input are the features, the output of the body.
        before: The calls before the first Linear layer. They have no weights.
        first: Name of that layer.
        after: The calls after it.
        tensors: Names of the parameters that nothing before the head reads.
        holds_int8: Whether dynamic int8 changes nothing but the head.
        repeats: How often the first Linear layer sees each feature, in neighbouring columns.
    """

    start: str
    before: tuple[Step, ...]
    first: str
    after: tuple[Step, ...]
    tensors: frozenset[str]
    holds_int8: bool
    repeats: int = 1

    def holds(self, plan: Plan) -> bool:
        """Tell whether a plan changes nothing but the head."""
        return plan.changed <= self.tensors and (self.holds_int8 or not plan.quantized)

    def features(self, network: nn.Module, images: torch.Tensor) -> torch.Tensor | None:
        """The features of a batch of images. None if the pass does not come to the head."""

        def reach(module: nn.Module, args: tuple[Any, ...]) -> None:
            raise _Reached(args[0])

        hook = network.get_submodule(self.start).register_forward_pre_hook(reach)
        try:
            network(images)
        except _Reached as reached:
            return reached.features
        finally:
            hook.remove()
        return None

    def scores(self, network: nn.Module, features: torch.Tensor) -> torch.Tensor:
        """The scores of a network for the features of a batch, to the bit those of a whole pass."""
        value = network.get_submodule(self.first)(self.into_first(network, features))
        for step in self.after:
            value = step(network, value)
        return value

    def into_first(self, network: nn.Module, features: torch.Tensor) -> torch.Tensor:
        """The input of the first Linear layer."""
        value = features.clone()  # a call may work in place, and features are used again
        for step in self.before:
            value = step(network, value)
        return value

    def folded(self, network: nn.Module) -> Callable[[torch.Tensor], torch.Tensor]:
        """Scores of a float network, with each feature seen once by the first Linear layer.

        The weights of the columns that see the same feature are summed. So the scores differ from
        those of `scores` in their last digits.
        """
        linear: Any = network.get_submodule(self.first)
        weight = linear.weight.detach().view(len(linear.weight), -1, self.repeats).sum(2)

        def scores(features: torch.Tensor) -> torch.Tensor:
            value = functional.linear(features.flatten(1), weight, linear.bias)
            for step in self.after:
                value = step(network, value)
            return value

        return scores


def _heads(network: nn.Module, images: torch.Tensor) -> Iterator[Head]:
    """The heads that a pass shows: those of most layers first, of them those of fewest features."""
    calls, used, output = calls_of(network, images)
    line = last_in_line(network, calls, output)
    modules = {
        place: network.get_submodule(call.module)
        for place, call in line.items()
        if call.module is not None
    }
    linear = [at for at, module in modules.items() if isinstance(module, nn.Linear)]
    parameters = dict(network.named_parameters(remove_duplicate=False))
    called = [call.module for call in calls]

    def order(start: int) -> tuple[int, int, int]:
        return bisect_left(linear, start), line[start].taken.numel(), -start

    for start in sorted((at for at in modules if at <= max(linear, default=-1)), key=order):
        first = linear[bisect_left(linear, start)]
        before = [at for at in line if start <= at < first]
        with_weights = any(at in modules and modules[at].state_dict() for at in before)
        if with_weights or called.count(line[start].module) > 1:
            continue
        own = {
            name: parameter
            for name, parameter in parameters.items()
            if used.get(id(parameter), -1) >= start
        }
        tensors = set(map(id, own.values()))
        yield Head(
            start=str(line[start].module),
            before=tuple(filter(None, (line[at].step for at in before))),
            first=str(line[first].module),
            after=tuple(filter(None, (call.step for at, call in line.items() if at > first))),
            tensors=frozenset(own),
            holds_int8=all(
                tensors.issuperset(map(id, module.parameters(recurse=False)))
                for module in network.modules()
                if is_quantizable(module)
            ),
        )


def _repeats(network: nn.Module, head: Head, features: torch.Tensor) -> int:
    """How often the first Linear layer sees each feature. 1 where that is not the same for all."""
    flat, seen = features.flatten(1), head.into_first(network, features)
    plain = type(network.get_submodule(head.first)) is nn.Linear
    if not plain or seen.dim() != 2 or seen.shape[1] % flat.shape[1]:
        return 1
    repeats = seen.shape[1] // flat.shape[1]
    return repeats if torch.equal(seen, flat.repeat_interleave(repeats, 1)) else 1


def head_of(network: nn.Module, image_size: int, device: torch.device = CPU) -> Head | None:
    """Find the head of a network.

    Args:
        network: The dense network, in evaluation mode. It stays as it is.
        image_size: Side of the images, in pixels.
        device: The device of the network.

    Returns:
        The head. None if the last calls of a pass are not in one line, have no Linear layer, or do
        not give the scores of a pass of another number of images.
    """
    network = with_tensors(network, {})
    images = trial_images(image_size).to(device)
    others = torch.cat([images, images[1:].flip(-1)])
    with torch.no_grad():
        for head in _heads(network, images):
            features = head.features(network, others)
            if features is None or len(features) != len(others):
                continue
            try:
                same = torch.equal(head.scores(network, features), network(others))
            except RuntimeError:  # a call that holds the number of images, as in view(2, -1)
                continue
            if same:
                # Noise shows more than features, of which many can be zero.
                noise = torch.randn(
                    features.shape, generator=torch.Generator().manual_seed(0), dtype=features.dtype
                )
                return replace(head, repeats=_repeats(network, head, noise.to(device)))
    return None
