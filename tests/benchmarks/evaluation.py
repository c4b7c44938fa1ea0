"""An evaluation beside the plain procedure, the bare forward pass and the machine's matrix products, by kind of design.

The plain procedure is what one writes by hand: a deep copy, torch.nn.utils.prune, and a DataLoader of
PIL images in batches of 50. That of an int8 design has the batches of the evaluation, on which its scores depend.

The weights are those that the networks are built with and the images are noise, unless the folder
build/evaluation/ has trained ones: NETWORK.safetensors as in results/STUDY/baselines/NETWORK/weights.safetensors,
and test.safetensors as in results/STUDY/dataset/. IMAGES=10000 sets the number of images.
"""

import copy
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import torch
from paths import ROOT
from PIL import Image
from torch import nn
from torch.nn.utils import prune
from torch.utils.data import DataLoader, Dataset
from torch.utils.flop_counter import FlopCounterMode

from paretopress.compression.designs import design_of
from paretopress.compression.evaluation import Evaluator
from paretopress.compression.plans import Plan, canonical
from paretopress.compression.pruning import nonzero_rate, quantize_in_place
from paretopress.dataset.split import Split, few_of, load_split, normalized
from paretopress.networks.build import build_network
from paretopress.networks.mapped import MappedNetwork, load_network
from paretopress.networks.moves import Moves
from paretopress.networks.weights import save_weights

from .checkouts import Checkout
from .frame import Benchmark, Variant

NETWORKS = ("vgg16", "resnet50")
AMOUNT, BATCH, BATCH_BY_HAND = 0.3, 200, 50
KINDS = {
    "convolutions": {"conv_scope": 2, "conv_amount": AMOUNT, "conv_target": 1},
    "Linear layers": {"linear_scope": 2, "linear_amount": AMOUNT, "linear_target": 1},
}
GIVEN = ROOT / "build" / "evaluation"
BARE = [
    (memory_format, batch)
    for memory_format in (torch.contiguous_format, torch.channels_last)
    for batch in (50, 100, 200, 400)
]
SQUARE = 2048  # rows and columns of the matrix product
KEPT = tempfile.TemporaryDirectory(prefix="evaluation-")


class Pictures(Dataset):
    """The images as PIL has them, and what torchvision's transforms make of them."""

    def __init__(self, split: Split) -> None:
        from paretopress.torchvision_operators import torchvision

        transforms = torchvision.transforms
        self._split = split
        self._pictures = [Image.fromarray(own.permute(1, 2, 0).numpy()) for own in split.images]
        self._transform = transforms.Compose(
            [transforms.ToTensor(), transforms.Normalize(split.mean, split.std)]
        )

    def __len__(self) -> int:
        return len(self._pictures)

    def __getitem__(self, at: int) -> tuple[torch.Tensor, int]:
        return self._transform(self._pictures[at]), int(self._split.labels[at])


@dataclass(frozen=True)
class Case:
    """A network, its designs by part, and what evaluates them."""

    name: str
    network: MappedNetwork
    dense: nn.Module
    split: Split
    pictures: Pictures
    plans: Mapping[str, Plan]
    evaluate: Evaluator


def case(name: str) -> Case:
    count = int(os.environ.get("IMAGES", "2000"))
    if (images := GIVEN / "test.safetensors").is_file():
        split = few_of(load_split(images), count)
    else:
        noise = torch.randint(0, 256, (count, 3, 32, 32), dtype=torch.uint8)
        split = Split(noise, torch.arange(count) % 10, tuple("0123456789"))
    weights = GIVEN / f"{name}.safetensors"
    if not weights.is_file():
        weights = Path(KEPT.name) / weights.name
        save_weights(build_network({"name": name, "arguments": {}}, 10), weights)
    network = load_network({"name": name}, split, weights, Moves())
    plans = {}
    for kind, variables in KINDS.items():
        for number, quantization in (("float", 0), ("int8", 1)):
            design = design_of({**variables, "quantization": quantization})
            plans[f"{name}, {kind}, {number}"] = canonical(design, network.layout(), 0)[1]
    evaluate = Evaluator(network, split, BATCH)
    for plan in plans.values():  # finds features and the fastest path outside of all times
        evaluate(plan)
    dense = network.fresh()
    return Case(name, network, dense, split, Pictures(split), plans, evaluate)


def ours(case: Case, part: str) -> torch.Tensor:
    compressed, _ = case.network.compress(case.plans[part])
    return case.evaluate.predictions(compressed, case.plans[part])[0]


def by_hand(case: Case, part: str) -> torch.Tensor:
    """The plain procedure."""
    plan, network = case.plans[part], copy.deepcopy(case.dense)
    for name, zeros in plan.zeros:
        layer, _, tensor = name.rpartition(".")
        prune.l1_unstructured(network.get_submodule(layer), tensor, zeros)
        prune.remove(network.get_submodule(layer), tensor)
    nonzero_rate(network)
    if plan.quantized:
        quantize_in_place(network)
    loader = DataLoader(case.pictures, BATCH if plan.quantized else BATCH_BY_HAND)
    with torch.no_grad():
        return torch.cat([network(images).argmax(1) for images, _ in loader])


def bare_seconds(case: Case) -> float:
    """Seconds of a pass over all images at the best of some batches and memory formats."""
    best = torch.inf
    with torch.no_grad():
        for memory_format, batch in BARE:
            # A few batches tell the best; normalising is no part of a bare pass.
            images = normalized(case.split, case.split.images[: 2 * batch])
            images = images.contiguous(memory_format=memory_format)
            case.dense(images[:batch])
            start = perf_counter()
            for at in range(0, len(images), batch):
                case.dense(images[at : at + batch])
            best = min(best, (perf_counter() - start) / len(images))
    return best * len(case.split)


def product_seconds(case: Case) -> float:
    """Seconds of matrix products with as many operations as a pass over all images."""
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        case.dense(torch.zeros(1, *case.split.images.shape[1:]))
    matrix = torch.rand(SQUARE, SQUARE)
    matrix @ matrix
    start = perf_counter()
    for _ in range(5):
        matrix @ matrix
    each = (perf_counter() - start) / 5 / (2 * SQUARE**3)
    return each * counter.get_total_flops() * len(case.split)


def variants(checkout: Checkout) -> dict[str, Variant]:
    del checkout  # the present code alone
    torch.set_num_threads(os.cpu_count() or 1)
    cases = [case(name) for name in NETWORKS]
    found: dict[str, torch.Tensor] = {}

    def evaluated(work: Callable[[Case, str], torch.Tensor]) -> Iterator[tuple[str, float]]:
        for own in cases:
            for part in own.plans:
                start = perf_counter()
                predictions = work(own, part)
                yield part, perf_counter() - start
                if part in found:
                    yield f"{part}: differing predictions", int((predictions != found[part]).sum())
                found[part] = predictions

    def passes(work: Callable[[Case], float]) -> dict[str, float]:
        return {next(iter(own.plans)): work(own) for own in cases}

    return {
        "by hand": lambda: found.clear() or dict(evaluated(by_hand)),
        "this code": lambda: dict(evaluated(ours)),
        "a bare pass": lambda: passes(bare_seconds),
        "matrix products": lambda: passes(product_seconds),
    }


BENCHMARK = Benchmark(variants, yardstick="by hand")
