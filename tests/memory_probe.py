"""What jobs on VGG16 at full width take, printed as JSON: `python memory_probe.py FOLDER JOB`, the job "prepare" first, then any of JOBS.

All in bytes. peaks: of the steps of the job, where the process with its libraries loaded is zero. mapped: what the weights file takes in
memory after a dense forward pass, and what of that is a copy of the process's own.
"""

import json
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch._dynamo  # measuring sizes loads it
from spaces import WHOLE

from paretopress.compression.allocation import save_tables
from paretopress.compression.layers import AMOUNTS, LAYER_KINDS, layout_of
from paretopress.compression.plans import canonical
from paretopress.compression.repair import RepairImages
from paretopress.config.variables import Design
from paretopress.dataset.split import Split, load_split, save_split
from paretopress.fronts.sizes import measure_sizes
from paretopress.methods import surrogate  # noqa: F401
from paretopress.networks import torchvision_networks  # noqa: F401  jobs have these loaded
from paretopress.networks.build import build_network
from paretopress.networks.mapped import mapped_network
from paretopress.networks.moves import Moves
from paretopress.networks.trial import check_network
from paretopress.networks.weights import import_weights, save_weights, without_memory
from paretopress.search.targets import load_target

ARCHITECTURE = {"name": "vgg16"}
WEIGHTS, TABLES = (f"{name}.safetensors" for name in ("weights", "tables"))
IMAGES = {32: "images-32.safetensors", 224: "images-224.safetensors"}
DESIGNS = {
    "biases": Design(2, 2, 0.5, 0.5, 0, 0, 0),
    "all pruned": Design(2, 2, 0.5, 0.9, 2, 2, 0),
    "quantised": Design(0, 0, 0.0, 0.0, 0, 0, 1),
    "all pruned, quantised": Design(2, 2, 0.9, 0.5, 2, 2, 1),
    "few bits": Design(2, 2, 0.1, 0.1, 1, 1, 0, linear_bits=4, conv_bits=4),
}


def memory(name: str) -> int:
    """A line of the process's status, in bytes: VmRSS, or VmHWM, the most since the mark was reset."""
    return 1024 * int(re.search(rf"{name}:\s+(\d+)", Path("/proc/self/status").read_text())[1])


def mapped(path: Path) -> dict[str, int]:
    """What the mappings of a file hold in memory, in bytes: all of it, and what is not shared with other processes but copied."""
    maps = Path("/proc/self/smaps").read_text().split("VmFlags")
    found = [entry for entry in maps if str(path) in entry]
    return {
        name: sum(1024 * int(re.search(rf"{name}:\s+(\d+)", entry)[1]) for entry in found)
        for name in ("Rss", "Private_Dirty")
    }


def prepare(folder: Path) -> None:
    torch.manual_seed(0)
    with torch.device("meta"):
        network = build_network(ARCHITECTURE, 10)
    network.to_empty(device="cpu")
    for parameter in network.parameters():
        parameter.data.uniform_(-0.01, 0.01)
    save_weights(network, folder / WEIGHTS)
    for side, name in IMAGES.items():
        images = torch.zeros(8, 3, side, side, dtype=torch.uint8)
        save_split(Split(images, torch.arange(8), tuple("abcdefghij")), folder / name)


@contextmanager
def peak_of(name: str, peaks: dict[str, int], base: int) -> Iterator[None]:
    Path("/proc/self/clear_refs").write_text("5")  # resets VmHWM
    yield
    peaks[name] = memory("VmHWM") - base


def evaluated(
    folder: Path, base: int, moves: Moves, side: int = 32, batch_size: int = 8
) -> dict[str, Any]:
    weights, images, peaks = folder / WEIGHTS, folder / IMAGES[side], {}
    with peak_of("loading", peaks, base):
        target = load_target(weights, images, ARCHITECTURE, WHOLE, 1, batch_size, 0.5, moves)
    repaired = {name: design for name, design in DESIGNS.items() if name != "quantised"}
    for name, design in (DESIGNS if side == 32 else repaired).items():
        with peak_of(name, peaks, base):
            target.evaluate(target.canonical(design)[1])
    dense = mapped_network(build_network(ARCHITECTURE, 10), weights).fresh()
    with torch.inference_mode():
        dense(torch.zeros(1, 3, 32, 32))
    return {"peaks": peaks, "mapped": mapped(weights)}


def evaluate(folder: Path, base: int) -> dict[str, Any]:
    return evaluated(folder, base, Moves())


def evaluate_with_moves(
    folder: Path, base: int, side: int = 32, batch_size: int = 8
) -> dict[str, Any]:
    """With tables of the size of LAMP's, and repair on images in several batches."""
    layout = layout_of(build_network(ARCHITECTURE, 10))
    steps = np.arange(AMOUNTS + 1)[:, None] / AMOUNTS
    tables = {
        kind: np.rint(steps * [layer.weight for layer in getattr(layout, kind)]).astype(np.int32)
        for kind in LAYER_KINDS
    }
    images = load_split(folder / IMAGES[side])
    repair = RepairImages(images, torch.arange(8), batch_size=max(2, batch_size // 2), asked=8)
    return evaluated(folder, base, Moves(tables=tables, repair=repair), side, batch_size)


def evaluate_large_images(folder: Path, base: int) -> dict[str, Any]:
    """Repaired designs, with few images in a batch: an output of a layer has up to 13 MB an image.

    int8 alone, with nothing to repair, takes 1.65 to 1.92 times the weights here.
    """
    return evaluate_with_moves(folder, base, side=224, batch_size=2)


def tabulate(folder: Path, base: int) -> dict[str, Any]:
    peaks = {}
    with peak_of("tables", peaks, base):
        network = mapped_network(build_network(ARCHITECTURE, 10), folder / WEIGHTS)
        save_tables(network.tables(), folder / TABLES)
    return {"peaks": peaks}


def measure(folder: Path, base: int) -> dict[str, Any]:
    peaks = {}
    with peak_of("sizes", peaks, base):
        network = mapped_network(build_network(ARCHITECTURE, 10), folder / WEIGHTS)
        plan = canonical(DESIGNS["all pruned, quantised"], network.layout(), 1)[1]
        measure_sizes(network.pruned(plan).network, plan, (3, 32, 32))
    return {"peaks": peaks}


def take_over(folder: Path, base: int) -> dict[str, Any]:
    peaks = {}
    with peak_of("taking over", peaks, base):
        network = build_network(ARCHITECTURE, 10)
        check_network(network, 10, 32)
        network = without_memory(network)
        import_weights(network, folder / WEIGHTS, folder / "taken.safetensors")
    return {"peaks": peaks}


JOBS = {
    "evaluate": evaluate,
    "tabulate": tabulate,
    "evaluate with moves": evaluate_with_moves,
    "evaluate large images with moves": evaluate_large_images,
    "measure": measure,
    "take over": take_over,
}

if __name__ == "__main__":
    torch.set_num_threads(1)
    place, job = Path(sys.argv[1]), sys.argv[2]
    if job == "prepare":
        prepare(place)
    else:
        print(json.dumps(JOBS[job](place, memory("VmRSS"))))
