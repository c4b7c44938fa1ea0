"""Build networks by architecture, and prepare them for compression."""

import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn.modules.linear import NonDynamicallyQuantizableLinear
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves

from ..compression.layers import kept_layers, layer_names, layout_of, with_tensors
from ..compression.passage import trial_images
from ..dataset.split import Split
from ..errors import UserError
from .own import own_network

# The seed of what building a network draws, in each job, whatever it trains or evaluates.
BUILDING_SEED = 0


def _builder(name: str) -> Callable[..., nn.Module]:
    """The function that builds the architecture of that name."""
    if name == "file":
        return own_network
    from .torchvision_networks import ARCHITECTURES

    return ARCHITECTURES[name]


@contextmanager
def _seeded_beside_torch(seed: int) -> Iterator[None]:
    """Seed Python's and numpy's global generators within the block."""
    # A user's file may draw from numpy's global generator.
    states = random.getstate(), np.random.get_state()  # noqa: NPY002
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002
    try:
        yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])  # noqa: NPY002


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Seed Python's, numpy's and torch's global generators within the block."""
    with _seeded_beside_torch(seed), torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield


def _built(architecture: Mapping[str, Any], num_classes: int) -> nn.Module:
    name, arguments = (
        architecture["name"],
        {key: value for key, value in architecture.items() if key != "name"},
    )
    try:
        return _builder(name)(num_classes, **arguments)
    except (TypeError, ValueError, AttributeError) as error:
        raise UserError(
            f"architecture {name}: cannot be built for {num_classes} classes with {arguments}: "
            f"{error}. {'Change architecture.arguments.' if any(arguments.values()) else ''}".rstrip()
        ) from error


def build_network(
    architecture: Mapping[str, Any], num_classes: int, seed: int = BUILDING_SEED
) -> nn.Module:
    """Build an untrained network, the same one each time.

    Args:
        architecture: "name" is "file" or a key of torchvision_networks.ARCHITECTURES. The other
            entries are the arguments of its builder.
        num_classes: Number of classes.
        seed: Seed of all that building draws.

    Returns:
        The network.

    Raises:
        UserError: The network cannot be built with these arguments.

    Example:
        >>> network = build_network({"name": "vgg16_slim", "width_divisor": 32}, num_classes=10)
        >>> network.classifier[-1].out_features
        10
    """
    with seeded(seed):
        return _built(architecture, num_classes)


def drawn_layers(network: nn.Module) -> UserError:
    """The error for a network whose layers differ from build to build."""
    return UserError(
        f"the network {type(network).__name__} has other tensors each time it is built. Its layers "
        "must not depend on random numbers."
    )


def initialize(network: nn.Module, architecture: Mapping[str, Any], num_classes: int) -> None:
    """Draw the state dict of an untrained network from torch's global generator.

    What building draws beside the state dict stays that of each other job.

    Args:
        network: The network, from `build_network`, which is changed.
        architecture: Its name and arguments.
        num_classes: Number of classes.

    Raises:
        UserError: A second build has another state dict, or no parameter can be trained.
    """
    if not any(parameter.requires_grad for parameter in network.parameters()):
        raise UserError(
            f"the network {type(network).__name__} has no parameter that can be trained: "
            "requires_grad is False for all of them. Give trained weights, or leave it True."
        )
    with _seeded_beside_torch(BUILDING_SEED):
        drawn = _built(architecture, num_classes)
    try:
        network.load_state_dict(drawn.state_dict())
    except RuntimeError as error:
        raise drawn_layers(network) from error


class _Reads(TorchFunctionMode):
    """Notes which weights a function gets outside of the pass of their own layer."""

    def __init__(self, layers: Iterable[nn.Module]) -> None:
        super().__init__()
        self.within, self.read = [0], set[int]()
        self.holders: dict[int, set[int]] = {}
        for layer in layers:
            for parameter in layer.parameters(recurse=False):
                self.holders.setdefault(id(parameter), set()).add(id(layer))

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        for value in tree_leaves((args, kwargs)):
            holders = self.holders.get(id(value), set())
            if self.within[-1] not in holders:
                self.read |= holders
        return func(*args, **(kwargs or {}))


