"""CTAEA as ask and tell on mixed variables."""

import numpy as np
import pytest
from pymoo.algorithms.moo.ctaea import CADASurvival

from paretopress.compression.designs import INTEGER, SearchSpace, sample_vectors
from paretopress.search.ctaea import Ctaea


def objectives(X):
    """A front that trades one amount against itself, the other one and the first integer only cost; feasible where f2 <= 0.6."""
    f1, f2 = X[:, 2], 1 - X[:, 2] + X[:, 3] + 0.1 * X[:, 0]
    return np.column_stack([f1, f2]), f2 - 0.6


def run(space, generations, seed=0, first=None):
    algorithm = Ctaea(
        space, 20, np.empty((0, 7)) if first is None else first, np.random.default_rng(seed)
    )
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


NARROW = SearchSpace((0.5, 0.5000001), (0.5, 0.5000001))


@pytest.mark.parametrize("threshold", [0.6, -1.0, 9.0], ids=["some feasible", "none", "all"])
def test_duplicates_in_the_first_generation_end_no_search(threshold):
    """pymoo takes them out, and then waits for ever for as many designs as there should be."""
    for seed in range(3):
        algorithm = Ctaea(NARROW, 30, np.empty((0, 7)), np.random.default_rng(seed))
        sizes = []
        for _ in range(4):
            asked = algorithm.ask()
            sizes.append(len(asked))
            values, _ = objectives(asked)
            algorithm.tell(values, values[:, 1] - threshold)
        assert sizes[0] < 30, "there are duplicates"
        assert sizes[1:] == [30, 30, 30]


@pytest.mark.parametrize("threshold", [0.6, 9.0], ids=["some feasible", "all"])
def test_a_space_smaller_than_the_population_is_asked_for_whole_and_then_nothing(threshold):
    space = SearchSpace((0.5, 0.5), (0.5, 0.5))  # 3 x 3 x 3 x 3 x 2 designs
    algorithm = Ctaea(space, 200, np.empty((0, 7)), np.random.default_rng(0))
    generations = []
    while len(asked := algorithm.ask()):
        generations.append(asked)
        values, _ = objectives(asked)
        algorithm.tell(values, values[:, 1] - threshold)
    assert len(np.unique(np.vstack(generations), axis=0)) == sum(map(len, generations)) == 162
    assert len(algorithm.population()[0]) == 162


def test_in_an_ordinary_space_it_is_pymoos_own_ctaea(space, monkeypatch):
    mine = run(space, 25, seed=5)
    monkeypatch.setattr("paretopress.search.ctaea.BoundedSurvival", CADASurvival)
    pymoos = run(space, 25, seed=5)
    for one, other in zip(
        [*mine[0], *mine[1].population()], [*pymoos[0], *pymoos[1].population()], strict=True
    ):
        assert (one == other).all()
