"""The extra state of modules: what `get_extra_state` adds to a state dict beside its tensors.

It is stored as JSON, in which a value of a type that JSON lacks is a list of the type's name and
its content.
"""

import base64
import copy
import json
from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping
from typing import Any

import torch
from safetensors.torch import load, save
from torch import nn

from ..errors import UserError

SUFFIX = "_extra_state"  # torch's, of the key in a state dict
ALLOWED = "numbers, text, bytes, tensors, and lists, tuples, sets and dicts of them"
PLAIN = (type(None), bool, int, float, str)


def _coded_tensor(tensor: torch.Tensor) -> str:
    content = save({"": tensor.detach().cpu().contiguous()})
    return base64.b64encode(content).decode()


def _coded_all(values: Any) -> list[Any]:
    return [coded(value) for value in values]


def _coded_set(values: set[Any]) -> list[Any]:
    return sorted(_coded_all(values), key=json.dumps)  # the order of a set differs by process


def _coded_items(values: Mapping[Any, Any]) -> list[Any]:
    return [[coded(key), coded(value)] for key, value in values.items()]


def _decoded_all(content: list[Any]) -> list[Any]:
    return [decoded(value) for value in content]


def _decoded_items(content: list[Any]) -> list[Any]:
    return [_decoded_all(pair) for pair in content]


def _torch_type(content: str) -> torch.dtype:
    if not isinstance(found := getattr(torch, content.removeprefix("torch.")), torch.dtype):
        raise ValueError(f"{content} is no type of torch")
    return found


# Each type with how it becomes JSON and how it comes back. They are those that torch.load takes
# with weights_only, since a checkpoint of the training holds them too.
CODINGS: dict[type, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    list: (_coded_all, _decoded_all),
    tuple: (_coded_all, lambda content: tuple(_decoded_all(content))),
    set: (_coded_set, lambda content: set(_decoded_all(content))),
    dict: (_coded_items, lambda content: dict(_decoded_items(content))),
    OrderedDict: (_coded_items, lambda content: OrderedDict(_decoded_items(content))),
    Counter: (_coded_items, lambda content: Counter(dict(_decoded_items(content)))),
    complex: (lambda value: [value.real, value.imag], lambda content: complex(*content)),
    bytes: (bytes.hex, bytes.fromhex),
    bytearray: (bytearray.hex, bytearray.fromhex),
    torch.Size: (list, torch.Size),
    torch.dtype: (str, _torch_type),
    torch.device: (str, torch.device),
    torch.Tensor: (_coded_tensor, lambda content: load(base64.b64decode(content))[""]),
}
NAMES = {kind.__name__: kind for kind in CODINGS}


def coded(value: Any) -> Any:
    """Turn extra state into plain JSON data.

    Args:
        value: Numbers, text, bytes, tensors, and lists, tuples, sets and dicts of them.

    Returns:
        The data. They are the same for the same value.

    Raises:
        TypeError: A value in it is of another type.
    """
    kind = type(value)
    if kind in PLAIN:
        return value
    if kind not in CODINGS:
        raise TypeError(f"a {kind.__module__}.{kind.__qualname__}".replace("builtins.", ""))
    return [kind.__name__, CODINGS[kind][0](value)]


def decoded(content: Any) -> Any:
    """Make the value that `coded` was given.

    Args:
        content: The data.

    Returns:
        The value, which belongs to the caller.

    Raises:
        ValueError, KeyError, TypeError, AttributeError: The data are not those of `coded`.
    """
    if type(content) in PLAIN:
        return content
    kind, inner = content
    return CODINGS[NAMES[kind]][1](inner)


def modules_with_state(network: nn.Module) -> dict[str, nn.Module]:
    """Find the modules that have extra state, by its key in the state dict."""
    return {
        f"{name}.{SUFFIX}" if name else SUFFIX: module
        for name, module in network.named_modules(remove_duplicate=False)
        if type(module).get_extra_state is not nn.Module.get_extra_state
    }


def first_keys(network: nn.Module) -> dict[str, str]:
    """The first key of each module's extra state, by each of its keys."""
    first: dict[int, str] = {}
    modules = modules_with_state(network)
    return {key: first.setdefault(id(module), key) for key, module in modules.items()}


def extra_states(network: nn.Module) -> dict[str, Any]:
    """The extra state of each module, by its first key."""
    modules = modules_with_state(network)
    firsts = dict.fromkeys(first_keys(network).values())
    return {key: modules[key].get_extra_state() for key in firsts}


def set_states(network: nn.Module, states: Mapping[str, Any]) -> None:
    """Give modules their extra state.

    Args:
        network: The network, which is changed.
        states: The extra state by its key in the state dict.

    Raises:
        UserError: A module does not take it.
    """
    modules = modules_with_state(network)
    for key, state in states.items():
        try:
            modules[key].set_extra_state(state)
        except Exception as error:  # from the code of a user's network
            raise UserError(
                f"{key}: {type(modules[key]).__name__}.set_extra_state does not take what it was "
                f"given ({type(error).__name__}: {error}). The file is of another version of the "
                "network, or the method does not fit get_extra_state."
            ) from error


def check_states(network: nn.Module) -> None:
    """Check that the extra state of a network can be stored and set again.

    Args:
        network: The network, which stays as it is.

    Raises:
        UserError: It cannot. The message names the module.
    """
    for key, module in modules_with_state(network).items():
        place = f"{key}: the extra state of a {type(module).__name__}"
        if type(module).set_extra_state is nn.Module.set_extra_state:
            raise UserError(
                f"{place} cannot be set again: it has get_extra_state and no set_extra_state. "
                "Add set_extra_state(self, state)."
            )
        try:
            state = module.get_extra_state()
        except Exception as error:  # from the code of a user's network
            raise UserError(
                f"{place} cannot be read: get_extra_state raises {type(error).__name__}: {error}."
            ) from error
        try:
            content = json.loads(json.dumps(coded(state)))
        except Exception as error:  # of types and nesting of any kind
            reason = error if isinstance(error, TypeError) else type(error).__name__
            raise UserError(
                f"{place} cannot be stored: it holds {reason}. Allowed: {ALLOWED}."
            ) from error
        try:
            copy.deepcopy(module).set_extra_state(decoded(content))
        except Exception as error:  # from the code of a user's network
            raise UserError(
                f"{place} cannot be set again: set_extra_state raises {type(error).__name__}: "
                f"{error}, given what get_extra_state returned."
            ) from error
