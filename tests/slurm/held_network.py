"""A network that can be held: its search stays in the middle of its work for as long as a test needs it there."""

import time
from pathlib import Path

import torch
from torch import nn

HOLD, HELD = Path("hold"), Path("held")  # the one is the test's word, the other the network's
RECORDED = "results/*/progress/*/*/*/evaluations/*.json"


class Held(nn.Sequential):
    def forward(self, images: torch.Tensor) -> torch.Tensor:
        while HOLD.exists() and len(list(Path().glob(RECORDED))) >= 2:
            HELD.touch()
            time.sleep(0.02)
        return super().forward(images)


def build_network(num_classes: int) -> nn.Module:
    return Held(
        nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Conv2d(8, 8, 3, stride=2), nn.ReLU(), nn.AdaptiveAvgPool2d(4), nn.Flatten(),
        nn.Linear(128, 32), nn.ReLU(), nn.Linear(32, num_classes),
    )  # fmt: skip
