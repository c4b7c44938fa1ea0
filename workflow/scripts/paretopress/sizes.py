"""How large a compressed network is, in parameters, bytes and multiply-accumulates."""

import gzip
import io
from dataclasses import dataclass

import torch
from torch import nn
from torch.utils.hooks import RemovableHandle

from .compression import LAYER_KINDS, Plan, prune, quantize

GZIP_LEVEL = 6  # that of the gzip command


@dataclass(frozen=True)
class Sizes:
    """What one network needs.

    parameters, nonzero_parameters: all of them, those of norm layers too, before quantisation.
    bytes: the state dict as torch writes it, float32 tensors, int8 for quantised Linear layers.
    compressed_bytes: the same bytes through gzip.
    macs: multiply-accumulates of Linear and convolution layers for one image, which a dense kernel does whatever the weights are.
    nonzero_macs: those of them whose weight is not zero, all that a sparse kernel would have to do.
    """

    parameters: int
    nonzero_parameters: int
    bytes: int
    compressed_bytes: int
    macs: int
    nonzero_macs: int


def multiply_accumulates(network: nn.Module, image: tuple[int, int, int]) -> tuple[int, int]:
    """(all, those with a weight that is not zero) of the Linear and convolution layers of a float network, for one image of that shape."""
    kinds = tuple(kind for kinds in LAYER_KINDS.values() for kind in kinds)
    total = nonzero = 0

    def count(layer: nn.Module, _inputs: tuple[torch.Tensor, ...], output: torch.Tensor) -> None:
        nonlocal total, nonzero
        weight = layer.get_parameter("weight")
        # Each entry of a weight is used once at each position of the output, in grouped convolutions too.
        positions = output.numel() // weight.shape[0]
        total += weight.numel() * positions
        nonzero += int(torch.count_nonzero(weight)) * positions

    handles: list[RemovableHandle] = [module.register_forward_hook(count) for module in network.modules() if isinstance(module, kinds)]
    try:
        with torch.inference_mode():
            network.eval()(torch.zeros(1, *image))
    finally:
        for handle in handles:
            handle.remove()
    return total, nonzero


def _serialized(network: nn.Module) -> memoryview:
    buffer = io.BytesIO()
    torch.save(network.state_dict(), buffer)
    return buffer.getbuffer()


def measure_sizes(network: nn.Module, plan: Plan, image: tuple[int, int, int]) -> Sizes:
    """The sizes of `network` compressed by `plan`; image: shape of one input, (channels, height, width)."""
    pruned = prune(network, plan)
    macs, nonzero_macs = multiply_accumulates(pruned, image)
    content = _serialized(quantize(pruned) if plan.quantized else pruned)
    return Sizes(
        parameters=sum(parameter.numel() for parameter in pruned.parameters()),
        nonzero_parameters=sum(int(torch.count_nonzero(parameter)) for parameter in pruned.parameters()),
        bytes=len(content),
        compressed_bytes=len(gzip.compress(content, GZIP_LEVEL, mtime=0)),
        macs=macs,
        nonzero_macs=nonzero_macs,
    )
