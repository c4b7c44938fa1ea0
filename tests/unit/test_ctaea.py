"""CTAEA as ask and tell on mixed variables."""

import numpy as np
import pytest

from paretopress.ctaea import Ctaea
from paretopress.designs import INTEGER, sample_vectors


def objectives(X):
    """A front that trades one amount against itself, the other one and the first integer only cost; feasible where f2 <= 0.6."""
    f1, f2 = X[:, 2], 1 - X[:, 2] + X[:, 3] + 0.1 * X[:, 0]
    return np.column_stack([f1, f2]), f2 - 0.6


def run(space, generations, seed=0, first=None):
    algorithm = Ctaea(space, 20, np.empty((0, 7)) if first is None else first, np.random.default_rng(seed))
    asked = []
    for _ in range(generations):
        asked.append(algorithm.ask())
        algorithm.tell(*objectives(asked[-1]))
    return asked, algorithm


def test_every_design_stays_in_the_space_with_whole_integers(space):
    X = np.vstack(run(space, 30)[0])
    assert (X[:, INTEGER] == X[:, INTEGER].round()).all()
    assert (space.lower() <= X).all()
    assert (space.upper() >= X).all()
    assert np.isfinite(X).all()


def test_it_finds_the_front(space):
    _, algorithm = run(space, 150)
    X, F, G = algorithm.population()
    front = F[G <= 0]
    assert len(X) == 20
    assert len(front) >= 10
    assert np.median(front.sum(1)) == pytest.approx(1, abs=0.03)
    assert front[:, 0].min() == pytest.approx(0.4, abs=0.05)


def test_the_given_designs_open_the_first_generation(space):
    first = sample_vectors(space, 6, np.random.default_rng(9))
    asked, _ = run(space, 1, first=first)
    assert (asked[0][:6] == first).all()
    assert len(asked[0]) == 20


def test_the_same_seed_is_the_same_run(space):
    for mine, other in zip(run(space, 20, seed=4)[0], run(space, 20, seed=4)[0], strict=True):
        assert (mine == other).all()
