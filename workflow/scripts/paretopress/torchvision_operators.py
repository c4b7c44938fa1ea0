"""Make torchvision importable beside a CPU build of torch.

Import torchvision from this module: `from .torchvision_operators import torchvision`.

The torchvision of the package index is built for CUDA. Its compiled operators do not load beside
a CPU build of torch. The import then fails with "operator torchvision::nms does not exist".
It succeeds if the two operators that it looks up are declared. No classification network calls
them. Nothing is declared if the operators load.
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
        return True  # The import of torchvision itself then reports what is missing.
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
    """Replace torch's compiler while torchvision is imported.

    Loading the compiler takes as long as loading torch itself. torchvision takes one function from
    it, and only the operators of object detection call that function. A later import of the
    compiler loads the real one.
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
    # torchvision takes seconds to load, so it is loaded only when it is asked for.
    if name != "torchvision":
        raise AttributeError(name)
    with _without_compiler():
        return importlib.import_module(name)
