"""Build networks by architecture, prepare them for compression, and check them on two images."""

import importlib.util
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn.modules.linear import NonDynamicallyQuantizableLinear
from torch.nn.parameter import is_lazy

from .. import torchvision_operators  # noqa: F401  a user's file may import torchvision
from ..compression.layers import kept_layers, layer_names, layout_of, with_tensors
from ..dataset.split import Split
from ..errors import UserError


def _where_in(file: Path, error: BaseException) -> str:
    """The last line of the user's file that an error passed through, if any."""
    lines = [
        frame.lineno
        for frame in traceback.extract_tb(error.__traceback__)
        if Path(frame.filename) == file
    ]
    return f"{file}, line {lines[-1]}" if lines else str(file)


def own_network(
    num_classes: int, *, path: str, function: str, arguments: Mapping[str, Any]
) -> nn.Module:
    """Build a network with a function of the user's Python file.

    Args:
        num_classes: Number of classes, the first argument of the function.
        path: The file.
        function: Name of the function.
        arguments: Its keyword arguments.

    Returns:
        The network that the function returns.

    Raises:
        UserError: The file cannot be run, or has no such function. Or the function fails, or does
            not return a torch Module.
    """
    file = Path(path).absolute()
    spec = importlib.util.spec_from_file_location(f"paretopress_own_{file.stem}", file)
    if spec is None or spec.loader is None:
        raise UserError(
            f"{path}: not a Python file. Give a file that ends with .py as architecture.path."
        )
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look up their module there
    try:
        spec.loader.exec_module(module)
        network = getattr(module, function)(num_classes, **arguments)
    except (Exception, SystemExit) as error:
        raise UserError(
            f"{_where_in(file, error)}: {type(error).__name__}: {error}. "
            "The file is run, and then "
            f"{function}(num_classes={num_classes}, **{dict(arguments)}) is called in it."
        ) from error
    if not isinstance(network, nn.Module):
        raise UserError(
            f"{path}: {function} returned a {type(network).__name__}. "
            "It must return a torch.nn.Module."
        )
    return network


def _builder(name: str) -> Callable[..., nn.Module]:
    """The function that builds the architecture of that name."""
    if name == "file":
        return own_network
    from .torchvision_networks import ARCHITECTURES

    return ARCHITECTURES[name]


def build_network(architecture: Mapping[str, Any], num_classes: int) -> nn.Module:
    """Build an untrained network. Its weights are drawn from torch's global generator.

    Args:
        architecture: "name" is "file" or a key of torchvision_networks.ARCHITECTURES. The other
            entries are the arguments of its builder.
        num_classes: Number of classes.

    Returns:
        The network.

    Raises:
        UserError: The network cannot be built with these arguments.

    Example:
        >>> network = build_network({"name": "vgg16_slim", "width_divisor": 32}, num_classes=10)
        >>> network.classifier[-1].out_features
        10
    """
    name, arguments = (
        architecture["name"],
        {key: value for key, value in architecture.items() if key != "name"},
    )
    try:
        return _builder(name)(num_classes, **arguments)
    except (TypeError, ValueError, AttributeError) as error:
        raise UserError(
            f"architecture {name}: cannot be built for {num_classes} classes with {arguments}: "
            f"{error}. Change architecture.arguments."
        ) from error


def _black_images(image_size: int) -> torch.Tensor:
    return torch.zeros(2, 3, image_size, image_size)


def exempt_uncalled(network: nn.Module, image_size: int) -> None:
    """Exclude from quantisation the Linear layers that are not called in a forward pass.

    Attention reads the weights of such layers itself, and int8 layers have no such weights. An
    excluded layer gets the class that torch gives its own layers of this kind.

    Args:
        network: The network, which is changed and put in evaluation mode.
        image_size: Side of its images, in pixels.
    """
    called: set[nn.Module] = set()

    # A subclass instead of hooks: torch's transformers take another path where layers have hooks.
    class Recording(nn.Linear):
        def forward(self, input: torch.Tensor) -> torch.Tensor:
            called.add(self)
            return super().forward(input)

    linear = [module for module in network.modules() if type(module) is nn.Linear]
    for module in linear:
        module.__class__ = Recording
    # As in an evaluation. With gradients, torch's transformers call layers that they skip without.
    with torch.inference_mode():
        network.eval()(_black_images(image_size))
    for module in linear:
        module.__class__ = nn.Linear if module in called else NonDynamicallyQuantizableLinear


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


def _check_scores(network: nn.Module, scores: object, num_classes: int) -> None:
    if not isinstance(scores, torch.Tensor) or scores.shape != (2, num_classes):
        returned = (
            tuple(scores.shape)
            if isinstance(scores, torch.Tensor)
            else f"a {type(scores).__name__}"
        )
        raise UserError(
            f"the network {type(network).__name__} returned {returned} "
            f"for 2 images of {num_classes} classes. "
            f"It must return one tensor of scores, of shape (2, {num_classes}), in training too."
        )


def check_network(network: nn.Module, num_classes: int, image_size: int) -> None:
    """Run two black images through a network, in evaluation mode and in training mode.

    Args:
        network: The network. It is put in evaluation mode. A copy is used for training mode.
        num_classes: Number of classes.
        image_size: Side of the images, in pixels.

    Raises:
        UserError: The network cannot take the images, or returns no scores of shape
            (2, num_classes). Or it has layers without sizes, or nothing to prune.
    """
    if lazy := [name for name, parameter in network.named_parameters() if is_lazy(parameter)]:
        raise UserError(
            f"the network {type(network).__name__}: {', '.join(lazy[:3])} have no shape yet. "
            "Give its lazy layers their sizes."
        )
    layout = layout_of(network)
    if not layout.linear and not layout.conv:
        raise UserError(
            f"the network {type(network).__name__} has no Linear and no convolution layer: "
            "there is nothing to compress."
        )
    try:
        with torch.inference_mode(), torch.random.fork_rng(devices=[]):
            # Training mode changes the buffers of batch norm, so the copy has its own.
            own_buffers = with_tensors(network, {})
            scores = [
                network.eval()(_black_images(image_size)),
                own_buffers.train()(_black_images(image_size)),
            ]
    except Exception as error:
        raise UserError(
            f"the network {type(network).__name__} cannot take images of "
            f"{image_size} x {image_size} pixels: {error}. "
            "Change dataset.image_size, or the arguments of the architecture "
            "(image_size for vision transformers)."
        ) from error
    for returned in scores:
        _check_scores(network, returned, num_classes)
