"""Search methods, one file for each. A config names the file as the family of a method.

This module imports no method. So a change of a method's code affects its own searches alone.
"""

from collections.abc import Callable
from importlib import import_module
from typing import Any, Protocol

from ..search.archive import Archive


class Method(Protocol):
    """A search method."""

    def run(self, archive: Archive, after_iteration: Callable[[Archive], None]) -> None:
        """Spend the archive's budget, and call `after_iteration` after each iteration."""
        ...


def build_method(implementation: str, settings: dict[str, Any]) -> Method:
    """Build a search method.

    Args:
        implementation: FILE.CLASS in this folder, with the file's name without .py.
        settings: Values for the fields of the class.

    Returns:
        The method. Its `run` spends the budget of an archive.

    Raises:
        ModuleNotFoundError: There is no such file.
        AttributeError: The file has no such class.
        TypeError: The settings do not fit the class.

    Example:
        >>> build_method("ctaea.PlainCtaea", {"population": 20})
        PlainCtaea(population=20)
    """
    module, name = implementation.split(".")
    return getattr(import_module(f"{__name__}.{module}"), name)(**settings)


def designs_at_once(method: Method) -> int:
    """The designs that a method evaluates in each iteration, by its infills or its population."""
    found = getattr(method, "infills", getattr(method, "population", None))
    return found if isinstance(found, int) and found > 0 else 1
