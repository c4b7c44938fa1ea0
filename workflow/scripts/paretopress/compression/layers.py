"""The layers of a network that can be pruned: their kinds, names and sizes."""

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn.parameter import is_lazy

from ..errors import UserError
from .channels import TRANSPOSED

LAYER_KINDS: dict[str, tuple[type[nn.Module], ...]] = {
    "linear": (nn.Linear,),
    "conv": (nn.Conv1d, nn.Conv2d, nn.Conv3d, *TRANSPOSED),
}
AMOUNTS = 10_000  # steps of the amount in a table of allocation
EVERY_KIND = tuple(kind for kinds in LAYER_KINDS.values() for kind in kinds)
TENSORS = ("bias", "weight")


@dataclass(frozen=True)
class Layer:
    """A layer that can be pruned. A tensor that layers share belongs to the first of them.

    Attributes:
        name: Name in the network, such as "features.0". Empty if the network is itself the layer.
        weight: Entries of the weight, 0 if it belongs to another layer.
        bias: Entries of the bias, 0 without one of its own.
        channels: Output channels.
        int8: Whether dynamic int8 leaves no float weight of it.
    """

    name: str
    weight: int
    bias: int
    channels: int = 1
    int8: bool = False


@dataclass(frozen=True)
class Layout:
    """The layers of a network that can be pruned, in the order of its modules.

    Attributes:
        linear: The Linear layers.
        conv: The convolution layers.
        quantizable: Whether dynamic int8 changes any layer.
        others: Entries of all other parameters and buffers, such as those of norms.
        tables: Weights that each layer loses for each amount, by kind, from
            `allocation.lamp_table`. None if each tensor loses the same share of its entries.
    """

    linear: tuple[Layer, ...]
    conv: tuple[Layer, ...]
    quantizable: bool
    others: int = 0
    tables: Mapping[str, np.ndarray] | None = field(default=None, compare=False)

    @cached_property
    def entries(self) -> int:
        """The entries of all parameters and buffers of the network."""
        return self.others + sum(int(sizes.sum()) for sizes in self._sizes.values())

    @cached_property
    def _sizes(self) -> dict[str, np.ndarray]:
        """Entries of the bias and of the weight, by kind: shape (2, layers)."""
        return {
            kind: np.array([(layer.bias, layer.weight) for layer in getattr(self, kind)])
            .reshape(-1, 2)
            .T
            for kind in LAYER_KINDS
        }

    def has_biases(self, kind: str) -> bool:
        """Tell whether any layer of a kind has a bias."""
        return bool(self._sizes[kind][0].any())

    def rounded(self, amount: np.ndarray) -> np.ndarray:
        """Round amounts to the steps of the tables, where there are tables."""
        return amount if self.tables is None else np.rint(amount * AMOUNTS) / AMOUNTS

    def lost(self, kind: str, amount: np.ndarray) -> np.ndarray:
        """Compute the entries that layers lose.

        A share of the entries of a tensor is rounded as torch.nn.utils.prune rounds it.

        Args:
            kind: A key of LAYER_KINDS.
            amount: Amounts of n designs, rounded by `rounded`, shape (n,).

        Returns:
            Entries of the bias and of the weight of each layer that become zero, as float64 of
            shape (n, 2, layers).
        """
        lost = np.rint(amount[:, None, None] * self._sizes[kind])
        if self.tables is not None:
            lost[:, 1] = self.tables[kind][np.rint(amount * AMOUNTS).astype(int)]
        return lost


def tensor_name(layer: str, tensor: str) -> str:
    """The name of a tensor of a layer. If the network is itself the layer, it has no prefix."""
    return f"{layer}.{tensor}" if layer else tensor


def layer_name(tensor: str) -> str:
    """The name of the layer of a tensor."""
    return tensor.rpartition(".")[0]


def in_text(layer: str) -> str:
    """The name of a layer as tables show it."""
    return layer or "(the network)"


def _named_layers(network: nn.Module) -> list[tuple[str, nn.Module]]:
    return [
        (name, module)
        for name, module in network.named_modules(remove_duplicate=False)
        if isinstance(module, EVERY_KIND)
    ]


def layer_names(network: nn.Module) -> list[str]:
    """The names of all Linear and convolution layers, also of those that share a weight."""
    return [name for name, _ in _named_layers(network)]


def kept_layers(network: nn.Module, keep: Sequence[str]) -> set[nn.Module]:
    """Find the layers that nothing is done to.

    Args:
        network: The network.
        keep: Names of layers, or patterns of names as `fnmatch` takes them, such as "layer4.*".

    Returns:
        The layers, with those that share a weight or a bias with one of them.
    """
    layers = _named_layers(network)
    held = {
        id(tensor)
        for name, layer in layers
        if any(fnmatchcase(name, pattern) for pattern in keep)
        for tensor in _tensors(layer).values()
    }
    return {layer for _, layer in layers if held & set(map(id, _tensors(layer).values()))}


def _tensors(layer: nn.Module) -> dict[str, torch.Tensor]:
    """The weight of a Linear or convolution layer, and its bias where it has one."""
    own = dict(layer.named_parameters(recurse=False))
    return {name: own[name] for name in ("weight", "bias") if name in own}


