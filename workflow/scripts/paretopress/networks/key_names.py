"""The names of tensors in files of weights beside those of a network: prefixes, and older names."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

# What DataParallel, torch.compile, FSDP and activation checkpoints put around a module.
WRAPPERS = ("module", "_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module")
# Names of the network in what trains it, such as a LightningModule. Other tensors may lie beside.
USUAL = (*WRAPPERS, "model", "net", "network", "backbone")
MOST = 16  # prefixes that are tried
# Older names of layers in torchvision's densenet and vision transformer, and those of now
# (torchvision.models.densenet._load_state_dict, vision_transformer.MLPBlock).
OLDER = (
    (re.compile(r"(.*\bdenselayer\d+\.(?:norm|conv))\.([12]\.\w+)"), r"\1\2"),
    (re.compile(r"(.*\bmlp)\.linear_1\.(\w+)"), r"\1.0.\2"),
    (re.compile(r"(.*\bmlp)\.linear_2\.(\w+)"), r"\1.3.\2"),
)


@dataclass(frozen=True)
class Renaming:
    """A way to read the names of a file.

    Attributes:
        prefix: What was removed before each name of the file.
        added: What was put before each name instead.
        names: The names of the network by those of the file.
        outside: Names of the file without the prefix.
    """

    prefix: str
    added: str
    names: Mapping[str, str]
    outside: tuple[str, ...] = ()


def _as_it_is(name: str) -> str:
    return name


def _unwrapped(name: str) -> str:
    return ".".join(part for part in name.split(".") if part not in WRAPPERS)


def _newer(name: str) -> str:
    for pattern, replacement in OLDER:
        if found := pattern.fullmatch(name):
            return found.expand(replacement)
    return name


SPELLINGS: tuple[Callable[[str], str], ...] = (
    _as_it_is,
    _unwrapped,
    _newer,
    lambda name: _newer(_unwrapped(name)),
)


def _shared_prefixes(names: Sequence[str]) -> Iterator[str]:
    """Yield each prefix that all names have, the empty one first."""
    parts = names[0].split(".")[:-1] if names else []
    for length in range(len(parts) + 1):
        prefix = "".join(f"{part}." for part in parts[:length])
        if prefix and not all(name.startswith(prefix) and name != prefix for name in names):
            return
        yield prefix


def _partial_prefixes(names: Sequence[str], wanted: Sequence[str]) -> list[str]:
    """List prefixes that only some of the names have: of usual names, and before a wanted name."""
    found: dict[str, None] = {}
    for name in names:
        prefix = ""
        for part in name.split(".")[:-1]:
            if part not in USUAL:
                break
            found.setdefault(prefix := f"{prefix}{part}.")
        if name.endswith(f".{wanted[0]}"):
            found.setdefault(name.removesuffix(wanted[0]))
    partial = (p for p in found if not all(name.startswith(p) for name in names))
    return list(islice(partial, MOST))


def is_usual(prefix: str) -> bool:
    """Tell whether other tensors may lie beside those with this prefix."""
    return all(part in USUAL for part in prefix.split(".")[:-1])


def renamings(given: Sequence[str], wanted: Sequence[str]) -> Iterator[Renaming]:
    """List the ways to read the names of a file, the plainest first.

    Args:
        given: The names in the file.
        wanted: The names in the network.

    Yields:
        Renamings. Most of them do not fit.

    Example:
        >>> found = renamings(["module.0.weight", "module.0.bias"], ["0.weight", "0.bias"])
        >>> next(way.prefix for way in found if "0.weight" in way.names.values())
        'module.'
    """
    sides = [
        (prefix, {name.removeprefix(prefix): name for name in wanted})
        for prefix in _shared_prefixes(wanted)
    ]
    inner = {_unwrapped(name): name for name in wanted}
    if len(inner) == len(wanted):
        sides.append(("", inner))
    prefixes = [*_shared_prefixes(given), *(_partial_prefixes(given, wanted) if wanted else ())]
    seen: list[Renaming] = []
    for added, own in sides:
        for spelling in SPELLINGS:
            for prefix in prefixes:
                names = {}
                for name in given:
                    if name.startswith(prefix):
                        other = spelling(name.removeprefix(prefix))
                        names[name] = own.get(other, added + other)
                outside = tuple(name for name in given if name not in names)
                way = Renaming(prefix, added, names, outside)
                if way not in seen and len(set(names.values())) == len(names):
                    seen.append(way)
                    yield way
