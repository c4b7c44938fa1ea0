"""CTAEA's mating: restricted tournaments, simulated binary crossover and polynomial mutation.

All numbers, the random ones too, are those of pymoo's `RestrictedMating`, `SBX` and `PM` with the
settings below. pymoo spends most of its time on an object for each design.
"""

import numpy as np
from pymoo.util.nds.non_dominated_sorting import NonDominatedSorting
from scipy.spatial.distance import cdist

from .survival import Population

# Simulated binary crossover (Deb and Agrawal 1995). Each pair of parents is crossed, and gives one
# of its two children.
CROSSOVER_ETA = 30.0
CROSSOVER_OF_A_VARIABLE = 0.5  # probability
CROSSOVER_EXCHANGE = 0.5  # probability that a variable is that of the other child
CROSSOVER_CHILD = 0.5  # probability of the second child to be taken
# Polynomial mutation (Deb and Goyal 1996).
MUTATION = 0.9  # probability of a child to be mutated
MUTATION_ETA = 20.0
MUTATED_VARIABLES = 1  # expected in a child that is mutated
# Values closer than this are not crossed. Designs closer than SAME are one design.
CLOSE = 1e-14
SAME = 1e-16


def new_rows(X: np.ndarray, known: np.ndarray) -> np.ndarray:
    """The rows of X, shape (n, d), that are neither among `known` nor further up in X."""
    repeated = np.tril(cdist(X, X) <= SAME, -1).any(axis=1)
    return X[~repeated & ~(cdist(X, known) <= SAME).any(axis=1)]


def _winners(parents: Population, pairs: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The feasible or the dominating design of each pair (n, 2), or one of the two at random: rows, (n,)."""
    one, other = pairs.T
    feasible = parents.violation <= 0
    F, G = parents.F[one], parents.F[other]
    lower, higher = (F < G).any(axis=1), (F > G).any(axis=1)
    both = feasible[one] & feasible[other]
    first = np.where(both, lower & ~higher, feasible[one])
    second = np.where(both, higher & ~lower, feasible[other])
    second[~first & ~second] = rng.integers(0, 2, size=np.count_nonzero(~first & ~second))
    return np.where(second, other, one)


def selected(
    parents: Population, shares: tuple[float, float], count: int, rng: np.random.Generator
) -> np.ndarray:
    """Choose pairs of parents by tournaments in either archive (Li et al. 2019, algorithm 4).

    Args:
        parents: Convergence archive, then diversity archive.
        shares: Of all parents, those of either archive that no parent dominates.
        count: Number of pairs.
        rng: Generator of the draws.

    Returns:
        Rows of the parents, shape (count, 2).
    """
    half = len(parents) // 2
    needed = 4 * count
    drawn = np.concatenate([rng.permutation(half) for _ in range(-(-needed // half))])
    pairs = drawn[:needed].reshape(count, 2, 2)
    convergence, diversity = shares
    if convergence <= diversity:
        pairs[:, 0] += half
    pairs[rng.random(count) >= convergence, 1] += half
    return _winners(parents, pairs.reshape(-1, 2), rng).reshape(count, 2)


def shares_of(parents: Population) -> tuple[float, float]:
    """The share of all parents that is in an archive and dominated by no parent, for either."""
    best = NonDominatedSorting().do(parents.F, only_non_dominated_front=True)
    in_convergence = np.count_nonzero(best < len(parents) // 2)
    return in_convergence / len(parents), (len(best) - in_convergence) / len(parents)


def crossed(
    pairs: np.ndarray, lower: np.ndarray, upper: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Make a child of each pair of parents by simulated binary crossover.

    Args:
        pairs: Parents within the bounds, shape (n, 2, d).
        lower, upper: Bounds, shape (d,).
        rng: Generator of the draws.

    Returns:
        The children, shape (n, d).
    """
    one, other = pairs[:, 0], pairs[:, 1]
    count = len(pairs)
    rng.random(2 * count)  # pymoo decides here which pairs are crossed: all are
    mask = rng.random(one.shape) < CROSSOVER_OF_A_VARIABLE
    mask &= np.abs(one - other) > CLOSE
    drawn = rng.random(np.count_nonzero(mask))
    exchanged = rng.random(len(drawn)) < CROSSOVER_EXCHANGE
    takes_other = (rng.random(count) < CROSSOVER_CHILD)[:, None]
    children = np.where(takes_other, other, one)
    high = exchanged ^ np.broadcast_to(takes_other, mask.shape)[mask]
    low_value, high_value = np.minimum(one, other)[mask], np.maximum(one, other)[mask]
    to_bound = np.where(
        high, (upper - np.maximum(one, other))[mask], (np.minimum(one, other) - lower)[mask]
    )
    distance = high_value - low_value
    alpha = 2.0 - np.power(1.0 + 2.0 * to_bound / distance, -(CROSSOVER_ETA + 1.0))
    scaled = drawn * alpha
    inner = drawn <= 1.0 / alpha
    spread = np.power(np.where(inner, scaled, 1.0 / (2.0 - scaled)), 1.0 / (CROSSOVER_ETA + 1.0))
    step = spread * distance
    children[mask] = 0.5 * ((low_value + high_value) + np.where(high, step, -step))
    return children


def mutated(
    X: np.ndarray, lower: np.ndarray, upper: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Change some variables of some designs by polynomial mutation.

    Args:
        X: Designs within the bounds, shape (n, d).
        lower, upper: Bounds, shape (d,).
        rng: Generator of the draws.

    Returns:
        The designs after mutation, shape (n, d).
    """
    mask = (rng.random(X.shape) < MUTATED_VARIABLES / X.shape[1]) & (lower < upper)
    value, width = X[mask], np.broadcast_to(upper - lower, X.shape)[mask]
    drawn = rng.random(len(value))
    down = drawn <= 0.5
    to_bound = np.where(down, (X - lower)[mask], (upper - X)[mask]) / width
    power = np.power(1.0 - to_bound, MUTATION_ETA + 1.0)
    kept = np.where(
        down,
        2.0 * drawn + (1.0 - 2.0 * drawn) * power,
        2.0 * (1.0 - drawn) + 2.0 * (drawn - 0.5) * power,
    )
    kept = np.power(kept, 1.0 / (MUTATION_ETA + 1.0))
    changed = X.copy()
    changed[mask] = value + np.where(down, kept - 1.0, 1.0 - kept) * width
    taken = rng.random(len(X)) <= MUTATION
    # A rounding error must not leave the bounds.
    return np.clip(np.where(taken[:, None], changed, X), lower, upper)
