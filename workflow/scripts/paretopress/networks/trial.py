"""Try a network on two images before any work.

A trial runs on copies. The network that is trained or evaluated keeps nothing of it.
"""

import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn.parameter import is_lazy

from ..compression.layers import layout_of, with_tensors
from ..compression.passage import trial_images
from ..errors import UserError
from .build import seeded
from .stored import wanted_by
from .weights import check_extra_state

# Sides of images that networks are often made for. They are tried where that of the config fails.
COMMON_SIZES = (32, 64, 96, 128, 160, 192, 224, 256, 299, 384)
TORCH = Path(torch.__file__).parent
DIFFERENCE = 1e-5  # of the largest score: what the order of sums can make


def trial_pass(network: nn.Module, image_size: int, contrast: float = 1.0) -> Any:
    """The scores of a network for the trial images, perhaps of another contrast."""
    # No inference mode: a network that keeps a tensor outside of itself could not be trained then.
    with torch.no_grad():
        return network(contrast * trial_images(image_size))


def _check_scores(network: nn.Module, scores: object, num_classes: int) -> None:
    if isinstance(scores, torch.Tensor) and not scores.is_floating_point():
        raise UserError(
            f"the network {type(network).__name__} returned scores of the type {scores.dtype}. It "
            "must return floating-point scores, of which no argmax is taken."
        )
    if not isinstance(scores, torch.Tensor) or scores.shape != (2, num_classes):
        returned = (
            tuple(scores.shape)
            if isinstance(scores, torch.Tensor)
            else f"a {type(scores).__name__}"
        )
        raise UserError(
            f"the network {type(network).__name__} returned {returned} "
            f"for 2 images of {num_classes} classes. "
            f"It must return one tensor of scores, of shape (2, {num_classes}), in training too."
        )


def _takes(network: nn.Module, image_size: int) -> bool:
    """Tell whether a network takes images of this size, in evaluation mode."""
    try:
        trial_pass(with_tensors(network, {}).eval(), image_size)
    except Exception:
        return False
    return True


def _line_of(network: nn.Module, error: Exception) -> str:
    """The last line of the network's own code that an error passed through, if it is known."""
    files = {
        getattr(sys.modules.get(type(own).__module__), "__file__", None)
        for own in network.modules()
    }
    own = [
        f" ({frame.filename}, line {frame.lineno})"
        for frame in traceback.extract_tb(error.__traceback__)
        if frame.filename in files and TORCH not in Path(frame.filename).parents
    ]
    return own[-1] if own else ""


def _no_pass(network: nn.Module, mode: str, image_size: int, error: Exception) -> UserError:
    told = (
        f"the network {type(network).__name__} cannot take 2 images of {image_size} x {image_size} "
        f"pixels in {mode} mode: {type(error).__name__}: {error}{_line_of(network, error)}."
    )
    if isinstance(error, NameError | AttributeError | ImportError):
        return UserError(f"{told} Mend the code of the network.")
    if mode == "training" and _takes(network, image_size):
        return UserError(
            f"{told} In evaluation mode it takes them: look at what it does in training alone."
        )
    sizes = [size for size in COMMON_SIZES if size != image_size and _takes(network, size)]
    if sizes:
        return UserError(
            f"{told} Of {', '.join(map(str, COMMON_SIZES))} pixels it takes "
            f"{', '.join(map(str, sizes))}. Set dataset.image_size to the size that it was made for, "
            "or the arguments of the architecture (image_size for vision transformers)."
        )
    return UserError(
        f"{told} It takes none of the sizes {', '.join(map(str, COMMON_SIZES))} either, so that the "
        "size may not be the cause: look at the code of the network, and at the arguments of the "
        "architecture."
    )


def _copy(network: nn.Module, mode: str) -> nn.Module:
    try:
        return with_tensors(network, {}).train(mode == "training")
    except Exception as error:
        raise UserError(
            f"the network {type(network).__name__} cannot be copied (copy.deepcopy): {error}. "
            "Each evaluation compresses a copy of the network: let it hold nothing that cannot be "
            "copied, such as open files, locks or tensors with gradients."
        ) from error


