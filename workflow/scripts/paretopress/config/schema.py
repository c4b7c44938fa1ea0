"""Describe in words what each key of the config may hold.

Error messages use these words, and so do the key tables in config/README.md. The module also makes
config/schema.json.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import annotated_types
from pydantic import BaseModel, StringConstraints
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from .base import ADDRESS, NAME, PATH, SHA256
from .candidates import SURROGATES
from .methods import CANDIDATE
from .recipes import DEFAULT_RECIPE, RECIPES
from .study import Study

BOUNDS = {
    annotated_types.Gt: ("gt", "above {}"),
    annotated_types.Ge: ("ge", "at least {}"),
    annotated_types.Lt: ("lt", "below {}"),
    annotated_types.Le: ("le", "at most {}"),
}

PATTERNS = {
    NAME: "a name of letters, digits, '.', '_' and '-', beginning with a letter or digit, "
    "at most 100 of them",
    PATH: "a path without {, }, <, > and control characters",
    ADDRESS: "an address that begins with https:// or http://",
    SHA256: "64 hexadecimal digits",
    CANDIDATE: f"one of {', '.join(SURROGATES)}, or the full dotted name of a regressor's class, "
    "such as sklearn.svm.SVR",
}


@dataclass(frozen=True)
class Allowed:
    """The parts of an annotation.

    Attributes:
        annotation: The type without its constraints.
        constraints: The constraints on a value of this type.
    """

    annotation: Any
    constraints: tuple[Any, ...]


def _flat(metadata: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(
        item
        for entry in metadata
        for item in (entry.metadata if isinstance(entry, FieldInfo) else [entry])
    )


def allowed_of(annotation: Any, constraints: tuple[Any, ...] = ()) -> Allowed:
    """Split an annotation into its type and its constraints.

    Args:
        annotation: The annotation.
        constraints: Constraints that are known already.

    Returns:
        The type, without `| None`, and all constraints.
    """
    if get_origin(annotation) is Annotated:
        inner, *metadata = get_args(annotation)
        return allowed_of(inner, _flat(tuple(metadata)) + constraints)
    if get_origin(annotation) in (Union, UnionType):
        options = [option for option in get_args(annotation) if option is not NoneType]
        if len(options) == 1:
            return allowed_of(options[0], constraints)
    return Allowed(annotation, constraints)


def _bounds(constraints: tuple[Any, ...]) -> str:
    words = [
        text.format(getattr(item, key))
        for kind, (key, text) in BOUNDS.items()
        for item in constraints
        if isinstance(item, kind)
    ]
    return " " + " and ".join(words) if words else ""


def models_of(allowed: Allowed) -> list[type[BaseModel]]:
    """The models of the sections that an annotation allows."""
    options = (
        [allowed_of(option).annotation for option in get_args(allowed.annotation)]
        if get_origin(allowed.annotation) in (Union, UnionType)
        else (allowed.annotation,)
    )
    return [
        option for option in options if isinstance(option, type) and issubclass(option, BaseModel)
    ]


def _list_of(allowed: Allowed) -> Allowed | None:
    """The list among the options of an annotation, None without one."""
    options = get_args(allowed.annotation) if models_of(allowed) else ()
    lists = [option for option in map(allowed_of, options) if get_origin(option.annotation) is list]
    return lists[0] if lists else None


def describe(allowed: Allowed) -> str:
    """Describe the allowed values, as the end of the sentence "allowed: ..."."""
    kind, origin = allowed.annotation, get_origin(allowed.annotation)
    if models := models_of(allowed):
        keys = dict.fromkeys(key for model in models for key in model.model_fields)
        listed = _list_of(allowed)
        return f"a section with the keys {', '.join(keys)}" + (
            f", or {describe(listed)}" if listed else ""
        )
    if origin is Literal:
        return ("one of " if len(get_args(kind)) > 1 else "") + ", ".join(map(str, get_args(kind)))
    if origin is list:
        least, most = (
            {getattr(item, key, None) for item in allowed.constraints} - {None}
            for key in ("min_length", "max_length")
        )
        count = "at least one value" if least == {1} else "values"
        count = f"{most.pop()} values" if least & most else count
        return f"a list of {count}, each {describe(allowed_of(get_args(kind)[0]))}"
    if origin is dict and get_args(kind)[1] is Any:
        return "a section with keys and values of any kind"
    if origin is dict:
        return (
            "at least one name (letters, digits, '.', '_', '-'), each with "
            f"{describe(allowed_of(get_args(kind)[1]))}"
        )
    for item in allowed.constraints:
        if isinstance(item, StringConstraints) and item.pattern:
            return PATTERNS[str(item.pattern)]
    return {int: "a whole number", float: "a number", str: "text", bool: "true or false"}[
        kind
    ] + _bounds(allowed.constraints)


def field_allowed(field: FieldInfo) -> Allowed:
    """The type and the constraints of a key."""
    return allowed_of(field.annotation, _flat(tuple(field.metadata)))


def _tag_of(model: type[BaseModel]) -> tuple[str, list[Any]] | None:
    """The key that picks a model out of a union, and its values; None if any other value does."""
    for key, field in model.model_fields.items():
        if get_origin(field.annotation) is Literal and field.is_required():
            return key, list(get_args(field.annotation))
    return None


def _pick(models: list[type[BaseModel]], data: Any) -> type[BaseModel]:
    """The model of a union that fits the discriminator of `data`, or else any or the first one."""
    others = []
    for model in models:
        if (tag := _tag_of(model)) is None:
            others.append(model)
        elif isinstance(data, dict) and data.get(tag[0]) in tag[1]:
            return model
    return (others or models)[0]


def allowed_at(path: tuple[str | int, ...], data: Any) -> tuple[Allowed | None, list[str]]:
    """Find what is allowed at a place of a config.

    Args:
        path: The path of the place.
        data: The config.

    Returns:
        What is allowed there, None for an unknown key; and the keys that its section allows.
    """
    allowed: Allowed | None = allowed_of(Study)
    siblings: list[str] = []
    for key in path:
        assert allowed is not None
        allowed = (_list_of(allowed) if isinstance(key, int) else None) or allowed
        origin = get_origin(allowed.annotation)
        if models := models_of(allowed):
            fields = _pick(models, data).model_fields
            siblings = list(fields)
            field = fields.get(str(key))
            allowed = field_allowed(field) if field is not None else None
        elif origin in (list, dict):
            siblings = []
            allowed = allowed_of(get_args(allowed.annotation)[-1])
        else:
            return None, []
        if allowed is None:
            break
        try:
            data = data[key]
        except (KeyError, IndexError, TypeError):
            data = None
    return allowed, siblings


def _default(field: FieldInfo) -> str:
    if field.default is PydanticUndefined:
        return "required"
    if isinstance(field.default, BaseModel):
        return "`" + json.dumps(field.default.model_dump(mode="json", exclude_none=True)) + "`"
    return "-" if field.default is None else f"`{json.dumps(field.default)}`"


def _sections(title: str, model: type[BaseModel]) -> Iterator[tuple[str, type[BaseModel]]]:
    yield title, model
    for key, field in model.model_fields.items():
        allowed, inner = field_allowed(field), key if not title else f"{title}.{key}"
        if get_origin(allowed.annotation) in (list, dict):
            element = allowed_of(get_args(allowed.annotation)[-1])
            inner += "[]" if get_origin(allowed.annotation) is list else ".NAME"
            allowed = element
        models = models_of(allowed)
        for option in models:
            yield from _sections(
                inner if len(models) == 1 else f"{inner} ({_title_of(option)})", option
            )


def _title_of(model: type[BaseModel]) -> str:
    if (tag := _tag_of(model)) is None:
        return "any other"
    key, values = tag
    return f"{key}: {values[0]}" if len(values) == 1 else f"{key}: {values[0]}, ..., {values[-1]}"


def _recipe_table() -> str:
    rows = [
        f"| `{key}` | {' | '.join(f'`{json.dumps(recipe[key])}`' for recipe in RECIPES.values())} |"
        for key in RECIPES[DEFAULT_RECIPE]
    ]
    return "\n".join(
        [
            "### Recipes of `networks.NAME.training`",
            "",
            f"| key | {' | '.join(RECIPES)} |",
            "| --- " * (1 + len(RECIPES)) + "|",
            *rows,
        ]
    )


def key_tables() -> str:
    """Write the key tables in Markdown, one for each section of the config and one for recipes."""
    parts = []
    for title, model in _sections("", Study):
        rows = [
            f"| `{key}` | {field.description} | {describe(field_allowed(field))} "
            f"| {_default(field)} |"
            for key, field in model.model_fields.items()
        ]
        heading = f"### `{title}`" if title else "### Top level"
        parts.append(
            "\n".join(
                [
                    heading,
                    "",
                    "| key | meaning | allowed | default |",
                    "| --- | --- | --- | --- |",
                    *rows,
                ]
            )
        )
    return "\n\n".join([*parts, _recipe_table()]) + "\n"


def json_schema() -> str:
    """Write the JSON schema of a config."""
    return json.dumps(Study.model_json_schema(), indent=2) + "\n"
