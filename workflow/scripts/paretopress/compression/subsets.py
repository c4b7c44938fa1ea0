"""Random subsets of layers: a pure function of the seed and of a design's variables.

The draws are those of SplitMix64 (Steele, Lea and Flood 2014, "Fast splittable pseudorandom number
generators", figure 15), a generator whose i-th number depends on its state and on i alone. So numpy
draws all layers of all designs at once.
"""

import numpy as np

# Probability of each layer to be in a random subset, as in the paper's published code.
SUBSET_PROBABILITY = 2 / 3

# Constants of SplitMix64.
STEP = np.uint64(0x9E3779B97F4A7C15)
MIX = ((30, np.uint64(0xBF58476D1CE4E5B9)), (27, np.uint64(0x94D049BB133111EB)))
LAST_SHIFT = np.uint64(31)


def _mixed(state: np.ndarray) -> np.ndarray:
    """The output of SplitMix64 for each state, uint64 of the same shape."""
    for shift, factor in MIX:
        state = (state ^ (state >> np.uint64(shift))) * factor
    return state ^ (state >> LAST_SHIFT)


def random_subsets(
    kind: int, amount: np.ndarray, target: np.ndarray, layers: int, seed: int
) -> np.ndarray:
    """Draw a random subset of the layers of a kind for each of n designs.

    Args:
        kind: Number of the kind of layer. Kinds have different subsets.
        amount: Amounts, float64 of shape (n,). Other amounts have other subsets.
        target: Targets, shape (n,).
        layers: Number of layers.
        seed: Seed of the subsets, at least 0.

    Returns:
        True for each layer in the subset, shape (n, layers).

    Example:
        >>> random_subsets(0, np.array([0.5, 0.6]), np.array([1, 1]), layers=4, seed=1).tolist()
        [[True, False, True, True], [False, True, True, True]]
    """
    state = np.full(len(amount), seed, dtype=np.uint64)
    for value in (np.uint64(kind), target.astype(np.uint64), amount.view(np.uint64)):
        state = _mixed(state + STEP) ^ value
    numbers = _mixed(state[:, None] + STEP * np.arange(1, layers + 1, dtype=np.uint64))
    return numbers < np.uint64(int(SUBSET_PROBABILITY * 2**64))
