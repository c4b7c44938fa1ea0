"""What the files of search methods hold, read from their text: no method is imported, nor what it imports."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..imports import PACKAGE
from .methods import RegisteredMethod
from .python_files import FieldText, dataclass_fields

METHODS = PACKAGE / "methods"
# A field annotated with one of these is checked; of another one the class itself has to judge.
TYPES = {"int": (int,), "float": (int, float), "str": (str,), "bool": (bool,)}


def method_file(implementation: str) -> Path:
    """The file of FILE.CLASS in the folder methods/."""
    return METHODS / f"{implementation.split('.')[0]}.py"


@dataclass(frozen=True)
class Mistake:
    """A mistake in an entry of the config's methods: at which key of it, what it is, what is allowed there.

    meant: what `said` may be a misspelling of.
    """

    key: tuple[str, ...]
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
    """What is wrong with the registry's entry of a method, or with its settings."""
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
            f"{entry}, and methods/{file.name} is no Python ({error})",
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
