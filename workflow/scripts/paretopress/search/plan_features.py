"""Designs as a model of the accuracy sees them: what each layer loses, by their plans."""

import numpy as np

from ..compression.layers import LAYER_KINDS, Layout, tensor_name
from ..compression.plans import Plan
from ..config.variables import FLOAT_BITS


def plan_features(plan: Plan, layout: Layout) -> np.ndarray:
    """Describe a plan by numbers.

    The variables of a design hide what it does: a random subset of the layers is one value,
    whatever the subset is, and an amount means nothing where nothing is pruned.

    Args:
        plan: The plan of a design.
        layout: The layers of the network.

    Returns:
        float32 of shape (d,). Whether the Linear layers are int8. For each layer, the share of its
        weights that becomes zero. For each kind of layer, the same share of all its weights and of
        all its biases, the share of its layers that lose weights, and the bits of its rounded
        weights.

    Example:
        >>> from torch import nn
        >>> from paretopress.compression.layers import layout_of
        >>> layout = layout_of(nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(16, 2)))
        >>> plan = Plan(zeros=(("2.weight", 16),), quantized=False, bits=(("2.weight", 4),))
        >>> plan_features(plan, layout).tolist()
        [0.0, 0.5, 0.5, 0.0, 1.0, 4.0, 0.0, 0.0, 0.0, 0.0, 32.0]
    """
    zeros, bits = dict(plan.zeros), dict(plan.bits)
    found = [float(plan.quantized)]
    for kind in LAYER_KINDS:
        layers = getattr(layout, kind)
        lost = [zeros.get(tensor_name(layer.name, "weight"), 0) for layer in layers]
        biases = sum(zeros.get(tensor_name(layer.name, "bias"), 0) for layer in layers)
        rounded = (bits.get(tensor_name(layer.name, "weight"), FLOAT_BITS) for layer in layers)
        found += [count / max(1, layer.weight) for count, layer in zip(lost, layers, strict=True)]
        found += [
            sum(lost) / max(1, sum(layer.weight for layer in layers)),
            biases / max(1, sum(layer.bias for layer in layers)),
            sum(count > 0 for count in lost) / max(1, len(layers)),
            min(rounded, default=FLOAT_BITS),
        ]
    return np.array(found, dtype=np.float32)
