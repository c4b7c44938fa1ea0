"""CTAEA as ask and tell on mixed variables."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from paths import ROOT
from pymoo.algorithms.moo.ctaea import CADASurvival
from pymoos_ctaea import BoundedSurvival, PymoosCtaea
from spaces import bounded

from paretopress.compression.designs import sample_vectors
from paretopress.config.variables import OF_THE_PAPER
from paretopress.search import mating
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
    assert (X[:, space.integer] == X[:, space.integer].round()).all()
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


NARROW = bounded((0.5, 0.5000001), (0.5, 0.5000001))


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
    space = bounded((0.5, 0.5), (0.5, 0.5))  # 3 x 3 x 3 x 3 x 2 designs
    algorithm = Ctaea(space, 200, np.empty((0, 7)), np.random.default_rng(0))
    generations = []
    while len(asked := algorithm.ask()):
        generations.append(asked)
        values, _ = objectives(asked)
        algorithm.tell(values, values[:, 1] - threshold)
    assert len(np.unique(np.vstack(generations), axis=0)) == sum(map(len, generations)) == 162
    assert len(algorithm.population()[0]) == 162


def stepped(X):
    """Few distinct values, as trees predict them: many designs of equal objectives."""
    return np.round(objectives(X)[0], 1)


WIDE, POINT = bounded((0.001, 0.999), (0.001, 0.999)), bounded((0.5, 0.5), (0.5, 0.5))
PROBLEMS = {
    "smooth": lambda X: objectives(X)[0],
    "stepped": stepped,
    "coarse": lambda X: np.round(3 * objectives(X)[0]) / 3,
    "constant": lambda X: np.zeros((len(X), 2)),
}


def same_generations(space, problem, floor, population, seed, first, generations, survival):
    """Ask and tell both, and compare the designs and the population of each generation.

    The designs are bred from both archives, so that a difference in either shows.
    """
    start = sample_vectors(space, first, np.random.default_rng(seed + 1))
    arguments = space, population, start
    ours = Ctaea(*arguments, np.random.default_rng(seed))
    pymoos = PymoosCtaea(*arguments, np.random.default_rng(seed), survival=survival)
    for _ in range(generations):
        asked, expected = ours.ask(), pymoos.ask()
        assert np.array_equal(asked, expected)
        if not len(asked):
            break
        values = PROBLEMS[problem](asked)
        for algorithm in (ours, pymoos):
            algorithm.tell(values, values[:, 1] - floor)
        for mine, other in zip(ours.population(), pymoos.population(), strict=True):
            assert np.array_equal(mine, np.reshape(other, mine.shape))


# From no feasible design over a few and half of them to all.
@pytest.mark.parametrize("floor", [-1.0, 0.1, 0.3, 0.6, 9.0])
@pytest.mark.parametrize("problem", PROBLEMS)
def test_each_generation_is_pymoos(problem, floor):
    same_generations(WIDE, problem, floor, 20, 5, 0, 40, CADASurvival)


@given(
    st.integers(0, 2**31 - 1),
    st.sampled_from(sorted(PROBLEMS)),
    st.floats(-0.5, 2.0),
    st.integers(2, 50),
    st.booleans(),
)
def test_each_generation_is_pymoos_for_any_start(seed, problem, floor, population, given_first):
    first = population // 2 if given_first else 0
    same_generations(WIDE, problem, floor, population, seed, first, 12, CADASurvival)


@pytest.mark.parametrize("floor", [-1.0, 0.6, 9.0])
@pytest.mark.parametrize("space", [NARROW, POINT], ids=["narrow", "162 designs"])
def test_it_is_pymoos_in_a_space_of_few_designs_as_far_as_that_ends(space, floor):
    same_generations(space, "smooth", floor, 20, 3, 0, 20, BoundedSurvival)


@pytest.mark.parametrize("floor", [0.6, 9.0])
def test_it_is_pymoos_where_a_generation_has_fewer_new_designs_than_the_population(floor):
    same_generations(POINT, "smooth", floor, 100, 3, 0, 8, BoundedSurvival)


def test_the_table_of_presets_has_the_settings_of_crossover_and_mutation():
    rows = (ROOT / "docs" / "method.md").read_text(encoding="utf-8").splitlines()
    crossover, mutation = (
        next(row for row in rows if row.startswith(f"| {name} of CTAEA |")).split("|")[4]
        for name in ("crossover", "mutation")
    )
    assert f"eta {mating.CROSSOVER_ETA:g}," in crossover
    assert f"of a variable with probability {mating.CROSSOVER_OF_A_VARIABLE:g}," in crossover
    assert f"eta {mating.MUTATION_ETA:g}," in mutation
    assert f"of a child with probability {mating.MUTATION:g}," in mutation
    assert (
        f"of a variable with probability {mating.MUTATED_VARIABLES}/{len(OF_THE_PAPER)},"
        in mutation
    )
