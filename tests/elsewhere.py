"""A device that is not the CPU, on the CPU: its tensors compute as those of the CPU do.

A tensor belongs to the device if it was moved there, made there, or computed from one that does.
As with CUDA, a function that takes tensors of both raises RuntimeError, unless one is a number or
an index, or it copies.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

CPU = torch.device("cpu")
ELSEWHERE = torch.device(
    "cpu", 0
)  # torch computes there, and it does not equal torch.device("cpu")
MAY_MIX = ("aten::copy_", "aten::index", "aten::index_put_", "aten::_to_copy", "aten::set_")


class _Tensors(TorchDispatchMode):
    """Knows the tensors of the device by their memory."""

    def __init__(self) -> None:
        super().__init__()
        self._memory: dict[int, torch.UntypedStorage] = {}

    def holds(self, tensor: torch.Tensor) -> bool:
        return tensor.untyped_storage()._cdata in self._memory

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None):
        taken = [value for value in tree_leaves((args, kwargs)) if isinstance(value, torch.Tensor)]
        here = [tensor for tensor in taken if not self.holds(tensor) and tensor.dim()]
        there = [tensor for tensor in taken if self.holds(tensor)]
        name = function._schema.name
        if here and there and name not in MAY_MIX:
            raise RuntimeError(f"{name}: tensors on the CPU and on another device")
        given = function(*args, **(kwargs or {}))
        asked = (kwargs or {}).get("device")
        own = bool(there) if asked is None else asked == ELSEWHERE
        before = {tensor.untyped_storage()._cdata for tensor in taken}
        for value in tree_leaves(given):
            if isinstance(value, torch.Tensor):
                memory = value.untyped_storage()
                if memory._cdata not in before and own:
                    self._memory[memory._cdata] = memory
        return given


class _Places(TorchFunctionMode):
    """Says where a tensor is, and moves it."""

    def __init__(self, tensors: _Tensors) -> None:
        super().__init__()
        self._tensors = tensors

    def _asked(
        self, function: Any, values: tuple
    ) -> tuple[torch.device | None, torch.dtype | None]:
        """The device and the type that a tensor shall have."""
        device, kind = CPU if function == torch.Tensor.cpu else None, None
        for value in values:
            if isinstance(value, torch.Tensor):
                return ELSEWHERE if self._tensors.holds(value) else CPU, value.dtype
            device = value if isinstance(value, torch.device) else device
            kind = value if isinstance(value, torch.dtype) else kind
        return device, kind

    def __torch_function__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None):
        kwargs = kwargs or {}
        there = bool(args) and isinstance(args[0], torch.Tensor) and self._tensors.holds(args[0])
        if function == torch.Tensor.device.__get__ and there:
            return ELSEWHERE
        if function == torch.Tensor.is_cpu.__get__ and there:
            return False
        if function == torch.Tensor.numpy and there:
            raise TypeError("a tensor of another device has no numpy array")
        if function == torch.Tensor.__deepcopy__ and there and not args[0].requires_grad:
            return args[1].setdefault(id(args[0]), args[0].clone())
        if function in (torch.Tensor.cpu, torch.Tensor.to):
            asked, kind = self._asked(function, (*args[1:], *kwargs.values()))
            if asked is not None and (asked == ELSEWHERE) != there:
                return torch.ops.aten._to_copy(args[0], dtype=kind, device=asked)
            return args[0] if kind is None else args[0].to(kind)
        return function(*args, **kwargs)


@contextmanager
def elsewhere() -> Iterator[None]:
    """Within the block, ELSEWHERE is another device."""
    with _Tensors() as tensors, _Places(tensors):
        yield
