"""The search of one iteration, by part, beside the same search by pymoo and scikit-learn as they come."""

import json
import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from .checkouts import Checkout
from .frame import Benchmark, Variant

SCRIPT = Path(__file__).with_name("one_search.py")
VARIANTS = {"this code": "ours", "libraries as they come": "libraries"}


class Search:
    """The search in a checkout; all variants must choose and find the same."""

    def __init__(self, checkout: Checkout) -> None:
        self._checkout = checkout
        self._found: dict[str, Any] = {}

    def seconds(self, variant: str) -> Mapping[str, float]:
        """Search in a new process.

        Raises:
            SystemExit: It found something else than the search before.
        """
        told = json.loads(self._checkout.python(str(SCRIPT), variant).output.splitlines()[-1])
        seconds = told.pop("seconds")
        self._found = self._found or told
        if told != self._found:
            sys.exit(f"{variant}: the search found {told}, and the one before {self._found}")
        return seconds


def variants(checkout: Checkout) -> dict[str, Variant]:
    """None for a revision from before the modules that the search is measured by."""
    if not (checkout.folder / "workflow/scripts/paretopress/search/selection.py").is_file():
        return {}
    search = Search(checkout)
    return {name: partial(search.seconds, variant) for name, variant in VARIANTS.items()}


BENCHMARK = Benchmark(variants, repeats=5, yardstick="libraries as they come")
