"""Ensembles of trees, predicted from their arrays with the values of their own library.

The libraries take most of the time of a small prediction for their own checks. Here a tree is a
row of bits, one for each leaf. A threshold clears the leaves that a sample above it cannot reach,
and the first bit that is left is the sample's leaf (QuickScorer: Lucchese et al. 2015). The bits
that each threshold leaves are tabulated once, by variable.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

WORD = 64
# Entry k has the lowest k bits.
LOWEST = np.array([(1 << bits) - 1 for bits in range(WORD + 1)], dtype=np.uint64)
ONE = np.uint64(1)


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


class Leaves:
    """The leaf values of samples in each tree of an ensemble.

    Args:
        nodes: The nodes of the trees.
        features: Number of variables.
    """

    def __init__(self, nodes: Nodes, features: int) -> None:
        before, below = _leaf_numbers(nodes)
        tree = np.repeat(np.arange(len(nodes.roots)), np.diff([*nodes.roots, len(nodes.left)]))
        words = -(-int(below.max()) // WORD)
        leaf = nodes.left < 0
        values = np.zeros((len(nodes.roots), words * WORD), dtype=nodes.value.dtype)
        values[tree[leaf], before[leaf]] = nodes.value[leaf]
        self._values = values.ravel()
        self._first = np.arange(len(nodes.roots))[:, None] * words * WORD
        self._side: Literal["left", "right"] = "left" if nodes.equal_goes_left else "right"
        # The leaves below the left child cannot be reached from above the threshold.
        ends = np.stack([before, before + below[nodes.left]], axis=1)[:, None]
        low, high = np.clip(ends - WORD * np.arange(words)[:, None], 0, WORD).transpose(2, 0, 1)
        reached = ~(LOWEST[low] ^ LOWEST[high])
        self._tables = []
        for feature in range(features):
            split = np.flatnonzero(~leaf & (nodes.feature == feature))
            if not len(split):
                continue
            thresholds, rank = np.unique(nodes.threshold[split], return_inverse=True)
            table = np.full((len(thresholds) + 1, len(nodes.roots), words), LOWEST[WORD])
            np.bitwise_and.at(table, (rank + 1, tree[split]), reached[split])
            np.bitwise_and.accumulate(table, axis=0, out=table)
            self._tables.append((feature, thresholds, table))
        self._all = np.full((1, len(nodes.roots), words), LOWEST[WORD])

    def values(self, X: np.ndarray) -> np.ndarray:
        """The values of samples of shape (n, d), in the precision of the thresholds: (trees, n)."""
        bits = np.repeat(self._all, len(X), axis=0)
        for feature, thresholds, table in self._tables:
            bits &= table[thresholds.searchsorted(X[:, feature], side=self._side)]
        # The lowest bit of each word: 64 where there is none.
        lowest = np.bitwise_count((bits & (~bits + ONE)) - ONE)
        number = lowest[:, :, 0].astype(np.int64)
        for word in range(1, lowest.shape[2]):
            number += np.where(number == WORD * word, lowest[:, :, word], 0)
        return self._values[np.ascontiguousarray(number.T) + self._first]


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


def of_scikit_learn(trees: list[Any]) -> Nodes:
    """The nodes of fitted `tree_` attributes, each with one output."""
    return _nodes(
        [tree.children_left for tree in trees],
        [tree.children_right for tree in trees],
        [tree.feature for tree in trees],
        [tree.threshold for tree in trees],
        [tree.value[:, 0, 0] for tree in trees],
        equal_goes_left=True,
    )


def of_xgboost(booster: Any) -> tuple[Nodes, np.float32]:
    """The nodes of a booster, and the score that its sum begins with."""
    learner = json.loads(bytes(booster.save_raw("json")))["learner"]
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
    return nodes, np.float32(learner["learner_model_param"]["base_score"].strip("[]"))
