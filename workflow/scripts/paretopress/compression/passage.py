"""What a forward pass calls and in which order, so that repair mends what comes after a pruned layer.

A trial pass never runs on a network that is trained or evaluated, which might keep what it makes.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.instancenorm import _InstanceNorm
from torch.overrides import TorchFunctionMode

from .channels import TRANSPOSED
from .layers import EVERY_KIND, in_text, kept_layers, with_tensors

FORWARDS = tuple(kind.forward for kind in EVERY_KIND)
OTHER_NORMS = (nn.GroupNorm, nn.LayerNorm, nn.RMSNorm, nn.LocalResponseNorm, _InstanceNorm)


@dataclass(frozen=True)
class Passage:
    """The layers and norms that a forward pass calls.

    Attributes:
        order: Names of the layers and the batch norms, in the order of their first calls. Layers
            that share a weight have the name of the first.
        mended: Those that repair can mend: batch norms, and layers whose output does not go
            straight into a norm of the batch.
        starts: The place in `order` from which on a layer has an effect.
        left_alone: Layers and norms that repair leaves as they are, each with the reason.
    """

    order: tuple[str, ...]
    mended: frozenset[str]
    starts: Mapping[str, int]
    left_alone: tuple[str, ...]

    def after(self, pruned: Collection[str]) -> tuple[str, ...]:
        """What repair mends if these layers are pruned: themselves, and what is called later."""
        first = min((self.starts[name] for name in pruned if name in self.starts), default=None)
        return () if first is None else tuple(filter(self.mended.__contains__, self.order[first:]))


def _names_of_layers(network: nn.Module) -> dict[nn.Module, str]:
    """The name of each layer with a weight of its own; of those that share it, that of the first."""
    first: dict[int, str] = {}
    return {
        module: first.setdefault(id(module.weight), name)
        for name, module in network.named_modules()
        if isinstance(module, EVERY_KIND)
    }


def _parts_shared(network: nn.Module, layers: Mapping[nn.Module, str]) -> set[str]:
    """The names of layers that share a tensor with another module.

    Layers of the same kind that share all their tensors with each other are one layer here.
    """
    holders: dict[int, set[Any]] = {}
    for module in network.modules():
        tensors = list(map(id, module.parameters(recurse=False)))
        own = (isinstance(module, TRANSPOSED), *tensors)
        for tensor in tensors:
            holders.setdefault(tensor, set()).add(own if module in layers else module)
    return {
        name
        for layer, name in layers.items()
        if any(len(holders[id(tensor)]) > 1 for tensor in layer.parameters(recurse=False))
    }


def values_in(nested: Any) -> Iterator[Any]:
    """Yield the values in tuples, lists and dicts, at any depth."""
    if isinstance(nested, Mapping):
        nested = tuple(nested.values())
    if isinstance(nested, tuple | list):
        for part in nested:
            yield from values_in(part)
    else:
        yield nested


def norm_input(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> torch.Tensor:
    """The only input of a norm, which a network may name or not."""
    return next(iter((*args, *kwargs.values())))


def trial_images(image_size: int) -> torch.Tensor:
    """A black image and one of noise, the same in each job.

    Returns:
        float32 of shape (2, 3, image_size, image_size).
    """
    noise = torch.randn(1, 3, image_size, image_size, generator=torch.Generator().manual_seed(0))
    return torch.cat([torch.zeros_like(noise), noise])


def _measures_itself(norm: nn.Module) -> bool:
    return isinstance(norm, _BatchNorm) and norm.running_mean is None


def passage_of(network: nn.Module, images: torch.Tensor, keep: Sequence[str] = ()) -> Passage:
    """Run images through a copy of a network, and note what is called in which order.

    Args:
        network: The network, in evaluation mode. It stays as it is.
        images: A batch of its inputs, such as `trial_images`. A layer that some images alone reach
            should be reached.
        keep: Names or patterns of layers that nothing is done to.

    Returns:
        The passage.
    """
    network = with_tensors(network, {})
    layers = _names_of_layers(network)
    norms = {
        module: name for name, module in network.named_modules() if isinstance(module, _BatchNorm)
    }
    named = layers | norms
    holds: dict[int, set[str]] = {}
    for layer, name in layers.items():
        for tensor in layer.parameters(recurse=False):
            holds.setdefault(id(tensor), set()).add(name)
    order: dict[str, int] = {}
    read: dict[str, int] = {}
    calls: Counter[str] = Counter()
    into_norm: set[tuple[str, int]] = set()

    class Reading(TorchFunctionMode):
        """Notes which layers have a tensor among the inputs of a function."""

        def __torch_function__(
            self, function: Any, types: Any, args: Any = (), kwargs: Any = None
        ) -> Any:
            for value in values_in((args, kwargs or {})):
                for name in holds.get(id(value), ()):
                    read.setdefault(name, len(order))
            return function(*args, **(kwargs or {}))

    def enter(module: nn.Module, args: Any, kwargs: Any) -> None:
        order.setdefault(named[module], len(order))
        if module in norms:
            given = norm_input(args, kwargs)
            layer, call, version = getattr(given, "made_by", ("", 0, 0))
            if layer and given._version == version:  # else something has changed it in place
                into_norm.add((layer, call))

    def leave(module: nn.Module, inputs: tuple[Any, ...], output: Any) -> None:
        name = layers[module]
        calls[name] += 1
        if isinstance(output, torch.Tensor) and not output.is_inference():
            output.made_by = (name, calls[name], output._version)  # type: ignore[attr-defined]

    # Inference mode does not count the changes of a tensor.
    with ExitStack() as hooks, torch.no_grad():
        for module in named:
            hooks.enter_context(module.register_forward_pre_hook(enter, with_kwargs=True))
        for layer in layers:
            hooks.enter_context(layer.register_forward_hook(leave))
        with Reading():
            network(images)

    # Attention reads the weight of a layer that it holds and does not call.
    read = {name: start for name, start in read.items() if start < order.get(name, len(order) + 1)}
    kept = {layers[layer] for layer in kept_layers(network, keep)}
    shared = _parts_shared(network, layers)
    normed = {
        name
        for name, count in calls.items()
        if all((name, call) in into_norm for call in range(1, count + 1))
    }
    # What such a layer does with its weight is not known.
    own_way = {
        name
        for layer, name in layers.items()
        if getattr(layer.forward, "__func__", None) not in FORWARDS
    }
    batch_norms = {name for norm, name in norms.items() if not _measures_itself(norm)}
    return Passage(
        order=tuple(order),
        mended=frozenset(
            (set(calls) - normed - shared - own_way - kept) | (batch_norms & set(order))
        ),
        starts=order | read,
        left_alone=(
            *(
                f"{name} ({type(module).__name__})"
                for name, module in network.named_modules()
                if isinstance(module, OTHER_NORMS)
            ),
            *(
                f"{name} ({type(norm).__name__} without running statistics)"
                for norm, name in norms.items()
                if _measures_itself(norm)
            ),
            *(f"{in_text(name)} (shares one of its tensors)" for name in sorted(shared - kept)),
            *(
                f"{in_text(name)} (computes in its own way)"
                for name in sorted(own_way - normed - shared - kept)
            ),
            *(
                f"{in_text(name)} ({'read and not called' if name in read else 'not reached'})"
                for name in dict.fromkeys(named.values())
                if name not in order and name not in kept
            ),
        ),
    )


def modules_of(network: nn.Module, names: Collection[str]) -> Iterator[tuple[str, nn.Module]]:
    """The modules behind some names of a passage. Layers that share their tensors share a name."""
    layers = _names_of_layers(network)
    for name, module in network.named_modules():
        if (shown := layers.get(module, name)) in names:
            yield shown, module
