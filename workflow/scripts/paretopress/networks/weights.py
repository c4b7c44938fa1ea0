"""Read, check and write the weights of a network."""

import re
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from ..compression.layers import with_tensors
from ..config.weight_files import WEIGHT_FILES
from ..errors import UserError
from ..jobs.files import written_whole

# Checkpoints keep the state dict under one of these keys, beside an optimizer's state and more.
STATE_KEYS = ("state_dict", "model_state_dict", "model", "network", "net")
# Prefixes of all keys: the first from torch.compile, the second from nn.DataParallel and
# DistributedDataParallel.
PREFIXES = ("_orig_mod.", "module.")
SHOWN = 10
PART = 2**24  # entries of a part of a larger tensor


def _write(state: Mapping[str, torch.Tensor], path: Path) -> None:
    """Write tensors as safetensors.

    The format does not allow two names for one memory. So all but the first of them are copied.
    """
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
    """Write the weights and buffers of a network as safetensors.

    Args:
        network: The network. A weight that two layers share is written for each.
        path: The file. It is replaced as a whole.

    Raises:
        UserError: The file cannot be written, for example because the disk is full.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     save_weights(nn.Linear(4, 2), Path(folder) / "weights.safetensors")
        ...     sorted(load_file(Path(folder) / "weights.safetensors"))
        ['bias', 'weight']
    """
    _write(network.state_dict(), path)


def _is_weight(key: Any, value: Any) -> bool:
    """Tell whether an entry of a state dict is a plain tensor of real numbers."""
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
    """The state dict of a checkpoint: an entry of STATE_KEYS in it, or the content itself."""
    if isinstance(content, Mapping):
        for key in STATE_KEYS:
            if isinstance(content.get(key), Mapping):
                return content[key]
    return content


def _check_archive(path: Path) -> None:
    """Raise BadZipFile for a .pt file that is a damaged zip archive.

    torch.load ignores its checksums and would accept damaged weights. It would also unpack
    compressed members of any size, which torch.save never writes.
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
            f"{path}: not a PyTorch file of weights alone: damaged, or with more than tensors "
            f"in it; no code in it was run ({reason}). "
            "Save the weights with torch.save(network.state_dict(), PATH), or as safetensors."
        ) from error
    if not isinstance(content, Mapping) or not all(map(_is_weight, content, content.values())):
        raise UserError(
            f"{path}: no state dict in it. Allowed: what torch.save(network.state_dict(), PATH) "
            f"writes, alone or under one of the keys {', '.join(STATE_KEYS)}."
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
    """A line for each key that is missing, unknown or of another shape.

    The batch counters of batch norm may be missing.
    """
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
    """Count the entries of `given` that are NaN or infinite where `built` has a finite number.

    All entries of a tensor without memory count as finite numbers.
    """
    if built.is_meta:
        return sum(int((~part.isfinite()).sum()) for part in given.flatten().split(PART))
    parts = zip(given.flatten().split(PART), built.flatten().split(PART), strict=True)
    return sum(int((~part.isfinite() & own.isfinite()).sum()) for part, own in parts)


def _check_finite(
    path: Path, given: Mapping[str, torch.Tensor], built: Mapping[str, torch.Tensor]
) -> None:
    """Raise UserError for NaN or infinity where the untrained network has a finite number.

    A mask may have infinity in both.
    """
    counts = {key: _count_not_finite(value, built[key]) for key, value in given.items()}
    if broken := [
        f"{key}: {count} of {given[key].numel()}" for key, count in counts.items() if count
    ]:
        raise UserError(
            f"{path}: numbers that are not finite.\n  {_shown(broken)}\n"
            "The training broke down, or the file is damaged: "
            "take weights of an earlier epoch, or fetch the file again."
        )


def _shown(problems: list[str]) -> str:
    return "\n  ".join(
        problems[:SHOWN] + ([f"and {len(problems) - SHOWN} more"] if len(problems) > SHOWN else [])
    )


def fitting_weights(network: nn.Module, path: Path) -> dict[str, torch.Tensor]:
    """Read the weights of a network from a file, cast to the types of the network.

    Tensors of safetensors files are mapped: they are read when they are used. Code in a .pt file
    is never run (weights_only).

    Args:
        network: The network that the weights must fit.
        path: A .safetensors, .pt or .pth file.

    Returns:
        A tensor for each key of the state dict of `network`.

    Raises:
        UserError: The file cannot be read. Or a key is missing, unknown or of another shape. The
            message names these keys.
    """
    if (suffix := path.suffix.lower()) not in WEIGHT_FILES:
        raise UserError(f"{path}: not a file of weights. Allowed: {', '.join(WEIGHT_FILES)}.")
    given = READERS[WEIGHT_FILES[suffix]](path)
    wanted = network.state_dict()
    if problems := _misfits(given, wanted):
        raise UserError(
            f"{path}: the weights do not fit the network.\n  {_shown(problems)}\n"
            "Check the architecture and the number of classes."
        )
    return {key: given.get(key, value).to(value.dtype) for key, value in wanted.items()}


def load_weights(network: nn.Module, path: Path) -> None:
    """Fill a network with weights from a file, and put it in evaluation mode.

    Args:
        network: The network, which is changed.
        path: A .safetensors, .pt or .pth file. Code in it is never run.

    Raises:
        UserError: The file cannot be read, or its keys or shapes do not fit. Or it has numbers
            that are not finite. The message names the keys.

    Example:
        >>> import tempfile
        >>> trained, network = nn.Linear(4, 2), nn.Linear(4, 2)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder) / "weights.safetensors"
        ...     save_weights(trained, path)
        ...     load_weights(network, path)
        >>> bool((network.weight == trained.weight).all())
        True
    """
    state = fitting_weights(network, path)
    _check_finite(path, state, network.state_dict())
    network.load_state_dict(state)
    network.eval()


def without_memory(network: nn.Module) -> nn.Module:
    """Copy a network without the memory of its parameters.

    A parameter with numbers that are not finite keeps its memory. It is a mask, which is a part of
    the network.

    Args:
        network: The network, which stays as it is.

    Returns:
        The copy, with parameters on the meta device.
    """
    held = {
        name: parameter
        for name, parameter in network.named_parameters()
        if not _count_not_finite(parameter, parameter.to("meta"))
    }
    return with_tensors(network, {name: parameter.to("meta") for name, parameter in held.items()})


def import_weights(structure: nn.Module, trained: Path, path: Path) -> None:
    """Convert a file of weights to the file that `save_weights` would write.

    Args:
        structure: The network that the weights must fit, possibly from `without_memory`.
        trained: The file to read.
        path: The file to write.

    Raises:
        UserError: See `load_weights`.
    """
    state = fitting_weights(structure, trained)
    _check_finite(trained, state, structure.state_dict())
    _write(state, path)
