"""Search methods, one file for each family; a new family is one more file and one more entry here."""

from typing import Any

from ..search import Method
from .ctaea import PlainCtaea
from .random import RandomSearch
from .surrogate import SurrogateSearch

FAMILIES: dict[str, type[Method]] = {
    "surrogate": SurrogateSearch,
    "ctaea": PlainCtaea,
    "random": RandomSearch,
}


def build_method(family: str, settings: dict[str, Any]) -> Method:
    """settings: the fields of the family's class."""
    return FAMILIES[family](**settings)
