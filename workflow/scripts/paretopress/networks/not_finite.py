"""Find where in a network numbers stop being finite."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import torch
from torch import nn

from ..dataset.split import Split, batches, few_of, normalized
from .facts import IMAGES


def _is_finite(value: Any) -> bool:
    """Tell whether all numbers in a tensor, or in the tensors of a tuple or list, are finite."""
    if isinstance(value, tuple | list):
        return all(map(_is_finite, value))
    return not isinstance(value, torch.Tensor) or bool(value.isfinite().all())


def _tensors(network: nn.Module) -> list[str]:
    named = [*network.named_parameters(), *network.named_buffers()]
    return [name for name, tensor in named if not _is_finite(tensor)]


def first_not_finite(network: nn.Module, images: torch.Tensor) -> str | None:
    """Say where in a pass of images numbers first are not finite.

    Args:
        network: The network, in the mode that is meant.
        images: Its inputs, shape (images, 3, height, width).

    Returns:
        The place in words; None if all are finite.
    """
    if not _is_finite(images):
        return "the inputs of the network are not finite"
    places: list[str] = []
    last = ["the inputs"]

    def hook(name: str) -> Callable[[nn.Module, Any, Any], None]:
        def look(module: nn.Module, given: Any, returned: Any) -> None:
            if not places:
                layer = f"{name} ({type(module).__name__})"
                if not _is_finite(given):
                    places.append(f"between {last[0]} and {layer} a number is not finite")
                elif not _is_finite(returned):
                    of_it = _tensors(module)
                    why = f", and its {', '.join(of_it)} has numbers that are not" if of_it else ""
                    places.append(f"the output of {layer} is not finite{why}")
                last[0] = layer

        return look

    leaves = [
        (name, module) for name, module in network.named_modules() if not [*module.children()]
    ]
    handles = [module.register_forward_hook(hook(name or "it")) for name, module in leaves]
    try:
        scores = network(images)
    finally:
        for handle in handles:
            handle.remove()
    if not places and not _is_finite(scores):
        places.append(f"after {last[0]} a number is not finite")
    return places[0] if places else None


def not_finite_in(network: nn.Module, split: Split, batch_size: int) -> str | None:
    """Say where numbers first are not finite in the pass of a split; None if all are finite."""
    with torch.no_grad():
        for images, _ in batches(split, batch_size):
            if not _is_finite(network.eval()(images)):
                return first_not_finite(network, images)
    return None


def untrained_facts(
    network: nn.Module,
    split: Split,
    batch_size: int,
    precision: Callable[[], AbstractContextManager[Any]],
) -> dict[str, Any]:
    """Pass images through an untrained network, forward and backward, without any step.

    Args:
        network: The network with its first weights. It is put in training mode.
        split: Training images, of which at most facts.IMAGES are looked at.
        batch_size: Images in a batch.
        precision: The context of the forward pass.

    Returns:
        The number of images. "scores": where numbers first are not finite, None if all are.
        "gradient": the first parameter whose gradient is not finite, None if all are.
    """
    part = few_of(split, IMAGES)
    network.train()
    for start in range(0, len(part), batch_size):
        images = normalized(part, part.images[start : start + batch_size])
        if len(images) == 1 < len(part):
            continue  # Batch norm cannot take a batch of one image.
        network.zero_grad()
        with precision():
            scores = network(images)
            loss = nn.functional.cross_entropy(
                scores.float(), part.labels[start : start + batch_size]
            )
        if not _is_finite(loss):
            place = first_not_finite(network, images) or "the loss is not finite"
            return {"images": len(part), "scores": place, "gradient": None}
        loss.backward()
        for name, parameter in network.named_parameters():
            if parameter.grad is not None and not _is_finite(parameter.grad):
                return {"images": len(part), "scores": None, "gradient": name}
    return {"images": len(part), "scores": None, "gradient": None}
