"""The study as one HTML page that needs nothing beside it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd
import yaml
from matplotlib.ticker import EngFormatter

from .designs import ALL, BIAS, BOTH, NONE, RANDOM, WEIGHT
from .fronts import DENSE
from .indicators import scaled_hypervolume
from .objectives import POINTS
from .tables import records

SCOPES = {NONE: "untouched", RANDOM: "a random subset", ALL: "all layers"}
TARGETS = {BIAS: "biases", WEIGHT: "weights", BOTH: "weights and biases"}
FUNCTION_NAMES = {"nonzero_rate": "non-zero rate", "accuracy": "accuracy", "constraint": "constraint"}


@dataclass(frozen=True)
class OnTestImages:
    """What is left of a front on the test images; tau is that of each split, accuracy changes are in percentage points.

    hypervolume: of the front's designs, scaled above tau of its split, those under it left out; by "search" and "test".
    """

    images: int
    threshold: float
    keeping: int
    median_change: float | None
    dense_change: float
    hypervolume: Mapping[str, float]


@dataclass(frozen=True)
class NetworkPage:
    """What the report says of one network; figures are SVG texts."""

    name: str
    metrics: Mapping[str, Any]
    dense_accuracy: float
    images: int
    threshold: float
    front: Sequence[Mapping[str, Any]]
    dense: Mapping[str, Any]
    on_test: OnTestImages
    relative_times: Mapping[str, float]
    smallest: Mapping[str, Any] | None
    best: Mapping[str, Any] | None
    figures: Mapping[str, str]
    summary: Sequence[Mapping[str, Any]]
    friedman: Mapping[str, Any]
    pairwise: Sequence[Mapping[str, Any]]
    surrogates: Sequence[Mapping[str, Any]]
    empty_fronts: int
    used_up_fronts: int
    infills_drawn: int


def pruning_in_words(scope: int, amount: float, target: int) -> str:
    if scope == NONE:
        return SCOPES[NONE]
    return f"{amount:.1%} of the {TARGETS[target]}, {SCOPES[scope]}"


def front_rows(front: pd.DataFrame) -> list[dict[str, Any]]:
    """The front's designs, smallest first, each with its pruning in words."""
    return [
        {
            **row,
            "linear": pruning_in_words(row["linear_scope"], row["linear_amount"], row["linear_target"]),
            "conv": pruning_in_words(row["conv_scope"], row["conv_amount"], row["conv_target"]),
            "int8": bool(row["quantization"]),
            "seed": None if pd.isna(row["seed"]) else int(row["seed"]),
        }
        for row in records(front[front["design_id"] != DENSE])
    ]


def on_test_images(metrics: Mapping[str, Any], test: pd.DataFrame, threshold: float, test_threshold: float) -> OnTestImages:
    """test: the front's table of test accuracies, the dense network's row last."""
    designs, change = test[test["design_id"] != DENSE], POINTS * (test["test_accuracy"] - test["accuracy"])
    rates = designs["nonzero_rate"].to_numpy()
    return OnTestImages(
        images=metrics["images"]["test"],
        threshold=test_threshold,
        keeping=int(designs["test_feasible"].sum()),
        median_change=float(change[designs.index].median()) if len(designs) else None,
        dense_change=float(change.iloc[-1]),
        hypervolume={
            "search": scaled_hypervolume(rates, designs["accuracy"].to_numpy(), threshold),
            "test": scaled_hypervolume(rates, designs["test_accuracy"].to_numpy(), test_threshold),
        },
    )


def relative_times(times: pd.DataFrame) -> dict[str, float]:
    """Median over the front's designs of a kind (float32, int8) of their time as a multiple of the dense network's; kinds that occur."""
    designs = times[times["design_id"] != DENSE]
    kinds = designs["quantization"].map({0: "float32", 1: "int8"})
    return {str(kind): float(value) for kind, value in designs.groupby(kinds)["relative_to_dense"].median().items()}


def surrogate_shares(iterations: pd.DataFrame) -> list[dict[str, Any]]:
    """How often each surrogate was chosen, by function: rows {function, iterations, shares: {surrogate: share}}."""
    rows = []
    for function, title in FUNCTION_NAMES.items():
        chosen = iterations[f"{function}_surrogate"].dropna()
        if len(chosen):
            rows.append({"function": title, "iterations": len(chosen), "shares": chosen.value_counts(normalize=True).to_dict()})
    return rows


def _svg(path: str) -> str:
    """The SVG element of a file, without the XML prologue that HTML does not know; ids made unique to the page."""
    text = Path(path).read_text(encoding="utf-8")
    svg = text[text.index("<svg") :]
    prefix = Path(path).stem + "-"
    return svg.replace('id="', f'id="{prefix}').replace("url(#", f"url(#{prefix}").replace('href="#', f'href="#{prefix}')


def network_page(
    name: str,
    metrics: Mapping[str, Any],
    split: str,
    thresholds: Mapping[str, float],
    front: pd.DataFrame,
    measured: Mapping[str, pd.DataFrame],
    figures: Mapping[str, str],
    iterations: pd.DataFrame,
    statistics: Mapping[str, pd.DataFrame],
) -> NetworkPage:
    """thresholds: tau by split; measured: the tables tests, sizes and times of the front's designs; figures: paths of SVG files by name.

    statistics: the tables summary, friedman and pairwise of all networks.
    """
    for table in measured.values():
        front = front.merge(table[["design_id", *table.columns.difference(front.columns)]], on="design_id", validate="one_to_one")
    rows = front_rows(front)
    own = {key: records(table[table["network"] == name]) for key, table in statistics.items()}
    searched = iterations[(iterations["network"] == name) & iterations["surrogate_front_size"].notna()]
    return NetworkPage(
        name=name,
        metrics=metrics,
        dense_accuracy=metrics["accuracy"][split],
        images=metrics["images"][split],
        threshold=thresholds[split],
        front=rows,
        dense=records(front[front["design_id"] == DENSE])[0],
        on_test=on_test_images(metrics, measured["tests"], thresholds[split], thresholds["test"]),
        relative_times=relative_times(measured["times"]),
        smallest=rows[0] if rows else None,
        best=max(rows, key=lambda row: (row["accuracy"], -row["nonzero_rate"])) if rows else None,
        figures={key: _svg(path) for key, path in figures.items()},
        summary=sorted(own["summary"], key=lambda row: -row["median"]),
        friedman=own["friedman"][0],
        pairwise=sorted(own["pairwise"], key=lambda row: row["p_holm"]),
        surrogates=surrogate_shares(searched),
        empty_fronts=int((searched["fallback_reason"] == "empty front").sum()),
        used_up_fronts=int(searched["fallback_reason"].isin(["no new design", "too few new designs"]).sum()),
        infills_drawn=int(searched["fallbacks"].sum()),
    )


def render(template: Path, config: Mapping[str, Any], pages: Sequence[NetworkPage], versions: Mapping[str, str]) -> str:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(template.parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["units"] = EngFormatter(places=1)
    environment.filters["missing"] = lambda value: value is None or pd.isna(value)
    return environment.get_template(template.name).render(
        study=config["study"],
        config=config,
        config_text=effective_config(config),
        pages=pages,
        versions=versions,
    )


def effective_config(config: Mapping[str, Any]) -> str:
    """The whole config as YAML, defaults filled in."""
    return yaml.safe_dump(dict(config), sort_keys=False, allow_unicode=True)
