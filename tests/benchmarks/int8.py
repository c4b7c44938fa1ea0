"""How much faster the int8 file of an export is than its float file, in the same runtime: ResNet50 at 224 x 224.

Speed needs no trained weights. Threads are those of a core.
"""

import tempfile
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from time import perf_counter

import torch

from paretopress.compression.pruning import Pruned
from paretopress.dataset.split import Split
from paretopress.export.formats import FORMATS, ONNX, ONNX_INT8, Exportable
from paretopress.export.scores import Scores
from paretopress.fronts.remade import DENSE_PLAN
from paretopress.networks.build import build_network

from .checkouts import Checkout
from .frame import Benchmark, Variant

SIDE, CALIBRATION, THREADS = 224, 16, 1
BATCHES = (1, 64)


def passes(scores: Scores) -> Mapping[str, float]:
    seconds = {}
    for batch in BATCHES:
        images = torch.rand(batch, 3, SIDE, SIDE)
        scores(images[:1])
        start = perf_counter()
        scores(images)
        seconds[f"a batch of {batch}"] = perf_counter() - start
    return seconds


def variants(checkout: Checkout) -> dict[str, Variant]:
    del checkout  # the files are made by the present code
    network = build_network({"name": "resnet50", "arguments": {}}, 1000).eval()
    images = torch.randint(0, 256, (CALIBRATION, 3, SIDE, SIDE), dtype=torch.uint8)
    split = Split(images, torch.zeros(CALIBRATION, dtype=torch.int64), ("a",))
    exportable = Exportable(
        network, Pruned(network, {}), DENSE_PLAN, (3, SIDE, SIDE), split, THREADS
    )
    scores = {}
    with tempfile.TemporaryDirectory() as folder:
        for name in (ONNX, ONNX_INT8):
            FORMATS[name].write(exportable, Path(folder) / name)
            scores[name] = FORMATS[name].scores(exportable, Path(folder) / name)
    return {name: partial(passes, own) for name, own in scores.items()}


BENCHMARK = Benchmark(variants, repeats=5, yardstick=ONNX)
