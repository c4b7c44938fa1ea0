"""Search methods, one file for each. Which of them a config can name is said in config/methods.py.

Nothing is imported here, so that the code of a method counts in its own searches alone.
"""

from importlib import import_module
from typing import Any

from ..search.archive import Method


def build_method(implementation: str, settings: dict[str, Any]) -> Method:
    """implementation: FILE.CLASS in this folder, the file without its .py. settings: the fields of the class."""
    module, name = implementation.split(".")
    return getattr(import_module(f"{__name__}.{module}"), name)(**settings)
