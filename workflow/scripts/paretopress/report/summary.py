"""The report's numbers for programs: summary.json."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd

from ..tables import records
from .comparison import Comparison
from .networks import TRAINED, NetworkPage
from .render import missing


def _plain(value: Any) -> Any:
    """The value as JSON has it: NaN and NA are null, numpy's numbers are numbers."""
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if missing(value) and value != "" else value


def _network(page: NetworkPage, comparison: Comparison) -> dict[str, Any]:
    return {
        "imported": page.origin != TRAINED,
        "origin": page.origin,
        "size": page.words,
        "dense_bytes": page.dense_bytes,
        "dense_accuracy": page.dense_accuracy,
        "accuracy": page.metrics["accuracy"],
        "images": page.metrics["images"],
        "threshold": page.threshold,
        "still_improving": page.improving,
        "cautions": [str(caution) for caution in page.cautions],
        "dense": page.dense,
        "repaired": page.repaired,
        "front": page.front,
        "on_test_images": asdict(page.on_test) if page.on_test else None,
        "inference_time_relative_to_dense": page.relative_times,
        "surrogates": comparison.surrogates,
        "fallbacks": comparison.fallbacks,
        "negative_rates": comparison.negative_rates,
    }


def summary_json(
    config: Mapping[str, Any],
    pages: Sequence[NetworkPage],
    comparisons: Sequence[Comparison],
    statistics: Mapping[str, pd.DataFrame],
    surroundings: Mapping[str, Any],
) -> str:
    """Write every number of the report's tables as JSON; unknown ones are null.

    Args:
        config: The whole config.
        pages: The numbers on each network.
        comparisons: The numbers on the methods of each network, in the same order.
        statistics: The tables under statistics/, by name.
        surroundings: The versions, the machine of the report, and the machines of the runs.

    Returns:
        The content of summary.json.
    """
    content = {
        "study": config["study"],
        **surroundings,
        "networks": {
            page.name: _network(page, comparison)
            for page, comparison in zip(pages, comparisons, strict=True)
        },
        "statistics": {name: records(table) for name, table in statistics.items()},
        "config": config,
    }
    return json.dumps(_plain(content), indent=2, allow_nan=False, ensure_ascii=False) + "\n"
