"""Selection of surrogates against scikit-learn's own cross-validation."""

from contextlib import nullcontext

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
from paretopress.search.objectives import constraint_value
from paretopress.search.selection import (
    SCORES,
    Comparison,
    MappedComparison,
    NoSurrogateError,
    select_surrogate,
)
from paretopress.search.surrogates import unchecked
from paretopress.search.trees import Leaves, faster

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


def of_constraint(accuracy: np.ndarray) -> np.ndarray:
    return constraint_value(accuracy, 0.4)


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
    scores, left_out = Comparison(X, Y, 5, 3, EVERY).scores(metric)
    assert (list(scores), left_out) == (EVERY, {})
    for name in EVERY[:-1]:  # the last has no parameters that scikit-learn could copy
        model = PAPERS[name](3) if name in PAPERS else built(name, 3)
        expected = cross_val_score(
            model, X, Y, cv=KFold(5, shuffle=True, random_state=3), scoring=scoring
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
    """The forest is scikit-learn's with its defaults: see below."""
    free = {"random_state", "n_jobs", "verbose", "deterministic", "force_col_wise"}
    for name in set(EVERY[:-1]) - {"random_forest"}:
        model = built(name, 7)
        settled = {"random_state": 7, "n_jobs": 1, "verbose": -1 if name == "lightgbm" else 0}
        assert {key: settled[key] for key in {*settled} & {*model.get_params()}}.items() <= (
            model.get_params().items()
        )
        changed = {
            key
            for key, value in model.get_params().items()
            if value != type(model)().get_params().get(key) and value == value
        }
        assert changed <= free


@given(
    st.integers(0, 2**31 - 1), st.integers(1, 120), st.integers(1, 5), st.sampled_from([0.3, 1e6])
)
def test_surrogates_predict_what_their_library_does_to_the_bit(seed, rows, values, scale):
    """Also on the samples themselves, between them and far away from them; the folds fit scikit-learn's forest."""
    rng = np.random.default_rng(seed)
    integers = rng.integers(0, 3, (rows + 9, 4))
    space = np.column_stack([integers, rng.random((rows + 9, 3)).round(6)])
    samples, asked = space[:rows], np.vstack([space, 50 * space])
    y = scale * (rng.choice(rng.random(values), rows) if values < 5 else rng.random(rows))
    for name, by_hand in PAPERS.items():
        if rows < {"knn": 5, "lightgbm": 2}.get(name, 1):  # they need that many
            continue
        by_hand_on = by_hand(seed).fit(samples, y).predict
        with unchecked():
            own = built(name, seed).fit(samples, y)
            assert np.array_equal(own.predict(asked), by_hand_on(asked)), name
            for some in (asked, asked[:1], asked[2:4]):
                assert np.array_equal(faster(own, 7).predict(some), by_hand_on(some)), name


def test_a_forest_whose_tables_would_be_large_is_left_to_its_library():
    rng = np.random.default_rng(0)
    samples, values = rng.random((1500, 7)), rng.random(1500)
    forest = built("random_forest", 0).fit(samples, values)
    assert faster(forest, 7) is forest
    boosted = built("xgboost", 0).fit(samples, values)
    assert isinstance(faster(boosted, 7).leaves, Leaves), "its trees have at most 64 leaves"


@pytest.mark.parametrize("metric", ["mse", "mape", "spearman"])
def test_the_best_candidate_is_chosen_and_fitted_to_all_samples(metric):
    selection = select_surrogate(Comparison(X, Y, 5, 1), metric, np.random.default_rng())
    assert selection.scores[selection.name] == max(selection.scores.values())
    assert set(selection.scores) == set(PAPERS)
    assert (selection.surrogate.predict(X) == built(selection.name, 1).fit(X, Y).predict(X)).all()


@pytest.mark.parametrize("metric", SCORES)
def test_the_constraint_is_compared_by_the_fits_of_the_accuracy(metric):
    """What is fitted to tau minus accuracy predicts tau minus what is fitted to accuracy.

    A forest is left out here: between equal splits, it chooses by rounding errors.
    """
    names, accuracy = ["knn", "xgboost", "lightgbm"], Y / Y.max()
    of_accuracy = Comparison(X, accuracy, 5, 1, names)
    shared = MappedComparison(of_accuracy, of_constraint)
    itself = Comparison(X, of_constraint(accuracy), 5, 1, names)
    scores, _ = shared.scores(metric)
    assert scores == pytest.approx(itself.scores(metric)[0], rel=1e-4)
    if metric == "mape":  # the only metric that is another one for the constraint
        assert of_accuracy.scores(metric)[0] != pytest.approx(scores, rel=0.1)
    for name in names:
        expected = itself.fitted(name).predict(X)
        assert shared.fitted(name).predict(X) == pytest.approx(expected, abs=1e-5)


def test_a_candidate_of_ones_own_is_fitted_to_the_constraint_itself():
    names, accuracy = ["sklearn.gaussian_process.GaussianProcessRegressor"], Y / Y.max()
    shared = MappedComparison(Comparison(X, accuracy, 5, 1, names), of_constraint)
    itself = Comparison(X, of_constraint(accuracy), 5, 1, names)
    assert shared.scores("mse") == itself.scores("mse")
    asked = X + 0.3
    expected = itself.fitted(*names).predict(asked)
    assert np.array_equal(shared.fitted(*names).predict(asked), expected)


@pytest.mark.parametrize("fails", [False, True])
def test_each_candidate_is_fitted_once_whatever_is_asked_of_it(fails, monkeypatch):
    fits = []

    class Counted(Mean):
        def fit(self, X, y):
            fits.append(len(X))
            if fails:
                raise ValueError("no convergence")
            return super().fit(X, y)

    monkeypatch.setattr("paretopress.search.selection.built", lambda name, seed: Counted())
    accuracy = Comparison(X, Y, 5, 1, ["knn"])
    for compared in (accuracy, MappedComparison(accuracy, of_constraint)):
        for metric in (*SCORES, "random"):
            with pytest.raises(NoSurrogateError) if fails else nullcontext():
                select_surrogate(compared, metric, np.random.default_rng())
    assert fits == ([24, 30] if fails else 5 * [24] + [30])


def test_a_constant_prediction_is_the_worst_under_spearman():
    assert SCORES["spearman"](Y, np.full(30, 0.4)) == -1
    assert SCORES["spearman"](Y, -Y) == pytest.approx(-1)
    scores, _ = Comparison(X[:20], Y[:20], 5, 0).scores("spearman")
    assert (
        scores["lightgbm"] == -1
    )  # with fewer than 40 samples its default leaves make it constant
    compared = Comparison(X[:20], Y[:20], 5, 0)
    assert select_surrogate(compared, "spearman", np.random.default_rng(0)).name != "lightgbm"


def test_of_equal_scores_the_first_listed_is_chosen():
    for candidates in (EVERY[2:], EVERY[:1:-1]):
        compared = Comparison(X, np.ones(30), 5, 0, candidates)
        selection = select_surrogate(compared, "spearman", np.random.default_rng(0))
        assert set(selection.scores.values()) == {-1.0}
        assert (list(selection.scores), selection.name) == (candidates, candidates[0])


def test_the_choice_depends_on_the_seed_alone_whatever_is_listed():
    def chosen() -> tuple:
        selection = select_surrogate(Comparison(X, Y, 2, 1, ADDED), "mse", np.random.default_rng())
        return selection.name, dict(selection.scores), selection.surrogate.predict(X).tolist()

    np.random.seed(1)  # noqa: NPY002  the global generator that a seed of their own leaves alone
    first = chosen()
    np.random.seed(2)  # noqa: NPY002
    assert chosen() == first


@pytest.mark.parametrize("candidates", [list(PAPERS), [*ADDED, "knn"]])
def test_random_choice_takes_every_candidate_and_compares_none(candidates):
    chosen = [
        select_surrogate(Comparison(X, Y, 5, 1, candidates), "random", np.random.default_rng(seed))
        for seed in range(40)
    ]
    assert {selection.name for selection in chosen} == set(candidates)
    assert all(not selection.scores for selection in chosen)
