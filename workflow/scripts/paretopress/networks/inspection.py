"""What a study does to a network, and what it leaves alone and why, found before any work."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.nn.modules.linear import NonDynamicallyQuantizableLinear

from ..compression.layers import (
    LAYER_KINDS,
    in_text,
    is_quantizable,
    kept_layers,
    layer_names,
    layers_of,
    tensor_name,
)
from ..words import counted, listed

SHOWN = 4  # of the names in a note


@dataclass(frozen=True)
class LayerFacts:
    """A layer that can be pruned.

    Attributes:
        name: Its name in the network, "" if the network is itself the layer.
        kind: A key of LAYER_KINDS.
        type: The name of its class.
        weight, bias: Entries that are its own, 0 where another layer has them.
    """

    name: str
    kind: str
    type: str
    weight: int
    bias: int


@dataclass(frozen=True)
class Inspection:
    """What is pruned, counted and quantised of a network, and what is not.

    Attributes:
        layers: The layers that designs can prune, in the order of the network.
        kept: The names of layers that the config keeps as they are.
        shared: The further names of layers that are pruned, counted and stored with another one.
        outside: The entries of the parameters outside of Linear and convolution layers, which are
            not pruned, by the class of their module.
        in_float: The Linear layers that int8 leaves in float32, each with the reason.
        other_types: The parameters that are not float32, and their types. Bytes count them as
            float32.
        parameters: The entries of all parameters.
    """

    layers: Sequence[LayerFacts]
    kept: Sequence[str]
    shared: Sequence[str]
    outside: Mapping[str, int]
    in_float: Mapping[str, str]
    other_types: Mapping[str, str]
    parameters: int

    @property
    def prunable(self) -> int:
        """The entries of all layers that designs can prune."""
        return sum(layer.weight + layer.bias for layer in self.layers)

    def notes(self) -> list[str]:
        """Say in short sentences what is left alone."""
        by_kind = Counter(layer.kind for layer in self.layers)
        layers = " and ".join(
            counted(by_kind[kind], words)
            for kind, words in (("linear", "Linear layer"), ("conv", "convolution layer"))
            if by_kind[kind]
        )
        share = self.prunable / self.parameters
        notes = [
            f"{layers or 'no layer'} can be pruned: {self.prunable:,} of {self.parameters:,} parameters "
            f"({share:.1%})"
        ]
        if self.kept:
            notes.append(f"kept as they are, by search_space.keep: {listed(self.kept, SHOWN)}")
        if self.outside:
            parts = (f"{name} {count:,}" for name, count in self.outside.items())
            notes.append(f"parameters that are not pruned: {', '.join(parts)}")
        if self.shared:
            notes.append(
                f"the same layer or tensor as an earlier one: {listed(self.shared, SHOWN)}"
            )
        if self.in_float:
            reasons: dict[str, list[str]] = {}
            for name, reason in self.in_float.items():
                reasons.setdefault(reason, []).append(name)
            parts = (f"{listed(names, SHOWN)} ({reason})" for reason, names in reasons.items())
            notes.append(f"not quantised to int8: {'; '.join(parts)}")
        if self.other_types:
            others = [f"{name} ({kind})" for name, kind in self.other_types.items()]
            notes.append(
                f"not float32, and counted in bytes as if they were: {listed(others, SHOWN)}"
            )
        return notes


def _shared(network: nn.Module) -> Iterator[str]:
    """The names of layers and tensors that an earlier layer has already."""
    modules: set[int] = set()
    tensors: set[int] = set()
    for name, module in network.named_modules(remove_duplicate=False):
        if not isinstance(module, sum(LAYER_KINDS.values(), ())):
            continue
        if id(module) in modules:
            yield in_text(name)
            continue
        modules.add(id(module))
        for part, tensor in module.named_parameters(recurse=False):
            if id(tensor) in tensors:
                yield tensor_name(name, part)
            tensors.add(id(tensor))


def _outside(network: nn.Module) -> dict[str, int]:
    """The entries of parameters outside of layers by the class of their module."""
    of_layers = {
        id(tensor)
        for kind in LAYER_KINDS
        for _, tensors in layers_of(network, kind)
        for tensor in tensors.values()
    }
    found: Counter[str] = Counter()
    for module in network.modules():
        for parameter in module.parameters(recurse=False):
            if id(parameter) not in of_layers:
                of_layers.add(id(parameter))
                found[type(module).__name__] += parameter.numel()
    return dict(sorted(found.items()))


def _in_float(network: nn.Module, kept: set[nn.Module]) -> Iterator[tuple[str, str]]:
    for name, module in network.named_modules():
        if not isinstance(module, nn.Linear) or is_quantizable(module):
            continue
        if module in kept:
            reason = "kept"
        elif type(module) is NonDynamicallyQuantizableLinear:
            reason = "read by another module, or not reached by the trial images"
        elif type(module) is not nn.Linear:
            reason = f"of the class {type(module).__name__}"
        else:
            reason = f"in {str(module.weight.dtype).removeprefix('torch.')}"
        yield in_text(name), reason


def inspect_network(network: nn.Module, keep: Sequence[str]) -> Inspection:
    """Find what is done to a network, and what is left alone.

    Args:
        network: The network as it is built for compression, by `build_for`.
        keep: Names or patterns of layers that nothing is done to.

    Returns:
        What is found.

    Raises:
        UserError: The weight of a layer is reparametrised or lazy.
    """
    modules, kept = dict(network.named_modules()), kept_layers(network, keep)
    found: dict[str, tuple[str, dict[str, Any]]] = {
        name: (kind, tensors)
        for kind in LAYER_KINDS
        for name, tensors in layers_of(network, kind, keep)
    }
    return Inspection(
        layers=[
            LayerFacts(
                name,
                found[name][0],
                type(modules[name]).__name__,
                *(
                    found[name][1][part].numel() if part in found[name][1] else 0
                    for part in ("weight", "bias")
                ),
            )
            for name in modules
            if name in found
        ],
        kept=[
            in_text(name) for name in layer_names(network) if network.get_submodule(name) in kept
        ],
        shared=list(_shared(network)),
        outside=_outside(network),
        in_float=dict(_in_float(network, kept)),
        other_types={
            name: str(parameter.dtype).removeprefix("torch.")
            for name, parameter in network.named_parameters()
            if parameter.dtype != torch.float32
        },
        parameters=sum(parameter.numel() for parameter in network.parameters()),
    )
