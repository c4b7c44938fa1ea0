"""Fine-tune a compressed network: train it on, with its zeros and its codes held.

The forward and the backward pass use the compressed weights. A rounded weight has latent numbers
beside it. A step moves these by the gradient of the rounded weight (the straight-through estimator
of Bengio, Leonard and Courville 2013, "Estimating or Propagating Gradients Through Stochastic
Neurons for Conditional Computation"), and they are rounded again after it. So the network has the
form of its design between any two steps, whatever the optimizer does.
"""

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import nn

from ..compression.channels import channels_first
from ..compression.layers import LAYER_KINDS, kept_layers, layers_of, transposed_weights
from ..compression.plans import Plan
from ..compression.pruning import Pruned
from ..compression.tally import CPU
from ..dataset.split import Split
from .history import Epoch
from .training import Recipe, train

# The entries of a tensor that are not zero: their places, or all of it.
Places = torch.Tensor | slice


def _places(tensor: torch.Tensor) -> Places:
    found = tensor.detach().view(-1).nonzero().view(-1)
    return slice(None) if len(found) == tensor.numel() else found


def _scale_of_each(
    weight: torch.Tensor, scales: torch.Tensor, groups: int | None, places: Places
) -> torch.Tensor:
    """The scale of each entry at some places of a weight, from those of its channels."""
    each = torch.empty_like(weight)
    with channels_first(each, groups) as rows:
        rows.copy_(scales.to(each.device).view(-1, *[1] * (rows.dim() - 1)).expand_as(rows))
    return each.view(-1)[places]


class _Held:
    """What stays as it is while a network is trained.

    Only the entries that are not zero are looked at: a design that is worth it has few of them.

    Args:
        network: The network, pruned and rounded, on the device of the training.
        scales: The scales of its rounded weights by name.
        bits: Their bits by name.
        keep: Names or patterns of layers that are not trained.

    Attributes:
        latent: The latent numbers of each rounded weight by name, of its entries that are not zero.
    """

    def __init__(
        self,
        network: nn.Module,
        scales: Mapping[str, torch.Tensor],
        bits: Mapping[str, int],
        keep: Sequence[str],
    ) -> None:
        parameters = dict(network.named_parameters(remove_duplicate=False))
        groups = transposed_weights(network)
        self._kept = [
            parameter
            for layer in kept_layers(network, keep)
            for parameter in layer.parameters(recurse=False)
        ]
        # All that the non-zero rate counts, also where the design prunes nothing.
        self._held = [
            (tensor, _places(tensor))
            for kind in LAYER_KINDS
            for _, tensors in layers_of(network, kind, keep)
            for tensor in tensors.values()
        ]
        places = {id(tensor): own for tensor, own in self._held}
        self._rounded: dict[str, tuple[nn.Parameter, Places, torch.Tensor, int]] = {
            name: (
                parameters[name],
                places[id(parameters[name])],
                _scale_of_each(
                    parameters[name],
                    scales[name],
                    groups.get(name),
                    places[id(parameters[name])],
                ),
                2 ** (own - 1),
            )
            for name, own in bits.items()
        }
        self.latent = {
            name: weight.detach().view(-1)[own].clone()
            for name, (weight, own, _, _) in self._rounded.items()
        }

    @torch.no_grad()
    def _before_step(self, *ignored: Any) -> None:
        """Let the optimizer move the latent numbers, and no layer that is kept."""
        for parameter in self._kept:
            parameter.grad = None
        for name, (weight, places, *_) in self._rounded.items():
            weight.view(-1)[places] = self.latent[name]

    @torch.no_grad()
    def _after_step(self, *ignored: Any) -> None:
        """Round again. Then put zeros where they were, and nowhere else."""
        for name, (weight, places, scales, largest_code) in self._rounded.items():
            latent = self.latent[name].copy_(weight.view(-1)[places])
            codes = (latent / scales).abs_().round_().clamp_(1, largest_code)
            weight.view(-1)[places] = codes.copysign_(latent).mul_(scales)
        for tensor, own in self._held:
            values = tensor.view(-1)[own].clone()
            values.masked_fill_(values == 0, torch.finfo(tensor.dtype).tiny)
            tensor.zero_().view(-1)[own] = values

    def hook(self, optimizer: torch.optim.Optimizer) -> None:
        """Hold the network at each step of an optimizer."""
        optimizer.register_step_pre_hook(self._before_step)
        optimizer.register_step_post_hook(self._after_step)


