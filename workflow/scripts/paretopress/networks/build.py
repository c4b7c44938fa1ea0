"""Networks by architecture: built, prepared for compression, and tried before anything is spent on them."""

import importlib.util
import sys
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn.modules.linear import NonDynamicallyQuantizableLinear
from torch.nn.parameter import is_lazy

from .. import torchvision_operators  # noqa: F401  a file of the user's can import torchvision
from ..compression.plans import layout_of
from ..compression.pruning import with_tensors
from ..dataset.split import Split
from ..errors import UserError


def _where_in(file: Path, error: BaseException) -> str:
    """The line of the user's file in which an error arose, as far as it passed through it."""
    lines = [
        frame.lineno
        for frame in traceback.extract_tb(error.__traceback__)
        if Path(frame.filename) == file
    ]
    return f"{file}, line {lines[-1]}" if lines else str(file)


def own_network(
    num_classes: int, *, path: str, function: str, arguments: Mapping[str, Any]
) -> nn.Module:
    """What `function(num_classes, **arguments)` of the user's Python file returns.

    Raises UserError: the file cannot be run, has no such function, or the function fails or returns no torch Module.
    """
    file = Path(path).absolute()
    spec = importlib.util.spec_from_file_location(f"paretopress_own_{file.stem}", file)
    if spec is None or spec.loader is None:
        raise UserError(
            f"{path}: not a Python file. Give a file that ends with .py as architecture.path."
        )
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look themselves up there
    try:
        spec.loader.exec_module(module)
        network = getattr(module, function)(num_classes, **arguments)
    except (Exception, SystemExit) as error:
        raise UserError(
            f"{_where_in(file, error)}: {type(error).__name__}: {error}. "
            f"The file is run, and then {function}(num_classes={num_classes}, **{dict(arguments)}) is called in it."
        ) from error
    if not isinstance(network, nn.Module):
        raise UserError(
            f"{path}: {function} returned a {type(network).__name__}. It must return a torch.nn.Module."
        )
    return network


def _builder(name: str) -> Callable[..., nn.Module]:
    """What builds the architecture of that name."""
    if name == "file":
        return own_network
    from .torchvision_networks import ARCHITECTURES

    return ARCHITECTURES[name]


def build_network(architecture: Mapping[str, Any], num_classes: int) -> nn.Module:
    """An untrained network, its weights drawn from torch's global generator.

    architecture: {"name": "file" or a key of torchvision_networks.ARCHITECTURES, ...: the arguments of its builder}.

    Raises UserError: the network cannot be built with these arguments.
    """
    name, arguments = (
        architecture["name"],
        {key: value for key, value in architecture.items() if key != "name"},
    )
    try:
        return _builder(name)(num_classes, **arguments)
    except (TypeError, ValueError, AttributeError) as error:
        raise UserError(
            f"architecture {name}: cannot be built for {num_classes} classes with {arguments}: {error}. Change architecture.arguments."
        ) from error


def _black_images(image_size: int) -> torch.Tensor:
    return torch.zeros(2, 3, image_size, image_size)


def exempt_uncalled(network: nn.Module, image_size: int) -> None:
    """Marks the Linear layers that a pass of an image does not call as such for quantisation to leave alone.

    Attention reads their weights itself, which int8 layers do not have. The mark is the class that torch gives its own such layer.
    """
    called: set[nn.Module] = set()

    class Recording(
        nn.Linear
    ):  # and no hook: where layers have hooks, torch's transformers take another path
        def forward(self, input: torch.Tensor) -> torch.Tensor:
            called.add(self)
            return super().forward(input)

    linear = [module for module in network.modules() if type(module) is nn.Linear]
    for module in linear:
        module.__class__ = Recording
    # As in an evaluation: with gradients, a transformer of torch's would call layers that it passes over there.
    with torch.inference_mode():
        network.eval()(_black_images(image_size))
    for module in linear:
        module.__class__ = nn.Linear if module in called else NonDynamicallyQuantizableLinear


def build_for(architecture: Mapping[str, Any], split: Split) -> nn.Module:
    """The untrained network that is compressed: built for the classes and the image size of `split`, ready to be quantised."""
    network = build_network(architecture, len(split.classes))
    exempt_uncalled(network, split.images.shape[-1])
    return network


def _check_scores(network: nn.Module, scores: object, num_classes: int) -> None:
    if not isinstance(scores, torch.Tensor) or scores.shape != (2, num_classes):
        returned = (
            tuple(scores.shape)
            if isinstance(scores, torch.Tensor)
            else f"a {type(scores).__name__}"
        )
        raise UserError(
            f"the network {type(network).__name__} returned {returned} for 2 images of {num_classes} classes. "
            f"It must return one tensor of scores, of shape (2, {num_classes}), in training too."
        )


def check_network(network: nn.Module, num_classes: int, image_size: int) -> None:
    """Runs two black images of image_size x image_size pixels through `network`, and through a copy of it in training mode.

    Raises UserError: it cannot take them, does not return scores of shape (2, num_classes), has layers without sizes, or has nothing
    to prune.
    """
    if lazy := [name for name, parameter in network.named_parameters() if is_lazy(parameter)]:
        raise UserError(
            f"the network {type(network).__name__}: {', '.join(lazy[:3])} have no shape yet. Give its lazy layers their sizes."
        )
    layout = layout_of(network)
    if not layout.linear and not layout.conv:
        raise UserError(
            f"the network {type(network).__name__} has no Linear and no convolution layer: there is nothing to compress."
        )
    try:
        with torch.inference_mode(), torch.random.fork_rng(devices=[]):
            own_buffers = with_tensors(network, {})  # batch norm changes its own while it trains
            scores = [
                network.eval()(_black_images(image_size)),
                own_buffers.train()(_black_images(image_size)),
            ]
    except Exception as error:
        raise UserError(
            f"the network {type(network).__name__} cannot take images of {image_size} x {image_size} pixels: {error}. "
            "Change dataset.image_size, or the arguments of the architecture (image_size for vision transformers)."
        ) from error
    for returned in scores:
        _check_scores(network, returned, num_classes)
