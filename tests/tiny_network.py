"""A network of one's own for tiny studies: small, and without torchvision, whose import takes longer than a tiny job."""

from torch import nn


def build_network(num_classes: int) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Conv2d(8, 8, 3, stride=2), nn.ReLU(), nn.AdaptiveAvgPool2d(4), nn.Flatten(),
        nn.Linear(128, 32), nn.ReLU(), nn.Dropout(0.5), nn.Linear(32, num_classes),
    )  # fmt: skip