def trial_scores(
    network: nn.Module, mode: str, image_size: int, seeds: Sequence[int]
) -> list[torch.Tensor]:
    """The scores of a copy of a network, by which it must not grow, in a pass for each seed."""
    trial = _copy(network, mode)
    scores = []
    for seed in seeds:
        try:
            with seeded(seed):
                scores.append(trial_pass(trial, image_size))
        except Exception as error:
            raise _no_pass(network, mode, image_size, error) from error
    before, after = (wanted_by(each).tensors for each in (network, trial))
    if made := sorted(
        name for name, own in after.items() if name not in before or own.shape != before[name].shape
    ):
        raise UserError(
            f"the network {type(network).__name__} makes {', '.join(made[:3])} in a pass, or changes "
            "their shape. A training starts without them, and weights have no place to go. Make all "
            "parameters and persistent buffers in __init__, of the shapes that they keep."
        )
    return scores


def alike(scores: torch.Tensor, others: torch.Tensor) -> bool:
    """Tell whether two scores are the same but for the order of sums."""
    most = float(scores.nan_to_num().abs().max())
    return torch.allclose(scores, others, rtol=0.0, atol=DIFFERENCE * most, equal_nan=True)


def require_repeatable(network: nn.Module, passes: Sequence[torch.Tensor]) -> None:
    """Raise UserError if the passes of a network have not the same scores."""
    if not all(alike(passes[0], scores) for scores in passes):
        raise UserError(
            f"the network {type(network).__name__} gives other scores each time for the same images "
            "in evaluation mode, so that no accuracy could be measured twice. It draws random "
            "numbers there, or a pass changes it. Functions such as torch.nn.functional.dropout draw "
            "them if `training` is not given: write training=self.training."
        )


def check_network(network: nn.Module, num_classes: int, image_size: int) -> None:
    """Run two images through copies of a network, in evaluation mode and in training mode.

    Args:
        network: The network, which stays as it is.
        num_classes: Number of classes.
        image_size: Side of the images, in pixels.

    Raises:
        UserError: The network cannot take the images, or returns no scores of shape
            (2, num_classes). Or its scores in evaluation mode depend on random numbers, or it grows
            in a pass. Or it has layers without sizes, complex weights, extra state that
            cannot be stored, or nothing to prune.
    """
    name = type(network).__name__
    if lazy := [key for key, parameter in network.named_parameters() if is_lazy(parameter)]:
        raise UserError(
            f"the network {name}: {', '.join(lazy[:3])} have no shape yet. "
            "Give its lazy layers their sizes."
        )
    if any(isinstance(module, torch.jit.ScriptModule) for module in network.modules()):
        raise UserError(
            f"the network {name} is TorchScript, whose layers nothing can be done to. Give the "
            "function that builds it before torch.jit."
        )
    if odd := [
        key
        for key, own in network.named_parameters()
        if not own.is_floating_point() or type(own.data) is not torch.Tensor
    ]:
        raise UserError(
            f"the network {name}: {', '.join(odd[:3])} hold no real numbers, or are tensors of a "
            "class of their own. Allowed: torch's own tensors of floating-point numbers."
        )
    check_extra_state(network)
    layout = layout_of(network)
    if not layout.linear and not layout.conv:
        raise UserError(
            f"the network {name} has no Linear and no convolution layer: "
            "there is nothing to compress."
        )
    first, *others = trial_scores(network, "evaluation", image_size, (0, 1))
    # A copy of its own shows what is drawn in the first pass alone.
    others += trial_scores(network, "evaluation", image_size, (1,))
    for scores in (first, *trial_scores(network, "training", image_size, (0,))):
        _check_scores(network, scores, num_classes)
    require_repeatable(network, [first, *others])
