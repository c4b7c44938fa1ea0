"""How large a compressed network is, in parameters, bytes and multiply-accumulates."""

import gzip
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from .compression import Plan, layout_of, prune, quantize

GZIP_LEVEL = 6  # that of the gzip command
MULTIPLYING = {torch.ops.aten.mm, torch.ops.aten.addmm, torch.ops.aten.bmm, torch.ops.aten.linear, torch.ops.aten.convolution}


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


class _Multiplications(TorchDispatchMode):
    """Counts, for some weights, how often each of their entries is multiplied, whichever way a layer's weight is used.

    positions: by the weight's storage; each entry of a weight is used once at each position of the output, in grouped convolutions too.
    """

    def __init__(self, weights: Sequence[torch.Tensor]) -> None:
        super().__init__()
        self.positions = {weight.data_ptr(): 0 for weight in weights}
        self._channels = {weight.data_ptr(): weight.shape[0] for weight in weights}

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        output = func(*args, **(kwargs or {}))
        if func.overloadpacket in MULTIPLYING:
            for tensor in (argument for argument in args if isinstance(argument, torch.Tensor)):
                if (storage := tensor.data_ptr()) in self.positions:
                    self.positions[storage] += output.numel() // self._channels[storage]
        return output


def multiply_accumulates(network: nn.Module, image: tuple[int, int, int]) -> tuple[int, int]:
    """(all, those with a weight that is not zero) of the Linear and convolution layers of a float network, for one image of that shape."""
    layout = layout_of(network)
    parameters = dict(network.named_parameters(remove_duplicate=False))
    weights = [parameters[f"{layer.name}.weight"].data for layer in layout.linear + layout.conv]
    # With gradients, since without them attention takes a fast path that shows no multiplication.
    with torch.enable_grad(), _Multiplications(weights) as counter:
        network.eval()(torch.zeros(1, *image))
    positions = [counter.positions[weight.data_ptr()] for weight in weights]
    return (
        sum(weight.numel() * count for weight, count in zip(weights, positions, strict=True)),
        sum(int(torch.count_nonzero(weight)) * count for weight, count in zip(weights, positions, strict=True)),
    )


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
