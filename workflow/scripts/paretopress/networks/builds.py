"""Compare two builds of a network: is its state dict all that a training gives it?"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

from ..compression.layers import with_tensors
from ..errors import UserError
from .build import BUILDING_SEED, build_network, drawn_layers, seeded
from .extra_state import extra_states, set_states
from .stored import wanted_by
from .trial import alike, require_repeatable, trial_pass, trial_scores

OTHER_CONTRAST = 2.0
NOISE = 0.1  # standard deviations of a tensor
UNNAMED = "something that no module holds as an attribute"


def _facts(value: Any) -> Any:
    """A value in the form in which two are compared; None for what is no number or text."""
    if isinstance(value, torch.Tensor):
        return _facts(value.detach().cpu().numpy()) if value.dtype != torch.bfloat16 else None
    if isinstance(value, np.ndarray):
        return value.shape, value.tobytes()
    if isinstance(value, Mapping):
        return [(str(key), _facts(inner)) for key, inner in value.items()]
    if isinstance(value, list | tuple | set):
        return [_facts(inner) for inner in value]
    return value if isinstance(value, int | float | str | bytes) else None


def _beside_state(network: nn.Module) -> Iterator[tuple[str, Any]]:
    """What the modules hold beside the state dict, by name."""
    for name, module in network.named_modules():
        buffers = {key: module._buffers[key] for key in module._non_persistent_buffers_set}
        own = {
            key: value
            for key, value in vars(module).items()
            if not key.startswith("_") and key != "training"
        }
        for key, value in (buffers | own).items():
            yield f"{name}.{key}".lstrip("."), _facts(value)


def _disturb(tensors: Mapping[str, torch.Tensor]) -> None:
    """Change tensors a little in place, so that none is zero, as of layers before their training."""
    with torch.no_grad(), seeded(0):
        for tensor in filter(torch.is_floating_point, tensors.values()):
            spread = tensor.float().std(correction=0).nan_to_num(0.0, 0.0, 0.0)
            noise = NOISE * torch.randn(tensor.shape) * (spread if spread > 0 else 1.0)
            # What has no negative numbers, such as a variance, gets none.
            noise = noise.abs() if bool((tensor >= 0).all()) else noise
            if 0 in tensor.stride():  # expanded: its numbers lie in one place
                tensor.data = tensor.clone()
            tensor.add_(torch.where(tensor.isfinite(), noise, 0.0).to(tensor.dtype))


def _differing(network: nn.Module, other: nn.Module) -> list[str]:
    """What two networks hold of different values beside their state dicts."""
    found = dict(_beside_state(other))
    names = [name for name, value in _beside_state(network) if found.get(name) != value]
    return names or [UNNAMED]


def _pair(
    architecture: Mapping[str, Any], num_classes: int, seed: int
) -> tuple[nn.Module, nn.Module]:
    """Two builds of a network, the second one with this seed and with other numbers everywhere."""
    other = build_network(architecture, num_classes, seed)
    network = build_network(architecture, num_classes)
    own, wanted = (
        {name: tensor.shape for name, tensor in wanted_by(each).tensors.items()}
        for each in (network, other)
    )
    if own != wanted:
        raise drawn_layers(network)
    _disturb(wanted_by(other).tensors)
    return network, other


def _drawn(network: nn.Module, other: nn.Module, image_size: int) -> list[str]:
    """What differs in another build, if it gives other scores for equal state dicts."""
    given = with_tensors(network, wanted_by(other).tensors)
    set_states(given, extra_states(other))
    scores = [trial_pass(with_tensors(own, {}).eval(), image_size) for own in (given, other)]
    return [] if alike(*scores) else _differing(given, other)


def _require_all_in_state(network: nn.Module, other: nn.Module, image_size: int) -> None:
    """Refuse a network that is more than its state dict: in its copies, or after a training pass.

    Args:
        network: The network. It gets the tensors of `other`.
        other: Another build of it, whose tensors no one else needs.
        image_size: Side of the images, in pixels.
    """
    name, tensors = type(network).__name__, wanted_by(other).tensors
    pristine, trained = with_tensors(network, tensors), with_tensors(network, {})
    for copied in (pristine, trained):
        set_states(copied, extra_states(other))
    with seeded(0):
        scores = trial_pass(with_tensors(pristine, {}).eval(), image_size)
    try:
        network.load_state_dict(other.state_dict())
    except RuntimeError as error:
        raise UserError(f"the network {name}: its state dict cannot be set: {error}.") from error
    with seeded(0):
        in_place = trial_pass(network.eval(), image_size)
    if not alike(scores, in_place):
        raise UserError(
            f"the network {name} computes with other tensors than its parameters and buffers: a "
            "copy of it (copy.deepcopy) that is given new ones gives other scores than the network "
            "that loads them. Reach layers and weights by attributes of modules in forward, and "
            "not by closures, lambdas, globals or tensors that were taken from them before."
        )
    trained = with_tensors(pristine, {}).train()
    with seeded(0):  # other images than below, which an initialisation by data would show
        trial_pass(trained, image_size, OTHER_CONTRAST)
    again = with_tensors(pristine, wanted_by(trained).tensors)
    set_states(again, extra_states(trained))
    beside = _differing(trained, again)
    with seeded(0):
        scores = [trial_pass(own.eval(), image_size) for own in (with_tensors(trained, {}), again)]
    if not alike(*scores):
        raise UserError(
            f"the network {name} keeps what a pass in training makes, beside its state dict: "
            f"{', '.join(beside)}. A network that is built again for the trained "
            "weights lacks it. Keep it in persistent buffers (register_buffer)."
        )


def check_builds(architecture: Mapping[str, Any], num_classes: int, image_size: int) -> list[str]:
    """Test whether the state dict of a network is all that a training gives it.

    Two builds with different random numbers get the same tensors, none of which is zero.

    Args:
        architecture: Its name and arguments, as `build_network` takes them.
        num_classes: Number of classes.
        image_size: Side of the images, in pixels.

    Returns:
        The names of buffers and attributes that building draws at random beside the state dict.
        None where both builds give the same scores.

    Raises:
        UserError: The network computes with other tensors than those of its state dict, keeps what
            a pass in training makes elsewhere, or gives other scores in each pass. Or it is another
            one each time it is built, though the generators of Python, numpy and torch begin alike.
    """
    network, other = _pair(architecture, num_classes, BUILDING_SEED + 1)
    given = with_tensors(network, wanted_by(other).tensors)
    set_states(given, extra_states(other))
    passes = trial_scores(given, "evaluation", image_size, (0, 1))
    require_repeatable(network, [*passes, *trial_scores(given, "evaluation", image_size, (1,))])
    drawn = _drawn(network, other, image_size)
    _require_all_in_state(network, other, image_size)
    del network, other, given
    if drawn and (unseeded := _drawn(*_pair(architecture, num_classes, BUILDING_SEED), image_size)):
        raise UserError(
            f"the network of architecture {architecture['name']} is another one each time it is "
            f"built: {', '.join(unseeded)} differs, and its state dict does not hold it. Make it a "
            "buffer (register_buffer(..., persistent=True)), or draw it from a generator with a "
            "seed."
        )
    return drawn


def require_in_weights(what: str, drawn: Sequence[str]) -> None:
    """Refuse weights that were trained elsewhere, if building their network draws something else.

    Args:
        what: The file or the network, for the message.
        drawn: What it draws, from `drawn_in_building`.

    Raises:
        UserError: It draws anything.
    """
    if drawn:
        raise UserError(
            f"{what}: the trained network is more than its weights. Building it draws "
            f"{', '.join(drawn)} at random, which no file of weights holds. So the network that was "
            "trained cannot be built again. Make what is drawn a persistent buffer or a "
            "parameter, and give weights that have it."
        )
