"""Numbers and names in words that people read."""

from collections.abc import Iterable


def form_of(noun: str, number: float) -> str:
    """The noun in the form that fits the number: "design" for 1, "designs" for all others."""
    return noun if number == 1 else f"{noun}es" if noun.endswith("s") else f"{noun}s"


def counted(number: int, noun: str) -> str:
    """The number and its noun: "1 design", "1,200 designs", "0 timed passes"."""
    return f"{number:,} {form_of(noun, number)}"


def are(number: int) -> str:
    """The verb that fits the number: "is" for 1, "are" for all others."""
    return "is" if number == 1 else "are"


def listed(names: Iterable[str], most: int) -> str:
    """Some names, and how many more there are: "a, b, and 3 more"."""
    every = list(names)
    more = [f"and {len(every) - most:,} more"] if len(every) > most else []
    return ", ".join([*every[:most], *more])
