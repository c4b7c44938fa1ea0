"""Plans: the entries that a design sets to zero in one network, and its quantisation.

A plan has the number of zeros of each tensor, and whether the Linear layers are quantised. Two
designs give the same network exactly if they have the same plan, whatever their variables are.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from torch import nn
from torch.nn.parameter import is_lazy

from ..errors import UserError
from .designs import ALL, BIAS, BOTH, NONE, RANDOM, VARIABLES, WEIGHT, Design, design_of
from .subsets import random_subsets

LAYER_KINDS: dict[str, tuple[type[nn.Module], ...]] = {
    "linear": (nn.Linear,),
    "conv": (nn.Conv1d, nn.Conv2d, nn.Conv3d),
}


TARGETS = {BIAS: ("bias",), WEIGHT: ("weight",), BOTH: ("weight", "bias")}


@dataclass(frozen=True)
class Layer:
    """A layer that can be pruned.

    Attributes:
        name: Name in the network, such as "features.0".
        weight: Entries of the weight.
        bias: Entries of the bias, 0 without one.
    """

    name: str
    weight: int
    bias: int


@dataclass(frozen=True)
class Layout:
    """The layers of a network that can be pruned, in the order of its modules.

    Attributes:
        linear: The Linear layers.
        conv: The convolution layers.
        quantizable: Whether dynamic int8 changes any layer.
    """

    linear: tuple[Layer, ...]
    conv: tuple[Layer, ...]
    quantizable: bool

    @cached_property
    def largest(self) -> dict[str, np.ndarray]:
        """Entries of the largest tensor that a target has, by kind: shape (targets, layers)."""
        found = {}
        for kind in LAYER_KINDS:
            sizes = np.array([(layer.bias, layer.weight) for layer in getattr(self, kind)])
            bias, weight = sizes.reshape(-1, 2).T
            found[kind] = np.stack([bias, weight, np.maximum(bias, weight)])
        return found


@dataclass(frozen=True)
class Plan:
    """The changes that a design makes to one network. Equal plans give equal networks.

    Attributes:
        zeros: Name of each pruned tensor, such as "features.0.weight", and its entries set to zero.
        quantized: Whether the Linear layers are quantised to int8.

    Example:
        >>> plan = Plan(zeros=(("features.0.weight", 432),), quantized=False)
        >>> plan.design_id
        'f3044cdf3508'
    """

    zeros: tuple[tuple[str, int], ...]
    quantized: bool

    @property
    def design_id(self) -> str:
        """12 hexadecimal digits that are equal for equal plans."""
        return hashlib.sha256(json.dumps([self.zeros, self.quantized]).encode()).hexdigest()[:12]


def _tensors(layer: nn.Module) -> dict[str, torch.Tensor]:
    """The weight of a Linear or convolution layer, and its bias where it has one."""
    return dict(layer.named_parameters(recurse=False))


def layers_of(network: nn.Module, kind: str) -> Iterator[tuple[str, dict[str, torch.Tensor]]]:
    """Yield the layers of a kind.

    Of layers that share a weight, only the first is yielded. So it is pruned and counted once.

    Args:
        network: The network.
        kind: A key of LAYER_KINDS.

    Yields:
        The name of a layer, and its tensors by name ("weight", "bias").

    Raises:
        UserError: The weight of a layer is reparametrised or lazy.
    """
    seen: set[int] = set()
    for name, module in network.named_modules():
        if not isinstance(module, LAYER_KINDS[kind]):
            continue
        tensors = _tensors(module)
        if "weight" not in tensors or is_lazy(tensors["weight"]):
            raise UserError(
                f"the layer {name} ({type(module).__name__}) has no weight of its own to prune: "
                "it is reparametrised, or lazy. Remove weight or spectral normalisation "
                "(torch.nn.utils.parametrize.remove_parametrizations), "
                "and give lazy layers sizes."
            )
        if id(tensors["weight"]) not in seen:
            seen.add(id(tensors["weight"]))
            yield name, tensors


def layout_of(network: nn.Module) -> Layout:
    """List the layers of a network that can be pruned.

    Args:
        network: The network. Its Linear and convolution layers are listed.

    Returns:
        The names of the layers and the sizes of their tensors, in entries.

    Raises:
        UserError: The weight of a layer is reparametrised or lazy.

    Example:
        >>> network = nn.Sequential(nn.Conv2d(3, 4, 3, bias=False), nn.Flatten(), nn.Linear(16, 2))
        >>> layout = layout_of(network)
        >>> layout.conv
        (Layer(name='0', weight=108, bias=0),)
        >>> layout.linear
        (Layer(name='2', weight=32, bias=2),)
    """

    def layers(kind: str) -> tuple[Layer, ...]:
        return tuple(
            Layer(
                name, tensors["weight"].numel(), tensors["bias"].numel() if "bias" in tensors else 0
            )
            for name, tensors in layers_of(network, kind)
        )

    # torch does not quantise subclasses of Linear.
    quantizable = any(type(module) is nn.Linear for module in network.modules())
    return Layout(linear=layers("linear"), conv=layers("conv"), quantizable=quantizable)


def zeros_of(amount: float, size: int) -> int:
    """Number of zeros for an amount, rounded as torch.nn.utils.prune rounds a fraction.

    Args:
        amount: Fraction of the entries that become zero, in [0, 1].
        size: Entries of the tensor.

    Returns:
        Entries that become zero.
    """
    return round(amount * size)


def _forms(
    kind: str, scope: np.ndarray, amount: np.ndarray, target: np.ndarray, layout: Layout, seed: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The canonical scope, amount and target of n designs for one kind of layer, each (n,).

    The last array tells which layers are pruned, shape (n, layers).
    """
    sizes = layout.largest[kind]
    target = target.astype(int)
    if not sizes[BIAS].any():
        target = np.where(target == BOTH, WEIGHT, target)
    effective = np.rint(amount[:, None] * sizes[target]) > 0
    drawn = random_subsets(list(LAYER_KINDS).index(kind), amount, target, sizes.shape[1], seed)
    chosen = np.where((scope == RANDOM)[:, None], drawn, (scope == ALL)[:, None])
    pruned = chosen & effective
    none = ~pruned.any(axis=1)
    scope = np.where(none, NONE, np.where((pruned == effective).all(axis=1), ALL, RANDOM))
    return scope, np.where(none, 0.0, amount), np.where(none, BIAS, target), pruned


