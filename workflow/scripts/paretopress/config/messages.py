"""Write the message about a mistake in a config: file, line, key, value and what is allowed."""

import math
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, get_args

from pydantic_core import ErrorDetails

from ..errors import short
from .base import NAME
from .candidates import SURROGATES
from .methods import ANY_OTHER, CANDIDATE
from .schema import PATTERNS, allowed_at, describe, models_of
from .search import TAGS
from .sources import Path_, Source, holds, key_of, value_at, where

LONGEST_GUESSED = 80
# The names that a text of a pattern may be a misspelling of.
KNOWN = {CANDIDATE: tuple(SURROGATES)}


def _without_tags(location: Path_, data: Any) -> Path_:
    """The location of an error without the names of union members, which are no keys."""
    path: list[str | int] = []
    for part in location:
        if part in (*TAGS, ANY_OTHER) and not holds(data, (part,)):
            continue
        if (
            isinstance(data, Mapping)
            and part not in data
            and part in [data.get(key) for key in ("family", "kind", "name")]
        ):
            continue
        if part == "[key]":
            continue
        path.append(part)
        try:
            data = data[part]
        except (KeyError, IndexError, TypeError):
            data = None
    return tuple(path)


def nearest(word: Any, known: Sequence[Any]) -> str:
    """Ask whether a word is a misspelling of a known one.

    Args:
        word: The word.
        known: The known words.

    Returns:
        The question with a space before it, or "" if no known word is similar.
    """
    options = {str(option).lower(): str(option) for option in known}
    close = get_close_matches(str(word)[:LONGEST_GUESSED].lower(), options, n=1, cutoff=0.5)
    return f" Did you mean {options[close[0]]!r}?" if close else ""


def given(path: Path_, data: Any) -> str:
    """Show the value at a path of a config as " = VALUE", or "" if there is none."""
    return f" = {short(value_at(path, data))}" if holds(data, path) else ""


def _scientific(value: Any) -> str:
    """Advice on a number like 1e-3, which YAML reads as text; "" for any other value."""
    if isinstance(value, str):
        try:
            number = float(value)
        except ValueError:
            return ""
        if math.isfinite(number):
            written = int(number) if number.is_integer() and abs(number) < 1e15 else number
            return f" YAML reads {short(value)} as text: write {written!r} without quotes."
    return ""


def _tags(path: Path_, data: Mapping[str, Any], tag: str) -> Iterator[str]:
    allowed, _ = allowed_at(path, data)
    for model in models_of(allowed) if allowed else ():
        yield from map(str, get_args(model.model_fields[tag].annotation))


def message(error: ErrorDetails, data: Mapping[str, Any], sources: Sequence[Source]) -> str:
    """Write the message about an error of pydantic.

    Args:
        error: The error.
        data: The config.
        sources: The files of the config.

    Returns:
        One line with file, line, key, value and what is allowed.
    """
    path = _without_tags(error["loc"], data)
    if error["type"] == "refused" and error["ctx"]["key"]:
        path = (*path, *error["ctx"]["key"])
    allowed, siblings = allowed_at(path, data)
    place, key, kind = where(path, data, sources), key_of(path), error["type"]
    context = error.get("ctx", {})
    if kind == "extra_forbidden":
        hint = nearest(path[-1], siblings)
        return f"{place}: {key}: unknown key.{hint} Allowed here: {', '.join(siblings)}."
    if kind == "missing":
        rule = describe(allowed) if allowed else "see config/README.md"
        return f"{place}: {key}: missing. Allowed: {rule}."
    if kind == "refused":
        what, instead = context["what"], context["allowed"]
        hint = nearest(context.get("said", ""), context.get("meant", ()))
        return f"{place}: {key}{given(path, data)}: {what}.{hint} Allowed: {instead}."
    if kind in ("union_tag_invalid", "union_tag_not_found"):
        tag = str(context["discriminator"]).strip("'")
        chosen = error["input"].get(tag) if isinstance(error["input"], Mapping) else None
        options = str(context.get("expected_tags", "")).replace("'", "") or ", ".join(
            _tags(path, data, tag)
        )
        problem = "missing" if chosen is None else "no such value"
        shown = f"{key}.{tag}" + ("" if chosen is None else f" = {short(chosen)}")
        place, hint = where((*path, tag), data, sources), nearest(chosen, options.split(", "))
        return f"{place}: {shown}: {problem}.{hint} Allowed: one of {options}."
    if "[key]" in error["loc"]:
        return (
            f"{place}: {key_of(path[:-1])}: the name {short(path[-1])}: not allowed. "
            f"Allowed: {PATTERNS[NAME]}."
        )
    value = value_at(path, data)
    options_ = (
        get_args(allowed.annotation)
        if kind == "literal_error" and allowed and str in map(type, get_args(allowed.annotation))
        else KNOWN.get(str(context.get("pattern")), ())
    )
    hint = (
        nearest(value, options_)
        if options_
        else _scientific(value)
        if kind in ("float_type", "int_type")
        else f" Write [{value}]."
        if kind == "list_type" and isinstance(value, (int, float)) and not isinstance(value, bool)
        else ""
    )
    rule = describe(allowed) if allowed else "see config/README.md"
    return f"{place}: {key} = {short(value)}: not allowed.{hint} Allowed: {rule}."
