"""Surrogates: candidate regressors, and the choice of one for each function and iteration."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Any, Protocol

import numpy as np
import torch  # noqa: F401  before lightgbm, which needs the OpenMP runtime of torch's wheel
from scipy.stats import spearmanr
from sklearn import config_context
from sklearn.metrics import mean_absolute_percentage_error, mean_squared_error
from sklearn.model_selection import KFold
from sklearn.tree import DecisionTreeRegressor

from ..config.candidates import SURROGATES
from ..config.regressors import built
from .trees import tabulated

Function = Callable[[np.ndarray], np.ndarray]
# scikit-learn without its checks of parameters and of finite numbers. Ours are right, and finite.
unchecked = partial(config_context, skip_parameter_validation=True, assume_finite=True)


class Surrogate(Protocol):
    """A regressor with the interface of scikit-learn."""

    def fit(self, X: np.ndarray, y: np.ndarray) -> Any:
        """Fit X of shape (n, 7) to y of shape (n,), and return the fitted regressor."""
        ...

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Predict y of shape (n,) for X of shape (n, 7)."""
        ...


class RandomForest:
    """scikit-learn's random forest with its defaults, identical to the bit, but faster.

    Its own fit and predict spend most of their time on cloning trees and on joblib. Plain loops
    fit the trees here, and call them.

    Args:
        random_state: Seed of the forest.
    """

    TREES = 100

    def __init__(self, random_state: int = 0) -> None:
        self.random_state = random_state
        self.trees: list[Any] = []

    def fit(self, X: np.ndarray, y: np.ndarray) -> "RandomForest":
        """Fit the forest to samples of shape (n, 7) and values of shape (n,), and return it."""
        X, y = np.asarray(X, dtype=np.float32), np.asarray(y, dtype=float)
        drawn = np.random.RandomState(self.random_state)
        self.trees = []
        for seed in [drawn.randint(np.iinfo(np.int32).max) for _ in range(self.TREES)]:
            rows = np.random.RandomState(seed).randint(0, len(X), len(X))
            weights = np.bincount(rows, minlength=len(X))  # how often each row was drawn
            tree = DecisionTreeRegressor(random_state=seed)
            tree.fit(X, y, sample_weight=weights, check_input=False)
            self.trees.append(tree.tree_)
        return self

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Predict values of shape (n,) for samples of shape (n, 7)."""
        rows = np.asarray(X, dtype=np.float32)
        return sum(tree.predict(rows)[:, 0] for tree in self.trees) / self.TREES


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
            SurrogateError: The candidate fails, or its predictions are not n finite numbers.
        """
        with _failures(self.name):
            predicted = np.asarray(self.model.predict(X))
            if predicted.shape != (len(X),):
                raise SurrogateError(self.name, "predictions that are not a number for each sample")
            if not np.isfinite(predicted).all():
                raise SurrogateError(self.name, "a prediction that is not finite")
        return predicted


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


def _as_predicted(values: np.ndarray) -> np.ndarray:
    return values


class Comparison:
    """Candidates that are fitted to the same samples, by folds and whole, each at most once.

    Args:
        X: Samples, shape (n, 7).
        y: Their values, shape (n,).
        folds: Number of shuffled folds, which are the same for all candidates. With fewer samples,
            each sample is a fold.
        seed: Seed of the folds and of the candidates.
        candidates: Keys of SURROGATES, or dotted names of classes.
    """

    def __init__(
        self,
        X: np.ndarray,
        y: np.ndarray,
        folds: int,
        seed: int,
        candidates: Sequence[str] = tuple(SURROGATES),
    ) -> None:
        self.X, self.y = X, y
        self.candidates = tuple(candidates)
        self._folds, self._seed = folds, seed
        self._predicted: dict[str, list[np.ndarray]] = {}
        self._fitted: dict[str, Fitted] = {}

    def _parts(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """Rows of each fold, to fit and to test."""
        count = min(self._folds, len(self.X))
        return list(KFold(count, shuffle=True, random_state=self._seed).split(self.X))

    def _fit(self, name: str, X: np.ndarray, y: np.ndarray) -> Fitted:
        with _failures(name):
            return Fitted(name, built(name, self._seed).fit(X, y))

    def _of_folds(self, name: str) -> list[np.ndarray]:
        if name not in self._predicted:
            self._predicted[name] = [
                self._fit(name, self.X[train], self.y[train]).predict(self.X[test])
                for train, test in self._parts()
            ]
        return self._predicted[name]

    def fitted(self, name: str) -> Fitted:
        """The candidate, fitted to all samples; raises SurrogateError where that fails."""
        if name not in self._fitted:
            whole = self._fit(name, self.X, self.y)
            with _failures(name):
                self._fitted[name] = Fitted(name, tabulated(whole.model, self.X.shape[1]))
            self._fitted[name].predict(self.X)
        return self._fitted[name]

    def scores(
        self, metric: str, function: Function = _as_predicted, left_out: Collection[str] = ()
    ) -> tuple[dict[str, float], dict[str, str]]:
        """Cross-validate the candidates.

        Args:
            metric: A key of SCORES.
            function: What is compared, computed from values and from predictions.
            left_out: Candidates without a score.

        Returns:
            Mean score of each candidate over the folds, and the reason for each candidate without a
            score. A single sample gives no scores.
        """
        names = [name for name in self.candidates if name not in left_out]
        scores: dict[str, float] = {}
        failed: dict[str, str] = {}
        if len(self.X) < 2:
            return scores, dict.fromkeys(names, f"{len(self.X)} samples are too few to compare on")
        true = [function(self.y[test]) for _, test in self._parts()]
        for name in names:
            try:
                predicted = map(function, self._of_folds(name))
                mean = float(np.mean(list(map(SCORES[metric], true, predicted))))
                if not np.isfinite(mean):
                    raise SurrogateError(name, f"its {metric} score is {mean}")
                scores[name] = mean
            except SurrogateError as error:
                failed[name] = error.reason
        return scores, failed


def select_surrogate(
    compared: Comparison,
    metric: str,
    rng: np.random.Generator,
    left_out: Mapping[str, str] = MappingProxyType({}),
    function: Function = _as_predicted,
) -> Selection:
    """Choose the candidate with the best cross-validated score (paper, section 4).

    It is fitted to all samples. Of equal scores, that of the first candidate is chosen. All scores
    are equal where the values are constant. A candidate that fails to fit or to predict, in a fold
    or on all samples, is left out, and the next best is taken.

    Args:
        compared: The candidates and the samples.
        metric: A key of SCORES, or "random" for any candidate without comparison.
        rng: Generator of the random choice.
        left_out: Candidates that must not be chosen, and the reasons.
        function: What is compared, computed from values and from predictions.

    Returns:
        The chosen surrogate, the scores and the candidates left out.

    Raises:
        NoSurrogateError: All candidates are left out.
    """
    left_out = dict(left_out)
    usable = [name for name in compared.candidates if name not in left_out]
    scores: dict[str, float] = {}
    if metric != RANDOM_CHOICE:
        scores, failed = compared.scores(metric, function, left_out)
        left_out |= failed
        usable = sorted(scores, key=lambda name: -scores[name])
    while usable:
        name = usable[0] if scores else str(rng.choice(usable))
        try:
            return Selection(compared.fitted(name), scores, left_out)
        except SurrogateError as error:
            usable.remove(name)
            left_out[name] = error.reason
    raise NoSurrogateError("; ".join(f"{name}: {reason}" for name, reason in left_out.items()))
