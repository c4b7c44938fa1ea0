"""Three small networks for the digits: without batch norm, with it, and one that no decision is made on."""

from collections.abc import Callable
from itertools import chain, pairwise

from torch import nn

# The strides of the blocks, whose widths double with each stride of 2.
STRIDES = (1, 1, 2, 1, 2, 1)
WIDTH = 8
FEATURES = 4 * WIDTH * 4  # of the body: 2 x 2 pixels of its last width


def _convolution(
    inputs: int, outputs: int, stride: int = 1, groups: int = 1, side: int = 3
) -> nn.Sequential:
    """A convolution without a bias, and its norm."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, side, stride, side // 2, groups=groups, bias=False),
        nn.BatchNorm2d(outputs),
    )


class Residual(nn.Module):
    """The basic block of ResNet (He et al. 2016)."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            _convolution(inputs, outputs, stride), nn.ReLU(), _convolution(outputs, outputs)
        )
        changes = stride > 1 or inputs != outputs
        self.shortcut = _convolution(inputs, outputs, stride, side=1) if changes else nn.Identity()
        self.end = nn.ReLU()

    def forward(self, images):
        return self.end(self.body(images) + self.shortcut(images))


class Separable(nn.Module):
    """The inverted residual block of MobileNetV2 (Sandler et al. 2018)."""

    def __init__(self, inputs: int, outputs: int, stride: int, expansion: int = 4) -> None:
        super().__init__()
        inner = inputs * expansion
        self.body = nn.Sequential(
            _convolution(inputs, inner, side=1), nn.ReLU6(),
            _convolution(inner, inner, stride, groups=inner), nn.ReLU6(),
            _convolution(inner, outputs, side=1),
        )  # fmt: skip
        self.adds = stride == 1 and inputs == outputs

    def forward(self, images):
        return images + self.body(images) if self.adds else self.body(images)


def _of_blocks(block: Callable[[int, int, int], nn.Module], stem: nn.Module) -> nn.Sequential:
    """A stem, blocks, and the body's end."""
    layers, width = [stem, nn.ReLU()], WIDTH
    for stride in STRIDES:
        layers.append(block(width, width * stride, stride))
        width *= stride
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(2), nn.Flatten())


def _head(*widths: int) -> nn.Sequential:
    """Linear layers, with ReLU between them."""
    pairs = [(nn.Linear(*pair), nn.ReLU()) for pair in pairwise(widths)]
    return nn.Sequential(*chain.from_iterable(pairs))[:-1]


def plain(num_classes: int) -> nn.Module:
    """A small VGG: convolutions with biases, no norm, and most entries in three Linear layers."""

    def block(inputs: int, outputs: int, stride: int) -> nn.Module:
        return nn.Sequential(nn.Conv2d(inputs, outputs, 3, stride, padding=1), nn.ReLU())

    body = _of_blocks(block, nn.Conv2d(3, WIDTH, 3, stride=2, padding=1))
    network = nn.Sequential(body, _head(FEATURES, 128, 128, num_classes))
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            nn.init.zeros_(layer.bias)
    return network


def residual(num_classes: int) -> nn.Module:
    """A small ResNet."""
    body = _of_blocks(Residual, _convolution(3, WIDTH, stride=2))
    return nn.Sequential(body, _head(FEATURES, 64, num_classes))


def separable(num_classes: int) -> nn.Module:
    """A small MobileNetV2."""
    body = _of_blocks(Separable, _convolution(3, WIDTH, stride=2))
    return nn.Sequential(body, _head(FEATURES, 64, num_classes))
