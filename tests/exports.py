"""A small network whose designs are exported, with images that its dense form classifies without a mistake."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from paretopress.compression.packed_size import bytes_rate
from paretopress.compression.plans import canonical
from paretopress.config.variables import VARIABLES, Design
from paretopress.dataset.split import Split, normalized
from paretopress.export.source import Source
from paretopress.networks.mapped import MappedNetwork, mapped_network
from paretopress.networks.weights import save_weights

CLASSES = ("cat", "dog", "cow", "hen")
IMAGES = {"train": 60, "validation": 150, "test": 120}
SETTINGS = {"mean": (0.4, 0.5, 0.6), "std": (0.2, 0.25, 0.3)}
LARGE = Design(2, 2, 0.2, 0.2, 1, 1, 0, 8, 8)
SMALL = Design(2, 2, 0.7, 0.6, 1, 1, 0, 3, 3)
INT8 = Design(2, 2, 0.3, 0.3, 1, 1, 1)


def small_network(classes: int = len(CLASSES)) -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(8, 16, 3, groups=2), nn.Hardswish(), nn.AdaptiveAvgPool2d(2), nn.Flatten(),
        nn.Dropout(0.5), nn.Linear(64, 24), nn.ReLU(), nn.Linear(24, classes),
    )  # fmt: skip


def splits_for(
    network: nn.Module,
    size: int = 16,
    images: dict[str, int] = IMAGES,
    classes: tuple[str, ...] = CLASSES,
) -> dict[str, Split]:
    """Noise, labelled by the network itself. Its last bias is set so that it finds all classes."""
    generator = torch.Generator().manual_seed(0)
    splits = {}
    for name, count in images.items():
        coarse = torch.rand(count, 3, 8, 8, generator=generator) * 255
        pixels = nn.functional.interpolate(coarse, size=(size, size)).to(torch.uint8)
        split = Split(pixels, torch.zeros(count, dtype=torch.int64), classes, **SETTINGS)
        with torch.no_grad():
            scores = network.eval()(normalized(split, pixels))
            if name == "train":
                last = [module for module in network.modules() if isinstance(module, nn.Linear)][-1]
                middle = scores.nan_to_num(0.0, 0.0, 0.0).mean(0)
                last.bias -= middle
                scores = scores - middle
        splits[name] = Split(pixels, scores.argmax(1), classes, **SETTINGS)
    return splits


def row(mapped: MappedNetwork, design: Design, accuracy: float) -> dict[str, Any]:
    layout = mapped.layout()
    folded, plan = canonical(design, layout, 1)
    return {
        "design_id": plan.design_id,
        **{name: getattr(folded, name) for name in VARIABLES},
        "nonzero_rate": 0.5,
        "bytes": bytes_rate(plan, layout),
        "accuracy": accuracy,
        "seed": 1,
    }


def source(
    folder: Path,
    network: nn.Module | None = None,
    classes: tuple[str, ...] = CLASSES,
    **changed: Any,
) -> Source:
    """The source of exports of a network with two designs on its front, and a third one evaluated."""
    folder.mkdir(parents=True, exist_ok=True)
    if network is None:
        torch.manual_seed(3)
        network = small_network()
    splits = splits_for(network, classes=classes)
    save_weights(network.eval(), folder / "weights.safetensors")
    mapped = mapped_network(network, folder / "weights.safetensors")
    front = [row(mapped, SMALL, 0.8), row(mapped, LARGE, 0.97)]
    known: dict[str, Any] = {
        "study": "s",
        "network": "own",
        "mapped": mapped,
        "table": folder / "own.csv",
        "front": front,
        "evaluated": [*front, row(mapped, INT8, 0.9)],
        "size": "bytes",
        "splits": splits,
        "search": "validation",
        "metrics": {"accuracy": {"validation": 1.0, "test": 1.0}},
        "constraint": {"floor": 0.05, "allowed_drop_points": None},
        "initial_seed": None,
        "data": "noise",
        "scaling": {"image_size": 16},
        "batch_size": 50,
        "device": "cpu",
        "threads": 1,
        "repeats": 1,
        "recipe": None,
        "read": {"weights": "0" * 64},
        "made_from": "these files",
        "same_for": "these files and settings",
        "chosen_from": "these tables",
        "results": folder,
        "progress": folder / "progress",
        "folder": folder / "export",
        "command": "paretopress export --configfile s.yaml",
        "say": lambda text: None,
    }
    return Source(**{**known, **changed})


def right(scores: np.ndarray, split: Split) -> float:
    return float((scores.argmax(1) == split.labels.numpy()).mean())
