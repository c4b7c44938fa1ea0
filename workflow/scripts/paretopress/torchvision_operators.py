"""Makes torchvision importable beside a CPU build of torch too; to be imported before it.

torchvision from the package index is built for CUDA. Its compiled operators do not load beside a CPU build of torch, and the
import then fails with "operator torchvision::nms does not exist". Declaring the two operators that are looked up during
the import is enough; no classification network calls them. Where the operators do load, nothing is declared.
"""

import importlib
import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import torch


def _operators_load() -> bool:
    spec = importlib.util.find_spec("torchvision")
    if spec is None or spec.origin is None:
        return True  # whoever imports it is then told what is missing
    for library in Path(spec.origin).parent.glob("_C*"):
        try:
            torch.ops.load_library(str(library))
        except OSError:
            return False
    return True


if not _operators_load():
    _declared = torch.library.Library("torchvision", "DEF")
    for _operator in ("nms", "qnms"):
        _declared.define(f"{_operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")


@contextmanager
def _without_compiler() -> Iterator[None]:
    """torchvision takes one function from torch's compiler, which only the operators of object detection call.

    Loading the compiler takes as long as torch itself. Whoever asks for it later gets it.
    """
    names = ("torch._dynamo", "torch._dynamo.utils")
    if names[0] in sys.modules:
        yield
        return
    compiler, utils = map(ModuleType, names)
    utils.is_compile_supported = lambda device: False  # type: ignore[attr-defined]
    sys.modules |= zip(names, (compiler, utils), strict=True)
    try:
        yield
    finally:
        for name in names:
            del sys.modules[name]


def __getattr__(name: str) -> Any:
    """`from .torchvision_operators import torchvision`: loaded there, since it takes seconds."""
    if name != "torchvision":
        raise AttributeError(name)
    with _without_compiler():
        return importlib.import_module(name)
