"""Find the tensors of a network in a file of weights, or say why they are not there."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch

from ..errors import UserError
from .extra_state import SUFFIX
from .key_names import Renaming, is_usual, renamings
from .stored import Wanted, plain, same
from .weight_files import Content, StateDict, is_usual_entry

SHOWN = 10
COUNTER = "num_batches_tracked"  # of batch norm, which evaluation does not use
AUXILIARY = re.compile(r"(?i)aux(iliary)?_?(logits|heads?|classifiers?)?_?\d*\..+")
# Names that may be in a file and not in the network, and why they are left out.
NEEDLESS: tuple[tuple[re.Pattern[str], str], ...] = (
    (AUXILIARY, "auxiliary heads, which only training uses"),
    (re.compile(rf"(.+\.)?{SUFFIX}"), "extra state of modules that take none here"),
    (re.compile(rf"(.+\.)?{COUNTER}"), "counters of batches, that the network does not have"),
    (re.compile(r"(.+\.)?total_(ops|params)"), "counts of a profiler"),
)


@dataclass(frozen=True)
class Match:
    """A state dict beside what a network stores.

    Attributes:
        state: The state dict.
        renaming: How its names are read.
        given: Its values by the names of the network.
        missing: Names of tensors that it lacks.
        unknown: Names that the network lacks.
        shapes: Names whose tensors have another shape, or are no tensors.
        left_out: Why a name of the file is not needed.
        kept: Names of what stays as the network was built.
        also: Other prefixes of the state dict that fit.
    """

    state: StateDict
    renaming: Renaming
    given: Mapping[str, Any]
    missing: tuple[str, ...]
    unknown: tuple[str, ...]
    shapes: tuple[str, ...]
    left_out: Mapping[str, str] = field(default_factory=dict)
    kept: tuple[str, ...] = ()
    also: tuple[str, ...] = ()

    def fits(self) -> bool:
        """Tell whether each name and each shape fits."""
        return not (self.missing or self.unknown or self.shapes)

    def distance(self, wanted: Wanted) -> tuple[int, int, int]:
        """How far it is from the network, to be compared with other matches."""
        found = len(wanted.tensors) - len(self.missing)
        return (-found, len(self.unknown), len(self.shapes))


def _needless(name: str, value: Any, wanted: Wanted) -> str:
    """Why a name that the network lacks is left out; "" if it must not be."""
    for pattern, reason in NEEDLESS:
        if pattern.fullmatch(name):
            return reason
    if not isinstance(value, torch.Tensor):
        return "no tensors"
    built = wanted.computed.get(name)
    if built is not None and plain(value) and plain(built) and same(value, built):
        return "what the network computes itself, and is the same"
    return ""


def _match(state: StateDict, renaming: Renaming, wanted: Wanted) -> Match:
    values = {**{name: state.values[kept] for name, kept in state.copies.items()}, **state.values}
    given = {name: values[key] for key, name in renaming.names.items()}
    found = {wanted.first[name] for name in given if name in wanted.first}
    absent = [name for name in wanted.tensors if name not in found]
    states = {wanted.extra[key] for key in given if key in wanted.extra}
    known = {*wanted.first, *wanted.extra}
    strange = {key: name for key, name in renaming.names.items() if name not in known}
    reasons = {
        key: "another name of a tensor"
        if key in state.copies
        else _needless(name, given[name], wanted)
        for key, name in strange.items()
    }
    reasons |= dict.fromkeys(renaming.outside, f"outside of {renaming.prefix[:-1]}")
    return Match(
        state,
        renaming,
        given,
        missing=tuple(name for name in absent if not name.endswith(COUNTER)),
        unknown=tuple(name for key, name in strange.items() if not reasons[key]),
        shapes=tuple(
            name
            for name, first in wanted.first.items()
            if name in given and getattr(given[name], "shape", None) != wanted.tensors[first].shape
        ),
        left_out={key: reason for key, reason in reasons.items() if reason},
        kept=(
            *(name for name in absent if name.endswith(COUNTER)),
            *(key for key in dict.fromkeys(wanted.extra.values()) if key not in states),
        ),
    )


def _best(state: StateDict, wanted: Wanted, path: Path) -> Match:
    """The way to read a state dict that fits, or else the one that fits best."""
    ways, partly = list[Match](), dict[tuple[str, ...], Match]()
    for renaming in renamings([*state.values, *state.copies], wanted.names()):
        match = _match(state, renaming, wanted)
        if match.fits() and not renaming.outside:
            return match
        if match.fits():
            partly.setdefault(tuple(renaming.names), match)
        ways.append(match)
    found = list(partly.values())
    usual = [match for match in found if is_usual(match.renaming.prefix)]
    places = [match.renaming.prefix[:-1] for match in found]
    if found and all(name in state.values for name in wanted.tensors):
        places.append("its plain names")
    elif len(usual) == 1:
        other = tuple(match.renaming.prefix[:-1] for match in found if match is not usual[0])
        return replace(usual[0], also=other)
    if found:
        raise UserError(
            f"{path}: the network is in it under {' and under '.join(places)}, with other tensors "
            f"beside. Save the tensors of {'one of them' if places[1:] else places[0]} alone."
        )
    return min(ways, key=lambda way: way.distance(wanted))


def _groups(names: Sequence[str]) -> str:
    """The first parts of names, as in "layer1, layer2, fc"."""
    found = list(dict.fromkeys(name.split(".")[0] for name in names))
    return ", ".join(found[:3]) + (f" and {len(found) - 3} more" if len(found) > 3 else "")


def _shape(value: Any) -> str:
    if not isinstance(value, torch.Tensor):
        return f"a {type(value).__name__}"
    return f"shape {tuple(value.shape)}"


def _lines(match: Match, wanted: Wanted) -> Iterator[str]:
    """Yield a line for each name that is missing, unknown or of another shape."""
    for name in match.missing:
        yield f"{name}: missing, {tuple(wanted.tensors[name].shape)} wanted"
    for name in match.unknown:
        yield f"{name}: not a key of this network, {_shape(match.given[name])}"
    for name in match.shapes:
        shape = tuple(wanted.tensors[wanted.first[name]].shape)
        yield f"{name}: {_shape(match.given[name])}, {shape} wanted"


def _other_outputs(match: Match, wanted: Wanted) -> str:
    """Say that only the number of outputs of the last layer differs; "" if that is not so."""
    last = [name for name, tensor in wanted.tensors.items() if tensor.dim() > 1][-1:]
    if not last or not set(last) <= set(match.shapes):
        return ""
    layer = last[0].rpartition(".")[0]
    for name in match.shapes:
        given, built = match.given[name], wanted.tensors[wanted.first[name]]
        if name.rpartition(".")[0] != layer or not isinstance(given, torch.Tensor):
            return ""
        if given.dim() != built.dim() or given.shape[1:] != built.shape[1:]:
            return ""
    return (
        f"All else fits: the last layer{layer and f', {layer},'} has "
        f"{len(match.given[last[0]])} outputs in the file, and {len(wanted.tensors[last[0]])} in "
        "the network, one for each class of the dataset. Give weights that were trained on these "
        "classes."
    )


def _finding(match: Match, wanted: Wanted) -> str:
    """Say in what the file and the network differ, and what to do."""
    names = [name for name in wanted.tensors if not name.endswith(COUNTER)]
    total, missing, unknown = len(names), match.missing, match.unknown
    found = total - len(missing)
    if not found:
        return (
            "No tensor of the network has its name in the file: the file seems to be of another "
            f"architecture. It has {_groups(list(match.given))}, and the network {_groups(names)}."
        )
    if not missing and not unknown:
        if not all(isinstance(match.given[name], torch.Tensor) for name in match.shapes):
            return "All names fit, and not all of them hold tensors: give a whole state dict."
        return _other_outputs(match, wanted) or (
            f"All names fit, and {len(match.shapes)} of {total} shapes do not: the file seems to "
            "be of the same architecture with other arguments. Check architecture.arguments, or "
            "the widths of the network."
        )
    if not unknown:
        present = {name.split(".")[0] for name in names if name not in missing}
        lost = [name for name in missing if name.split(".")[0] not in present]
        lack = f"none of {_groups(lost)}" if lost else f"not {missing[0]} or the like"
        return (
            f"The file has {found} of the {total} tensors of the network, and {lack}. Give a file "
            "with all of them."
        )
    if not missing:
        return (
            f"The file has all {total} names of the network, and {len(unknown)} more, of "
            f"{_groups(unknown)}. The network seems to lack layers of the one that was trained: "
            "check the architecture, or save the tensors of this network alone."
        )
    return (
        f"{found} of the {total} tensors of the network have their names in the file, and "
        f"{len(unknown)} of the file have none in the network: check the architecture, and that "
        "its layers have the names that they were trained with."
    )


def shown(problems: Sequence[str]) -> str:
    """Show the first of some problems, a line for each, and the number of the others."""
    return "\n  ".join(
        [*problems[:SHOWN], *([f"and {len(problems) - SHOWN} more"] if problems[SHOWN:] else [])]
    )


def _equal(match: Match, other: Match, wanted: Wanted) -> bool:
    """Tell whether two matches give a network the same tensors."""
    return all(
        same(match.given[name], other.given[name])
        for name in wanted.tensors
        if name in match.given and name in other.given
    )


def best_match(content: Content, wanted: Wanted, path: Path) -> tuple[Match, tuple[str, ...]]:
    """Find the tensors of a network in the content of a file.

    Args:
        content: The content.
        wanted: What the network stores.
        path: The file, for messages.

    Returns:
        The match, and the entries or prefixes of other state dicts that fit too.

    Raises:
        UserError: No state dict fits. The message names the tensors, and says what was found.
    """
    matches = [_best(state, wanted, path) for state in content.states]
    fitting = [match for match in matches if match.fits()]
    if fitting and not is_usual_entry(fitting[0].state.entry):
        others = [match for match in fitting[1:] if not _equal(match, fitting[0], wanted)]
        if others:
            places = " and under ".join(match.state.entry for match in [fitting[0], *others])
            raise UserError(
                f"{path}: the network is in it under {places}, with other numbers. Save the tensors "
                "of one of them alone."
            )
    if fitting:
        return fitting[0], (*fitting[0].also, *(match.state.entry for match in fitting[1:]))
    match = min(matches, key=lambda match: match.distance(wanted))
    entry = f" (its entry {match.state.entry})" if match.state.entry else ""
    raise UserError(
        f"{path}{entry}: the weights do not fit the network.\n"
        f"  {shown(list(_lines(match, wanted)))}\n{_finding(match, wanted)}"
    )
