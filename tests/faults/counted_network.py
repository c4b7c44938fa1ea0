"""A network that writes down every pass through it, so that evaluations and training steps are counted outside the program.

An evaluation is one whole pass: there are no features of a body, and no other paths.
"""

import os
import sys
from pathlib import Path

import torch
from torch import nn

PASSES = Path("passes.txt")


class Counted(nn.Module):
    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 4, 3),
            nn.ReLU(),
            nn.Conv2d(4, 6, 3),
            nn.ReLU(),
            nn.AdaptiveAvgPool2d(2),
            nn.Flatten(),
        )
        self.hidden = nn.Linear(24, 8)
        self.scores = nn.Linear(8, num_classes)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        if not self.training:
            images.view(len(images), -1)  # takes no other memory format
        sys.audit("pass.begins")
        line = f"{'training' if self.training else 'evaluation'} {len(images)}\n"
        file = os.open(PASSES, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.write(file, line.encode())
        os.close(file)
        hidden = torch.relu(self.hidden(self.features(images)))
        scores = self.scores(hidden) + hidden.mean(1, keepdim=True)  # has no head
        sys.audit("pass.ends")
        return scores


def build_network(num_classes: int) -> nn.Module:
    return Counted(num_classes)
