"""Write a compressed network to a small file, and read the evaluated network back to the bit.

It is a safetensors file. A tensor that the plan leaves alone is stored as it is. One that the plan
prunes or rounds is stored in these parts, as "NAME.values" and so on:
- "mask": where it is not zero, if it has zeros. A byte for the coding, and then the mask by zlib.
- "values": its non-zero entries in order.
- "codes" and "scales" instead of values, if it is rounded: a row for each bit of all codes.

A Linear layer that torch quantises has int8 values, unless the plan rounds it. It is quantised when
it is read. The metadata have the version, a SHA-256, and as JSON the types and shapes of the
tensors in parts, the scale and the zero point of each int8 layer, and extra state of modules.
"""

import hashlib
import json
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import nn
from torch.ao.nn.quantized import dynamic
from torch.nn.modules.linear import NonDynamicallyQuantizableLinear

from ..compression.channels import swapped_channels
from ..compression.layers import layer_name, tensor_name, transposed_weights, with_tensors
from ..compression.plans import Plan
from ..compression.pruning import Pruned, quantize_in_place
from ..errors import UserError, short
from ..jobs.files import written_whole
from .extra_state import coded, decoded, extra_states, set_states
from .stored import wanted_by

FORMAT, VERSION = "paretopress.packed", "1"
PARTS = ("mask", "values", "codes", "scales")
GAPS_OF_NONZEROS, GAPS_OF_ZEROS, BIT_MAP = 0, 1, 2  # codings of a mask
GAPS_BELOW = 1 / 8  # share of the rarer kind of entry below which its gaps need less than a bit map
GOES_ON = 255  # a byte of a gap that has another byte
LINEAR = (nn.Linear, NonDynamicallyQuantizableLinear)  # what torch quantises, and what it does not
SHOWN = 10

Parts = dict[str, torch.Tensor]


def _named(network: nn.Module) -> list[tuple[list[str], torch.Tensor]]:
    """Each tensor of the state dict once, with all of its names."""
    wanted = wanted_by(network)
    names: dict[str, list[str]] = {first: [] for first in wanted.tensors}
    for name, first in wanted.first.items():
        names[first].append(name)
    return [(names[first], tensor) for first, tensor in wanted.tensors.items()]


def _kind(tensor: torch.Tensor) -> str:
    return f"{tensor.dtype} {list(tensor.shape)}".removeprefix("torch.")


def _in_rows(tensor: torch.Tensor, groups: int | None) -> torch.Tensor:
    """A tensor with its output channels first, or back again; `groups` as in `channels_first`."""
    return tensor if groups is None else swapped_channels(tensor, groups).contiguous()


