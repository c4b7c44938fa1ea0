"""The files of an exported network: how each is written, and how its scores are computed."""

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

import torch
from torch import nn

from ..compression.layers import with_tensors
from ..compression.plans import Plan
from ..compression.pruning import Pruned, count_and_quantize
from ..compression.tally import scores_of
from ..dataset.split import Split
from ..jobs.machine import overflows_int8
from ..networks.mapped import MappedNetwork
from ..networks.packed import load_packed, save_packed
from ..networks.weights import save_weights
from .exported import EVALUATED, FLOAT32, INT8
from .onnx_files import onnx_scores, quiet, write_int8, write_onnx
from .scores import Scores

WEIGHTS: Final = "weights.safetensors"
PACKED: Final = "packed.safetensors"
PT2: Final = "model.pt2"
ONNX: Final = "model.onnx"
ONNX_INT8: Final = "model-int8.onnx"
TORCH, ONNX_RUNTIME = "torch", "ONNX Runtime"
TRIAL_IMAGES = 2  # torch.export takes a single image for a fixed number


@dataclass(frozen=True)
class Exportable:
    """A compressed network that becomes files.

    Attributes:
        structure: A network of the same architecture. Its own weights are not used.
        pruned: The float network: pruned, rounded and repaired.
        plan: Its plan.
        images: The shape of an image: channels, height and width.
        calibration: The images that int8 is calibrated on.
        threads: The threads of a pass.
    """

    structure: nn.Module
    pruned: Pruned
    plan: Plan
    images: tuple[int, int, int]
    calibration: Split
    threads: int

    @cached_property
    def evaluated(self) -> nn.Module:
        """The network as the search evaluates it: quantised if its plan says so."""
        own = with_tensors(self.pruned.network, {})
        return count_and_quantize(own, self.plan)[0].eval()

    @cached_property
    def program(self) -> torch.export.ExportedProgram:
        """The float network as torch.export sees it, for any number of images."""
        trial = torch.zeros(TRIAL_IMAGES, *self.images)
        with quiet(), torch.no_grad():
            network = self.pruned.network.eval()
            return torch.export.export(
                network, (trial,), dynamic_shapes=({0: torch.export.Dim("images")},)
            )


def _write_weights(network: Exportable, path: Path) -> None:
    save_weights(network.pruned.network, path)


def read_weights(network: Exportable, path: Path) -> nn.Module:
    """The network of a written file WEIGHTS."""
    return MappedNetwork(network.structure, path).fresh()


def _weights_scores(network: Exportable, path: Path) -> Scores:
    return _torch_scores(read_weights(network, path))


def _write_packed(network: Exportable, path: Path) -> None:
    save_packed(network.pruned, network.plan, path)


def read_packed(network: Exportable, path: Path) -> nn.Module:
    """The network of a written file PACKED."""
    return load_packed(network.structure, path)


def _packed_scores(network: Exportable, path: Path) -> Scores:
    return _torch_scores(read_packed(network, path))


def _write_pt2(network: Exportable, path: Path) -> None:
    # In memory first: torch ends the process when it cannot write to a full disk.
    whole = io.BytesIO()
    with quiet():
        torch.export.save(network.program, whole)
    path.write_bytes(whole.getbuffer())


def _pt2_scores(network: Exportable, path: Path) -> Scores:
    with quiet():
        return _torch_scores(torch.export.load(path).module())


def _write_onnx(network: Exportable, path: Path) -> None:
    write_onnx(network.program, path)


def _write_int8(network: Exportable, path: Path) -> None:
    write_int8(path.with_name(ONNX), network.calibration, overflows_int8(), network.threads, path)


def _onnx_scores(network: Exportable, path: Path) -> Scores:
    return onnx_scores(path, network.threads)


def _torch_scores(network: nn.Module) -> Scores:
    return lambda images: scores_of(network, images)


@dataclass(frozen=True)
class Format:
    """A kind of file.

    Attributes:
        form: What the file computes: EVALUATED, FLOAT32 or INT8.
        runtime: What runs it: TORCH or ONNX_RUNTIME.
        holds: What the file holds, in words.
        write: Function that writes the file.
        scores: Function that gives the scores of the written file.
        library: Whether another library writes it, which may lack an operator of the network.
        made_from: The file that it is made from. None if it is made from the network.
    """

    form: str
    runtime: str
    holds: str
    write: Callable[[Exportable, Path], None]
    scores: Callable[[Exportable, Path], Scores]
    library: bool = True
    made_from: str | None = None


# In the order in which they are written.
FORMATS: Mapping[str, Format] = {
    PACKED: Format(
        EVALUATED,
        TORCH,
        "the small file, for `paretopress.networks.packed.load_packed`",
        _write_packed,
        _packed_scores,
        library=False,
    ),
    WEIGHTS: Format(
        FLOAT32,
        TORCH,
        "the weights in float32, for your own code that builds the network",
        _write_weights,
        _weights_scores,
        library=False,
    ),
    PT2: Format(
        FLOAT32, TORCH, "the network for torch alone (`torch.export.load`)", _write_pt2, _pt2_scores
    ),
    ONNX: Format(FLOAT32, ONNX_RUNTIME, "the network in float32", _write_onnx, _onnx_scores),
    ONNX_INT8: Format(
        INT8,
        ONNX_RUNTIME,
        "the network in static int8, calibrated on training images",
        _write_int8,
        _onnx_scores,
        made_from=ONNX,
    ),
}
