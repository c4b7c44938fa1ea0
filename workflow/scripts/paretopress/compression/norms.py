"""Batch norms that come straight after a convolution, folded into it for a faster pass."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_weights

from .calls import calls_of
from .layers import with_tensors
from .passage import trial_images

CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)
Pairs = Sequence[tuple[str, str]]


def norms_of(network: nn.Module, image_size: int) -> Pairs:
    """Find the batch norms that take the output of a convolution, both called once in a pass.

    Args:
        network: The dense network on the CPU, in evaluation mode. It stays as it is.
        image_size: Side of the images, in pixels.

    Returns:
        The names of each convolution and its norm.
    """
    network = with_tensors(network, {})
    calls, _, _ = calls_of(network, trial_images(image_size))
    names = [call.module for call in calls]
    found = []
    for before, after in pairwise(calls):
        if before.module is None or after.module is None or after.taken is not before.given:
            continue
        layer, norm = map(network.get_submodule, (before.module, after.module))
        once = names.count(before.module) == names.count(after.module) == 1
        if (
            once
            and type(layer) in CONVOLUTIONS
            and type(norm) in NORMS
            and norm.running_mean is not None
        ):
            found.append((before.module, after.module))
    return found


def without_norms(network: nn.Module, pairs: Pairs) -> nn.Module:
    """Copy a float network with norms folded into the convolutions before them.

    Its scores differ in their last digits.
    """
    copy = with_tensors(network, {})
    for name, norm_name in pairs:
        layer: Any = copy.get_submodule(name)
        norm: Any = copy.get_submodule(norm_name)
        statistics = (norm.running_mean, norm.running_var, norm.eps)
        layer.weight, layer.bias = fuse_conv_bn_weights(
            layer.weight, layer.bias, *statistics, norm.weight, norm.bias
        )
        parent, _, own = norm_name.rpartition(".")
        setattr(copy.get_submodule(parent), own, nn.Identity())
    return copy
