"""A table: every design of a grid with its evaluation, and the search problem that it makes."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from paretopress.compression.designs import SearchSpace, design_of, space_of
from paretopress.compression.evaluation import Measurement
from paretopress.compression.layers import AMOUNTS, LAYER_KINDS, Layer, Layout
from paretopress.compression.plans import Plan, canonical
from paretopress.config.sizes import NONZERO_RATE
from paretopress.config.variables import Design
from paretopress.search.archive import Target
from paretopress.search.objectives import accuracy_threshold, feasible_front, minimized

FOLDER = Path(__file__).parent / "data"
# One seed of the random subsets of layers serves all runs, so that every design is in the table.
SUBSETS = 1
NAMES = ("residual", "plain", "separable")
SPACES = ("paper", "bits")
ALLOWED_DROP = 4.4  # points, as in the study of the paper


def layout_text(layout: Layout, space: SearchSpace) -> dict[str, Any]:
    """What `layout_from` needs: the layers, and the rows of the LAMP tables that the space uses."""
    found = {key: value for key, value in asdict(layout).items() if key != "tables"}
    if layout.tables is None:
        return found
    rows = {
        kind: {str(step): layout.tables[kind][step].tolist() for step in _steps(space, kind)}
        for kind in LAYER_KINDS
    }
    return {**found, "tables": rows}


def entries_of(layout: Layout) -> int:
    """The entries that can be pruned."""
    return layout.entries - layout.others


def _steps(space: SearchSpace, kind: str) -> list[int]:
    amounts = next(known for known in space.variables if known.name == f"{kind}_amount").values
    return [0, *(round(amount * AMOUNTS) for amount in amounts)]


def layout_from(text: Mapping[str, Any]) -> Layout:
    """The layout that `layout_text` told."""
    layers = {kind: tuple(Layer(**layer) for layer in text[kind]) for kind in LAYER_KINDS}
    tables = None
    if "tables" in text:
        tables = {}
        for kind, rows in text["tables"].items():
            tables[kind] = np.full((AMOUNTS + 1, len(layers[kind])), -1)
            for step, row in rows.items():
                tables[kind][int(step)] = row
    return Layout(**layers, quantizable=text["quantizable"], others=text["others"], tables=tables)


def designs_of(space: SearchSpace, layout: Layout) -> Iterator[tuple[Design, Plan]]:
    """Each distinct network of the grid once, as a canonical design and its plan."""
    seen: set[str] = set()
    names = [known.name for known in space.variables]
    for values in product(*(known.values for known in space.variables)):
        design, plan = canonical(design_of(dict(zip(names, values, strict=True))), layout, SUBSETS)
        if plan.design_id not in seen:
            seen.add(plan.design_id)
            yield design, plan


@dataclass(frozen=True)
class Table:
    """The evaluations of all designs of one network in one space.

    Attributes:
        name: NETWORK-SPACE.
        told: What the file beside the evaluations says.
        rows: By design_id: nonzero (entries), correct and correct_test (images).
    """

    name: str
    told: Mapping[str, Any]
    rows: pd.DataFrame

    @cached_property
    def space(self) -> SearchSpace:
        return space_of(self.told["space"])

    @cached_property
    def layout(self) -> Layout:
        return layout_from(self.told["layout"])

    def threshold_of(self, images: str) -> float:
        """tau on the "validation" or the "test" images."""
        dense = self.told["dense"][images]
        return accuracy_threshold(dense, allowed_drop_points=ALLOWED_DROP, floor=None)

    @cached_property
    def _found(self) -> dict[str, tuple[float, float]]:
        rates = self.rows["nonzero"] / self.told["entries"]
        accuracies = self.rows["correct"] / self.told["images"]["validation"]
        return dict(zip(self.rows.index, zip(rates, accuracies, strict=True), strict=True))

    def evaluate(self, plan: Plan) -> Measurement:
        """The evaluation of a plan on the validation images."""
        rate, accuracy = self._found[plan.design_id]
        return Measurement(rate, accuracy, 0.0)

    def target(self) -> Target:
        """The search problem."""
        return Target(
            self.space, self.layout, SUBSETS, self.evaluate, self.threshold_of("validation"),
            self.told["size"],
        )  # fmt: skip

    def exact_front(self, plans: Sequence[Plan]) -> pd.DataFrame:
        """The front of plans, by design_id and rising size: size, and accuracy."""
        target, found = self.target(), [self.evaluate(plan) for plan in plans]
        accuracies = np.array([measured.accuracy for measured in found])
        sizes = np.array(
            [measured.nonzero_rate for measured in found]
            if target.size == NONZERO_RATE
            else [target.bytes_rate(plan) for plan in plans]
        )
        front = feasible_front(minimized(sizes, accuracies), target.threshold - accuracies)
        front = front[np.argsort(sizes[front], kind="stable")]
        names = pd.Index([plans[index].design_id for index in front], name="design_id")
        return pd.DataFrame({"size": sizes[front], "accuracy": accuracies[front]}, names)

    def test_accuracies(self, design_ids: Sequence[str]) -> np.ndarray:
        """The accuracies of designs on the test images."""
        return (
            self.rows.loc[list(design_ids), "correct_test"].to_numpy() / self.told["images"]["test"]
        )

    @property
    def best(self) -> float:
        """The scaled hypervolume of the exact front."""
        return self.told["hypervolume"]


def load(name: str) -> Table:
    """Read a table of the folder data."""
    told = json.loads((FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    return Table(name, told, pd.read_csv(FOLDER / f"{name}.csv.xz", index_col="design_id"))
