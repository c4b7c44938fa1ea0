"""Plans: the entries that a design sets to zero in one network, its rounding and quantisation.

A plan has the number of zeros of each tensor, the bits of each rounded weight, and whether the
Linear layers are quantised. Two designs give the same network exactly if they have the same plan,
whatever their variables are.
"""

import hashlib
import json
from dataclasses import dataclass, field

import numpy as np

from ..config.variables import ALL, BIAS, BOTH, FLOAT_BITS, NONE, RANDOM, WEIGHT, Design
from .designs import Values, design_of, values_of
from .layers import LAYER_KINDS, Layout, tensor_name
from .magnitudes import IN_ORDER, LIKE_TORCH
from .subsets import random_subsets

# Which of TENSORS a target prunes.
TARGETS = np.array([(True, False), (False, True), (True, True)])[[BIAS, WEIGHT, BOTH]]


@dataclass(frozen=True)
class Plan:
    """The changes that a design makes to one network. Equal plans give equal networks.

    Attributes:
        zeros: Name of each pruned tensor, such as "features.0.weight", and its entries set to zero.
        quantized: Whether the Linear layers are quantised to int8.
        ties: Which of equal magnitudes become zero: a key of `magnitudes.ZEROING`.
        bits: Name of each weight that is rounded, and the bits of each of its entries.
        emptied: Names of the layers without any weight left.

    Example:
        >>> plan = Plan(zeros=(("features.0.weight", 432),), quantized=False)
        >>> plan.design_id
        'f3044cdf3508'
    """

    zeros: tuple[tuple[str, int], ...]
    quantized: bool
    ties: str = LIKE_TORCH
    bits: tuple[tuple[str, int], ...] = ()
    emptied: tuple[str, ...] = field(default=(), compare=False)

    @property
    def changed(self) -> frozenset[str]:
        """The names of the tensors with other numbers than in the trained network."""
        return frozenset(name for name, _ in (*self.zeros, *self.bits))

    @property
    def design_id(self) -> str:
        """12 hexadecimal digits that are equal for equal plans."""
        said = [self.zeros, self.quantized, *([] if self.ties == LIKE_TORCH else [self.ties])]
        said += [self.bits] if self.bits else []
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


def _canonical(values: Values, layout: Layout, seed: int) -> tuple[Values, dict[str, np.ndarray]]:
    """The canonical values of n designs, and the pruned layers of each kind, (n, layers)."""
    found, pruned = dict(values), {}
    for kind in LAYER_KINDS:
        names = [f"{kind}_{part}" for part in ("scope", "amount", "target")]
        scope, amount, target = (values[name] for name in names)
        *forms, pruned[kind] = _forms(kind, scope, amount, target, layout, seed)
        found |= zip(names, forms, strict=True)
        if (bits := f"{kind}_bits") in values and not any(
            layer.weight for layer in getattr(layout, kind)
        ):
            found[bits] = np.full_like(values[bits], FLOAT_BITS)
    found["quantization"] = values["quantization"] * layout.quantizable
    return found, pruned


def canonical_values(values: Values, layout: Layout, seed: int) -> Values:
    """Reduce designs to the variables that have an effect, all at once, as `canonical` does.

    Args:
        values: The values of n designs by variable, each of shape (n,), amounts rounded. The
            variables of the paper are there, others may be missing.
        layout: Layers of the network, from `layout_of`.
        seed: Seed of the random subsets of layers.

    Returns:
        The values of the reduced designs, for the same variables.
    """
    return _canonical(values, layout, seed)[0]


def canonical(design: Design, layout: Layout, seed: int) -> tuple[Design, Plan]:
    """Reduce a design to the variables that have an effect, and make its plan.

    These are reset, because they have no effect:
    - the amount and target where nothing is pruned,
    - a target that the layers lack,
    - a random subset with every layer or with none,
    - quantisation where no layer can be quantised,
    - bits where the network has no layer of their kind.

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
        >>> no_convolution = Design(2, 0, 0.5, 0.8, 1, 1, 0, linear_bits=4)
        >>> reduced, plan = canonical(no_convolution, layout, seed=1)
        >>> reduced.conv_amount
        0.0
        >>> plan.zeros, plan.bits
        ((('2.weight', 16),), (('2.weight', 4),))
    """
    values, pruned = _canonical(values_of([design]), layout, seed)
    folded = design_of({name: value[0] for name, value in values.items()})
    zeros, rounded, emptied = [], [], []
    for kind in LAYER_KINDS:
        takes = TARGETS[getattr(folded, f"{kind}_target")][:, None] & pruned[kind]
        lost = layout.lost(kind, values[f"{kind}_amount"])[0] * takes
        bits = getattr(folded, f"{kind}_bits")
        for layer, (bias, weight) in zip(getattr(layout, kind), lost.T, strict=True):
            counts = (("weight", int(weight)), ("bias", int(bias)))
            zeros += [(tensor_name(layer.name, part), count) for part, count in counts if count]
            if not layer.weight:  # it belongs to another layer
                continue
            if weight == layer.weight:
                emptied.append(layer.name)
            elif bits != FLOAT_BITS:
                rounded.append((tensor_name(layer.name, "weight"), bits))
    ties = IN_ORDER if zeros and layout.tables is not None else LIKE_TORCH
    quantized = bool(folded.quantization)
    return folded, Plan(tuple(zeros), quantized, ties, tuple(rounded), tuple(emptied))
