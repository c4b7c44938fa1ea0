"""Selection of surrogates against scikit-learn's own cross-validation."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lightgbm import LGBMRegressor
from sklearn.ensemble import RandomForestRegressor
from sklearn.model_selection import KFold, cross_val_score
from sklearn.neighbors import KNeighborsRegressor
from xgboost import XGBRegressor

from paretopress.config.candidates import SURROGATES
from paretopress.config.methods import SurrogateMethods
from paretopress.config.regressors import built
from paretopress.search.surrogates import SCORES, cross_validated, select_surrogate

RNG = np.random.default_rng(0)
X = RNG.random((30, 7))
Y = X @ np.arange(1.0, 8.0) + RNG.normal(0, 0.1, 30)
# The paper's four as they are built by hand, in their order.
PAPERS = {
    "knn": lambda seed: KNeighborsRegressor(n_jobs=1),
    "random_forest": lambda seed: RandomForestRegressor(random_state=seed),
    "xgboost": lambda seed: XGBRegressor(random_state=seed, n_jobs=1),
    "lightgbm": lambda seed: LGBMRegressor(
        random_state=seed, n_jobs=1, deterministic=True, force_col_wise=True, verbose=-1
    ),
}
ADDED = [
    "sklearn.ensemble.ExtraTreesRegressor",
    "sklearn.gaussian_process.GaussianProcessRegressor",
    "xgboost.XGBRFRegressor",
    "test_surrogates.Mean",
]
EVERY = [*PAPERS, *ADDED]


class Mean:
    """A regressor of one's own, without any parameter."""

    def fit(self, X, y):
        self.mean = y.mean()
        return self

    def predict(self, X):
        return np.full(len(X), self.mean)


@pytest.mark.parametrize(
    ("metric", "scoring"),
    [("mse", "neg_mean_squared_error"), ("mape", "neg_mean_absolute_percentage_error")],
)
def test_scores_are_those_of_scikit_learn(metric, scoring):
    scores, left_out = cross_validated(X, Y, metric, 5, seed=3, candidates=EVERY)
    assert (list(scores), left_out) == (EVERY, {})
    for name in EVERY[:-1]:  # the last has no parameters that scikit-learn could copy
        expected = cross_val_score(
            built(name, 3), X, Y, cv=KFold(5, shuffle=True, random_state=3), scoring=scoring
        ).mean()
        assert scores[name] == pytest.approx(expected, rel=1e-12)


def test_the_default_list_is_the_papers_four_to_the_bit():
    assert list(SURROGATES) == list(PAPERS)
    assert SurrogateMethods.model_fields["candidates"].default == list(PAPERS)
    many = np.tile(X, (3, 1)) + np.repeat([0, 0.1, 0.2], 30)[:, None]  # LightGBM's leaves need 20
    for name, by_hand in PAPERS.items():
        own, papers = (model.fit(many, np.tile(Y, 3)) for model in (built(name, 5), by_hand(5)))
        assert np.array_equal(own.predict(X), papers.predict(X)), name


def test_candidates_have_default_hyperparameters_a_seed_and_one_thread():
    free = {"random_state", "n_jobs", "verbose", "deterministic", "force_col_wise"}
    for name in EVERY[:-1]:
        model = built(name, 7)
        settled = {"random_state": 7, "n_jobs": 1, "verbose": model.get_params().get("verbose")}
        assert {key: settled[key] for key in {*settled} & {*model.get_params()}}.items() <= (
            model.get_params().items()
        )
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
    own = built("random_forest", seed).fit(samples, y)
    sklearns = RandomForestRegressor(random_state=seed).fit(samples, y)
    assert np.array_equal(own.predict(asked), sklearns.predict(asked))


@pytest.mark.parametrize("metric", ["mse", "mape", "spearman"])
def test_the_best_candidate_is_chosen_and_fitted_to_all_samples(metric):
    selection = select_surrogate(X, Y, metric, 5, np.random.default_rng(1))
    assert selection.scores[selection.name] == max(selection.scores.values())
    assert set(selection.scores) == set(PAPERS)
    seed = int(np.random.default_rng(1).integers(2**31))
    assert (
        selection.surrogate.predict(X) == built(selection.name, seed).fit(X, Y).predict(X)
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


def test_of_equal_scores_the_first_listed_is_chosen():
    for candidates in (EVERY[2:], EVERY[:1:-1]):
        selection = select_surrogate(
            X, np.ones(30), "spearman", 5, np.random.default_rng(0), candidates=candidates
        )
        assert set(selection.scores.values()) == {-1.0}
        assert (list(selection.scores), selection.name) == (candidates, candidates[0])


def test_the_choice_depends_on_the_seed_alone_whatever_is_listed():
    def chosen() -> tuple:
        selection = select_surrogate(X, Y, "mse", 5, np.random.default_rng(1), candidates=ADDED)
        return selection.name, dict(selection.scores), selection.surrogate.predict(X).tolist()

    np.random.seed(1)  # noqa: NPY002  the global generator that a seed of their own leaves alone
    first = chosen()
    np.random.seed(2)  # noqa: NPY002
    assert chosen() == first


@pytest.mark.parametrize("candidates", [list(PAPERS), [*ADDED, "knn"]])
def test_random_choice_takes_every_candidate_and_compares_none(candidates):
    chosen = [
        select_surrogate(X, Y, "random", 5, np.random.default_rng(seed), candidates=candidates)
        for seed in range(40)
    ]
    assert {selection.name for selection in chosen} == set(candidates)
    assert all(not selection.scores for selection in chosen)
