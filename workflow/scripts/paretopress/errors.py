"""The error that a user can correct, and the short form of a value in messages."""

from typing import Any

LONGEST_SHOWN = 80


def short(value: Any) -> str:
    """Show a value on one line of at most LONGEST_SHOWN characters."""
    try:
        text = repr(value)
    except ValueError:  # Python raises it for a number of more than 4,300 digits.
        text = "a number of thousands of digits"
    return text if len(text) <= LONGEST_SHOWN else text[: LONGEST_SHOWN - 3] + "..."


class UserError(Exception):
    """The user gave a file, a key or a value that cannot be used.

    The message says what is wrong, where it is and what to do.
    """
