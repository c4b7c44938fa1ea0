"""Surrogates: a fitted regressor, its failures, and scikit-learn's forest in less time."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import numpy as np
import torch  # noqa: F401  before lightgbm, which needs the OpenMP runtime of torch's wheel
from sklearn import config_context
from sklearn.tree._criterion import MSE
from sklearn.tree._splitter import BestSplitter
from sklearn.tree._tree import DepthFirstTreeBuilder, Tree

# scikit-learn without its checks of parameters and of finite numbers. Ours are right, and finite.
unchecked = partial(config_context, skip_parameter_validation=True, assume_finite=True)


class Predictor(Protocol):
    """A fitted regressor."""

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Predict values of shape (n,) for samples of shape (n, d)."""
        ...


def grown(
    X: np.ndarray,
    y: np.ndarray,
    weights: np.ndarray | None,
    drawn: np.random.RandomState,
    splitter: type = BestSplitter,
) -> Tree:
    """Grow a tree as scikit-learn's regressors of single trees do, identical to the bit.

    Their `fit` takes most of its time to look at its arguments. So its last lines stand here.

    Args:
        X: Samples, C-contiguous float32 of shape (n, d).
        y: Values, float64 of shape (n,).
        weights: Weights of the samples, float64 of shape (n,), or None.
        drawn: What the seed of the splitter is drawn from.
        splitter: BestSplitter for a DecisionTreeRegressor with its defaults, RandomSplitter for an
            ExtraTreeRegressor with `max_features=1.0`.
    """
    count, features = X.shape
    split = splitter(MSE(1, count), features, 1, 0.0, drawn, None)
    tree = Tree(features, np.ones(1, dtype=np.intp), 1)
    builder = DepthFirstTreeBuilder(split, 2, 1, 0.0, np.iinfo(np.int32).max, 0.0)
    builder.build(tree, X, y[:, None], weights, None)
    return tree


class RandomForest:
    """scikit-learn's random forest with its defaults, identical to the bit, but faster.

    Its own fit and predict spend most of their time on checks, on cloning trees and on joblib.
    Plain loops grow the trees here, and call them.

    Args:
        random_state: Seed of the forest.
    """

    TREES = 100

    def __init__(self, random_state: int = 0) -> None:
        self.random_state = random_state
        self.trees: list[Tree] = []

    def fit(self, X: np.ndarray, y: np.ndarray) -> "RandomForest":
        """Fit the forest to samples of shape (n, d) and values of shape (n,), and return it."""
        X, y = np.ascontiguousarray(X, dtype=np.float32), np.ascontiguousarray(y, dtype=float)
        drawn, own = np.random.RandomState(self.random_state), np.random.RandomState()
        self.trees = []
        for seed in [drawn.randint(np.iinfo(np.int32).max) for _ in range(self.TREES)]:
            own.seed(seed)
            rows = own.randint(0, len(X), len(X))
            weights = np.bincount(rows, minlength=len(X))  # how often each row was drawn
            own.seed(seed)
            self.trees.append(grown(X, y, weights.astype(float), own))
        return self

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Predict values of shape (n,) for samples of shape (n, d)."""
        rows = np.asarray(X, dtype=np.float32)
        return sum(tree.predict(rows)[:, 0] for tree in self.trees) / self.TREES


class SurrogateError(Exception):
    """A candidate cannot be used. Its attributes are the name and the reason."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name}: {reason}")
        self.name = name
        self.reason = reason


@contextmanager
def failures(name: str) -> Iterator[None]:
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
    model: Predictor

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Predict values.

        Args:
            X: Samples, shape (n, d).

        Returns:
            Finite values, shape (n,).

        Raises:
            SurrogateError: The candidate fails, or its predictions are not n finite numbers.
        """
        with failures(self.name):
            predicted = np.asarray(self.model.predict(X))
            if predicted.shape != (len(X),):
                raise SurrogateError(self.name, "predictions that are not a number for each sample")
            if not np.isfinite(predicted).all():
                raise SurrogateError(self.name, "a prediction that is not finite")
        return predicted
