"""The choice of a surrogate among candidates, by cross-validation (paper, section 4)."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
from scipy.stats import spearmanr
from sklearn.metrics import mean_absolute_percentage_error, mean_squared_error
from sklearn.model_selection import KFold

from ..config.candidates import SURROGATES
from ..config.regressors import built
from .surrogates import Fitted, SurrogateError, failures
from .trees import faster

Function = Callable[[np.ndarray], np.ndarray]


class NoSurrogateError(Exception):
    """No candidate can be used for a function."""


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


class Comparison:
    """Candidates that are fitted to the same samples, by folds and whole, each at most once.

    Args:
        X: Samples, shape (n, d).
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
        self.folds, self.seed = folds, seed
        self.candidates = tuple(candidates)
        self._found: dict[tuple[str, str], Any] = {}

    def _once(self, name: str, part: str, compute: Callable[[], Any]) -> Any:
        """Compute something of a candidate. The next time, give the result or the error again."""
        if (name, part) not in self._found:
            try:
                self._found[name, part] = compute()
            except SurrogateError as error:
                self._found[name, part] = error
        found = self._found[name, part]
        if isinstance(found, SurrogateError):
            raise found
        return found

    def _parts(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """Rows of each fold, to fit and to test."""
        count = min(self.folds, len(self.X))
        return list(KFold(count, shuffle=True, random_state=self.seed).split(self.X))

    def _model(self, name: str, rows: np.ndarray | slice) -> Any:
        with failures(name):
            model = built(name, self.seed)
            model.fit(self.X[rows], self.y[rows])
            return model

    def _whole(self, name: str) -> Fitted:
        model = self._model(name, slice(None))
        with failures(name):
            surrogate = Fitted(name, faster(model, self.X.shape[1]))
        surrogate.predict(self.X)
        return surrogate

    def predicted(self, name: str) -> list[np.ndarray]:
        """The predictions of a candidate for each fold; raises SurrogateError where it fails."""
        return self._once(
            name,
            "folds",
            lambda: [
                Fitted(name, self._model(name, train)).predict(self.X[test])
                for train, test in self._parts()
            ],
        )

    def fitted(self, name: str) -> Fitted:
        """A candidate, fitted to all samples; raises SurrogateError where it fails."""
        return self._once(name, "whole", lambda: self._whole(name))

    def scores(
        self, metric: str, left_out: Collection[str] = ()
    ) -> tuple[dict[str, float], dict[str, str]]:
        """Cross-validate the candidates.

        Args:
            metric: A key of SCORES.
            left_out: Candidates without a score.

        Returns:
            Mean score of each candidate over the folds, and the reason for each candidate without a
            score. A single sample gives no scores.
        """
        names = [name for name in self.candidates if name not in left_out]
        scores: dict[str, float] = {}
        failed: dict[str, str] = {}
        if len(self.X) < 2:
            return scores, dict.fromkeys(names, "too few samples to compare on")
        true = [self.y[test] for _, test in self._parts()]
        for name in names:
            try:
                mean = float(np.mean(list(map(SCORES[metric], true, self.predicted(name)))))
                if not np.isfinite(mean):
                    raise SurrogateError(name, f"its {metric} score is {mean}")
                scores[name] = mean
            except SurrogateError as error:
                failed[name] = error.reason
        return scores, failed


@dataclass(frozen=True)
class Mapped:
    """A surrogate of values that are a function of what another one predicts."""

    surrogate: Fitted
    function: Function

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Predict values of shape (n,) for samples of shape (n, d)."""
        return self.function(self.surrogate.predict(X))


class MappedComparison(Comparison):
    """A comparison for values that are a constant minus those of another comparison.

    The paper's four candidates predict the constant minus what they predict there, but for rounding
    errors. So their fits are shared. Any other candidate is fitted to the values themselves.

    Args:
        other: The other comparison.
        function: Computes the values from those of the other one.
    """

    def __init__(self, other: Comparison, function: Function) -> None:
        super().__init__(other.X, function(other.y), other.folds, other.seed, other.candidates)
        self._other, self._function = other, function

    def predicted(self, name: str) -> list[np.ndarray]:
        """The predictions of a candidate for each fold; raises SurrogateError where it fails."""
        if name in SURROGATES:
            return list(map(self._function, self._other.predicted(name)))
        return super().predicted(name)

    def fitted(self, name: str) -> Fitted:
        """A candidate, fitted to all samples; raises SurrogateError where it fails."""
        if name in SURROGATES:
            return Fitted(name, Mapped(self._other.fitted(name), self._function))
        return super().fitted(name)


def select_surrogate(
    compared: Comparison,
    metric: str,
    rng: np.random.Generator,
    left_out: Mapping[str, str] = MappingProxyType({}),
) -> Selection:
    """Choose the candidate with the best cross-validated score (paper, section 4).

    It is fitted to all samples. Of equal scores, that of the first candidate is chosen. A candidate
    that fails to fit or to predict, in a fold or on all samples, is left out, and the next best is
    taken.

    Args:
        compared: The candidates and the samples.
        metric: A key of SCORES, or "random" for any candidate without comparison.
        rng: Generator of the random choice.
        left_out: Candidates that must not be chosen, and the reasons.

    Returns:
        The chosen surrogate, the scores and the candidates left out.

    Raises:
        NoSurrogateError: All candidates are left out.
    """
    left_out = dict(left_out)
    usable = [name for name in compared.candidates if name not in left_out]
    scores: dict[str, float] = {}
    if metric != RANDOM_CHOICE:
        scores, failed = compared.scores(metric, left_out)
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
