"""What a forward pass calls and in which order, so that repair mends what comes after a pruned layer."""

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

from .layers import EVERY_KIND, kept_layers

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


def _parts_shared(layers: Mapping[nn.Module, str]) -> set[str]:
    """The names of layers that share one of weight and bias with another layer, but not both."""
    pairs = {(id(layer.weight), id(layer.bias), layer.bias is None) for layer in layers}
    weights = Counter(weight for weight, _, _ in pairs)
    biases = Counter(bias for _, bias, missing in pairs if not missing)
    return {
        name
        for layer, name in layers.items()
        if weights[id(layer.weight)] > 1 or biases[id(layer.bias)] > 1
    }


def _values(nested: Any) -> Iterator[Any]:
    """Yield the values in tuples, lists and dicts, at any depth."""
    if isinstance(nested, Mapping):
        nested = tuple(nested.values())
    if isinstance(nested, tuple | list):
        for part in nested:
            yield from _values(part)
    else:
        yield nested


def norm_input(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> torch.Tensor:
    """The only input of a norm, which a network may name or not."""
    return next(iter((*args, *kwargs.values())))


def _measures_itself(norm: nn.Module) -> bool:
    return isinstance(norm, _BatchNorm) and norm.running_mean is None


def passage_of(network: nn.Module, image_size: int, keep: Sequence[str] = ()) -> Passage:
    """Run two black images through a network, and note what is called in which order.

    Args:
        network: The network, in evaluation mode.
        image_size: Side of its images, in pixels.
        keep: Names or patterns of layers that nothing is done to.

    Returns:
        The passage.
    """
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
    into_norm: Counter[str] = Counter()

    class Reading(TorchFunctionMode):
        """Notes which layers have a tensor among the inputs of a function."""

        def __torch_function__(
            self, function: Any, types: Any, args: Any = (), kwargs: Any = None
        ) -> Any:
            for value in _values((args, kwargs or {})):
                for name in holds.get(id(value), ()):
                    read.setdefault(name, len(order))
            return function(*args, **(kwargs or {}))

    def enter(module: nn.Module, args: Any, kwargs: Any) -> None:
        order.setdefault(named[module], len(order))
        if module in norms and (layer := getattr(norm_input(args, kwargs), "made_by", None)):
            into_norm[layer] += 1

    def leave(module: nn.Module, inputs: tuple[Any, ...], output: torch.Tensor) -> None:
        calls[layers[module]] += 1
        output.made_by = layers[module]  # type: ignore[attr-defined]

    with ExitStack() as hooks, torch.inference_mode():
        for module in named:
            hooks.enter_context(module.register_forward_pre_hook(enter, with_kwargs=True))
        for layer in layers:
            hooks.enter_context(layer.register_forward_hook(leave))
        images = torch.zeros(2, 3, image_size, image_size)
        with Reading():
            network(images)

    # Attention reads the weight of a layer that it holds and does not call.
    read = {name: start for name, start in read.items() if start < order.get(name, len(order) + 1)}
    kept = {layers[layer] for layer in kept_layers(network, keep)}
    shared = _parts_shared(layers)
    normed = {name for name in into_norm if into_norm[name] == calls[name]}
    batch_norms = {name for norm, name in norms.items() if not _measures_itself(norm)}
    return Passage(
        order=tuple(order),
        mended=frozenset((set(calls) - normed - shared - kept) | (batch_norms & set(order))),
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
            *(f"{name} (shares one of its tensors)" for name in sorted(shared - kept)),
            *(
                f"{name} (read and not called)"
                for name in read
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
