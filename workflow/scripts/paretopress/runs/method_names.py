"""The settings of the surrogate method: which two metrics a method's name stands for."""

import re
from collections.abc import Iterable
from typing import get_args

from ..config.base import Metric

METRICS: tuple[str, ...] = get_args(Metric)
SETTING = re.compile(f"surrogate-({'|'.join(METRICS)})-({'|'.join(METRICS)})")
FACTORS = ("objective_metric", "constraint_metric")


def factors_of(method: str) -> dict[str, str | None]:
    """The two metrics of a surrogate setting by its name, surrogate-{objective metric}-{constraint metric}; None for other methods."""
    found = SETTING.fullmatch(method)
    return dict(zip(FACTORS, found.groups() if found else (None, None), strict=True))


def compared_settings(methods: Iterable[str]) -> list[str]:
    """The distinct surrogate settings among the methods, in their order; none where there are not two to compare."""
    settings = [method for method in dict.fromkeys(methods) if SETTING.fullmatch(method)]
    return settings if len(settings) > 1 else []
