"""Check the settings of a method by the annotations of its class, and without importing its file."""

import ast
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any, Literal, get_args

from pydantic import ConfigDict, TypeAdapter, ValidationError

from . import number_types
from .method_files import Mistake, method_class, missing_packages
from .python_files import FieldText
from .schema import allowed_of, describe

# A value of a field with one of these annotations is checked here, also between |, and with
# Literal. The class must check any other.
TYPES: dict[str, Any] = {"int": int, "float": float, "str": str, "bool": bool} | {
    name: getattr(number_types, name)
    for name in ("Count", "Folds", "Fraction", "Population", "Positive", "Seed")
}
STRICT = ConfigDict(strict=True)


def _options(node: ast.expr) -> list[Any]:
    """The types that an annotation allows, with None for None. Empty if one is not known here."""
    match node:
        case ast.BinOp(left, ast.BitOr(), right):
            one, other = _options(left), _options(right)
            return [*one, *other] if one and other else []
        case ast.Subscript(ast.Name("Literal"), values):
            with suppress(ValueError):  # A name is not known here.
                return [Literal[ast.literal_eval(values)]]
        case ast.Constant(None):
            return [None]
        case ast.Name(name) if name in TYPES:
            return [TYPES[name]]
    return []


def _fits(value: Any, option: Any) -> bool:
    try:
        TypeAdapter(option, config=STRICT).validate_python(value)
    except ValidationError:
        return False
    return True


def _mistake(name: str, value: Any, field: FieldText) -> Mistake | None:
    options = _options(ast.parse(field.annotation, mode="eval").body)
    if not options or any(_fits(value, option) for option in options):
        return None
    words = ["null" if option is None else describe(allowed_of(option)) for option in options]
    texts = [text for option in options for text in get_args(option) if isinstance(text, str)]
    return Mistake(("settings", name), "not allowed", ", or ".join(words), value, texts)


def _wrong_settings(given: Mapping[str, Any], fields: Mapping[str, FieldText]) -> Iterator[Mistake]:
    listed = ", ".join(f"{name} ({field.annotation})" for name, field in fields.items())
    allowed = listed or "no settings: the method takes none"
    for name, value in given.items():
        if name not in fields:
            yield Mistake(("settings", name), "unknown setting", allowed, name, list(fields))
        elif mistake := _mistake(name, value, fields[name]):
            yield mistake
    for name, field in fields.items():
        if name not in given and not field.optional:
            yield Mistake(
                ("settings", name), "missing, and the method has no default for it", allowed
            )


def mistakes_of(family: str, settings: Mapping[str, Any]) -> Iterator[Mistake]:
    """Find the packages that a method's file lacks, and the settings that its class does not take.

    Args:
        family: The name of the file, which defines a method.
        settings: The settings.

    Yields:
        Each mistake.
    """
    yield from missing_packages(family)
    yield from _wrong_settings(settings, method_class(family)[1].fields)
