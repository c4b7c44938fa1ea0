"""Candidate surrogates that fail: left out of the choice with a reason, the others go on; without any, infills are drawn at random."""

import logging
import sys
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
from sklearn.neighbors import KNeighborsRegressor
from spaces import vector_of
from test_search import METHODS, initial_sample, search, tables

from paretopress.config.candidates import SURROGATES
from paretopress.config.sizes import NONZERO_RATE, functions_of
from paretopress.runs.tables import iteration_table
from paretopress.search import selection as chooser
from paretopress.search.selection import (
    SCORES,
    Comparison,
    NoSurrogateError,
    Selection,
    select_surrogate,
)

RNG = np.random.default_rng(0)
X = RNG.random((12, 7))
Y = X.sum(1)
CANDIDATES: dict[str, Callable[[int], object]] = {}  # how a test builds each
SURROGATE = METHODS["surrogate"] | {"generations": 3}


def chosen_of(y: np.ndarray, metric: str, seed: int = 0, folds: int = 4) -> Selection:
    rng = np.random.default_rng(seed)
    return select_surrogate(Comparison(X, y, folds, int(rng.integers(2**31))), metric, rng)


@dataclass
class Model:
    """A nearest neighbour that fails on the way that it is told to, from a given number of rows on."""

    fails: Callable[[np.ndarray], None] | None = None
    predicts: Callable[[np.ndarray], np.ndarray] | None = None
    rows: int = 0

    def fit(self, X, y):
        if self.fails and len(X) >= self.rows:
            self.fails(y)
        self.model = KNeighborsRegressor(1).fit(X, y)
        return self

    def predict(self, X):
        predicted = self.model.predict(X)
        return self.predicts(predicted) if self.predicts and len(X) >= self.rows else predicted


def raising(_):
    raise ValueError("no convergence")


def lost(predicted):
    predicted[0] = np.nan
    return predicted


BROKEN = {
    "fit raises": (lambda seed: Model(fails=raising), "ValueError: no convergence"),
    "predict raises": (lambda seed: Model(predicts=raising), "ValueError: no convergence"),
    "a NaN predicted": (lambda seed: Model(predicts=lost), "a prediction that is not finite"),
    "a column predicted": (
        lambda seed: Model(predicts=lambda predicted: predicted[:, None]),
        "predictions that are not a number for each sample",
    ),
    "infinity predicted": (
        lambda seed: Model(predicts=lambda predicted: predicted + np.inf),
        "a prediction that is not finite",
    ),
    "fits the folds alone": (
        lambda seed: Model(fails=raising, rows=12),
        "ValueError: no convergence",
    ),
}


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """Candidates that take no time; a test breaks some of them."""
    for neighbours, name in enumerate(SURROGATES, start=1):
        monkeypatch.setitem(
            CANDIDATES, name, lambda seed, neighbours=neighbours: KNeighborsRegressor(neighbours)
        )
    monkeypatch.setattr(chooser, "built", lambda name, seed: CANDIDATES[name](seed))


@pytest.mark.parametrize("broken", BROKEN)
@pytest.mark.parametrize("metric", [*SCORES, "random"])
def test_a_candidate_that_fails_is_left_out_and_the_best_of_the_others_is_chosen(
    metric, broken, monkeypatch
):
    seeds = range(8 if metric == "random" else 2)
    ordinary = [chosen_of(Y, metric, seed) for seed in seeds]
    best = ordinary[0].name
    candidate, reason = BROKEN[broken]
    monkeypatch.setitem(CANDIDATES, best, candidate)
    chosen = [chosen_of(Y, metric, seed) for seed in seeds]
    assert best not in {selection.name for selection in chosen}
    assert any(selection.left_out == {best: reason} for selection in chosen)
    for selection, before in zip(chosen, ordinary, strict=True):
        assert np.isfinite(selection.surrogate.predict(X)).all()
        if before.name != best and metric == "random":
            assert selection.name == before.name, "drawn as before"
        if metric != "random":
            others = {name: score for name, score in selection.scores.items() if name != best}
            assert others == {name: score for name, score in before.scores.items() if name != best}
            assert selection.name == max(others, key=others.__getitem__)


@pytest.mark.parametrize("metric", [*SCORES, "random"])
def test_where_all_candidates_fail_the_reasons_are_told(metric, monkeypatch):
    for name in CANDIDATES:
        monkeypatch.setitem(CANDIDATES, name, BROKEN["fit raises"][0])
    with pytest.raises(
        NoSurrogateError,
        match=r"knn: ValueError: no convergence.*lightgbm: ValueError: no convergence",
    ):
        chosen_of(Y, metric)


