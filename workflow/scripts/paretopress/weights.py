"""Weights of a network on disk."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from .errors import UserError
from .weight_files import WEIGHT_FILES

# Under these keys a checkpoint keeps the state dict beside an optimizer's state and the like.
STATE_KEYS = ("state_dict", "model_state_dict", "model", "network", "net")
# torch.compile puts the one before every key, nn.DataParallel and DistributedDataParallel the other.
PREFIXES = ("_orig_mod.", "module.")
SHOWN = 10


def save_weights(network: nn.Module, path: Path) -> None:
    """Writes the state dict as safetensors; weights that two layers share are written for each."""
    save_file({key: value.detach().clone(memory_format=torch.contiguous_format) for key, value in network.state_dict().items()}, path)


def _read_safetensors(path: Path) -> dict[str, torch.Tensor]:
    try:
        return load_file(path)
    except (SafetensorError, OSError) as error:
        raise UserError(f"{path}: cannot be read as a safetensors file ({error}).") from error


def _state_dict(content: Any) -> Any:
    """The state dict in a checkpoint: the content itself, or what it holds under one of STATE_KEYS."""
    if isinstance(content, Mapping):
        for key in STATE_KEYS:
            if isinstance(content.get(key), Mapping):
                return content[key]
    return content


def _is_weight(key: Any, value: Any) -> bool:
    return isinstance(key, str) and isinstance(value, torch.Tensor) and value.layout == torch.strided


def _read_pickled(path: Path) -> dict[str, torch.Tensor]:
    try:
        content = _state_dict(torch.load(path, map_location="cpu", weights_only=True))
    except Exception as error:  # on damaged bytes the unpickler raises almost anything
        found = re.search(r"Unsupported (?:global|class|operand).*?([\w.]+\.\w+)", str(error))
        reason = f"it holds {found.group(1)}" if found else type(error).__name__
        raise UserError(
            f"{path}: not a PyTorch file of weights alone: damaged, or with more than tensors in it; no code in it was run ({reason}). "
            "Save the weights with torch.save(network.state_dict(), PATH), or as safetensors."
        ) from error
    if not isinstance(content, Mapping) or not all(map(_is_weight, content, content.values())):
        raise UserError(
            f"{path}: no state dict in it. Allowed: what torch.save(network.state_dict(), PATH) writes, alone or under one of the keys "
            f"{', '.join(STATE_KEYS)}."
        )
    for prefix in PREFIXES:
        if all(key.startswith(prefix) for key in content):
            content = {key.removeprefix(prefix): value for key, value in content.items()}
    return dict(content)


READERS: dict[str, Callable[[Path], dict[str, torch.Tensor]]] = {
    "safetensors": _read_safetensors,
    "pickle": _read_pickled,
}


def _misfits(given: Mapping[str, torch.Tensor], wanted: Mapping[str, torch.Tensor]) -> list[str]:
    """A line for each key that is missing, unknown or of another shape; the batch counters of batch norm may be absent."""
    missing = [key for key in wanted if key not in given and not key.endswith("num_batches_tracked")]
    other = [key for key, value in wanted.items() if key in given and given[key].shape != value.shape]
    return [
        *(f"{key}: missing, {tuple(wanted[key].shape)} wanted" for key in missing),
        *(f"{key}: not a key of this network, shape {tuple(value.shape)}" for key, value in given.items() if key not in wanted),
        *(f"{key}: shape {tuple(given[key].shape)}, {tuple(wanted[key].shape)} wanted" for key in other),
    ]


def load_weights(network: nn.Module, path: Path) -> None:
    """Fills `network` from a .safetensors, .pt or .pth file, cast to the network's own types, and puts it in evaluation mode.

    Code in a .pt file is never run (weights_only).

    Raises UserError: the file cannot be read, or a key is missing, unknown or of another shape; the misfits are named.
    """
    if (suffix := path.suffix.lower()) not in WEIGHT_FILES:
        raise UserError(f"{path}: not a file of weights. Allowed: {', '.join(WEIGHT_FILES)}.")
    given = READERS[WEIGHT_FILES[suffix]](path)
    wanted = network.state_dict()
    if problems := _misfits(given, wanted):
        shown = "\n  ".join(problems[:SHOWN]) + (f"\n  and {len(problems) - SHOWN} more" if len(problems) > SHOWN else "")
        raise UserError(f"{path}: the weights do not fit the network.\n  {shown}\nCheck the architecture and the number of classes.")
    network.load_state_dict({key: given.get(key, value).to(value.dtype) for key, value in wanted.items()})
    network.eval()
