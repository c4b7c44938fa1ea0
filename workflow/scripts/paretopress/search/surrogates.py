"""Surrogates: candidate regressors, and the choice of one for each function and iteration."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Protocol

import numpy as np
import torch  # noqa: F401  before lightgbm, which needs the OpenMP runtime of torch's wheel
from scipy.stats import spearmanr
from sklearn.ensemble import RandomForestRegressor
from sklearn.metrics import mean_absolute_percentage_error, mean_squared_error
from sklearn.model_selection import KFold
from sklearn.tree import DecisionTreeRegressor
from sklearn.utils import check_X_y

from ..config.candidates import SURROGATES
from ..config.regressors import built


class Surrogate(Protocol):
    """A regressor with the interface of scikit-learn."""

    def fit(self, X: np.ndarray, y: np.ndarray) -> Any:
        """Fit X of shape (n, 7) to y of shape (n,), and return the fitted regressor."""
        ...

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Predict y of shape (n,) for X of shape (n, 7)."""
        ...


class RandomForest(RandomForestRegressor):
    """scikit-learn's random forest, identical to the bit, but faster.

    Its own fit and predict spend most of their time on cloning trees and on joblib. Plain loops
    fit the trees here, and call them.
    """

    def fit(self, X: np.ndarray, y: np.ndarray) -> "RandomForest":
        """Fit the forest.

        Args:
            X: Samples, shape (n, 7).
            y: Their values, shape (n,).

        Returns:
            The forest itself.

        Raises:
            ValueError: A number is not finite.
        """
        X, y = check_X_y(X, y, dtype=np.float32, y_numeric=True)
        y = y.astype(np.float64)[:, None]
        drawn = np.random.RandomState(self.random_state)
        self._trees = []
        for seed in [drawn.randint(np.iinfo(np.int32).max) for _ in range(self.n_estimators)]:
            rows = np.random.RandomState(seed).randint(0, len(X), len(X))
            weights = np.bincount(rows, minlength=len(X))  # how often each row was drawn
            tree = DecisionTreeRegressor(random_state=seed)
            tree._fit(X, y, sample_weight=weights, check_input=False)
            self._trees.append(tree.tree_)
        return self

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Predict values of shape (n,) for samples of shape (n, 7)."""
        rows = np.asarray(X, dtype=np.float32)
        return sum(tree.predict(rows)[:, 0] for tree in self._trees) / self.n_estimators


def _spearman(true: np.ndarray, predicted: np.ndarray) -> float:
    """Rank correlation, or -1 (the worst) where it is undefined because of constant values."""
    if np.ptp(predicted) == 0 or np.ptp(true) == 0:
        return -1.0
    return float(spearmanr(true, predicted).statistic)


# Every score is better the higher it is.
SCORES: dict[str, Callable[[np.ndarray, np.ndarray], float]] = {
    "mse": lambda true, predicted: -float(mean_squared_error(true, predicted)),
    "mape": lambda true, predicted: -float(mean_absolute_percentage_error(true, predicted)),
    "spearman": _spearman,
}
RANDOM_CHOICE = "random"


class SurrogateError(Exception):
    """A candidate cannot be used. Its attributes are the name and the reason."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name}: {reason}")
        self.name = name
        self.reason = reason


class NoSurrogateError(Exception):
    """No candidate can be used for a function."""


@contextmanager
def _failures(name: str) -> Iterator[None]:
    """Turn any error of a library into a SurrogateError, so that the candidate is left out.

    A lack of memory is no fault of the candidate.
    """
    try:
        yield
    except (SurrogateError, MemoryError):
        raise
    except Exception as error:
        raise SurrogateError(name, f"{type(error).__name__}: {error}") from error


