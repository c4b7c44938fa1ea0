"""The sizes of a network that a study can minimise."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Size:
    """A size of a network, as a share of the dense network's.

    Attributes:
        words: What it is called.
        axis: The label of its axis.
        part: What a percentage of it is, as in "12 % non-zero weights".
    """

    words: str
    axis: str
    part: str


NONZERO_RATE, BYTES = "nonzero_rate", "bytes"
# By their column in tables.
SIZES = {
    NONZERO_RATE: Size("non-zero rate", "non-zero weights", "non-zero weights"),
    BYTES: Size("share of bytes", "bytes, of the dense network's", "of the dense network's bytes"),
}


def functions_of(size: str) -> dict[str, str]:
    """The functions that surrogates predict: the name of each in tables, and in words.

    Args:
        size: The size that the study minimises, a key of SIZES.
    """
    return {size: SIZES[size].words, "accuracy": "accuracy", "constraint": "constraint"}
