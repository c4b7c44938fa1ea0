"""Ensembles of trees, predicted from their arrays with the values of their own library.

The libraries take most of the time of a small prediction for their own checks. Here a tree is a
row of bits, one for each leaf. A threshold clears the leaves that a sample above it cannot reach,
and the first bit that is left is the sample's leaf (QuickScorer: Lucchese et al. 2015). The bits
that each threshold leaves are tabulated once, by variable.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

WORD = 64
# Entry k has the lowest k bits.
LOWEST = np.array([(1 << bits) - 1 for bits in range(WORD + 1)], dtype=np.uint64)
ONE = np.uint64(1)
# Tables up to this size, in bytes, are faster than the libraries.
LARGEST = 2**26


@dataclass(frozen=True)
class Nodes:
    """The nodes of all trees of an ensemble, one tree after another.

    Attributes:
        roots: First node of each tree.
        left, right: Children of each node, below 0 for a leaf.
        feature, threshold: A sample goes left if its feature is below the threshold.
        value: Value of each leaf.
        equal_goes_left: Whether it also goes left if it equals the threshold.
    """

    roots: np.ndarray
    left: np.ndarray
    right: np.ndarray
    feature: np.ndarray
    threshold: np.ndarray
    value: np.ndarray
    equal_goes_left: bool


def _levels(nodes: Nodes) -> Iterator[np.ndarray]:
    """The nodes with children, level by level."""
    level = nodes.roots
    while len(level := level[nodes.left[level] >= 0]):
        yield level
        level = np.concatenate([nodes.left[level], nodes.right[level]])


def _leaf_numbers(nodes: Nodes) -> tuple[np.ndarray, np.ndarray]:
    """For each node, the leaves of its tree to the left of it, and those below it."""
    below = (nodes.left < 0).astype(np.int64)
    levels = list(_levels(nodes))
    for level in reversed(levels):
        below[level] = below[nodes.left[level]] + below[nodes.right[level]]
    before = np.zeros(len(below), dtype=np.int64)
    for level in levels:
        left = nodes.left[level]
        before[left] = before[level]
        before[nodes.right[level]] = before[level] + below[left]
    return before, below


def _fits(nodes: Nodes) -> bool:
    """Tell whether tables of the nodes are at most of size LARGEST.

    They have a row for each threshold, a column for each tree, and a word for each WORD leaves.
    """
    inner = nodes.left >= 0
    thresholds = np.unique(np.stack([nodes.feature, nodes.threshold])[:, inner], axis=1).shape[1]
    leaves = (int(np.diff([*nodes.roots, len(nodes.left)]).max()) + 1) // 2
    return thresholds * len(nodes.roots) * -(-leaves // WORD) * LOWEST.itemsize <= LARGEST


class Leaves:
    """The leaf values of samples in each tree of an ensemble.

    Args:
        nodes: The nodes of the trees.
        features: Number of variables.
    """

    def __init__(self, nodes: Nodes, features: int) -> None:
        before, below = _leaf_numbers(nodes)
        trees = len(nodes.roots)
        tree = np.repeat(np.arange(trees), np.diff([*nodes.roots, len(nodes.left)]))
        words = -(-int(below.max()) // WORD)
        leaf = nodes.left < 0
        values = np.zeros((trees, words * WORD), dtype=nodes.value.dtype)
        values[tree[leaf], before[leaf]] = nodes.value[leaf]
        self._values = values.ravel()
        self._first = np.arange(trees)[:, None] * words * WORD
        self._side: Literal["left", "right"] = "left" if nodes.equal_goes_left else "right"
        # The leaves below the left child cannot be reached from above the threshold.
        ends = np.stack([before, before + below[nodes.left]], axis=1)[:, None]
        low, high = np.clip(ends - WORD * np.arange(words)[:, None], 0, WORD).transpose(2, 0, 1)
        reached = ~(LOWEST[low] ^ LOWEST[high])
        self._all = np.full((1, trees, words), LOWEST[WORD])
        self._tables = []
        for feature in range(features):
            split = np.flatnonzero(~leaf & (nodes.feature == feature))
            if len(split):
                thresholds, rank = np.unique(nodes.threshold[split], return_inverse=True)
                table = np.repeat(self._all, len(thresholds) + 1, axis=0)
                np.bitwise_and.at(table, (rank + 1, tree[split]), reached[split])
                np.bitwise_and.accumulate(table, axis=0, out=table)
                self._tables.append((feature, thresholds, table))

    def values(self, X: np.ndarray) -> np.ndarray:
        """The values of samples of shape (n, d) in the precision of the trees: (trees, n)."""
        bits = np.repeat(self._all, len(X), axis=0)
        for feature, thresholds, table in self._tables:
            bits &= table[thresholds.searchsorted(X[:, feature], side=self._side)]
        # The lowest bit of each word: WORD where there is none.
        lowest = np.bitwise_count((bits & (~bits + ONE)) - ONE)
        number = lowest[:, :, 0].astype(np.int64)
        for word in range(1, lowest.shape[2]):
            number += np.where(number == WORD * word, lowest[:, :, word], 0)
        return self._values[np.ascontiguousarray(number.T) + self._first]


@dataclass(frozen=True)
class Trees:
    """An ensemble whose prediction is a sum over its trees, tree by tree as in its library.

    Attributes:
        leaves: Its leaf values.
        precision: Precision of its samples.
        start: Where the sum begins.
        divisor: What the sum is divided by.
    """

    leaves: Leaves
    precision: type[np.floating]
    start: float | np.floating
    divisor: int

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Predict values of shape (n,) for samples of shape (n, d)."""
        values = self.leaves.values(np.asarray(X, dtype=self.precision))
        values[0] += self.start
        # One tree after another. A sum of numpy may add in another order.
        return np.add.accumulate(values, axis=0)[-1] / self.divisor


