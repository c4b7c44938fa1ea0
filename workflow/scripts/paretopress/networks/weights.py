"""Fill networks with weights from files, check the weights, and write them."""

from pathlib import Path

import torch
from torch import nn

from ..compression.layers import with_tensors
from ..errors import UserError
from . import weight_files
from .extra_state import check_states, extra_states, modules_with_state, set_states
from .fitting import Fitted, fitted, kind_of
from .matching import shown
from .stored import plain, same, wanted_by
from .taken import Taken

PART = 2**24  # entries of a part of a larger tensor


def save_weights(network: nn.Module, path: Path) -> None:
    """Write the weights, buffers and extra state of a network as safetensors.

    Args:
        network: The network. A tensor with several names is written once, under the first.
        path: The file. It is replaced as a whole.

    Raises:
        UserError: The file cannot be written, for example because the disk is full.

    Example:
        >>> import tempfile
        >>> from safetensors.torch import load_file
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     save_weights(nn.Linear(4, 2), Path(folder) / "weights.safetensors")
        ...     sorted(load_file(Path(folder) / "weights.safetensors"))
        ['bias', 'weight']
    """
    wanted = wanted_by(network)
    weight_files.write(wanted.tensors, wanted.copies(), extra_states(network), path)


def check_extra_state(network: nn.Module) -> None:
    """Check that all that a network stores can be written to a file and read again.

    Args:
        network: The network, which stays as it is.

    Raises:
        UserError: Its state dict lacks a parameter, or holds something that is neither a parameter,
            a buffer nor extra state. Or a tensor is sparse, quantised or nested. Or the extra state
            of a module is not plain, or cannot be set again. The message names it.
    """
    check_states(network)
    own = {
        **dict(network.named_parameters(remove_duplicate=False)),
        **dict(network.named_buffers(remove_duplicate=False)),
    }
    stored = network.state_dict(keep_vars=True)
    extra = modules_with_state(network)
    kind = type(network).__name__
    if strange := [key for key in stored if key not in own and key not in extra]:
        raise UserError(
            f"the network {kind}: its state dict has {strange[0]}, which is no parameter, no "
            "buffer and no extra state of a module, so that its weights cannot be set again. "
            "Let its state dict have the names of its parameters and buffers."
        )
    parameters = dict(network.named_parameters(remove_duplicate=False))
    if lost := [name for name in parameters if name not in stored]:
        raise UserError(
            f"the network {kind}: its state dict lacks the parameter {lost[0]}, so that its "
            "weights cannot be stored. Let its state dict have all parameters."
        )
    for name, value in stored.items():
        if isinstance(value, torch.Tensor) and not value.is_meta and not plain(value.cpu()):
            raise UserError(
                f"the network {kind}: {name} is {kind_of(value)}, and no plain tensor, so that it "
                "cannot be stored."
            )


def _views(network: nn.Module) -> list[tuple[str, str]]:
    """List pairs of parameters that are views of the same memory, and not one parameter."""
    found, places = [], list[tuple[str, int, int, int]]()
    for name, parameter in wanted_by(network).tensors.items():
        if parameter.is_meta or not plain(parameter) or not parameter.numel():
            continue
        reach = sum(
            (size - 1) * step
            for size, step in zip(parameter.shape, parameter.stride(), strict=True)
        )
        start = parameter.data_ptr()
        end = start + (reach + 1) * parameter.itemsize
        memory = parameter.untyped_storage().data_ptr()
        found += [
            (other, name)
            for other, held, first, last in places
            if held == memory and first < end and start < last
        ]
        places.append((name, memory, start, end))
    return found


def notes_on_views(network: nn.Module) -> list[str]:
    """Say which parameters share memory as the network is built, and do not after this.

    Args:
        network: The network as it is built.

    Returns:
        A sentence for each pair of them.
    """
    return [
        f"{first} and {second} are views of the same memory, and not one parameter. They are "
        "stored, pruned and counted each for itself"
        for first, second in _views(network)
    ]


