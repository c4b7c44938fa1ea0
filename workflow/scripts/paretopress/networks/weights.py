"""Weights of a network on disk."""

import re
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from ..compression.pruning import with_tensors
from ..config.weight_files import WEIGHT_FILES
from ..errors import UserError
from ..jobs.files import written_whole

# Under these keys a checkpoint keeps the state dict beside an optimizer's state and the like.
STATE_KEYS = ("state_dict", "model_state_dict", "model", "network", "net")
# torch.compile puts the one before every key, nn.DataParallel and DistributedDataParallel the other.
PREFIXES = ("_orig_mod.", "module.")
SHOWN = 10
PART = 2**24  # entries looked at together in a larger tensor


def _write(state: Mapping[str, torch.Tensor], path: Path) -> None:
    """Writes tensors as safetensors, which has no two names for one memory: of what shares it, all but the first are copied."""
    separate: dict[str, torch.Tensor] = {}
    written: set[int] = set()
    for key, value in state.items():
        tensor = value.detach().contiguous()
        storage = tensor.untyped_storage()
        if storage.data_ptr() in written:
            tensor = tensor.clone()
        written.add(storage.data_ptr())
        separate[key] = tensor
    with written_whole(path) as temporary:
        save_file(separate, temporary)


def save_weights(network: nn.Module, path: Path) -> None:
    """Writes the state dict as safetensors; weights that two layers share are written for each."""
    _write(network.state_dict(), path)


def _is_weight(key: Any, value: Any) -> bool:
    """Whether it is a plain tensor of numbers by its name; a meta tensor has none, a quantised, nested or complex one has others."""
    if not isinstance(key, str) or not isinstance(value, torch.Tensor) or value.is_nested:
        return False
    return (
        value.layout == torch.strided
        and value.device.type == "cpu"
        and not value.is_quantized
        and not value.is_complex()
    )


def _read_safetensors(path: Path) -> dict[str, torch.Tensor]:
    try:
        content = load_file(path)
    except (SafetensorError, OSError) as error:
        raise UserError(f"{path}: cannot be read as a safetensors file ({error}).") from error
    if others := [key for key, value in content.items() if not _is_weight(key, value)]:
        raise UserError(
            f"{path}: {others[0]} holds {content[others[0]].dtype}. Allowed: real numbers."
        )
    return content


def _state_dict(content: Any) -> Any:
    """The state dict in a checkpoint: the content itself, or what it holds under one of STATE_KEYS."""
    if isinstance(content, Mapping):
        for key in STATE_KEYS:
            if isinstance(content.get(key), Mapping):
                return content[key]
    return content


def _check_archive(path: Path) -> None:
    """torch.load passes over the checksums of the zip archive that a .pt file is, and takes damaged weights for whole.

    It also unpacks what torch.save never packs, however much that is. Raises BadZipFile.
    """
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as file:
            members = file.infolist()
            if packed := [
                member.filename for member in members if member.compress_type != zipfile.ZIP_STORED
            ]:
                raise zipfile.BadZipFile(
                    f"the member {packed[0]} is packed, which torch.save does not do"
                )
            if sum(member.file_size for member in members) > path.stat().st_size:
                raise zipfile.BadZipFile("its members are larger than the file")
            if (damaged := file.testzip()) is not None:
                raise zipfile.BadZipFile(f"the member {damaged} is damaged")


def _read_pickled(path: Path) -> dict[str, torch.Tensor]:
    try:
        _check_archive(path)
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
    missing = [
        key for key in wanted if key not in given and not key.endswith("num_batches_tracked")
    ]
    other = [
        key for key, value in wanted.items() if key in given and given[key].shape != value.shape
    ]
    return [
        *(f"{key}: missing, {tuple(wanted[key].shape)} wanted" for key in missing),
        *(
            f"{key}: not a key of this network, shape {tuple(value.shape)}"
            for key, value in given.items()
            if key not in wanted
        ),
        *(
            f"{key}: shape {tuple(given[key].shape)}, {tuple(wanted[key].shape)} wanted"
            for key in other
        ),
    ]


def _count_not_finite(given: torch.Tensor, built: torch.Tensor) -> int:
    """Entries of `given` that are NaN or infinite where `built` has a number; one without memory has numbers alone."""
    if built.is_meta:
        return sum(int((~part.isfinite()).sum()) for part in given.flatten().split(PART))
    parts = zip(given.flatten().split(PART), built.flatten().split(PART), strict=True)
    return sum(int((~part.isfinite() & own.isfinite()).sum()) for part, own in parts)


def _check_finite(
    path: Path, given: Mapping[str, torch.Tensor], built: Mapping[str, torch.Tensor]
) -> None:
    """Raises UserError: tensors with NaN or infinity where the network as it is built has a number; a mask may hold infinity."""
    counts = {key: _count_not_finite(value, built[key]) for key, value in given.items()}
    if broken := [
        f"{key}: {count} of {given[key].numel()}" for key, count in counts.items() if count
    ]:
        raise UserError(
            f"{path}: numbers that are not finite.\n  {_shown(broken)}\nThe training broke down, or the file is damaged: "
            "take weights of an earlier epoch, or fetch the file again."
        )


def _shown(problems: list[str]) -> str:
    return "\n  ".join(
        problems[:SHOWN] + ([f"and {len(problems) - SHOWN} more"] if len(problems) > SHOWN else [])
    )


def fitting_weights(network: nn.Module, path: Path) -> dict[str, torch.Tensor]:
    """The tensors of a .safetensors, .pt or .pth file that fill `network`, cast to its types; safetensors are mapped, read when used.

    Code in a .pt file is never run (weights_only).

    Raises UserError: the file cannot be read, or a key is missing, unknown or of another shape; the misfits are named.
    """
    if (suffix := path.suffix.lower()) not in WEIGHT_FILES:
        raise UserError(f"{path}: not a file of weights. Allowed: {', '.join(WEIGHT_FILES)}.")
    given = READERS[WEIGHT_FILES[suffix]](path)
    wanted = network.state_dict()
    if problems := _misfits(given, wanted):
        raise UserError(
            f"{path}: the weights do not fit the network.\n  {_shown(problems)}\nCheck the architecture and the number of classes."
        )
    return {key: given.get(key, value).to(value.dtype) for key, value in wanted.items()}


def load_weights(network: nn.Module, path: Path) -> None:
    """Fills `network` from a file of weights, and puts it in evaluation mode.

    Raises UserError: see fitting_weights; or numbers that are not finite, whose tensors are named.
    """
    state = fitting_weights(network, path)
    _check_finite(path, state, network.state_dict())
    network.load_state_dict(state)
    network.eval()


def without_memory(network: nn.Module) -> nn.Module:
    """A copy whose parameters hold nothing, but for those with numbers that are not finite: such a mask is a part of the network."""
    held = {
        name: parameter
        for name, parameter in network.named_parameters()
        if not _count_not_finite(parameter, parameter.to("meta"))
    }
    return with_tensors(network, {name: parameter.to("meta") for name, parameter in held.items()})


def import_weights(structure: nn.Module, trained: Path, path: Path) -> None:
    """Writes the tensors of a file of weights as save_weights would write those of the network that they fill.

    structure: that network, which may be without memory. Raises UserError: see load_weights.
    """
    state = fitting_weights(structure, trained)
    _check_finite(trained, state, structure.state_dict())
    _write(state, path)
