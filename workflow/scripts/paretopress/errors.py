"""Errors for the person who can mend them, and how they show what a person gave."""

from typing import Any

LONGEST_SHOWN = 80


def short(value: Any) -> str:
    """A value on one line, no longer than LONGEST_SHOWN characters."""
    try:
        text = repr(value)
    except ValueError:  # which Python raises for a number of more than 4,300 digits
        text = "a number of thousands of digits"
    return text if len(text) <= LONGEST_SHOWN else text[: LONGEST_SHOWN - 3] + "..."


class UserError(Exception):
    """Something the user gave (a file, a key, a value) cannot be used; the message says what, where and what to do."""
