"""The size of a compressed network in parameters, bytes and multiply-accumulates."""

import zlib
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import IO, Any, cast

import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from ..compression.layers import Layer, layout_of
from ..compression.plans import Plan
from ..compression.pruning import quantize_in_place

GZIP_LEVEL = 6  # the default of the gzip command
# 16 adds the header and the checksum of a .gz file (zlib manual, deflateInit2).
GZIP_WINDOW = 16 + zlib.MAX_WBITS
MULTIPLYING = {
    torch.ops.aten.mm,
    torch.ops.aten.addmm,
    torch.ops.aten.bmm,
    torch.ops.aten.linear,
    torch.ops.aten.convolution,
}


@dataclass(frozen=True)
class Sizes:
    """The sizes of one network.

    Attributes:
        parameters: The number of all parameters before quantisation, with those of norm layers.
        nonzero_parameters: The number of them that are not zero.
        bytes: The size of the state dict as torch writes it. Tensors are float32, or int8 in
            quantised Linear layers.
        compressed_bytes: The size of the same bytes after gzip.
        macs: The multiply-accumulates of Linear and convolution layers for one image. A dense
            kernel does all of them, whatever the weights are.
        nonzero_macs: The multiply-accumulates whose weight is not zero. A sparse kernel would
            need only these.
    """

    parameters: int
    nonzero_parameters: int
    bytes: int
    compressed_bytes: int
    macs: int
    nonzero_macs: int


class _Multiplications(TorchDispatchMode):
    """A counter of how often each entry of some weights is multiplied, in whatever operation.

    `positions` holds the counts by the weights' storage. Each entry of a weight is used once at
    each position of the output, in grouped convolutions too.
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
    """Count the multiply-accumulates of the Linear and convolution layers for one image.

    Args:
        network: A network that is not quantised.
        image: The shape of one input: channels, height and width.

    Returns:
        The count over all weights, and the count over the weights that are not zero.
    """
    layout = layout_of(network)
    parameters = dict(network.named_parameters(remove_duplicate=False))
    weights = [parameters[f"{layer.name}.weight"].data for layer in layout.linear + layout.conv]
    # Without gradients, attention takes a fast path, in which the multiplications are not seen.
    with torch.enable_grad(), _Multiplications(weights) as counter:
        network.eval()(torch.zeros(1, *image))
    positions = [counter.positions[weight.data_ptr()] for weight in weights]
    return (
        sum(weight.numel() * count for weight, count in zip(weights, positions, strict=True)),
        sum(
            int(torch.count_nonzero(weight)) * count
            for weight, count in zip(weights, positions, strict=True)
        ),
    )


class _Counter:
    """A file that keeps only the length of its content, plain and after gzip."""

    def __init__(self) -> None:
        self.bytes = self.compressed_bytes = 0
        self._gzip = zlib.compressobj(GZIP_LEVEL, wbits=GZIP_WINDOW)

    def write(self, content: Any) -> int:
        self.bytes += len(content)
        self.compressed_bytes += len(self._gzip.compress(content))
        return len(content)

    def flush(self) -> None:
        """Do nothing. A file must have this method."""

    def close(self) -> None:
        self.compressed_bytes += len(self._gzip.flush())


def _serialized_sizes(network: nn.Module) -> tuple[int, int]:
    """The bytes of the state dict as torch writes it, plain and after gzip."""
    with closing(_Counter()) as counter:
        torch.save(network.state_dict(), cast(IO[bytes], counter))
    return counter.bytes, counter.compressed_bytes


def pruned_layers(plan: Plan, layers: Sequence[Layer]) -> str:
    """The names of those of the layers in which a plan sets entries to zero, separated by ";"."""
    pruned = {tensor.rpartition(".")[0] for tensor, _ in plan.zeros}
    return ";".join(layer.name for layer in layers if layer.name in pruned)


def measure_sizes(pruned: nn.Module, plan: Plan, image: tuple[int, int, int]) -> Sizes:
    """Measure the sizes of a pruned network.

    Args:
        pruned: The network, pruned by `plan`. It is quantised in place if the plan says so.
        plan: The plan of the network.
        image: The shape of one input: channels, height and width.

    Returns:
        The sizes of the network.
    """
    macs, nonzero_macs = multiply_accumulates(pruned, image)
    parameters = sum(parameter.numel() for parameter in pruned.parameters())
    nonzero_parameters = sum(
        int(torch.count_nonzero(parameter)) for parameter in pruned.parameters()
    )
    if plan.quantized:
        quantize_in_place(pruned)
    plain, compressed = _serialized_sizes(pruned)
    return Sizes(parameters, nonzero_parameters, plain, compressed, macs, nonzero_macs)
