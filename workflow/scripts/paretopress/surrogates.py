"""Surrogates: the four candidate regressors, and how one of them is chosen for each function in every iteration."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch  # noqa: F401  before lightgbm: the wheel brings the OpenMP runtime that lightgbm expects of the system
from lightgbm import LGBMRegressor
from scipy.stats import spearmanr
from sklearn.ensemble import RandomForestRegressor
from sklearn.metrics import mean_absolute_percentage_error, mean_squared_error
from sklearn.model_selection import KFold
from sklearn.neighbors import KNeighborsRegressor
from xgboost import XGBRegressor


class Surrogate(Protocol):
    def fit(self, X: np.ndarray, y: np.ndarray) -> Any: ...

    def predict(self, X: np.ndarray) -> np.ndarray: ...


# Default hyperparameters, as in the paper's published code. One thread, so that the result does not depend on the machine's load.
CANDIDATES: dict[str, Callable[[int], Surrogate]] = {
    "knn": lambda seed: KNeighborsRegressor(n_jobs=1),
    "random_forest": lambda seed: RandomForestRegressor(random_state=seed, n_jobs=1),
    "xgboost": lambda seed: XGBRegressor(random_state=seed, n_jobs=1),
    "lightgbm": lambda seed: LGBMRegressor(random_state=seed, n_jobs=1, deterministic=True, force_col_wise=True, verbose=-1),
}


def _spearman(true: np.ndarray, predicted: np.ndarray) -> float:
    """Rank correlation; a constant prediction ranks nothing and counts as the worst, -1 (its correlation is undefined)."""
    if np.ptp(predicted) == 0 or np.ptp(true) == 0:
        return -1.0
    return float(spearmanr(true, predicted).statistic)


# Each as a score of which more is better.
METRICS: dict[str, Callable[[np.ndarray, np.ndarray], float]] = {
    "mse": lambda true, predicted: -float(mean_squared_error(true, predicted)),
    "mape": lambda true, predicted: -float(mean_absolute_percentage_error(true, predicted)),
    "spearman": _spearman,
}
RANDOM_CHOICE = "random"


@dataclass(frozen=True)
class Selection:
    """The surrogate chosen for one function, fitted, and every candidate's mean score over the folds (more is better)."""

    name: str
    surrogate: Surrogate
    scores: Mapping[str, float]


def cross_validated(X: np.ndarray, y: np.ndarray, metric: str, folds: int, seed: int) -> dict[str, float]:
    """Mean score of each candidate over shuffled folds, the same folds for all. X: (n, 7), y: (n,)."""
    score = METRICS[metric]
    parts = list(KFold(folds, shuffle=True, random_state=seed).split(X))
    return {
        name: float(np.mean([score(y[test], candidate(seed).fit(X[train], y[train]).predict(X[test])) for train, test in parts]))
        for name, candidate in CANDIDATES.items()
    }


def select_surrogate(X: np.ndarray, y: np.ndarray, metric: str, folds: int, rng: np.random.Generator) -> Selection:
    """The candidate with the best cross-validated score under `metric`, fitted to all samples (paper, section 4).

    metric: a key of METRICS, or "random": any candidate, without comparison. Equal scores: the first in CANDIDATES.
    """
    seed = int(rng.integers(2**31))
    if metric == RANDOM_CHOICE:
        name, scores = str(rng.choice(list(CANDIDATES))), {}
    else:
        scores = cross_validated(X, y, metric, folds, seed)
        name = max(scores, key=scores.__getitem__)
    return Selection(name, CANDIDATES[name](seed).fit(X, y), scores)