def _nodes(
    left: list[Any],
    right: list[Any],
    feature: list[Any],
    threshold: list[Any],
    value: list[Any],
    equal_goes_left: bool,
) -> Nodes:
    """Put the nodes of trees one after another, given by tree."""
    roots = np.cumsum([0, *map(len, left[:-1])])

    def children(of_trees: list[Any]) -> np.ndarray:
        moved = [np.asarray(of_tree) for of_tree in of_trees]
        return np.concatenate(
            [np.where(tree < 0, -1, tree + root) for tree, root in zip(moved, roots, strict=True)]
        )

    return Nodes(
        roots,
        children(left),
        children(right),
        np.concatenate(feature),
        np.concatenate(threshold),
        np.concatenate(value),
        equal_goes_left,
    )


def _of_random_forest(model: Any, features: int) -> Trees | None:
    trees = model.trees
    nodes = _nodes(
        [tree.children_left for tree in trees],
        [tree.children_right for tree in trees],
        [tree.feature for tree in trees],
        [tree.threshold for tree in trees],
        [tree.value[:, 0, 0] for tree in trees],
        equal_goes_left=True,
    )
    return Trees(Leaves(nodes, features), np.float32, 0.0, len(trees)) if _fits(nodes) else None


def _of_xgboost(model: Any, features: int) -> Trees | None:
    learner = json.loads(bytes(model.get_booster().save_raw("json")))["learner"]
    trees = learner["gradient_booster"]["model"]["trees"]
    # In a leaf, its value stands in the place of the threshold.
    thresholds = [np.array(tree["split_conditions"], dtype=np.float32) for tree in trees]
    nodes = _nodes(
        [tree["left_children"] for tree in trees],
        [tree["right_children"] for tree in trees],
        [tree["split_indices"] for tree in trees],
        thresholds,
        thresholds,
        equal_goes_left=False,
    )
    start = np.float32(learner["learner_model_param"]["base_score"].strip("[]"))
    return Trees(Leaves(nodes, features), np.float32, start, 1) if _fits(nodes) else None


@dataclass(frozen=True)
class Unchecked:
    """A booster of LightGBM, whose own prediction is fast. The checks around it take the time."""

    booster: Any

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Predict values of shape (n,) for samples of shape (n, d)."""
        return self.booster.predict(X, num_threads=1)


def _of_lightgbm(model: Any, features: int) -> Unchecked:
    return Unchecked(model.booster_)


FASTER: dict[str, Callable[[Any, int], Any]] = {
    "paretopress.search.surrogates.RandomForest": _of_random_forest,
    "xgboost.sklearn.XGBRegressor": _of_xgboost,
    "lightgbm.sklearn.LGBMRegressor": _of_lightgbm,
}


def faster(model: Any, features: int) -> Any:
    """Make a fitted regressor faster to predict with, for small numbers of samples.

    Args:
        model: The regressor.
        features: Number of variables.

    Returns:
        A regressor whose `predict` gives the same values, to the bit. It is the model itself where
        nothing faster is known, or where the tables would be large.
    """
    name = f"{type(model).__module__}.{type(model).__qualname__}"
    return (FASTER[name](model, features) if name in FASTER else None) or model
