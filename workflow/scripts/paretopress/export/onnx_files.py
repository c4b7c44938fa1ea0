"""ONNX files: a network in float32 and in int8, and their scores by ONNX Runtime."""

import io
import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantType,
    quantize_static,
)

from ..dataset.split import Split, normalized
from .scores import Scores, all_scores

INPUT, OUTPUT = "images", "scores"
# The values of this many pixels are calibrated at once, since all activations are in memory then.
PIXELS_AT_ONCE = 2**16
# Percentiles of the magnitudes of activations that may end their range, the largest first. Which one
# is best depends on the network (docs/evidence.md).
PERCENTILES = (99.999, 99.99, 99.9)
AT_ONCE = 100  # images in a pass that compares int8 with float
WITH_WEIGHTS = ("Conv", "ConvTranspose", "Gemm", "MatMul", "LSTM", "GRU", "RNN")
PROVIDERS = ["CPUExecutionProvider"]
FATAL = 4  # ONNX Runtime's level of messages; it raises errors too


class NoInt8Error(ValueError):
    """No layer of a network can be quantised."""


@contextmanager
def quiet() -> Iterator[None]:
    """Leave out what torch and ONNX Runtime say of their own work."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with (
            warnings.catch_warnings(action="ignore"),
            redirect_stdout(io.StringIO()),
            redirect_stderr(io.StringIO()),
        ):
            yield
    finally:
        logging.disable(before)


def write_onnx(program: torch.export.ExportedProgram, path: Path) -> None:
    """Write a network to one ONNX file, with the images and the scores as input and output.

    Args:
        program: The network. Its number of images may vary.
        path: The file.

    Raises:
        Exception: Any exception of the exporter, for an operator that ONNX lacks.
    """
    with quiet():
        made = torch.onnx.export(
            program, dynamo=True, input_names=[INPUT], output_names=[OUTPUT], verbose=False
        )
        assert made is not None
        made.save(path)
        onnx.checker.check_model(path)


class _Calibration(CalibrationDataReader):
    """The images of a split, a few at a time."""

    def __init__(self, split: Split) -> None:
        pixels = split.images.shape[-1] * split.images.shape[-2]
        self._split, self._step = split, max(1, PIXELS_AT_ONCE // pixels)
        self._starts = iter(range(0, len(split), self._step))

    def __len__(self) -> int:
        return -(-len(self._split) // self._step)

    def set_range(self, start_index: int, end_index: int) -> None:
        """Go on with these batches alone."""
        self._starts = iter(range(start_index * self._step, end_index * self._step, self._step))

    def get_next(self) -> dict[str, np.ndarray] | None:
        """The next batch; None after the last one."""
        if (start := next(self._starts, None)) is None:
            return None
        images = self._split.images[start : start + self._step]
        return {INPUT: normalized(self._split, images).numpy()}


def left_in_float(path: Path) -> tuple[list[str], int]:
    """List the layers of an int8 file that are not int8.

    Args:
        path: The file.

    Returns:
        The operators of these layers, and the number of all layers.
    """
    graph = onnx.load(path, load_external_data=False).graph
    dequantized = {
        name for node in graph.node if node.op_type == "DequantizeLinear" for name in node.output
    }
    layers = [node for node in graph.node if node.op_type in WITH_WEIGHTS]
    left = [node.op_type for node in layers if not dequantized.issuperset(node.input[:2])]
    return left, len(layers)


def onnx_scores(path: Path, threads: int) -> Scores:
    """The scores of an ONNX file.

    Args:
        path: The file.
        threads: The threads of a pass.

    Returns:
        A function of images, float32 of shape (images, 3, height, width).
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.log_severity_level = FATAL
    session = onnxruntime.InferenceSession(path, options, providers=PROVIDERS)
    return lambda images: torch.from_numpy(session.run(None, {INPUT: images.numpy()})[0])


def _half(split: Split, second: bool) -> Split:
    """A half of a split; a single image is in both."""
    middle = len(split) // 2
    own = slice(middle, None) if second else slice(max(1, middle))
    return replace(split, images=split.images[own], labels=split.labels[own])


def write_int8(
    source: Path, calibration: Split, reduce_range: bool, threads: int, path: Path
) -> None:
    """Write a float ONNX file as static int8: int8 weights by channel, uint8 activations.

    The range of an activation ends at a percentile over one half of the images, so that a few large
    values do not decide it. Of PERCENTILES that one is taken whose predictions are those of the
    float file on most images of the other half.

    Args:
        source: The float file.
        calibration: The images, in a random order.
        reduce_range: Whether weights have 7 bits. A processor without int8 dot products adds pairs
            of products in 16 bits, which 8 bits can overflow (ONNX Runtime's documentation,
            "Quantize ONNX models").
        threads: The threads of a pass.
        path: The file.

    Raises:
        NoInt8Error: No layer became int8.
        Exception: Any exception of ONNX Runtime.
    """
    measured, compared = _half(calibration, second=False), _half(calibration, second=True)

    def predicted(file: Path) -> torch.Tensor:
        return all_scores(onnx_scores(file, threads), compared, AT_ONCE).argmax(1)

    wanted, most = predicted(source), -1
    for percentile in PERCENTILES:
        tried = path.with_name(f"tried-{path.name}")
        with quiet():
            quantize_static(
                source,
                tried,
                _Calibration(measured),
                per_channel=True,
                reduce_range=reduce_range,
                activation_type=QuantType.QUInt8,
                weight_type=QuantType.QInt8,
                calibrate_method=CalibrationMethod.Percentile,
                extra_options={"CalibStridedMinMax": 1, "CalibPercentile": percentile},
            )
        agreeing = int((predicted(tried) == wanted).sum())
        if agreeing > most:
            most = agreeing
            tried.replace(path)
    tried.unlink(missing_ok=True)
    left, layers = left_in_float(path)
    if len(left) == layers:
        raise NoInt8Error("none of its layers became int8")