def _bytes(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.contiguous().view(-1).view(torch.uint8)


def _packed_mask(nonzero: np.ndarray) -> torch.Tensor:
    """Pack a mask, bool of shape (entries,)."""
    count = np.count_nonzero(nonzero)
    coding = GAPS_OF_ZEROS if 2 * count > nonzero.size else GAPS_OF_NONZEROS
    if min(count, nonzero.size - count) < GAPS_BELOW * nonzero.size:
        gaps = np.diff(np.flatnonzero(nonzero ^ (coding == GAPS_OF_ZEROS)), prepend=-1) - 1
        lengths = gaps // GOES_ON + 1
        coded = np.full(lengths.sum(), GOES_ON, dtype=np.uint8)
        coded[np.cumsum(lengths) - 1] = gaps % GOES_ON
    else:
        coding, coded = BIT_MAP, np.packbits(nonzero)
    # A byte hardly depends on those before it, so that no search for repeats pays.
    deflate = zlib.compressobj(strategy=zlib.Z_HUFFMAN_ONLY, memLevel=zlib.DEF_MEM_LEVEL + 1)
    packed = bytearray([coding]) + deflate.compress(coded.tobytes()) + deflate.flush()
    return torch.frombuffer(packed, dtype=torch.uint8)


def _mask(packed: torch.Tensor, entries: int) -> np.ndarray:
    """The mask that `_packed_mask` packed."""
    coding, deflated = int(packed[0]), packed[1:].numpy().data
    coded = np.frombuffer(zlib.decompress(deflated), dtype=np.uint8)
    if coding == BIT_MAP:
        return np.unpackbits(coded, count=entries).view(bool)
    skipped = np.cumsum(coded, dtype=np.int64)[coded < GOES_ON]
    mask = np.full(entries, coding == GAPS_OF_ZEROS)
    mask[skipped + np.arange(len(skipped))] ^= True
    return mask


def _packed_codes(codes: np.ndarray, bits: int) -> torch.Tensor:
    """Pack codes, int16 of shape (n,): a row has one bit of each."""
    numbers = (codes + 2 ** (bits - 1) - (codes > 0)).astype(np.uint8)  # no code is 0
    return torch.from_numpy(np.stack([np.packbits(numbers >> bit & 1) for bit in range(bits)]))


def _codes(packed: torch.Tensor, count: int) -> torch.Tensor:
    """The codes that `_packed_codes` packed."""
    codes = np.full(count, -(2 ** (len(packed) - 1)), dtype=np.int16)
    for bit, row in enumerate(packed.numpy()):
        codes += np.unpackbits(row, count=count).astype(np.int16) << bit
    return torch.from_numpy(codes + (codes >= 0))


def _packed(tensor: torch.Tensor, rounding: tuple[torch.Tensor, int] | None) -> Parts:
    """The parts of a contiguous tensor, rounded to these scales and bits."""
    flat = tensor.view(-1)
    nonzero = (flat != 0) | flat.signbit()  # -0.0 is a value, so that it comes back
    mask = {} if nonzero.all() else {"mask": _packed_mask(nonzero.numpy())}
    if rounding is not None:
        scales, bits = rounding
        codes = (tensor.view(len(scales), -1) / scales[:, None]).round_().to(torch.int16).view(-1)
        codes = codes.numpy()[nonzero.numpy()]
        rounded = {**mask, "scales": scales, "codes": _packed_codes(codes, bits)}
        smaller = scales.nbytes + rounded["codes"].nbytes < len(codes) * tensor.itemsize
        if smaller and torch.equal(_bytes(_unpacked(rounded, flat.shape)), _bytes(flat)):
            return rounded
    return {**mask, "values": flat[nonzero]}


def _unpacked(parts: Parts, shape: torch.Size) -> torch.Tensor:
    """The tensor that `_packed` packed."""
    entries, scales = shape.numel(), parts.get("scales")
    mask = _mask(parts["mask"], entries) if "mask" in parts else np.ones(entries, dtype=bool)
    values = parts["values"] if scales is None else _codes(parts["codes"], mask.sum()).to(scales)
    flat = torch.zeros(entries, dtype=values.dtype)
    flat.masked_scatter_(torch.from_numpy(mask), values)
    if scales is not None:
        flat.view(len(scales), -1).mul_(scales[:, None])
    return flat.view(shape)


def _int8_weights(network: nn.Module) -> Parts:
    """The quantised weights of the Linear layers that torch quantises, by name."""
    quantized = with_tensors(network, {})
    quantize_in_place(quantized)
    return {
        tensor_name(name, "weight"): module.weight()
        for name, module in quantized.named_modules(remove_duplicate=False)
        if isinstance(module, dynamic.Linear)
    }


def _digest(parts: Parts, facts: str) -> str:
    """The SHA-256 of all that a file has."""
    digest = hashlib.sha256(facts.encode())
    for name, part in sorted(parts.items()):
        digest.update(f"{name} {_kind(part)}".encode())
        digest.update(_bytes(part).numpy().data)
    return digest.hexdigest()


def save_packed(pruned: Pruned, plan: Plan, path: Path) -> None:
    """Write a compressed network to a small file, for `load_packed`.

    Args:
        pruned: The float network: pruned, rounded and repaired, and not yet quantised.
        plan: Its plan.
        path: The file. It is replaced as a whole.

    Raises:
        UserError: The file cannot be written, for example because the disk is full.
    """
    int8 = _int8_weights(pruned.network) if plan.quantized else {}
    roundings = {name: (pruned.scales[name], bits) for name, bits in plan.bits}
    parts, packed, changed = Parts(), {}, plan.changed
    groups = transposed_weights(pruned.network)
    for names, parameter in _named(pruned.network):
        name, tensor = names[0], parameter.detach().contiguous()
        rounding = next((roundings[other] for other in names if other in roundings), None)
        in_int8 = not rounding and int8.keys() >= set(names)
        if in_int8 or not changed.isdisjoint(names):
            packed[name] = _kind(tensor)
            stored = int8[name].int_repr() if in_int8 else _in_rows(tensor, groups.get(name))
            own = _packed(stored, rounding)
            parts |= {f"{name}.{part}": value for part, value in own.items()}
        else:
            parts[name] = tensor.clone()  # the format does not allow two names for one memory
    steps = {name: (weight.q_scale(), weight.q_zero_point()) for name, weight in int8.items()}
    extra = {key: coded(value) for key, value in extra_states(pruned.network).items()}
    facts = json.dumps(
        {"packed": packed, "int8": steps, **({"extra_state": extra} if extra else {})}
    )
    with written_whole(path) as temporary:
        save_file(parts, temporary, {FORMAT: f"{VERSION} {_digest(parts, facts)} {facts}"})


def _read(path: Path) -> tuple[Parts, dict[str, Any]]:
    """All parts in a file, and its facts."""
    try:
        with safe_open(path, framework="pt") as file:
            header = (file.metadata() or {}).get(FORMAT, "")
            parts = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise UserError(f"{path}: cannot be read as a safetensors file ({error}).") from error
    version, digest, facts = (header.split(" ", 2) + [""] * 2)[:3]
    if not header:
        problem = "no packed network, but perhaps plain weights. Give a file packed.safetensors."
    elif version != VERSION:
        problem = f"version {short(version)} of packed networks. Allowed: {VERSION}."
    elif digest != _digest(parts, facts):
        problem = "damaged: its SHA-256 is not that of its content. Fetch or make the file again."
    else:
        return parts, json.loads(facts)
    raise UserError(f"{path}: {problem}")


def load_packed(structure: nn.Module, path: Path) -> nn.Module:
    """Read the evaluated network that `save_packed` wrote, quantised if the plan said so.

    Args:
        structure: A network of the same architecture. It stays as it is, and its own weights are
            not used.
        path: The file. There is no code in it.

    Returns:
        The network in evaluation mode. Its state dict is the same to the bit.

    Raises:
        UserError: The file is damaged, no packed network, of another version or of another network.
            The message names the tensors that do not fit.
    """
    parts, facts = _read(path)
    packed, int8 = facts["packed"], facts["int8"]
    plain = [key for key in parts if key.rpartition(".")[0] not in packed]
    stored = {**packed, **{key: _kind(parts[key]) for key in plain}}
    wanted = {names[0]: _kind(tensor) for names, tensor in _named(structure)}
    extra = facts.get("extra_state", {})
    stored |= dict.fromkeys(extra, "extra state")
    wanted |= dict.fromkeys(wanted_by(structure).extra.values(), "extra state")
    if misfits := [
        f"{name}: {stored.get(name, 'missing')}, {wanted.get(name, 'not in the network')}"
        for name in {**wanted, **stored}
        if stored.get(name) != wanted.get(name)
    ]:
        raise UserError(
            f"{path}: of another network. Tensors that do not fit: {len(misfits)}. In the file and in "
            "the network:\n  " + "\n  ".join(misfits[:SHOWN])
        )
    tensors, integers, groups = Parts(), Parts(), transposed_weights(structure)
    for names, like in _named(structure):
        own = {part: parts[key] for part in PARTS if (key := f"{names[0]}.{part}") in parts}
        if names[0] in packed:
            in_rows = _in_rows(like.to("meta"), swapped := groups.get(names[0])).shape
            tensor = _in_rows(_unpacked(own, in_rows), swapped)
        else:
            tensor = parts[names[0]]
        tensors[names[0]] = tensor.to(like.dtype)
        if tensor.dtype != like.dtype:
            integers |= dict.fromkeys(names, tensor)
    network = with_tensors(structure, tensors)
    set_states(network, {key: decoded(value) for key, value in extra.items()})
    if not int8:
        return network.eval()
    for name, module in network.named_modules():
        if type(module) in LINEAR:
            module.__class__ = LINEAR[tensor_name(name, "weight") not in int8]
    quantize_in_place(network)
    for name in int8.keys() & integers:
        weight = torch._make_per_tensor_quantized_tensor(integers[name], *int8[name])
        linear: Any = network.get_submodule(layer_name(name))
        linear.set_weight_bias(weight, linear.bias())
    return network.eval()
