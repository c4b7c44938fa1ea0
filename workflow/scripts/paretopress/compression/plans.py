"""Plans: the entries that a design sets to zero in one network, and its quantisation.

A plan has the number of zeros of each tensor, and whether the Linear layers are quantised. Two
designs give the same network exactly if they have the same plan, whatever their variables are.
"""

import hashlib
import json
from dataclasses import dataclass, field

import numpy as np

from .designs import ALL, BIAS, BOTH, NONE, RANDOM, VARIABLES, WEIGHT, Design, design_of
from .layers import LAYER_KINDS, Layout
from .magnitudes import IN_ORDER, LIKE_TORCH
from .subsets import random_subsets

TENSORS = ("bias", "weight")
# Which of TENSORS a target prunes.
TARGETS = np.array([(True, False), (False, True), (True, True)])[[BIAS, WEIGHT, BOTH]]


@dataclass(frozen=True)
class Plan:
    """The changes that a design makes to one network. Equal plans give equal networks.

    Attributes:
        zeros: Name of each pruned tensor, such as "features.0.weight", and its entries set to zero.
        quantized: Whether the Linear layers are quantised to int8.
        ties: Which of equal magnitudes become zero: a key of `magnitudes.ZEROING`.
        emptied: Names of the layers without any weight left.

    Example:
        >>> plan = Plan(zeros=(("features.0.weight", 432),), quantized=False)
        >>> plan.design_id
        'f3044cdf3508'
    """

    zeros: tuple[tuple[str, int], ...]
    quantized: bool
    ties: str = LIKE_TORCH
    emptied: tuple[str, ...] = field(default=(), compare=False)

    @property
    def design_id(self) -> str:
        """12 hexadecimal digits that are equal for equal plans."""
        said = [self.zeros, self.quantized, *([] if self.ties == LIKE_TORCH else [self.ties])]
        return hashlib.sha256(json.dumps(said).encode()).hexdigest()[:12]


def _forms(
    kind: str, scope: np.ndarray, amount: np.ndarray, target: np.ndarray, layout: Layout, seed: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """The canonical scope, amount and target of n designs for one kind of layer, each (n,).

    The last array tells which layers are pruned, shape (n, layers).
    """
    amount, target = layout.rounded(amount), target.astype(int)
    if not layout.has_biases(kind):
        target = np.where(target == BOTH, WEIGHT, target)
    loses, takes = layout.lost(kind, amount) > 0, TARGETS[target][:, :, None]
    effective = (loses[:, 0] & takes[:, 0]) | (loses[:, 1] & takes[:, 1])
    drawn = random_subsets(list(LAYER_KINDS).index(kind), amount, target, effective.shape[1], seed)
    chosen = np.where((scope == RANDOM)[:, None], drawn, (scope == ALL)[:, None])
    pruned = chosen & effective
    none = ~pruned.any(axis=1)
    scope = np.where(none, NONE, np.where((pruned == effective).all(axis=1), ALL, RANDOM))
    return scope, np.where(none, 0.0, amount), np.where(none, BIAS, target), pruned


def _canonical(
    X: np.ndarray, layout: Layout, seed: int
) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """The canonical vectors, and the pruned layers of each kind, shape (n, layers)."""
    columns = dict(zip(VARIABLES, X.T, strict=True))
    pruned = {}
    for kind in LAYER_KINDS:
        names = [f"{kind}_{part}" for part in ("scope", "amount", "target")]
        scope, amount, target = (columns[name] for name in names)
        *forms, pruned[kind] = _forms(kind, scope, amount, target, layout, seed)
        columns |= zip(names, forms, strict=True)
    columns["quantization"] = columns["quantization"] * layout.quantizable
    return np.stack([columns[name] for name in VARIABLES], axis=1), pruned


def canonical_vectors(X: np.ndarray, layout: Layout, seed: int) -> np.ndarray:
    """Reduce designs to the variables that have an effect, all at once, as `canonical` does.

    Args:
        X: Vectors of designs, shape (n, 7), rounded as `rounded` does.
        layout: Layers of the network, from `layout_of`.
        seed: Seed of the random subsets of layers.

    Returns:
        The vectors of the reduced designs, shape (n, 7).
    """
    return _canonical(X, layout, seed)[0]


def canonical(design: Design, layout: Layout, seed: int) -> tuple[Design, Plan]:
    """Reduce a design to the variables that have an effect, and make its plan.

    These are reset, because they have no effect:
    - the amount and target where nothing is pruned,
    - a target that the layers lack,
    - a random subset with every layer or with none,
    - quantisation where no layer can be quantised.

    Amounts are rounded to the steps of the layout's tables, where it has tables.

    `canonical` of the result is the result itself. Two results may still differ in amounts that
    round to the same counts. So the plan alone decides whether two designs are the same network.

    Args:
        design: Any design.
        layout: Layers of the network, from `layout_of`.
        seed: Seed of the random subsets of layers. It is the run's seed, or the config's
            budget.initial_seed where that is set.

    Returns:
        The reduced design, and the plan for the network.

    Example:
        >>> from torch import nn
        >>> from paretopress.compression.layers import layout_of
        >>> layout = layout_of(nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(16, 2)))
        >>> no_convolution = Design(2, 0, 0.5, 0.8, 1, 1, 0)
        >>> reduced, plan = canonical(no_convolution, layout, seed=1)
        >>> reduced.conv_amount
        0.0
        >>> plan.zeros
        (('2.weight', 16),)
    """
    vectors, pruned = _canonical(design.vector()[None], layout, seed)
    folded, columns = design_of(vectors[0]), dict(zip(VARIABLES, vectors.T, strict=True))
    zeros, emptied = [], []
    for kind in LAYER_KINDS:
        takes = TARGETS[getattr(folded, f"{kind}_target")][:, None] & pruned[kind]
        lost = layout.lost(kind, columns[f"{kind}_amount"])[0] * takes
        for layer, (bias, weight) in zip(getattr(layout, kind), lost.T, strict=True):
            counts = (("weight", int(weight)), ("bias", int(bias)))
            zeros += [(f"{layer.name}.{tensor}", count) for tensor, count in counts if count]
            emptied += [layer.name] if weight == layer.weight else []
    ties = IN_ORDER if zeros and layout.tables is not None else LIKE_TORCH
    return folded, Plan(tuple(zeros), bool(folded.quantization), ties, tuple(emptied))
