"""Repair a pruned network without training: give its activations the statistics of the dense one.

Batch norm gets running statistics that are measured on the pruned network. A layer without batch
norm gets each output channel scaled and shifted, so that its mean and standard deviation are those
of the dense network (as in Jordan, Sedghi, Saukh, Entezari and Neyshabur 2023, "REPAIR:
REnormalizing Permuted Activations for Interpolation Repair", section 3). Scale and shift are folded
into its weight and bias, or into the scales of a rounded weight. No entry that is zero changes, and none becomes zero.
"""

import logging
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from operator import attrgetter
from typing import Any

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from ..dataset.split import Split
from .channels import channels_first
from .inputs import Inputs
from .layers import tensor_name, transposed_weights, with_tensors
from .moments import Moments, Pool
from .passage import Passage, modules_of, norm_input
from .pruning import Pruned
from .rounding import rescale
from .tally import CPU, denormals_flushed

# A channel that has nearly vanished would be scaled without end.
LEAST_SCALE, LARGEST_SCALE = 0.2, 5.0
# A deviation up to this share of the mean comes from float32, whose numbers have 6e-8 of their size.
ROUNDING = 1e-6
# The buffers of batch norm, and the moments that they hold.
STATISTICS: dict[str, Callable[[Moments], torch.Tensor]] = {
    "running_mean": attrgetter("mean"),
    "running_var": attrgetter("variance"),
}
ENTRIES_AT_ONCE = 2**22  # of a weight that is scaled

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class RepairImages:
    """The training images that statistics are measured on.

    Attributes:
        training: The training split.
        order: Indices of the images, in their order.
        batch_size: Images in a batch.
        asked: Number of images that the config asks for.
        device: The device of the batches.
    """

    training: Split
    order: torch.Tensor
    batch_size: int
    asked: int
    device: torch.device = CPU

    @cached_property
    def _inputs(self) -> Inputs:
        parts = list(self.order.split(self.batch_size))
        if len(parts) > 1 and len(parts[-1]) == 1:
            parts[-2:] = [torch.cat(parts[-2:])]
        return Inputs(self.training, parts, self.device)

    def batches(self) -> Iterator[torch.Tensor]:
        """Yield network inputs, float32 of shape (batch_size, 3, height, width).

        The last batch may be smaller. A last image alone joins the batch before: it may have one
        value of a channel, and then no standard deviation.
        """
        yield from self._inputs

    def notes(self) -> list[str]:
        """Say what a user should know of the images."""
        labels = self.training.labels[self.order].unique().tolist()
        few = f"repair has {len(self.order)} training images, {self.asked} were asked for"
        one = f"all images of the repair are of the class {self.training.classes[labels[0]]}"
        return [
            *([few] if len(self.order) < self.asked else []),
            *([one] if len(labels) == 1 and len(self.training.classes) > 1 else []),
        ]


def _by_channel(layer: Any, output: torch.Tensor) -> torch.Tensor:
    """The output of a layer with its channels in the second dimension."""
    if isinstance(layer, nn.Linear):
        return output.reshape(-1, output.shape[-1])
    return output if output.dim() == layer.weight.dim() else output[None]


def _along(values: torch.Tensor, layer: Any, output: torch.Tensor) -> torch.Tensor:
    """One value for each channel, in the shape in which it meets the output of a layer."""
    places = 0 if isinstance(layer, nn.Linear) else layer.weight.dim() - 2
    return values.to(output.dtype).view(-1, *[1] * places)


def run(network: Callable[[torch.Tensor], Any], batches: Iterable[torch.Tensor]) -> None:
    """Run some batches through a network."""
    with torch.no_grad(), denormals_flushed():
        for batch in batches:
            network(batch)


def dense_moments(
    network: nn.Module, passage: Passage, images: RepairImages
) -> Mapping[str, Moments]:
    """Measure the outputs of the layers that repair scales and shifts.

    Args:
        network: The dense network, in evaluation mode.
        passage: Its passage.
        images: The training images.

    Returns:
        The moments of each layer's output by name. A layer that no image reaches has none.
    """
    pool = Pool()
    layers = [
        (name, module)
        for name, module in modules_of(network, passage.mended)
        if not isinstance(module, _BatchNorm)
    ]
    with ExitStack() as hooks:
        for name, module in layers:

            def measure(layer: Any, inputs: Any, output: torch.Tensor, name: str = name) -> None:
                pool.take(name, _by_channel(layer, output))

            hooks.enter_context(module.register_forward_hook(measure))
        if layers:
            run(network, images.batches())
    return pool


def _varies(moments: Moments) -> torch.Tensor:
    """Whether a channel has more than the rounding of one number, shape (channels,)."""
    return moments.variance > (ROUNDING * moments.mean) ** 2


