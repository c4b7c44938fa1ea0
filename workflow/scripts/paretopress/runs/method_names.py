"""The settings of the surrogate method: the two metrics that the name of a method holds."""

import re
from collections.abc import Iterable
from typing import get_args

from ..config.base import Metric

METRICS: tuple[str, ...] = get_args(Metric)
SETTING = re.compile(f"surrogate-({'|'.join(METRICS)})-({'|'.join(METRICS)})")
FACTORS = ("objective_metric", "constraint_metric")


def factors_of(method: str) -> dict[str, str | None]:
    """Return the two metrics of a surrogate setting by its name.

    Args:
        method: The name of a method. A setting is surrogate-{objective metric}-{constraint metric}.

    Returns:
        The keys of FACTORS. The values are None for methods that are no surrogate setting.
    """
    found = SETTING.fullmatch(method)
    return dict(zip(FACTORS, found.groups() if found else (None, None), strict=True))


def compared_settings(methods: Iterable[str]) -> list[str]:
    """List the distinct surrogate settings among the methods.

    Args:
        methods: Names of methods.

    Returns:
        The settings in the order of the methods. Empty if there are fewer than two to compare.
    """
    settings = [method for method in dict.fromkeys(methods) if SETTING.fullmatch(method)]
    return settings if len(settings) > 1 else []
