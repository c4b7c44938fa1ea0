"""What `snakemake --dry-run` takes for a study of 10,000 runs, and for one of about 100."""

import json
from collections.abc import Mapping
from functools import partial
from typing import Any

from .checkouts import Checkout
from .frame import Benchmark, Variant

METRICS = ["mse", "mape", "spearman", "random"]  # 4 x 4 methods
# Networks and seeds. 16 methods make no study of just 100 runs.
STUDIES = {"96 runs": (2, 3), "10,000 runs": (5, 125)}


def study(networks: int, seeds: int) -> dict[str, Any]:
    """The config of a study with 16 runs for each network and seed."""
    return {
        "study": "planned",
        "seeds": list(range(1, seeds + 1)),
        "dataset": {"kind": "digits"},
        "networks": {
            f"network-{number}": {
                "architecture": {"name": "vgg16_slim", "width_divisor": 8},
                "training": {"epochs": 1, "seed": number},
            }
            for number in range(1, networks + 1)
        },
        "constraint": {"allowed_drop_points": 4.4},
        "budget": {"evaluations": 30, "initial": 20},
        "methods": [
            {"family": "surrogate", "objective_metrics": METRICS, "constraint_metrics": METRICS}
        ],
    }


def planned(checkout: Checkout, file: str, runs: int) -> Mapping[str, float]:
    used = checkout.snakemake("--dry-run", "--cores", "2", "--configfile", file)
    return {
        "wall": used.wall,
        "CPU": used.cpu,
        "wall for each run": used.wall / runs,
        "peak memory": used.memory,
    }


def variants(checkout: Checkout) -> dict[str, Variant]:
    found: dict[str, Variant] = {}
    for name, (networks, seeds) in STUDIES.items():
        runs = networks * seeds * len(METRICS) ** 2
        config = json.dumps(study(networks, seeds))  # which is YAML too
        (checkout.folder / f"{runs}.yaml").write_text(config, encoding="utf-8")
        found[name] = partial(planned, checkout, f"{runs}.yaml", runs)
    return found


BENCHMARK = Benchmark(variants, yardstick="96 runs")