def _canonical(
    X: np.ndarray, layout: Layout, seed: int
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """The canonical vectors, and the pruned layers of each kind, shape (n, layers)."""
    columns = dict(zip(VARIABLES, X.T, strict=True))
    pruned = {}
    for kind in LAYER_KINDS:
        names = [f"{kind}_{part}" for part in ("scope", "amount", "target")]
        scope, amount, target = (columns[name] for name in names)
        *forms, pruned[kind] = _forms(kind, scope, amount, target, layout, seed)
        columns |= zip(names, forms, strict=True)
    columns["quantization"] = columns["quantization"] * layout.quantizable
    return np.stack([columns[name] for name in VARIABLES], axis=1), pruned


def canonical_vectors(X: np.ndarray, layout: Layout, seed: int) -> np.ndarray:
    """Reduce designs to the variables that have an effect, all at once, as `canonical` does.

    Args:
        X: Vectors of designs, shape (n, 7), rounded as `rounded` does.
        layout: Layers of the network, from `layout_of`.
        seed: Seed of the random subsets of layers.

    Returns:
        The vectors of the reduced designs, shape (n, 7).
    """
    return _canonical(X, layout, seed)[0]


def canonical(design: Design, layout: Layout, seed: int) -> tuple[Design, Plan]:
    """Reduce a design to the variables that have an effect, and make its plan.

    These are reset, because they have no effect:
    - the amount and target where nothing is pruned,
    - a target that the layers lack,
    - a random subset with every layer or with none,
    - quantisation where no layer can be quantised.

    `canonical` of the result is the result itself. Two results may still differ in amounts that
    round to the same counts. So the plan alone decides whether two designs are the same network.

    Args:
        design: Any design.
        layout: Layers of the network, from `layout_of`.
        seed: Seed of the random subsets of layers. It is the run's seed, or the config's
            budget.initial_seed where that is set.

    Returns:
        The reduced design, and the plan for the network.

    Example:
        >>> layout = layout_of(nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(16, 2)))
        >>> no_convolution = Design(2, 0, 0.5, 0.8, 1, 1, 0)
        >>> reduced, plan = canonical(no_convolution, layout, seed=1)
        >>> reduced.conv_amount
        0.0
        >>> plan
        Plan(zeros=(('2.weight', 16),), quantized=False)
    """
    vectors, pruned = _canonical(design.vector()[None], layout, seed)
    folded = design_of(vectors[0])
    zeros = [
        (f"{layer.name}.{tensor}", count)
        for kind, amount, target in (
            ("linear", design.linear_amount, folded.linear_target),
            ("conv", design.conv_amount, folded.conv_target),
        )
        for layer, taken in zip(getattr(layout, kind), pruned[kind][0], strict=True)
        if taken
        for tensor in TARGETS[target]
        if (count := zeros_of(amount, getattr(layer, tensor)))
    ]
    return folded, Plan(zeros=tuple(zeros), quantized=bool(folded.quantization))
