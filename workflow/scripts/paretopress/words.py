"""Numbers in words that people read."""


def form_of(noun: str, number: float) -> str:
    """The noun in the form that fits the number: "design" for 1, "designs" for all others."""
    return noun if number == 1 else f"{noun}es" if noun.endswith("s") else f"{noun}s"


def counted(number: int, noun: str) -> str:
    """The number and its noun: "1 design", "1,200 designs", "0 timed passes"."""
    return f"{number:,} {form_of(noun, number)}"


def are(number: int) -> str:
    """The verb that fits the number: "is" for 1, "are" for all others."""
    return "is" if number == 1 else "are"
