"""Read and write files of weights: state dicts, in the formats that people have. No code is run."""

import json
import re
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file

from ..config.weight_files import PYTORCH, SAFETENSORS, WANTED, format_of
from ..errors import UserError
from ..jobs.files import written_whole
from .extra_state import ALLOWED, coded, decoded

# Checkpoints keep the state dict under such a key. Where several fit, the first of these is taken.
STATE_KEYS = ("state_dict", "model_state_dict", "model", "network", "net")
DEPTH = 3  # of entries in entries of a checkpoint
FACTS = "paretopress.weights"  # key of a safetensors file's metadata


@dataclass(frozen=True)
class StateDict:
    """A state dict in a file.

    Attributes:
        entry: The keys that lead to it, such as "checkpoint.state_dict"; "" if it is all of it.
        values: Tensors, extra state and other values by name.
        copies: Names that the file lacks, and whose tensor it holds under the other name, by
            safetensors.torch.save_model.
    """

    entry: str
    values: Mapping[str, Any]
    copies: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Content:
    """What a file of weights holds.

    Attributes:
        format: SAFETENSORS or PYTORCH.
        states: Its state dicts, those of STATE_KEYS first.
    """

    format: str
    states: tuple[StateDict, ...]


def write(
    tensors: Mapping[str, torch.Tensor],
    copies: Mapping[str, str],
    extra: Mapping[str, Any],
    path: Path,
) -> None:
    """Write a state dict as safetensors, the same bytes for the same content.

    The format does not allow two names for one memory. So tensors that are views of the same memory
    are copied.

    Args:
        tensors: Tensors by name.
        copies: Names of tensors that are not written, each with the name of its tensor.
        extra: Extra state of modules by its key.
        path: The file. It is replaced as a whole.

    Raises:
        UserError: The file cannot be written, or extra state is not plain.
    """
    separate: dict[str, torch.Tensor] = {}
    written: set[int] = set()
    for key, value in [*tensors.items(), *extra.items()]:
        if not isinstance(value, torch.Tensor):
            continue
        tensor = value.detach().contiguous()
        storage = tensor.untyped_storage()
        if storage.data_ptr() in written:
            tensor = tensor.clone()
        written.add(storage.data_ptr())
        separate[key] = tensor
    others = {}
    for key, value in extra.items():
        if key not in separate:
            try:
                others[key] = coded(value)
            except TypeError as error:
                raise UserError(
                    f"{key}: extra state that holds {error}. Allowed: {ALLOWED}."
                ) from error
    facts = {name: value for name, value in (("copies", dict(copies)), ("extra", others)) if value}
    # One key alone, since the format gives no order to several.
    metadata = {FACTS: json.dumps(facts)} if facts else None
    with written_whole(path) as temporary:
        save_file(separate, temporary, metadata)


def _read_safetensors(path: Path) -> Iterator[StateDict]:
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            values = {key: file.get_tensor(key) for key in file.offset_keys()}
        facts = json.loads(metadata.pop(FACTS, "{}"))
        extra = {key: decoded(value) for key, value in facts.get("extra", {}).items()}
        copies = {
            name: kept
            for name, kept in (metadata | facts.get("copies", {})).items()
            if kept in values and name not in values
        }
    except Exception as error:  # on damaged bytes the library and `decoded` raise almost anything
        raise UserError(f"{path}: cannot be read as a safetensors file ({error}).") from error
    if any(key.startswith("paretopress.packed") for key in metadata):
        raise UserError(
            f"{path}: a packed network, of which paretopress.networks.packed.load_packed reads "
            f"the weights. Allowed: {WANTED}."
        )
    yield StateDict("", {**values, **extra}, copies)


def is_usual_entry(entry: str) -> bool:
    """Tell whether a state dict is the whole file, or under a key that weights usually have."""
    return not entry or entry.rpartition(".")[2] in STATE_KEYS


def _preference(entry: str) -> int:
    name = entry.rpartition(".")[2]
    return STATE_KEYS.index(name) if name in STATE_KEYS else len(STATE_KEYS) * bool(name)


def _state_dicts(content: Any, entry: str, depth: int, seen: set[int]) -> Iterator[StateDict]:
    """Yield the mappings of names to tensors in the content of a checkpoint."""
    if not isinstance(content, Mapping) or id(content) in seen:
        return
    seen.add(id(content))
    if any(isinstance(key, str) and isinstance(content[key], torch.Tensor) for key in content):
        named = {key if isinstance(key, str) else f"{key!r} (no text)": key for key in content}
        yield StateDict(entry, {name: content[key] for name, key in named.items()})
    if depth:
        for key in sorted(filter(lambda key: isinstance(key, str), content), key=_preference):
            yield from _state_dicts(content[key], f"{entry}.{key}".strip("."), depth - 1, seen)


def _check_archive(path: Path) -> None:
    """Raise BadZipFile for a PyTorch file that is a damaged zip archive.

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


def _refused(path: Path, error: Exception) -> UserError:
    """Say why torch.load does not take a file."""
    found = re.search(r"Unsupported (?:global|class|operand).*?([\w.]+\.\w+)", str(error))
    if not found:
        first = str(error).splitlines()[0] if str(error) else ""
        return UserError(
            f"{path}: not a PyTorch file that can be read: {type(error).__name__}: {first[:200]} "
            f"(no code in it was run). It is damaged, or no file of torch.save. Allowed: {WANTED}."
        )
    return UserError(
        f"{path}: not weights alone: it holds {found.group(1)}; no code in it was run. If you trust "
        "the file, write its state dict to a new one: torch.save(STATE_DICT, NEW). If "
        "torch.load(PATH, weights_only=False) gives a whole network, that is network.state_dict(); "
        "if a checkpoint, its entry with the tensors."
    )


def _read_pytorch(path: Path) -> Iterator[StateDict]:
    try:
        _check_archive(path)
        with open(path, "rb") as file:  # given a path, torch.load goes by its suffix
            content = torch.load(file, map_location="cpu", weights_only=True)
    except Exception as error:  # on damaged bytes the unpickler raises almost anything
        raise _refused(path, error) from error
    found = _state_dicts(content, "", DEPTH, set())
    yield from sorted(found, key=lambda state: _preference(state.entry))


READERS: dict[str, Callable[[Path], Iterator[StateDict]]] = {
    SAFETENSORS: _read_safetensors,
    PYTORCH: _read_pytorch,
}


def read(path: Path) -> Content:
    """Read the state dicts in a file.

    Tensors of safetensors files are mapped: they are read when they are used. Code in a PyTorch
    file is never run (weights_only).

    Args:
        path: A safetensors file, or a file of torch.save, under any suffix.

    Returns:
        Its content.

    Raises:
        UserError: The file cannot be read, is of another format, or has no state dict.
    """
    try:
        form = format_of(path)
    except ValueError as error:
        raise UserError(f"{path}: {error}. Allowed: {WANTED}.") from error
    states = tuple(READERS[form](path))
    if not states:
        raise UserError(
            f"{path}: no state dict in it, which is a dict of tensors by name. Allowed: {WANTED}, "
            f"alone or in a checkpoint under a key such as {', '.join(STATE_KEYS)}."
        )
    return Content(form, states)
