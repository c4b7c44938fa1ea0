"""The size of a compressed network in parameters, bytes and multiply-accumulates."""

import warnings
import zlib
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import chain
from typing import IO, Any, cast

import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from ..compression.layers import (
    Layer,
    in_text,
    layer_name,
    layout_of,
    tensor_name,
    with_tensors,
)
from ..compression.plans import Plan
from ..compression.pruning import quantize_in_place

GZIP_LEVEL = 6  # the default of the gzip command
# 16 adds the header and the checksum of a .gz file (zlib manual, deflateInit2).
GZIP_WINDOW = 16 + zlib.MAX_WBITS
CONVOLUTION = torch.ops.aten.convolution
# Products of two tensors, and the place of the first one among the arguments. torch makes all other
# products of these.
PRODUCTS = {
    torch.ops.aten.mm: 0,
    torch.ops.aten.bmm: 0,
    torch.ops.aten.mv: 0,
    torch.ops.aten.dot: 0,
    torch.ops.aten.linear: 0,
    torch.ops.aten.addmm: 1,
    torch.ops.aten.addmv: 1,
    torch.ops.aten.baddbmm: 1,
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
        macs: The multiply-accumulates with weights for one image. A dense kernel does all of
            them, whatever the weights are.
        nonzero_macs: The multiply-accumulates whose weight is not zero. A sparse kernel would
            need only these.
        layers_without_macs: The layers whose work is in neither of both, separated by ";": they
            compute in another way than by products and convolutions, or the image does not reach
            them.
    """

    parameters: int
    nonzero_parameters: int
    bytes: int
    compressed_bytes: int
    macs: int
    nonzero_macs: int
    layers_without_macs: str


def _tensors(nested: Any) -> list[torch.Tensor]:
    """The tensors with a memory of their own among the arguments or results of an operation."""
    return [
        leaf
        for leaf in tree_leaves(nested)
        if isinstance(leaf, torch.Tensor) and leaf.layout == torch.strided and not leaf.is_nested
    ]


def _memory(tensor: torch.Tensor) -> int:
    """What two tensors have in common exactly if one is a view of the memory of the other."""
    return tensor.untyped_storage()._cdata


class _Multiplications(TorchDispatchMode):
    """A counter of the multiplications with weights, whatever these are made of.

    A factor is a weight if it does not depend on the image, and so is every convolution's kernel.
    Weights that a layer derives from its own count as they are multiplied. A kernel that depends on
    the image has no zeros that a sparse kernel could know.

    Args:
        weights: The weights of the layers by name. They may lie in one mapped file.
        image: The image.

    Attributes:
        macs, nonzero_macs: The counts.
        counted: The names of the layers whose weights, or what is derived from them, were counted.
    """

    def __init__(self, weights: Mapping[str, torch.Tensor], image: torch.Tensor) -> None:
        super().__init__()
        self.macs = self.nonzero_macs = 0
        self.counted: set[str] = set()
        places = sorted((own.data_ptr(), own.nbytes, name) for name, own in weights.items())
        self._starts = [start for start, _, _ in places]
        self._ends = [(start + size, name) for start, size, name in places]
        self._of_image = {_memory(image)}
        self._derived: dict[int, frozenset[str]] = {}
        # Held, so that no later tensor gets the memory of an earlier one.
        self._held: list[torch.UntypedStorage] = []

    def _layers_in(self, tensor: torch.Tensor) -> frozenset[str]:
        """The layers whose weights a tensor is, is a part of, or is derived from."""
        if (memory := _memory(tensor)) in self._derived:
            return self._derived[memory]
        place = bisect_right(self._starts, tensor.data_ptr()) - 1
        end, name = self._ends[place] if place >= 0 else (0, "")
        return frozenset([name] if tensor.data_ptr() < end else [])

    def _count(self, weight: torch.Tensor, multiplications: int) -> None:
        if not weight.numel():  # such as the weight of a layer without inputs
            return
        self.macs += multiplications
        uses, known = multiplications // weight.numel(), _memory(weight) not in self._of_image
        nonzero = int(torch.count_nonzero(weight)) if known else weight.numel()
        self.nonzero_macs += uses * nonzero
        self.counted |= self._layers_in(weight)

    def _count_operation(self, operation: Any, args: Any, output: Any) -> bool:
        """Count an operation, and tell whether it is a product with a weight."""
        if operation is CONVOLUTION:
            weight, transposed = args[1], args[6]
            # Each entry of a kernel is used once at each position of the output, or of the input.
            positions = args[0] if transposed else output
            self._count(weight, positions.numel() * weight[0].numel())
            return True
        if operation in PRODUCTS:
            first, second = args[PRODUCTS[operation] :][:2]
            weights = [own for own in (second, first) if _memory(own) not in self._of_image]
            if weights:
                known = next(filter(self._layers_in, weights), weights[0])
                self._count(known, output.numel() * first.shape[-1])
                return True
        return False

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        output = func(*args, **(kwargs or {}))
        counted = self._count_operation(func.overloadpacket, args, output)
        given = _tensors((args, kwargs))
        sources = set(map(_memory, given))
        layers = frozenset(chain.from_iterable(map(self._layers_in, given)))
        for made in _tensors(output):
            memory = _memory(made)
            self._held.append(made.untyped_storage())
            if sources & self._of_image:
                self._of_image.add(memory)
            # What is counted already says nothing of later factors.
            if not counted and (memory in self._derived or memory not in sources):
                self._derived[memory] = self._derived.get(memory, frozenset()) | layers
        return output


def multiply_accumulates(
    network: nn.Module, image: tuple[int, int, int]
) -> tuple[int, int, list[str]]:
    """Count the multiply-accumulates with weights for one image.

    Args:
        network: A network that is not quantised. It stays as it is.
        image: The shape of one input: channels, height and width.

    Returns:
        The count over all weights, and the count over the weights that are not zero. And the names
        of the layers whose work is in neither: they compute in another way than by products and
        convolutions, or the image, which is black, does not reach them.
    """
    layout, pixels = layout_of(network), torch.zeros(1, *image)
    trial = with_tensors(network, {}).eval()
    parameters = dict(trial.named_parameters(remove_duplicate=False))
    names = [layer.name for layer in layout.linear + layout.conv if layer.weight]
    weights = {name: parameters[tensor_name(name, "weight")].detach() for name in names}
    with warnings.catch_warnings():
        # The flags of oneDNN set one of Intel's GPUs too, and warn of it.
        warnings.filterwarnings("ignore", message="TF32 acceleration", category=UserWarning)
        # Without gradients, attention takes a fast path, in which the multiplications are not seen.
        # So do recurrent layers with oneDNN.
        with (
            torch.backends.mkldnn.flags(enabled=False),
            torch.enable_grad(),
            _Multiplications(weights, pixels) as counter,
        ):
            trial(pixels)
    unknown = [name for name in names if name not in counter.counted]
    return counter.macs, counter.nonzero_macs, unknown


class CountingFile:
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


def _stored_once(network: nn.Module) -> dict[str, Any]:
    """The state dict with each module once, under the first of its names."""
    state = network.state_dict()
    later = {name for name, _ in network.named_modules(remove_duplicate=False)}
    later -= {name for name, _ in network.named_modules()}
    for key in [key for key in state if layer_name(key) in later]:
        del state[key]
    return state


def _serialized_sizes(network: nn.Module) -> tuple[int, int]:
    """The bytes of the state dict as torch writes it, plain and after gzip."""
    with closing(CountingFile()) as counter:
        torch.save(_stored_once(network), cast(IO[bytes], counter))
    return counter.bytes, counter.compressed_bytes


def pruned_layers(plan: Plan, layers: Sequence[Layer]) -> str:
    """The names of those of the layers in which a plan sets entries to zero, separated by ";"."""
    pruned = {layer_name(tensor) for tensor, _ in plan.zeros}
    return ";".join(in_text(layer.name) for layer in layers if layer.name in pruned)


def measure_sizes(pruned: nn.Module, plan: Plan, image: tuple[int, int, int]) -> Sizes:
    """Measure the sizes of a pruned network.

    Args:
        pruned: The network, pruned by `plan`. It is quantised in place if the plan says so.
        plan: The plan of the network.
        image: The shape of one input: channels, height and width.

    Returns:
        The sizes of the network.
    """
    macs, nonzero_macs, unknown = multiply_accumulates(pruned, image)
    parameters = sum(parameter.numel() for parameter in pruned.parameters())
    nonzero_parameters = sum(
        int(torch.count_nonzero(parameter)) for parameter in pruned.parameters()
    )
    if plan.quantized:
        quantize_in_place(pruned)
    plain, compressed = _serialized_sizes(pruned)
    return Sizes(
        parameters,
        nonzero_parameters,
        plain,
        compressed,
        macs,
        nonzero_macs,
        ";".join(map(in_text, unknown)),
    )