def test_a_machine_without_memory_is_no_candidates_fault(monkeypatch):
    def full(_):
        raise MemoryError

    monkeypatch.setitem(CANDIDATES, "xgboost", lambda seed: Model(fails=full))
    with pytest.raises(MemoryError):
        chosen_of(Y, "mse")


@pytest.mark.parametrize("broken", BROKEN)
def test_a_search_goes_on_without_the_candidate_and_says_why(
    broken, synthetic_target, tmp_path, monkeypatch, caplog
):
    candidate, reason = BROKEN[broken]
    monkeypatch.setitem(CANDIDATES, "random_forest", candidate)
    settings = SURROGATE | {"objective_metric": "mse", "constraint_metric": "random"}
    with caplog.at_level(logging.WARNING, "paretopress"):
        archive = search(synthetic_target, "surrogate", tmp_path / "one", budget=16, **settings)
    table = iteration_table(archive.iterations)
    assert len(archive.evaluations) == 16
    assert not (
        table[[f"{function}_surrogate" for function in functions_of(NONZERO_RATE)]]
        == "random_forest"
    ).any(axis=None)
    assert table["accuracy_score_knn"].notna().all()
    if broken != "fits the folds alone":  # that one has a score
        assert table["accuracy_score_random_forest"].isna().all(), (
            "without a score its cell is empty"
        )
        assert (
            f"iteration 1: random_forest is left out as a surrogate of the accuracy ({reason})"
            in caplog.text
        )
    again = search(synthetic_target, "surrogate", tmp_path / "two", budget=16, **settings)
    assert tables(again) == tables(archive)


def test_a_surrogate_that_fails_in_the_search_alone_is_replaced_there(
    synthetic_target, tmp_path, monkeypatch, caplog
):
    """What it is asked for in the search lies elsewhere than the samples."""
    seen = {
        tuple(vector_of(synthetic_target.space, evaluation.design))
        for evaluation in initial_sample(synthetic_target)
    }

    class Narrow(Model):
        def predict(self, X):
            if not {tuple(row) for row in X} <= seen:
                raise FloatingPointError("outside of the samples")
            return super().predict(X)

    monkeypatch.setitem(CANDIDATES, "knn", lambda seed: Narrow())
    for name in set(CANDIDATES) - {"knn"}:  # worse, so that it is chosen
        monkeypatch.setitem(CANDIDATES, name, lambda seed: Model(predicts=np.zeros_like))
    with caplog.at_level(logging.WARNING, "paretopress"):
        settings = SURROGATE | {"objective_metric": "mse", "constraint_metric": "mse", "infills": 1}
        archive = search(synthetic_target, "surrogate", tmp_path, budget=13, **settings)
    (row,) = iteration_table(archive.iterations).to_dict("records")
    assert "knn" not in {row[f"{function}_surrogate"] for function in functions_of(NONZERO_RATE)}
    assert np.isnan(row["accuracy_score_knn"])
    assert (
        "iteration 1: knn is left out as a surrogate of the accuracy (FloatingPointError: outside of the samples)"
        in caplog.text
    )


def test_without_any_surrogate_the_infills_are_drawn_at_random_and_counted(
    synthetic_target, tmp_path, monkeypatch, caplog
):
    for name in CANDIDATES:
        monkeypatch.setitem(CANDIDATES, name, BROKEN["fit raises"][0])
    with caplog.at_level(logging.WARNING, "paretopress"):
        archive = search(synthetic_target, "surrogate", tmp_path, budget=17)
    table = iteration_table(archive.iterations)
    assert len({evaluation.design_id for evaluation in archive.evaluations}) == 17
    assert table["fallbacks"].tolist() == [2, 2, 1]
    assert set(table["fallback_reason"]) == {"no surrogate"}
    assert (table["surrogate_front_size"] == 0).all()
    assert (
        table[[f"{function}_surrogate" for function in functions_of(NONZERO_RATE)]]
        .isna()
        .all(axis=None)
    )
    assert "iteration 1: no surrogate of the nonzero_rate can be used (" in caplog.text
    assert "; the infills are drawn at random" in caplog.text


def test_constant_and_extreme_values_have_finite_scores_of_the_real_candidates(monkeypatch):
    monkeypatch.undo()
    for values in (np.zeros(12), np.repeat([0.0, 1.0], 6), np.full(12, sys.float_info.min)):
        for metric in SCORES:
            selection = chosen_of(values, metric, folds=2)
            assert set(selection.scores) == set(SURROGATES)
            assert not selection.left_out
            assert np.isfinite(selection.surrogate.predict(X)).all()
            if metric == "spearman" and np.ptp(values) == 0:
                assert selection.name == "knn", "equal scores: the first"
