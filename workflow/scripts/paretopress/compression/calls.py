"""The calls of a pass: modules and functions in their order, to be made again with other weights."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from .layers import LAYER_KINDS
from .passage import values_in

# A call that is made again. It takes the network, since its modules may be those of a copy.
Step = Callable[[nn.Module, torch.Tensor], torch.Tensor]
# What asks a tensor for its shape or type alone.
ABOUT_SHAPE = {
    torch.Tensor.size, torch.Tensor.dim, torch.Tensor.numel, torch.Tensor.__len__,
    *(getattr(torch.Tensor, name).__get__ for name in ("shape", "ndim", "dtype", "device")),
}  # fmt: skip


@dataclass(frozen=True)
class Call:
    """A call of a pass: its first argument, its result, and how it is made again, if it can be."""

    taken: Any
    given: Any
    step: Step | None
    module: str | None = None


def _of_function(function: Callable, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Call:
    tensors = [value for value in values_in((args, kwargs)) if isinstance(value, torch.Tensor)]
    step = None
    if args and len(tensors) == 1 and tensors[0] is args[0]:

        def step(network: nn.Module, value: torch.Tensor) -> torch.Tensor:
            return function(value, *args[1:], **kwargs)

    return Call(args[0] if args else None, function(*args, **kwargs), step)


def _of_module(name: str, args: tuple[Any, ...], kwargs: dict[str, Any], given: Any) -> Call:
    def step(network: nn.Module, value: torch.Tensor) -> torch.Tensor:
        return network.get_submodule(name)(value)

    alone = len(args) == 1 and not kwargs
    return Call(args[0] if args else None, given, step if alone else None, name)


def calls_of(network: nn.Module, images: torch.Tensor) -> tuple[list[Call], dict[int, int], Any]:
    """Run a pass. Returns its calls, the call that first uses each tensor, by id, and the output.

    A module without modules of its own is one call.
    """
    calls: list[Call] = []
    used: dict[int, int] = {}
    within: list[nn.Module] = []

    class Noting(TorchFunctionMode):
        """Notes the functions outside of modules, and the tensors that any function takes."""

        def __torch_function__(
            self, function: Any, types: Any, args: Any = (), kwargs: Any = None
        ) -> Any:
            for value in values_in((args, kwargs or {})):
                used.setdefault(id(value), len(calls))
            if within or function in ABOUT_SHAPE:
                return function(*args, **(kwargs or {}))
            calls.append(_of_function(function, args, kwargs or {}))
            return calls[-1].given

    def enter(module: nn.Module, args: Any) -> None:
        within.append(module)

    with ExitStack() as hooks, torch.no_grad():
        for name, module in network.named_modules():
            if any(module.children()):
                continue

            def leave(
                module: nn.Module, args: Any, kwargs: Any, given: Any, name: str = name
            ) -> None:
                within.pop()
                if not within:
                    calls.append(_of_module(name, args, kwargs, given))

            hooks.enter_context(module.register_forward_pre_hook(enter))
            hooks.enter_context(module.register_forward_hook(leave, with_kwargs=True))
        with Noting():
            output = network(images)
    return calls, used, output


def last_in_line(network: nn.Module, calls: list[Call], output: Any) -> dict[int, Call]:
    """The last calls by their places, each of the result of the one before. No convolution."""
    found: dict[int, Call] = {}
    for place in reversed(range(len(calls))):
        call = calls[place]
        module = None if call.module is None else network.get_submodule(call.module)
        if call.step is None or call.given is not output or isinstance(module, LAYER_KINDS["conv"]):
            break
        found[place], output = call, call.taken
    return dict(reversed(found.items()))
