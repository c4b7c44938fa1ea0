"""The allowed cells of an evaluation table: a function for each column reads and checks them."""

import math
import re
from collections.abc import Callable
from difflib import get_close_matches
from itertools import product
from typing import Any

from ..config.base import NAME, is_repetition, is_table_of_a_network
from ..config.variables import VARIABLES
from .method_names import METRICS, SETTING

SETTING_PREFIX = "surrogate-"
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
LARGEST_WHOLE = 2**31 - 1
LONGEST_SECONDS = 1e9  # 32 years


class Refused(ValueError):
    """A cell cannot be used. The message says why, and what is allowed."""


def _number(text: str) -> float:
    if text.lower().lstrip("+-") in ("nan", "inf", "infinity"):
        raise Refused("not a finite number. Allowed: a finite number")
    if not NUMBER.fullmatch(text):
        hint = (
            " A percentage must be divided by 100 and stand without its sign."
            if text.endswith("%")
            else ""
        )
        raise Refused(f"not a number. Allowed: digits, as 0.803.{hint}")
    if not math.isfinite(value := float(text)):
        raise Refused("not a finite number. Allowed: a finite number")
    return value


def _whole(least: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        value = _number(text)
        if value != int(value) or value < least:
            raise Refused(
                f"not a whole number of at least {least}. "
                f"Allowed: {least}, {least + 1}, {least + 2}, ..."
            )
        if value > LARGEST_WHOLE:
            raise Refused(f"too large. Allowed: a whole number up to {LARGEST_WHOLE}")
        return int(value)

    return read


def _share(least: float) -> Callable[[str], float]:
    def read(text: str) -> float:
        value = _number(text)
        if not least <= value <= 1:
            percent = " A percentage must be divided by 100." if 1 < value <= 100 else ""
            raise Refused(f"not a fraction. Allowed: a number from {least:g} to 1.{percent}")
        return value

    return read


def _variable(name: str) -> Callable[[str], float]:
    """Make a reader for any number in the domain of a variable.

    Fractions are allowed for integer variables: the paper's published code evaluated its random
    designs without rounding them.
    """
    least, most = min(VARIABLES[name].values, default=0), max(VARIABLES[name].values, default=1)

    def read(text: str) -> float:
        value = _number(text)
        if not least <= value <= most:
            raise Refused(
                f"outside the variable's domain. Allowed: a number from {least} to {most}"
            )
        return value

    return read


def _seconds(text: str) -> float:
    value = _number(text)
    if value < 0:
        raise Refused("a negative time. Allowed: seconds, at least 0")
    if value > LONGEST_SECONDS:
        raise Refused(f"more than 30 years. Allowed: seconds, at most {LONGEST_SECONDS:.0f}")
    return value


def _name(text: str) -> str:
    if not re.fullmatch(NAME, text):
        raise Refused(
            "not a name. Allowed: at most 100 letters, digits, '.', '_' and '-', "
            "beginning with a letter or digit"
        )
    if is_repetition(text):
        raise Refused(
            "ends with one text 20 times over, which Snakemake refuses. "
            "Allowed: a name that does not repeat itself so often"
        )
    return text


def _method(text: str) -> str:
    if is_table_of_a_network(_name(text)):
        raise Refused(
            "the name of a file beside the runs. Allowed: a name that does not end with .csv"
        )
    if text.lower().startswith(SETTING_PREFIX) and not SETTING.fullmatch(text):
        metrics = f"{{{'|'.join(METRICS)}}}"
        meant = get_close_matches(
            text.lower(),
            [f"{SETTING_PREFIX}{one}-{other}" for one, other in product(METRICS, METRICS)],
            n=1,
        )
        hint = f" Did you mean {meant[0]}?" if meant else ""
        raise Refused(
            f"begins like a surrogate setting but is none.{hint} "
            f"Allowed: {SETTING_PREFIX}{metrics}-{metrics}, "
            f"or a name that does not begin with {SETTING_PREFIX}"
        )
    return text


# The published code of the paper counts the entries of a convolution twice if both its weights and
# its biases are pruned. So a share of zeros can be above 1, and a non-zero rate as low as -1.
CELLS: dict[str, Callable[[str], Any]] = {
    "network": _name,
    "method": _method,
    "seed": _whole(0),
    "evaluation": _whole(1),
    "accuracy": _share(0),
    "nonzero_rate": _share(-1),
    "bytes": _share(0),
    "phase": _name,
    "iteration": _whole(0),
    **{name: _variable(name) for name in VARIABLES},
    "seconds": _seconds,
}
