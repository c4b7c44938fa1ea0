"""Selection of surrogates against scikit-learn's own cross-validation."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.ensemble import RandomForestRegressor
from sklearn.model_selection import KFold, cross_val_score

from paretopress.search.surrogates import CANDIDATES, SCORES, cross_validated, select_surrogate

RNG = np.random.default_rng(0)
X = RNG.random((30, 7))
Y = X @ np.arange(1.0, 8.0) + RNG.normal(0, 0.1, 30)


@pytest.mark.parametrize(
    ("metric", "scoring"),
    [("mse", "neg_mean_squared_error"), ("mape", "neg_mean_absolute_percentage_error")],
)
def test_scores_are_those_of_scikit_learn(metric, scoring):
    scores, _ = cross_validated(X, Y, metric, 5, seed=3)
    for name, candidate in CANDIDATES.items():
        expected = cross_val_score(
            candidate(3), X, Y, cv=KFold(5, shuffle=True, random_state=3), scoring=scoring
        ).mean()
        assert scores[name] == pytest.approx(expected, rel=1e-12)


def test_the_four_candidates_have_default_hyperparameters():
    assert {type(candidate(0)).__name__ for candidate in CANDIDATES.values()} == {
        "KNeighborsRegressor", "RandomForest", "XGBRegressor", "LGBMRegressor",
    }  # fmt: skip
    free = {"random_state", "n_jobs", "verbose", "deterministic", "force_col_wise"}
    for candidate in CANDIDATES.values():
        model = candidate(0)
        changed = {
            key
            for key, value in model.get_params().items()
            if value != type(model)().get_params().get(key) and value == value
        }
        assert changed <= free


@given(st.integers(0, 2**31 - 1), st.integers(1, 40), st.integers(1, 5))
def test_the_forest_is_scikit_learns_to_the_bit(seed, rows, values):
    rng = np.random.default_rng(seed)
    integers = rng.integers(0, 3, (rows + 9, 4))
    space = np.column_stack([integers, rng.random((rows + 9, 3))])
    samples, asked = space[:rows], space[rows:]
    y = rng.choice(rng.random(values), rows) if values < 5 else rng.random(rows)
    own = CANDIDATES["random_forest"](seed).fit(samples, y)
    sklearns = RandomForestRegressor(random_state=seed).fit(samples, y)
    assert np.array_equal(own.predict(asked), sklearns.predict(asked))


@pytest.mark.parametrize("metric", ["mse", "mape", "spearman"])
def test_the_best_candidate_is_chosen_and_fitted_to_all_samples(metric):
    selection = select_surrogate(X, Y, metric, 5, np.random.default_rng(1))
    assert selection.scores[selection.name] == max(selection.scores.values())
    assert set(selection.scores) == set(CANDIDATES)
    seed = int(np.random.default_rng(1).integers(2**31))
    assert (
        selection.surrogate.predict(X) == CANDIDATES[selection.name](seed).fit(X, Y).predict(X)
    ).all()


def test_a_constant_prediction_is_the_worst_under_spearman():
    assert SCORES["spearman"](Y, np.full(30, 0.4)) == -1
    assert SCORES["spearman"](Y, -Y) == pytest.approx(-1)
    scores, _ = cross_validated(X[:20], Y[:20], "spearman", 5, seed=0)
    assert (
        scores["lightgbm"] == -1
    )  # with fewer than 40 samples its default leaves make it constant
    assert (
        select_surrogate(X[:20], Y[:20], "spearman", 5, np.random.default_rng(0)).name != "lightgbm"
    )


def test_random_choice_takes_every_candidate_and_compares_none():
    chosen = [
        select_surrogate(X, Y, "random", 5, np.random.default_rng(seed)) for seed in range(40)
    ]
    assert {selection.name for selection in chosen} == set(CANDIDATES)
    assert all(not selection.scores for selection in chosen)
