"""Surrogates: the four candidate regressors, and how one of them is chosen for each function in every iteration."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Protocol

import numpy as np
import torch  # noqa: F401  before lightgbm: the wheel brings the OpenMP runtime that lightgbm expects of the system
from lightgbm import LGBMRegressor
from scipy.stats import spearmanr
from sklearn.ensemble import RandomForestRegressor
from sklearn.metrics import mean_absolute_percentage_error, mean_squared_error
from sklearn.model_selection import KFold
from sklearn.neighbors import KNeighborsRegressor
from sklearn.tree import DecisionTreeRegressor
from sklearn.utils import check_X_y
from xgboost import XGBRegressor

from .objectives import SURROGATES


class Surrogate(Protocol):
    def fit(self, X: np.ndarray, y: np.ndarray) -> Any: ...

    def predict(self, X: np.ndarray) -> np.ndarray: ...


class RandomForest(RandomForestRegressor):
    """scikit-learn's random forest, to the bit, with its trees fitted and asked in plain loops.

    Its own fit and predict take most of their time to clone trees, and to hand each to joblib.
    """

    def fit(self, X: np.ndarray, y: np.ndarray) -> "RandomForest":
        """X: (n, 7), y: (n,). Raises ValueError: a value is not finite."""
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
        """X: (n, 7); returns (n,)."""
        rows = np.asarray(X, dtype=np.float32)
        return sum(tree.predict(rows)[:, 0] for tree in self._trees) / self.n_estimators


# Default hyperparameters, as in the paper's published code. One thread, so that the result does not depend on the machine's load.
_BUILDERS: tuple[Callable[[int], Surrogate], ...] = (
    lambda seed: KNeighborsRegressor(n_jobs=1),
    lambda seed: RandomForest(random_state=seed),
    lambda seed: XGBRegressor(random_state=seed, n_jobs=1),
    lambda seed: LGBMRegressor(
        random_state=seed, n_jobs=1, deterministic=True, force_col_wise=True, verbose=-1
    ),
)
CANDIDATES = dict(zip(SURROGATES, _BUILDERS, strict=True))


def _spearman(true: np.ndarray, predicted: np.ndarray) -> float:
    """Rank correlation; a constant prediction ranks nothing and counts as the worst, -1 (its correlation is undefined)."""
    if np.ptp(predicted) == 0 or np.ptp(true) == 0:
        return -1.0
    return float(spearmanr(true, predicted).statistic)


# Each as a score of which more is better.
SCORES: dict[str, Callable[[np.ndarray, np.ndarray], float]] = {
    "mse": lambda true, predicted: -float(mean_squared_error(true, predicted)),
    "mape": lambda true, predicted: -float(mean_absolute_percentage_error(true, predicted)),
    "spearman": _spearman,
}
RANDOM_CHOICE = "random"


class SurrogateError(Exception):
    """A candidate that cannot be used, and why."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name}: {reason}")
        self.name = name
        self.reason = reason


class NoSurrogateError(Exception):
    """No candidate can be used for a function."""


@contextmanager
def _failures(name: str) -> Iterator[None]:
    """Whatever a library raises, as the reason why the candidate is left out; a machine without memory is no such reason."""
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
        """X: (n, 7); returns (n,), finite. Raises SurrogateError: the candidate fails, or a prediction is not finite."""
        with _failures(self.name):
            predicted = np.asarray(self.model.predict(X))
            if not np.isfinite(predicted).all():
                raise SurrogateError(self.name, "a prediction that is not finite")
        return predicted


def fitted(name: str, seed: int, X: np.ndarray, y: np.ndarray) -> Fitted:
    """The candidate `name` fitted to X of shape (n, 7) and y of shape (n,). Raises SurrogateError where it fails to."""
    with _failures(name):
        return Fitted(name, CANDIDATES[name](seed).fit(X, y))


@dataclass(frozen=True)
class Selection:
    """The surrogate chosen for one function.

    scores: mean over the folds (more is better), of every candidate that has one. left_out: why others were not to be had.
    """

    surrogate: Fitted
    scores: Mapping[str, float]
    left_out: Mapping[str, str]

    @property
    def name(self) -> str:
        return self.surrogate.name


def _score(
    name: str,
    X: np.ndarray,
    y: np.ndarray,
    metric: str,
    parts: list[tuple[np.ndarray, np.ndarray]],
    seed: int,
) -> float:
    """Mean score of a candidate over `parts` (train, test). Raises SurrogateError where it has none that is finite."""
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
    candidates: Sequence[str] = tuple(CANDIDATES),
) -> tuple[dict[str, float], dict[str, str]]:
    """Mean score of each candidate over shuffled folds, the same folds for all, and why those without a score have none.

    X: (n, 7), y: (n,). Fewer samples than folds: as many folds as samples; a single sample compares none.
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
) -> Selection:
    """The candidate with the best cross-validated score under `metric`, fitted to all samples (paper, section 4).

    metric: a key of SCORES, or "random": any candidate, without comparison. Equal scores, as all are where the values are constant:
    the first in CANDIDATES. left_out: candidates that are not to be chosen, and why. A candidate that fails to fit or to predict, in
    a fold or on the samples, is left out too, and the next best is taken.

    Raises NoSurrogateError where none is left.
    """
    seed = int(rng.integers(2**31))
    left_out = dict(left_out)
    candidates = [name for name in CANDIDATES if name not in left_out]
    scores: dict[str, float] = {}
    if metric != RANDOM_CHOICE:
        scores, failed = cross_validated(X, y, metric, folds, seed, candidates)
        left_out |= failed
        candidates = sorted(scores, key=lambda name: -scores[name])
    while candidates:
        name = candidates[0] if scores else str(rng.choice(candidates))
        try:
            surrogate = fitted(name, seed, X, y)
            surrogate.predict(X)
        except SurrogateError as error:
            candidates.remove(name)
            left_out[name] = error.reason
        else:
            return Selection(surrogate, scores, left_out)
    raise NoSurrogateError("; ".join(f"{name}: {reason}" for name, reason in left_out.items()))
