"""Fit weights from a file to a network: names, shapes, types and tensors with several names."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from ..errors import UserError
from . import weight_files
from .matching import COUNTER, Match, best_match, shown
from .stored import Wanted, plain, same, wanted_by
from .taken import Taken


@dataclass(frozen=True)
class Fitted:
    """Weights from a file that fit a network.

    Attributes:
        tensors: A tensor of the network's type for each parameter and buffer, by its first name.
        extra: Extra state in the file, by its key.
        keys: The name in the file of each tensor that it gave.
        taken: What was taken from the file.
    """

    tensors: dict[str, torch.Tensor]
    extra: dict[str, Any]
    keys: dict[str, str]
    taken: Taken


def kind_of(tensor: torch.Tensor) -> str:
    """Say what a tensor is."""
    if tensor.is_quantized:
        return f"quantised ({tensor.dtype})"
    if tensor.is_nested:
        return "nested"
    if tensor.is_meta:
        return "without numbers (of the meta device)"
    return _type(tensor) if plain(tensor) else f"sparse ({tensor.layout})"


def _type(tensor: torch.Tensor) -> str:
    return str(tensor.dtype).removeprefix("torch.")


def _has_integers(tensor: torch.Tensor) -> bool:
    return not tensor.dtype.is_floating_point and not tensor.dtype.is_complex


def _type_problem(name: str, given: torch.Tensor, wanted: torch.Tensor) -> str:
    """Why a tensor cannot have the type that the network has; "" if it can."""
    problem = f"{name}: {kind_of(given)}, {_type(wanted)} wanted"
    if not plain(given) or given.is_complex() != wanted.is_complex():
        return problem
    try:
        torch.empty(1, dtype=given.dtype).to(wanted.dtype)
    except (RuntimeError, TypeError):  # a type that torch cannot compute with
        return problem if given.dtype != wanted.dtype else ""
    if _has_integers(wanted) or name.endswith(COUNTER):
        exact = same(given.to(wanted.dtype).to(given.dtype), given)
        return "" if exact else f"{problem}, and its numbers are not whole or not in range"
    return problem if _has_integers(given) else ""


def _check_types(match: Match, wanted: Wanted, path: Path) -> None:
    """Raise UserError for tensors that cannot be cast without becoming other numbers."""
    found = {name: match.given[name] for name in wanted.first if name in match.given}
    problems = {
        name: _type_problem(name, given, wanted.tensors[wanted.first[name]])
        for name, given in found.items()
    }
    if wrong := [name for name in found if problems[name]]:
        packed = any(found[name].is_quantized or _has_integers(found[name]) for name in wrong)
        hint = "\nInteger weights need their scales. Give the weights before quantisation."
        raise UserError(
            f"{path}: numbers of another kind than the network has.\n"
            f"  {shown([problems[name] for name in wrong])}{hint if packed else ''}"
        )


def _each_once(match: Match, wanted: Wanted, path: Path) -> dict[str, tuple[str, torch.Tensor]]:
    """The name in the file and the tensor of each first name.

    Raises:
        UserError: The file has two names of one tensor of the network, and they differ.
    """
    own = {name: key for key, name in match.renaming.names.items()}
    found: dict[str, tuple[str, torch.Tensor]] = {}
    for name, first in wanted.first.items():
        if name not in match.given:
            continue
        key = match.state.copies.get(own[name], own[name])
        if first not in found:
            found[first] = key, match.given[name]
        elif not same(found[first][1], match.given[name]):
            raise UserError(
                f"{path}: {found[first][0]} and {key} differ, and in the network they are one "
                "tensor. The file seems to be of a network in which they are two."
            )
    return found


def _count_lost(given: torch.Tensor, cast: torch.Tensor) -> int:
    """Count the numbers that are finite, and too large for the type that they are cast to."""
    if not cast.dtype.is_floating_point or given.itemsize <= cast.itemsize:
        return 0
    return int((given.isfinite() & ~cast.isfinite()).sum())


def fitted(network: nn.Module, path: Path) -> Fitted:
    """Read the weights of a network from a file, cast to the types of the network.

    Tensors of safetensors files are mapped: they are read when they are used. Code in a PyTorch
    file is never run (weights_only).

    Args:
        network: The network that the weights must fit.
        path: A safetensors file, or a file of torch.save, under any suffix.

    Returns:
        The weights.

    Raises:
        UserError: The file cannot be read. Or a name is missing, unknown, of another shape or type.
            The message names these tensors.
    """
    content, wanted = weight_files.read(path), wanted_by(network)
    match, also = best_match(content, wanted, path)
    _check_types(match, wanted, path)
    found = _each_once(match, wanted, path)
    tensors, casts, lost = {}, Counter[str](), []
    for name, built in wanted.tensors.items():
        given = found[name][1] if name in found else built.detach()
        tensors[name] = given.to(built.dtype)
        if given.dtype != built.dtype:
            casts[f"{_type(given)} to {_type(built)}"] += 1
            if count := _count_lost(given, tensors[name]):
                lost.append(f"{name}: {count} of {given.numel()}, {_type(given)} in the file")
    if lost:
        raise UserError(
            f"{path}: numbers that are not finite in the type that the network has.\n"
            f"  {shown(lost)}\nThey are too large for it: take weights of an earlier epoch."
        )
    renaming = match.renaming
    spelled = {key: name.removeprefix(renaming.added) for key, name in renaming.names.items()}
    taken = Taken(
        content.format,
        len(found),
        match.state.entry,
        also,
        renaming.prefix,
        renaming.added,
        {
            key: spelled[key]
            for key in renaming.names
            if key not in match.left_out and key.removeprefix(renaming.prefix) != spelled[key]
        },
        match.left_out,
        match.kept,
        dict(casts),
    )
    extra = {first: match.given[key] for key, first in wanted.extra.items() if key in match.given}
    return Fitted(tensors, extra, {name: key for name, (key, _) in found.items()}, taken)
