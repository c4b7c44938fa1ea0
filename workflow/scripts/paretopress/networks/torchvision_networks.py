"""torchvision's classification networks, and slim versions of the two networks of the paper."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import torch
from torch import nn

from ..torchvision_operators import torchvision

# Configuration D of Simonyan and Zisserman (2015), table 1. "M" is a max-pooling layer.
VGG16_LAYERS = (
    64,
    64,
    "M",
    128,
    128,
    "M",
    256,
    256,
    256,
    "M",
    512,
    512,
    512,
    "M",
    512,
    512,
    512,
    "M",
)
VGG16_HIDDEN = 4096


def _initialize_vgg(network: nn.Module) -> None:
    """Initialise the weights as torchvision's VGG class does."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        elif isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, 0, 0.01)
        if isinstance(module, nn.Conv2d | nn.Linear) and module.bias is not None:
            nn.init.constant_(module.bias, 0)


def vgg16_slim(num_classes: int, *, width_divisor: int) -> nn.Module:
    """Build torchvision's VGG in configuration D, with every width divided.

    Args:
        num_classes: Number of classes.
        width_divisor: Divisor of the widths.

    Returns:
        The untrained network.
    """
    widths: list[str | int] = [
        width if isinstance(width, str) else width // width_divisor for width in VGG16_LAYERS
    ]
    hidden = VGG16_HIDDEN // width_divisor
    channels = 512 // width_divisor
    # The class first builds its full-width classifier, which is replaced below. On the meta device
    # it takes no memory.
    with torch.device("meta"):
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
    """Build torchvision's ResNet with the Bottleneck blocks of ResNet50, but narrower.

    Its residual branches start at zero (Goyal et al. 2017, section 5.1). So it trains in a few
    epochs.

    Args:
        num_classes: Number of classes.
        width_per_group: Width of the 3x3 convolutions in the first stage. ResNet50 has 64.

    Returns:
        The untrained network.
    """
    return torchvision.models.ResNet(
        torchvision.models.resnet.Bottleneck,
        [3, 4, 6, 3],
        num_classes=num_classes,
        width_per_group=width_per_group,
        zero_init_residual=True,
    )


# With auxiliary classifiers, these networks return more than class scores in training.
WITHOUT_AUXILIARY: dict[str, dict[str, Any]] = {
    name: {"aux_logits": False, "init_weights": True} for name in ("googlenet", "inception_v3")
}


def torchvision_model(
    num_classes: int, *, name: str, arguments: Mapping[str, Any] | None = None
) -> nn.Module:
    """Build a classification network of torchvision, untrained.

    Args:
        num_classes: Number of classes.
        name: torchvision's name of the network.
        arguments: Further arguments of the network.

    Returns:
        The network.
    """
    given = WITHOUT_AUXILIARY.get(name, {}) | dict(arguments or {})
    return torchvision.models.get_model(name, weights=None, num_classes=num_classes, **given)


ARCHITECTURES: dict[str, Callable[..., nn.Module]] = {
    "vgg16_slim": vgg16_slim,
    "resnet50_slim": resnet50_slim,
    **{
        name: partial(torchvision_model, name=name)
        for name in torchvision.models.list_models(module=torchvision.models)
    },
}
