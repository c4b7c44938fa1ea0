"""Architectures and their weights: torchvision's own classes, at full width or slim."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from .errors import UserError
from .torchvision_import import torchvision

# Configuration D of Simonyan and Zisserman (2015), table 1; "M" is a max-pooling layer.
VGG16_LAYERS = (64, 64, "M", 128, 128, "M", 256, 256, 256, "M", 512, 512, 512, "M", 512, 512, 512, "M")
VGG16_HIDDEN = 4096


def _initialize_vgg(network: nn.Module) -> None:
    """torchvision's own initialisation of its VGG class."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        elif isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, 0, 0.01)
        if isinstance(module, nn.Conv2d | nn.Linear) and module.bias is not None:
            nn.init.constant_(module.bias, 0)


def vgg16_slim(num_classes: int, *, width_divisor: int) -> nn.Module:
    """torchvision's VGG, configuration D, every width divided by `width_divisor`."""
    widths: list[str | int] = [width if isinstance(width, str) else width // width_divisor for width in VGG16_LAYERS]
    hidden = VGG16_HIDDEN // width_divisor
    channels = 512 // width_divisor
    with torch.device("meta"):  # the class builds its full-width classifier first; here it takes no memory and is replaced
        network = torchvision.models.VGG(nn.Identity(), num_classes=num_classes, init_weights=False)
    network.features = torchvision.models.vgg.make_layers(widths, batch_norm=False)
    network.avgpool = nn.AdaptiveAvgPool2d((7, 7))
    network.classifier = nn.Sequential(
        nn.Linear(channels * 7 * 7, hidden),
        nn.ReLU(True),
        nn.Dropout(0.5),
        nn.Linear(hidden, hidden),
        nn.ReLU(True),
        nn.Dropout(0.5),
        nn.Linear(hidden, num_classes),
    )
    _initialize_vgg(network)
    return network


def resnet50_slim(num_classes: int, *, width_per_group: int) -> nn.Module:
    """torchvision's ResNet with the Bottleneck blocks of ResNet50 and narrow 3x3 convolutions.

    Its residual branches start at zero (Goyal et al. 2017, section 5.1), which lets it train in a few epochs.
    """
    return torchvision.models.ResNet(
        torchvision.models.resnet.Bottleneck,
        [3, 4, 6, 3],
        num_classes=num_classes,
        width_per_group=width_per_group,
        zero_init_residual=True,
    )


def _torchvision_model(num_classes: int, *, name: str) -> nn.Module:
    return torchvision.models.get_model(name, weights=None, num_classes=num_classes)


ARCHITECTURES: dict[str, Callable[..., nn.Module]] = {
    "vgg16_slim": vgg16_slim,
    "resnet50_slim": resnet50_slim,
    "vgg16": partial(_torchvision_model, name="vgg16"),
    "resnet50": partial(_torchvision_model, name="resnet50"),
}


def build_network(architecture: Mapping[str, Any], num_classes: int) -> nn.Module:
    """An untrained network, its weights drawn from torch's global generator.

    architecture: {"name": a key of ARCHITECTURES, ...: the arguments of its builder}.
    """
    arguments = {key: value for key, value in architecture.items() if key != "name"}
    return ARCHITECTURES[architecture["name"]](num_classes, **arguments)


def save_weights(network: nn.Module, path: Path) -> None:
    save_file({key: value.contiguous() for key, value in network.state_dict().items()}, path)


def _read_weights(path: Path) -> dict[str, torch.Tensor]:
    try:
        return load_file(path)
    except (SafetensorError, OSError) as error:
        raise UserError(f"{path}: cannot be read as a safetensors file ({error}).") from error


def load_weights(network: nn.Module, path: Path) -> None:
    """Fills `network` from a safetensors file, cast to the network's own types; batch counters of batch norm may be absent.

    Raises UserError: a key is missing, unknown or of another shape; every one of them is named.
    """
    given = _read_weights(path)
    wanted = network.state_dict()
    problems = [f"{key}: missing, {tuple(value.shape)} wanted" for key, value in wanted.items() if key not in given]
    problems = [problem for problem in problems if not problem.split(":")[0].endswith("num_batches_tracked")]
    problems += [f"{key}: not a key of this network" for key in given if key not in wanted]
    problems += [
        f"{key}: shape {tuple(given[key].shape)}, {tuple(value.shape)} wanted"
        for key, value in wanted.items()
        if key in given and given[key].shape != value.shape
    ]
    if problems:
        shown = "\n  ".join(problems[:10]) + (f"\n  and {len(problems) - 10} more" if len(problems) > 10 else "")
        raise UserError(f"{path}: the weights do not fit the network.\n  {shown}\nCheck the architecture and the number of classes.")
    network.load_state_dict({key: given.get(key, value).to(value.dtype) for key, value in wanted.items()})
    network.eval()