def exempt_uncalled(network: nn.Module, image_size: int) -> None:
    """Exclude from quantisation the Linear layers that the trial images do not only call.

    Attention reads the weights of layers that it does not call, and a tied decoder those of one
    that it calls. int8 layers have no such weights. An excluded layer gets the class that torch
    gives its own layers of this kind.

    Args:
        network: The network, whose layers are changed. It is put in evaluation mode.
        image_size: Side of its images, in pixels.
    """
    called: set[int] = set()  # no modules: the class below would hold their weights
    trial = with_tensors(network.eval(), {})
    pairs = zip(list(network.modules()), list(trial.modules()), strict=True)
    linear = {layer: copied for layer, copied in pairs if type(layer) is nn.Linear}
    reads = _Reads(linear.values())

    # A subclass instead of hooks: torch's transformers take another path where layers have hooks.
    class Recording(nn.Linear):
        def forward(self, input: torch.Tensor) -> torch.Tensor:
            called.add(id(self))
            reads.within.append(id(self))
            try:
                return super().forward(input)
            finally:
                reads.within.pop()

    for copied in linear.values():
        copied.__class__ = Recording
    # As in an evaluation. With gradients, torch's transformers call layers that they skip without.
    with torch.no_grad():
        trial(trial_images(image_size))
        uncalled = {id(copied) for copied in linear.values()} - called
        # In a pass of its own, since torch's transformers take another path in a mode too.
        with reads:
            trial(trial_images(image_size))
    for layer, copied in linear.items():
        if id(copied) in uncalled | reads.read:
            layer.__class__ = NonDynamicallyQuantizableLinear


def exempt_kept(network: nn.Module, keep: Sequence[str]) -> None:
    """Exclude from quantisation the Linear layers that nothing is done to.

    Args:
        network: The network, which is changed.
        keep: Names or patterns of these layers.
    """
    for module in kept_layers(network, keep):
        if type(module) is nn.Linear:
            module.__class__ = NonDynamicallyQuantizableLinear


def build_for(architecture: Mapping[str, Any], split: Split, keep: Sequence[str] = ()) -> nn.Module:
    """Build the untrained network for the images of a split, ready for compression.

    Args:
        architecture: Name and arguments, as `build_network` takes them.
        split: Images of the study. Their classes and their size are used.
        keep: Names or patterns of layers that nothing is done to.

    Returns:
        The network, in evaluation mode.

    Raises:
        UserError: The network cannot be built with these arguments.

    Example:
        >>> images = torch.zeros(2, 3, 32, 32, dtype=torch.uint8)
        >>> split = Split(images, labels=torch.tensor([0, 1]), classes=("cat", "dog"))
        >>> network = build_for({"name": "vgg16_slim", "width_divisor": 32}, split)
        >>> network(torch.zeros(1, 3, 32, 32)).shape
        torch.Size([1, 2])
    """
    network = build_network(architecture, len(split.classes))
    exempt_uncalled(network, split.images.shape[-1])
    exempt_kept(network, keep)
    return network


def check_keep(
    keep: Sequence[str], architectures: Mapping[str, Mapping[str, Any]], num_classes: int
) -> None:
    """Check that each name or pattern of a layer to keep has a layer in one of the networks.

    Args:
        keep: `search_space.keep` of the config.
        architectures: Section "architecture" of each network of the study, by its name.
        num_classes: Number of classes.

    Raises:
        UserError: A pattern matches no layer. The message names the layers of each network.
    """
    if not keep:
        return
    networks = {
        name: build_network(architecture, num_classes)
        for name, architecture in architectures.items()
    }
    for name, network in networks.items():
        layout = layout_of(network, keep)
        if not layout.linear and not layout.conv:
            raise UserError(
                f"search_space.keep: {', '.join(keep)}: every layer of {name} is kept, and nothing "
                "is left to compress. Allowed: names and patterns that leave a layer."
            )
    if unused := [
        pattern
        for pattern in keep
        if not any(kept_layers(network, [pattern]) for network in networks.values())
    ]:
        # A module that holds layers is no layer.
        group = f"{unused[0]}.*"
        held = any(kept_layers(network, [group]) for network in networks.values())
        hint = f" Did you mean {group!r}?" if held else ""
        known = "\n".join(
            f"  {name}: {', '.join(layer_names(network))}" for name, network in networks.items()
        )
        raise UserError(
            f"search_space.keep: {', '.join(map(repr, unused))}: no Linear or convolution layer has "
            f"such a name.{hint} Allowed: the names of layers, or patterns of them, such as "
            f"'layer4.*':\n{known}"
        )
