"""A network that can be held: its search stays in the middle of its work for as long as a test needs it there, or takes too much memory.

HOLD and HUNGRY are the test's words, HELD and ASKED the network's.
"""

import signal
import time
from pathlib import Path

import torch
from torch import nn

HOLD, HELD, ASKED, HUNGRY = map(Path, ("hold", "held", "asked", "hungry"))
RECORDED = "results/*/progress/*/*/*/evaluations/*.json"


def wait_while_held() -> None:
    while HOLD.exists():
        HELD.touch()
        if (
            signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
        ):  # what paretopress.jobs.stopping leaves once it was asked to stop
            ASKED.touch()
        time.sleep(0.02)


def eat(entries: int) -> None:
    """Takes memory until the job is killed for it."""
    taken = torch.ones(entries)
    while taken.numel():
        time.sleep(0.02)


class Held(nn.Sequential):
    def forward(self, images: torch.Tensor) -> torch.Tensor:
        if len(list(Path().glob(RECORDED))) >= 2:
            wait_while_held()
            if HUNGRY.exists():
                HUNGRY.unlink()  # once
                eat(2**29)
        return super().forward(images)


def build_network(num_classes: int) -> nn.Module:
    return Held(
        nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Conv2d(8, 8, 3, stride=2), nn.ReLU(), nn.AdaptiveAvgPool2d(4), nn.Flatten(),
        nn.Linear(128, 32), nn.ReLU(), nn.Linear(32, num_classes),
    )  # fmt: skip
