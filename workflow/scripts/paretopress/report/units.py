"""One unit for all numbers of a kind: a column of a table, the bytes of a network."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from ..statistics.costs import SECONDS_PER_HOUR, unit_of

PREFIXES = {-6: "µ", -3: "m", 0: "", 3: "k", 6: "M", 9: "G", 12: "T"}
MOST_DECIMALS = 3


@dataclass(frozen=True)
class Unit:
    """The unit in which all numbers of a column are shown.

    Attributes:
        prefix: The SI prefix, "" for none.
        factor: What a number is divided by.
        decimals: The digits after the point.
    """

    prefix: str
    factor: float
    decimals: int

    def show(self, number: Any) -> str:
        """The number in this unit, without the unit; a dash for a missing one."""
        return "–" if pd.isna(number) else f"{number / self.factor:.{self.decimals}f}"

    def named(self, title: str, base: str = "") -> str:
        """The heading of the column: its title with the unit behind it, if there is one."""
        symbol = self.prefix + base
        return f"{title} ({symbol})" if symbol else title


def unit_of_bytes(dense: float) -> Unit:
    """Choose the unit for the bytes of a network and of its compressed versions.

    Args:
        dense: The bytes of the dense network, above 0.

    Returns:
        The unit of these bytes, with MOST_DECIMALS decimals.
    """
    return replace(one_unit([dense]), decimals=MOST_DECIMALS)


def unit_of_hours(numbers: Iterable[Any]) -> Unit:
    """Choose hours, minutes or seconds for columns of hours, by their largest number.

    Args:
        numbers: The hours of all columns, at least 0. Missing ones do not count.

    Returns:
        The unit, which shows hours in it. Its prefix is its name.
    """
    longest = max((float(number) for number in numbers if not pd.isna(number)), default=0.0)
    unit = unit_of(SECONDS_PER_HOUR * longest)
    return Unit(unit.name, unit.seconds / SECONDS_PER_HOUR, 1)


def one_unit(numbers: Iterable[Any]) -> Unit:
    """Choose the unit of a column by its largest number.

    Args:
        numbers: The numbers of the column, at least 0. Missing ones do not count.

    Returns:
        The unit. Its decimals show two digits of the smallest number above 0, if three decimals
        are enough for that.
    """
    known = [float(number) for number in numbers if not pd.isna(number) and number > 0]
    if not known:
        return Unit("", 1.0, 0)
    power = min(max(3 * math.floor(math.log10(max(known)) / 3), min(PREFIXES)), max(PREFIXES))
    smallest = math.floor(math.log10(min(known) / 10.0**power))
    whole = power == 0 and all(number.is_integer() for number in known)
    return Unit(
        PREFIXES[power], 10.0**power, 0 if whole else min(max(1 - smallest, 1), MOST_DECIMALS)
    )