def layers_of(
    network: nn.Module, kind: str, keep: Sequence[str] = ()
) -> Iterator[tuple[str, dict[str, torch.Tensor]]]:
    """Yield the layers of a kind.

    A tensor that layers share is yielded with the first of them, of whatever kind that is. So it
    is pruned and counted once.

    Args:
        network: The network.
        kind: A key of LAYER_KINDS.
        keep: Names or patterns of layers that are left out.

    Yields:
        The name of a layer, and its tensors by name ("weight", "bias"). A layer without a tensor
        of its own is left out.

    Raises:
        UserError: The weight of a layer is reparametrised or lazy.
    """
    seen: set[int] = set()
    kept = kept_layers(network, keep)
    for name, module in network.named_modules():
        if not isinstance(module, EVERY_KIND) or module in kept:
            continue
        tensors = _tensors(module)
        if "weight" not in tensors or is_lazy(tensors["weight"]):
            raise UserError(
                f"the layer {in_text(name)} ({type(module).__name__}) has no weight of its own to "
                "prune: it is reparametrised, or lazy. Remove weight or spectral normalisation "
                "(torch.nn.utils.parametrize.remove_parametrizations), "
                "and give lazy layers sizes."
            )
        own = {part: tensor for part, tensor in tensors.items() if id(tensor) not in seen}
        seen.update(map(id, own.values()))
        if own and isinstance(module, LAYER_KINDS[kind]):
            yield name, own


def is_quantizable(module: nn.Module) -> bool:
    """Tell whether torch's dynamic int8 can replace a layer: no subclass, and in float32 alone."""
    return type(module) is nn.Linear and all(
        tensor.dtype == torch.float32 for tensor in _tensors(module).values()
    )


def transposed_weights(network: nn.Module) -> dict[str, int]:
    """The weights of transposed convolutions by each of their names, with their groups."""
    return {
        tensor_name(name, "weight"): module.groups
        for name, module in _named_layers(network)
        if isinstance(module, TRANSPOSED)
    }


def layout_of(network: nn.Module, keep: Sequence[str] = ()) -> Layout:
    """List the layers of a network that can be pruned.

    Args:
        network: The network. Its Linear and convolution layers are listed.
        keep: Names or patterns of layers that are left out.

    Returns:
        The names of the layers and the sizes of their tensors, in entries.

    Raises:
        UserError: The weight of a layer is reparametrised or lazy.

    Example:
        >>> network = nn.Sequential(nn.Conv2d(3, 4, 3, bias=False), nn.Flatten(), nn.Linear(16, 2))
        >>> layout = layout_of(network)
        >>> layout.conv
        (Layer(name='0', weight=108, bias=0, channels=4, int8=False),)
        >>> layout.linear
        (Layer(name='2', weight=32, bias=2, channels=2, int8=True),)
        >>> layout_of(network, keep=["2"]).linear
        ()
    """

    kept = kept_layers(network, keep)
    listed: set[int] = set()
    groups = transposed_weights(network)
    in_float = {  # weights that a module needs which torch does not quantise
        id(parameter)
        for module in network.modules()
        if not is_quantizable(module)
        for parameter in module.parameters(recurse=False)
    }

    def layer(name: str, tensors: dict[str, torch.Tensor]) -> Layer:
        listed.update(map(id, tensors.values()))
        bias, weight = (0 if part not in tensors else tensors[part].numel() for part in TENSORS)
        if not weight:
            return Layer(name, weight, bias)
        swapped = groups.get(tensor_name(name, "weight"))
        channels = tensors["weight"].shape[0 if swapped is None else 1] * (swapped or 1)
        return Layer(name, weight, bias, channels, id(tensors["weight"]) not in in_float)

    linear, conv = (
        tuple(layer(*found) for found in layers_of(network, kind, keep)) for kind in LAYER_KINDS
    )
    state = {id(tensor): tensor for tensor in network.state_dict(keep_vars=True).values()}
    return Layout(
        linear=linear,
        conv=conv,
        quantizable=any(
            is_quantizable(module) and module not in kept for module in network.modules()
        ),
        others=sum(
            tensor.numel()
            for key, tensor in state.items()
            if key not in listed and isinstance(tensor, torch.Tensor)
        ),
    )


def with_tensors(network: nn.Module, tensors: Mapping[str, torch.Tensor]) -> nn.Module:
    """Copy a network with some of its tensors replaced.

    Args:
        network: The network, which stays as it is.
        tensors: New parameters and buffers, by name.

    Returns:
        The copy. It shares its other parameters with `network`. Its other buffers are copies.
    """
    memo: dict[int, Any] = {id(parameter): parameter for parameter in network.parameters()}
    for name, parameter in network.named_parameters(remove_duplicate=False):
        if name in tensors:
            memo[id(parameter)] = nn.Parameter(tensors[name], requires_grad=parameter.requires_grad)
    for name, buffer in network.named_buffers(remove_duplicate=False):
        if name in tensors:
            memo[id(buffer)] = tensors[name]
    # The memo replaces a tensor wherever the network holds it: in attributes of the network's own
    # and in layers that share it.
    return copy.deepcopy(network, memo)