def _count_not_finite(given: torch.Tensor, built: torch.Tensor) -> int:
    """Count the entries of `given` that are NaN or infinite where `built` has a finite number.

    All entries of a tensor without memory count as finite numbers.
    """
    if built.is_meta:
        return sum(int((~part.isfinite()).sum()) for part in given.flatten().split(PART))
    parts = zip(given.flatten().split(PART), built.flatten().split(PART), strict=True)
    return sum(int((~part.isfinite() & own.isfinite()).sum()) for part, own in parts)


def _usable(network: nn.Module, path: Path) -> Fitted:
    """Weights from a file that fit, are finite where the untrained network is, and can be set.

    A mask may have infinity in both.
    """
    weights, built = fitted(network, path), wanted_by(network).tensors
    counts = {
        name: _count_not_finite(value, built[name]) for name, value in weights.tensors.items()
    }
    if broken := [
        f"{name}: {count} of {built[name].numel()}" for name, count in counts.items() if count
    ]:
        raise UserError(
            f"{path}: numbers that are not finite, NaN or infinity.\n  {shown(broken)}\n"
            "They are so in the file: take weights of an earlier epoch, or fetch the file again."
        )
    if weights.extra:
        set_states(with_tensors(network, {}), weights.extra)
    return weights


def load_weights(network: nn.Module, path: Path) -> None:
    """Fill a network with weights from a file, and put it in evaluation mode.

    Args:
        network: The network, which is changed.
        path: A safetensors file, or a file of torch.save. Code in it is never run.

    Raises:
        UserError: The file cannot be read, or its names, shapes or types do not fit. Or it has
            numbers that are not finite. The message names the tensors.

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
    weights, own = _usable(network, path), wanted_by(network).tensors
    with torch.no_grad():
        for name, tensor in own.items():
            tensor.copy_(weights.tensors[name])
    for first, second in _views(network):
        if not same(own[first], weights.tensors[first]):
            raise UserError(
                f"{path}: {first} and {second} differ, and in the network they are views of the "
                "same memory. The file seems to be of a network in which they are not."
            )
    set_states(network, weights.extra)
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


def taken(structure: nn.Module, path: Path) -> Taken:
    """Say what would be taken from a file of weights.

    Args:
        structure: The network that the weights must fit, possibly from `without_memory`.
        path: The file. Nothing is written.

    Returns:
        The facts.

    Raises:
        UserError: See `load_weights`.

    Example:
        >>> import tempfile
        >>> content = {"epoch": 3, "state_dict": {"module.weight": torch.ones(2, 4)}}
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     torch.save(content, file := Path(folder) / "checkpoint.ckpt")
        ...     facts = taken(nn.Linear(4, 2, bias=False), file)
        >>> facts.entry, facts.prefix
        ('state_dict', 'module.')
    """
    return _usable(structure, path).taken


def import_weights(structure: nn.Module, trained: Path, path: Path) -> Taken:
    """Convert a file of weights to the file that `save_weights` would write.

    Args:
        structure: The network that the weights must fit, possibly from `without_memory`.
        trained: The file to read.
        path: The file to write.

    Returns:
        What was taken.

    Raises:
        UserError: See `load_weights`.

    Example:
        >>> import tempfile
        >>> network = nn.Linear(4, 2)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     torch.save(network.half().state_dict(), file := Path(folder) / "half.pt")
        ...     facts = import_weights(nn.Linear(4, 2), file, Path(folder) / "own.safetensors")
        >>> facts.notes()
        ['tensors taken: 2, from a PyTorch file', 'tensors cast from float16 to float32: 2']
    """
    weights = _usable(structure, trained)
    extra = {**extra_states(structure), **weights.extra}
    weight_files.write(weights.tensors, wanted_by(structure).copies(), extra, path)
    return weights.taken