def fine_tune(
    pruned: Pruned,
    plan: Plan,
    split: Split,
    recipe: Recipe,
    validation_accuracy: Callable[[nn.Module], float],
    report: Callable[[Sequence[Epoch]], None],
    *,
    keep: Sequence[str] = (),
    state: Mapping[str, Any] | None = None,
    save: Callable[[int, Mapping[str, Any]], None] = lambda epoch, state: None,
    device: torch.device = CPU,
) -> Pruned:
    """Train a copy of a compressed network on. The result depends on the arguments alone.

    In Linear and convolution layers, each entry that is zero stays zero, and each other entry stays
    other than zero, whether the plan prunes it or not. So the non-zero rate stays the same. Rounded
    weights keep their scales, and get other codes. All other parameters are trained freely, and
    buffers and extra state change as in any training.

    Args:
        pruned: The compressed network, which is not quantised. It stays as it is.
        plan: Its plan.
        split: The training images.
        recipe: Settings of the training. Its seed is that of torch, too.
        validation_accuracy: Function that computes the accuracy of the network in [0, 1].
        report: Function that is called after each epoch with all epochs so far.
        keep: Names or patterns of layers that stay as they are.
        state: A state that `save` was called with. The training goes on from it.
        save: Function that is called before `report`, with the number of finished epochs and the
            state of the training.
        device: Device for the computation.

    Returns:
        The fine-tuned network on the CPU, in evaluation mode, and the scales of its rounded weights.
        It shares no memory with `pruned.network`.

    Raises:
        NonFiniteLoss: The loss of a step is infinite or NaN.
        Stopped: The process was asked to stop. It stops after the epoch.
        Exception: Any exception of `report`.

    Example:
        >>> from paretopress.compression.pruning import prune
        >>> generator = torch.Generator().manual_seed(0)
        >>> images = torch.randint(256, (9, 3, 4, 4), dtype=torch.uint8, generator=generator)
        >>> split = Split(images, torch.arange(9) % 3, tuple("abc"))
        >>> plan = Plan((("1.weight", 100),), quantized=False, bits=(("1.weight", 3),))
        >>> pruned = prune(nn.Sequential(nn.Flatten(), nn.Linear(48, 3)), plan)
        >>> recipe = Recipe(2, 3, "adamw", 0.01, 0.05, "one_cycle", "none", 0)
        >>> losses = []
        >>> tuned = fine_tune(
        ...     pruned, plan, split, recipe, lambda network: 0.0,
        ...     lambda epochs: losses.append(epochs[-1].loss),
        ... )
        >>> losses[1] < losses[0], int((tuned.network[1].weight == 0).sum())
        (True, 100)
    """
    torch.manual_seed(recipe.seed)
    network = copy.deepcopy(pruned.network).to(device)
    for parameter in network.parameters():
        parameter.data = parameter.data.contiguous()
    scales = pruned.scales if state is None else state["scales"]
    held = _Held(network, scales, dict(plan.bits), keep)
    if state is not None:
        for name, latent in state["latent"].items():
            held.latent[name].copy_(latent)
    train(
        network,
        split,
        recipe,
        validation_accuracy,
        report,
        state=state,
        save=lambda epoch, own: save(epoch, {**own, "latent": held.latent, "scales": scales}),
        device=device,
        prepare=held.hook,
    )
    return Pruned(network, scales)
