"""How large a compressed network is, in parameters, bytes and multiply-accumulates."""

import zlib
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import IO, Any, cast

import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from ..compression.plans import Plan, layout_of
from ..compression.pruning import quantize_in_place

GZIP_LEVEL = 6  # that of the gzip command
GZIP_WINDOW = (
    16 + zlib.MAX_WBITS
)  # 16: with the header and the sum of a .gz file (zlib manual, deflateInit2)
MULTIPLYING = {
    torch.ops.aten.mm,
    torch.ops.aten.addmm,
    torch.ops.aten.bmm,
    torch.ops.aten.linear,
    torch.ops.aten.convolution,
}


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
        sum(
            int(torch.count_nonzero(weight)) * count
            for weight, count in zip(weights, positions, strict=True)
        ),
    )


class _Counter:
    """A file that keeps nothing of what is written to it but its length, plain and through gzip."""

    def __init__(self) -> None:
        self.bytes = self.compressed_bytes = 0
        self._gzip = zlib.compressobj(GZIP_LEVEL, wbits=GZIP_WINDOW)

    def write(self, content: Any) -> int:
        self.bytes += len(content)
        self.compressed_bytes += len(self._gzip.compress(content))
        return len(content)

    def flush(self) -> None:
        """As a file has it; there is nothing to do."""

    def close(self) -> None:
        self.compressed_bytes += len(self._gzip.flush())


def _serialized_sizes(network: nn.Module) -> tuple[int, int]:
    """Bytes of the state dict as torch writes it, plain and through gzip."""
    with closing(_Counter()) as counter:
        torch.save(network.state_dict(), cast(IO[bytes], counter))
    return counter.bytes, counter.compressed_bytes


def measure_sizes(pruned: nn.Module, plan: Plan, image: tuple[int, int, int]) -> Sizes:
    """The sizes of a network pruned by `plan`, of the caller's own: it is quantised in place where the plan says so.

    image: shape of one input, (channels, height, width).
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