@dataclass(frozen=True)
class Fitted:
    """A candidate fitted to samples."""

    name: str
    model: Surrogate

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Predict values.

        Args:
            X: Samples, shape (n, 7).

        Returns:
            Finite values, shape (n,).

        Raises:
            SurrogateError: The candidate fails, or a prediction is not finite.
        """
        with _failures(self.name):
            predicted = np.asarray(self.model.predict(X))
            if not np.isfinite(predicted).all():
                raise SurrogateError(self.name, "a prediction that is not finite")
        return predicted


def fitted(name: str, seed: int, X: np.ndarray, y: np.ndarray) -> Fitted:
    """Fit a candidate to samples.

    Args:
        name: A key of SURROGATES, or the dotted name of a class.
        seed: Seed of the candidate.
        X: Samples, shape (n, 7).
        y: Their values, shape (n,).

    Returns:
        The fitted candidate.

    Raises:
        SurrogateError: The fit fails.
    """
    with _failures(name):
        return Fitted(name, built(name, seed).fit(X, y))


@dataclass(frozen=True)
class Selection:
    """The surrogate that is chosen for one function.

    Attributes:
        surrogate: The surrogate, fitted to all samples.
        scores: Mean score over the folds, of each candidate that has one. Higher is better.
        left_out: Reason why a candidate could not be used, by name.
    """

    surrogate: Fitted
    scores: Mapping[str, float]
    left_out: Mapping[str, str]

    @property
    def name(self) -> str:
        """Name of the surrogate, one of the candidates."""
        return self.surrogate.name


def _score(
    name: str,
    X: np.ndarray,
    y: np.ndarray,
    metric: str,
    parts: list[tuple[np.ndarray, np.ndarray]],
    seed: int,
) -> float:
    """Mean score of a candidate over `parts` (train, test).

    Raises SurrogateError where the score is not finite or the candidate fails.
    """
    scores = [
        SCORES[metric](y[test], fitted(name, seed, X[train], y[train]).predict(X[test]))
        for train, test in parts
    ]
    if not np.isfinite(mean := float(np.mean(scores))):
        raise SurrogateError(name, f"its {metric} score is {mean}")
    return mean


def cross_validated(
    X: np.ndarray,
    y: np.ndarray,
    metric: str,
    folds: int,
    seed: int,
    candidates: Sequence[str] = tuple(SURROGATES),
) -> tuple[dict[str, float], dict[str, str]]:
    """Cross-validate candidates over shuffled folds, which are the same for all.

    Args:
        X: Samples, shape (n, 7).
        y: Their values, shape (n,).
        metric: A key of SCORES.
        folds: Number of folds. With fewer samples, each sample is a fold.
        seed: Seed of the folds and of the candidates.
        candidates: Keys of SURROGATES, or dotted names of classes.

    Returns:
        Mean score of each candidate, and the reason for each candidate without a score. A single
        sample gives no scores.
    """
    scores: dict[str, float] = {}
    left_out: dict[str, str] = {}
    if len(X) < 2:
        return scores, dict.fromkeys(candidates, f"{len(X)} samples are too few to compare on")
    parts = list(KFold(min(folds, len(X)), shuffle=True, random_state=seed).split(X))
    for name in candidates:
        try:
            scores[name] = _score(name, X, y, metric, parts, seed)
        except SurrogateError as error:
            left_out[name] = error.reason
    return scores, left_out


def select_surrogate(
    X: np.ndarray,
    y: np.ndarray,
    metric: str,
    folds: int,
    rng: np.random.Generator,
    left_out: Mapping[str, str] = MappingProxyType({}),
    candidates: Sequence[str] = tuple(SURROGATES),
) -> Selection:
    """Choose the candidate with the best cross-validated score (paper, section 4).

    It is fitted to all samples. Of equal scores, the first of `candidates` is chosen. All scores are
    equal where the values are constant. A candidate that fails to fit or to predict, in a fold or
    on all samples, is left out, and the next best is taken.

    Args:
        X: Samples, shape (n, 7).
        y: Their values, shape (n,).
        metric: A key of SCORES, or "random" for any candidate without comparison.
        folds: Folds of the cross-validation.
        rng: Generator of the seed, and of the random choice.
        left_out: Candidates that must not be chosen, and the reasons.
        candidates: Keys of SURROGATES, or dotted names of classes.

    Returns:
        The chosen surrogate, the scores and the candidates left out.

    Raises:
        NoSurrogateError: All candidates are left out.
    """
    seed = int(rng.integers(2**31))
    left_out = dict(left_out)
    usable = [name for name in candidates if name not in left_out]
    scores: dict[str, float] = {}
    if metric != RANDOM_CHOICE:
        scores, failed = cross_validated(X, y, metric, folds, seed, usable)
        left_out |= failed
        usable = sorted(scores, key=lambda name: -scores[name])
    while usable:
        name = usable[0] if scores else str(rng.choice(usable))
        try:
            surrogate = fitted(name, seed, X, y)
            surrogate.predict(X)
        except SurrogateError as error:
            usable.remove(name)
            left_out[name] = error.reason
        else:
            return Selection(surrogate, scores, left_out)
    raise NoSurrogateError("; ".join(f"{name}: {reason}" for name, reason in left_out.items()))