def scale_and_shift(
    own: Moments, dense: Moments, bias: torch.Tensor | None
) -> tuple[torch.Tensor, torch.Tensor]:
    """Find the scale and the shift that give a layer's output the dense network's moments.

    Args:
        own: Moments of the output of the pruned layer.
        dense: Those of the dense layer.
        bias: Bias of the pruned layer, shape (channels,), None without one.

    Returns:
        Scale and shift of each channel, float64 of shape (channels,). The scale lies between
        LEAST_SCALE and LARGEST_SCALE. It is 1 where a channel never varies or its moments are not
        finite. The shift is 0 there for the latter, and where the bias is zero or missing.
    """
    finite = own.finite & dense.finite
    varies = finite & _varies(own) & _varies(dense)
    ratio = (dense.variance / own.variance).sqrt().clamp(LEAST_SCALE, LARGEST_SCALE)
    scale = torch.where(varies, ratio, 1.0)
    if bias is None:
        return scale, torch.zeros_like(scale)
    return scale, torch.where(finite & (bias != 0), dense.mean - scale * own.mean, 0.0)


def _scale_rows(weight: torch.Tensor, scale: torch.Tensor) -> None:
    """Scale each output channel in place. An entry that would underflow to zero stays as it is."""
    rows = max(1, ENTRIES_AT_ONCE // weight[0].numel())
    for start in range(0, len(weight), rows):
        part = weight[start : start + rows]
        factors = scale[start : start + rows].to(weight.dtype)
        product = part * factors.view(-1, *[1] * (weight.dim() - 1))
        part.copy_(torch.where(product == 0, part, product))


def _shifted(bias: torch.Tensor, scale: torch.Tensor, shift: torch.Tensor) -> torch.Tensor:
    """The mended bias. What is zero stays zero, and nothing else becomes zero."""
    mended = (bias * scale + shift).to(bias.dtype)
    return torch.where(
        bias == 0, bias, torch.where(mended == 0, torch.finfo(bias.dtype).tiny, mended)
    )


def repair(
    pruned: Pruned,
    names: Collection[str],
    dense: Mapping[str, Moments],
    passes: Callable[[nn.Module], None],
    own_tensor: Callable[[str, nn.Parameter], torch.Tensor],
) -> None:
    """Mend a pruned network in place, in one pass over the training images.

    A batch goes on through the network mended by its own moments. What stays in the network is
    mended by the moments of all batches and calls. The images pass through a copy, so that the
    network keeps nothing else of them.

    Args:
        pruned: The pruned network, in evaluation mode, with its scales, which change with the
            rounded weights. Its parameter objects belong to the caller, their memory need not.
        names: What is mended, from `Passage.after`.
        dense: The moments of the dense network, from `dense_moments`.
        passes: Runs the training images through a copy of the network, perhaps from the features
            that come before the first of `names`.
        own_tensor: Gives the values of a parameter, by name, in memory that may be changed. It may
            empty the parameter before.
    """
    passing = with_tensors(pruned.network, {})
    modules: dict[str, Any] = dict(modules_of(pruned.network, names))
    groups = transposed_weights(pruned.network)
    before = {
        name: {key: getattr(module, key) for key in STATISTICS}
        for name, module in modules.items()
        if isinstance(module, _BatchNorm)
    }
    pool = Pool()

    def take_statistics(norm: nn.Module, name: str, found: Moments) -> None:
        for key, moments in STATISTICS.items():
            old = before[name][key]
            setattr(norm, key, torch.where(found.finite, moments(found).to(old.dtype), old))

    with ExitStack() as hooks:
        for name, module in modules_of(passing, names):
            if name in before:

                def renew(norm: Any, args: Any, kwargs: Any, name: str = name) -> None:
                    take_statistics(norm, name, pool.take(name, norm_input(args, kwargs)))

                hooks.enter_context(module.register_forward_pre_hook(renew, with_kwargs=True))
            elif name in dense:

                def mend(layer: Any, inputs: Any, output: Any, name: str = name) -> None:
                    found = pool.take(name, _by_channel(layer, output))
                    scale, shift = scale_and_shift(found, dense[name], layer.bias)
                    output.mul_(_along(scale, layer, output)).add_(_along(shift, layer, output))

                hooks.enter_context(module.register_forward_hook(mend))
        if names:
            passes(passing)

    with torch.no_grad():
        for name, found in pool.items():
            finite = found.finite if name in before else found.finite & dense[name].finite
            if broken := int((~finite).sum()):
                log.warning(
                    "repair: %d channels of %s have statistics that are not finite. They stay as "
                    "they are",
                    broken,
                    name,
                )
            layer = modules[name]
            if name in before:
                take_statistics(layer, name, found)
                continue
            scale, shift = scale_and_shift(found, dense[name], layer.bias)
            weight = own_tensor(parameter := tensor_name(name, "weight"), layer.weight)
            with channels_first(weight, groups.get(parameter)) as rows:
                if parameter in pruned.scales:
                    pruned.scales[parameter] = rescale(rows, pruned.scales[parameter], scale)
                else:
                    _scale_rows(rows, scale)
            layer.weight.data = weight
            if layer.bias is not None:
                layer.bias.data = _shifted(layer.bias.detach(), scale, shift)
