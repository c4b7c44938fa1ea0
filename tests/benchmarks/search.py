"""The search of one iteration, by part, beside the same search by pymoo and scikit-learn as they come."""

import json
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from .checkouts import Checkout
from .frame import Benchmark, Variant

SCRIPT = Path(__file__).with_name("one_search.py")
VARIANTS = {"this code": "ours", "libraries as they come": "libraries"}


def searched(checkout: Checkout, variant: str) -> Mapping[str, float]:
    used = checkout.python(str(SCRIPT), variant)
    return json.loads(used.output.splitlines()[-1])


def variants(checkout: Checkout) -> dict[str, Variant]:
    return {name: partial(searched, checkout, variant) for name, variant in VARIANTS.items()}


BENCHMARK = Benchmark(variants, repeats=5, yardstick="libraries as they come")
