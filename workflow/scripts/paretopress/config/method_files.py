"""Check methods of the registry by the text of their files, without importing them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..imports import PACKAGE
from .methods import RegisteredMethod
from .python_files import FieldText, dataclass_fields

METHODS = PACKAGE / "methods"
# A value of a field with one of these annotations is checked here. The class must check any other.
TYPES = {"int": (int,), "float": (int, float), "str": (str,), "bool": (bool,)}


def method_file(implementation: str) -> Path:
    """The file of a method in the folder methods/, from its FILE.CLASS."""
    return METHODS / f"{implementation.split('.')[0]}.py"


@dataclass(frozen=True)
class Mistake:
    """A mistake in an entry of the config's `methods`.

    Attributes:
        key: The path of the wrong key within the entry.
        what: The problem.
        allowed: What is allowed there.
        said: A word that may be misspelt, or "".
        meant: The words that `said` may be a misspelling of.
    """

    key: tuple[str | int, ...]
    what: str
    allowed: str
    said: str = ""
    meant: Sequence[str] = ()


def _fits(value: Any, annotation: str) -> bool:
    types = TYPES.get(annotation)
    return types is None or (
        isinstance(value, types) and isinstance(value, bool) == (types == (bool,))
    )


def _wrong_settings(given: dict[str, Any], fields: dict[str, FieldText]) -> Iterator[Mistake]:
    listed = ", ".join(f"{name} ({field.annotation})" for name, field in fields.items())
    allowed = listed or "no settings: the method takes none"
    for name, value in given.items():
        if name not in fields:
            yield Mistake(("settings", name), "unknown setting", allowed, name, list(fields))
        elif not _fits(value, fields[name].annotation):
            yield Mistake(
                ("settings", name),
                "of another type than the method's field",
                fields[name].annotation,
            )
    for name, field in fields.items():
        if name not in given and not field.optional:
            yield Mistake(
                ("settings", name), "missing, and the method has no default for it", allowed
            )


def mistakes_of(method: RegisteredMethod) -> Iterator[Mistake]:
    """Find the mistakes in the registry's entry of a method and in its settings.

    Args:
        method: The entry of the config's `methods`.

    Yields:
        Each mistake.
    """
    entry = f"its entry in the registry (config/methods.py) is {method.implementation!r}"
    module, _, name = method.implementation.partition(".")
    file = method_file(method.implementation)
    if not name.isidentifier() or not file.is_file():
        files = sorted(path.stem for path in METHODS.glob("[!_]*.py"))
        allowed = f"FILE.CLASS, where FILE is one of the folder methods/: {', '.join(files)}"
        yield Mistake(("family",), f"{entry}, and there is no such file", allowed, module, files)
        return
    try:
        fields = dataclass_fields(file.read_text(encoding="utf-8"), name)
    except (SyntaxError, ValueError) as error:
        yield Mistake(
            ("family",),
            f"{entry}, and methods/{file.name} is not Python ({error})",
            "a file that Python can run",
        )
        return
    if fields is None:
        yield Mistake(
            ("family",),
            f"{entry}, and methods/{file.name} defines no such dataclass",
            "FILE.CLASS of a dataclass with a method run",
        )
        return
    yield from _wrong_settings(method.settings, fields)
