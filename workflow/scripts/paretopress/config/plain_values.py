"""Check that a config holds plain values only, and not too many of them.

Plain values are texts, numbers, true and false, lists and sections. YAML allows more than that. A
tag or a date becomes an object. An alias repeats a part of the file, so that a few lines can stand
for billions of values, or for a list that holds itself.
"""

import datetime
import math
from collections.abc import Iterator, Mapping
from typing import Any

from ..errors import short
from .sources import Path_

# The largest config of the project has a few hundred values, in sections 5 deep.
MOST_VALUES = 100_000
MOST_LEVELS = 30
LARGEST = 2**63 - 1  # pandas, NumPy and torch can hold no larger integer.
Problem = tuple[Path_, str, str]


class TooLarge(ValueError):
    """A config has too many values, or too many levels of sections and lists."""


def value_count(value: Any, known: dict[int, int] | None = None, level: int = 0) -> int:
    """Count the values of a config; a value that an alias repeats counts each time.

    Args:
        value: The config, or a part of it.
        known: The counts of the sections and lists that are counted already, by id.
        level: The number of sections and lists around `value`.

    Returns:
        The number of values, sections and lists.

    Raises:
        TooLarge: There are more than MOST_VALUES values or more than MOST_LEVELS levels. A section
            that holds itself has infinitely many levels.
    """
    known = {} if known is None else known
    if not isinstance(value, Mapping | list | tuple | set):
        return 1
    if level > MOST_LEVELS:
        raise TooLarge(
            f"sections or lists in one another, more than {MOST_LEVELS} levels deep or without end"
        )
    if id(value) not in known:
        inner = [*value, *value.values()] if isinstance(value, Mapping) else value
        known[id(value)] = 1 + sum(value_count(one, known, level + 1) for one in inner)
    if known[id(value)] > MOST_VALUES:
        raise TooLarge(f"more than {MOST_VALUES:,} values, aliases filled in")
    return known[id(value)]


def _is_text(value: str) -> bool:
    """Tell whether a text can be written in UTF-8. Half of a surrogate pair cannot."""
    return not any("\ud800" <= letter <= "\udfff" for letter in value)


def _wrong(value: Any) -> tuple[str, str] | None:
    """The problem of a single value and what is allowed; None if there is no problem."""
    if isinstance(value, str):
        return (
            None
            if _is_text(value)
            else ("text that no file can hold, half of a surrogate pair", "text in Unicode")
        )
    if value is None or isinstance(value, bool):
        return None
    if isinstance(value, int):
        return (
            None
            if -LARGEST <= value <= LARGEST
            else ("more digits than a number here can have", "a number of at most 18 digits")
        )
    if isinstance(value, float):
        return None if math.isfinite(value) else ("not a finite number", "a finite number")
    if isinstance(value, datetime.date):
        return "YAML reads it as a date", "text, in quotes if it looks like a date"
    return (
        f"YAML reads it as {type(value).__name__}",
        "texts, numbers, true or false, lists and sections, without tags",
    )


def mistakes_in(value: Any, path: Path_ = ()) -> Iterator[Problem]:
    """Find the values of a config that are not plain.

    Args:
        value: The config, or a part of it. `value_count` must have accepted it before.
        path: The path of `value` in the config.

    Yields:
        The path of each such value, the problem, and what is allowed.
    """
    if isinstance(value, Mapping):
        for key, inner in value.items():
            # Snakemake's `lookup` searches the whole config and fails at an empty key.
            if not isinstance(key, str) or not key or not _is_text(key):
                yield (
                    path,
                    f"the key {short(key)} is no text",
                    "keys of letters, digits and '_'; a number as a key in quotes",
                )
            else:
                yield from mistakes_in(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from mistakes_in(inner, (*path, index))
    elif (wrong := _wrong(value)) is not None:
        yield path, *wrong
