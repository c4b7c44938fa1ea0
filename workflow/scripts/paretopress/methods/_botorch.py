"""qLogNEHVI of BoTorch (Daulton et al. 2021, Ament et al. 2023) on arrays, for any problem."""

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import torch
from botorch.acquisition.multi_objective import logei
from botorch.acquisition.multi_objective.objective import IdentityMCMultiOutputObjective
from botorch.exceptions import BotorchWarning
from botorch.fit import fit_gpytorch_mll
from botorch.models import GenericDeterministicModel, ModelListGP, SingleTaskGP
from botorch.models.model import Model, ModelList
from botorch.sampling.get_sampler import get_sampler
from botorch.utils.sampling import manual_seed
from gpytorch.mlls import ExactMarginalLogLikelihood
from linear_operator.utils.warnings import NumericalWarning
from torch import Tensor

# BoTorch would compile a part of the acquisition function when it is first used. A process that is
# killed meanwhile leaves a lock behind, for which all later ones wait without end.
logei._load_attempted = True

STEPS = (0.2, 0.1, 0.05, 0.02, 0.01, 0.005)  # of the rounds of the search, in the unit cube
MOVED = 0.4  # probability of a variable to move in a step
AT_ONCE = 256  # vectors that the acquisition function takes at once

Outcome = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Problem:
    """What is sought: vectors of the unit cube whose first outcomes, the objectives, are large.

    Attributes:
        levels: The number of values of each variable, evenly spaced; 0 for an interval.
        reference: Reference point of the hypervolume, one number for each objective.
        violation: Gives the violation from outcomes (..., m), feasible where <= 0, (...).
        known: Outcomes that are known without a model, by their number: from vectors (n, d), (n,).
        fold: The one vector for all that are the same design, for vectors of shape (n, d).
    """

    levels: Sequence[int]
    reference: Sequence[float]
    violation: Callable[[Tensor], Tensor]
    known: Mapping[int, Outcome] = field(default_factory=dict)
    fold: Callable[[np.ndarray], np.ndarray] = lambda X: X

    def rounded(self, X: np.ndarray) -> np.ndarray:
        """The nearest vectors that are designs, folded."""
        steps = np.maximum(np.array(self.levels) - 1, 1)
        inside = np.clip(X, 0, 1)
        return self.fold(
            np.where(np.array(self.levels) > 0, np.rint(inside * steps) / steps, inside)
        )


@dataclass(frozen=True)
class Effort:
    """How well the acquisition function is known, and how long its best vector is searched.

    Attributes:
        samples: Draws from the models.
        drawn: Random vectors that the search begins with.
        kept: Best vectors that a round goes on with.
        moves: Steps from each of them.
    """

    samples: int = 128
    drawn: int = 1000
    kept: int = 20
    moves: int = 20


@contextmanager
def _alone(seed: int) -> Iterator[None]:
    """Seeded numbers of torch and one thread, so that the digits are the same each time."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with manual_seed(seed), warnings.catch_warnings():
            # Of fits that are tried again, of scales, and of jitter on a diagonal.
            for ignored in (BotorchWarning, NumericalWarning):
                warnings.simplefilter("ignore", ignored)
            yield
    finally:
        torch.set_num_threads(threads)


def _model(X: Tensor, Y: Tensor, problem: Problem) -> Model:
    """A Gaussian process for each outcome that is not known."""
    fitted = {}
    for number in sorted(set(range(Y.shape[-1])) - set(problem.known)):
        fitted[number] = SingleTaskGP(X, Y[:, [number]])
        fit_gpytorch_mll(ExactMarginalLogLikelihood(fitted[number].likelihood, fitted[number]))
    if not problem.known:
        return ModelListGP(*fitted.values())
    known = {
        number: GenericDeterministicModel(partial(_known, outcome=outcome))
        for number, outcome in problem.known.items()
    }
    return ModelList(*(model for _, model in sorted((fitted | known).items())))


def _known(X: Tensor, outcome: Outcome) -> Tensor:
    values = outcome(X.reshape(-1, X.shape[-1]).numpy())
    return torch.as_tensor(values).reshape(*X.shape[:-1], 1)


def _best(
    score: Callable[[np.ndarray], np.ndarray],
    problem: Problem,
    known: np.ndarray,
    effort: Effort,
    rng: np.random.Generator,
) -> np.ndarray | None:
    """The best new vector that a random search in narrowing steps finds, None if there is none."""
    seen = set(map(bytes, known))

    def new(X: np.ndarray) -> np.ndarray:
        if not len(X):
            return X
        rows = {bytes(row): row for row in problem.rounded(X)}
        found = [row for name, row in rows.items() if name not in seen]
        seen.update(rows)
        return np.array(found).reshape(-1, X.shape[1])

    best = new(rng.random((effort.drawn, known.shape[1])))
    scores = score(best)
    for step in STEPS:
        order = np.argsort(-scores, kind="stable")[: effort.kept]
        best, scores = best[order], scores[order]
        starts = np.repeat(best, effort.moves, axis=0)
        # A step from one level to another is as long as it must be.
        width = np.maximum(step, [1 / levels if levels else 0 for levels in problem.levels])
        moved = rng.random(starts.shape) < MOVED
        nearby = new(starts + moved * rng.normal(0, width, starts.shape))
        best, scores = np.vstack([best, nearby]), np.append(scores, score(nearby))
    return best[np.argmax(scores)] if len(best) else None


def proposals(
    X: np.ndarray, Y: np.ndarray, problem: Problem, count: int, seed: int, effort: Effort
) -> np.ndarray:
    """Propose new vectors that promise the largest gain of feasible hypervolume together.

    BoTorch's own search of mixed vectors does not know which of them are the same design, and
    mostly proposes known ones.

    Args:
        X: The evaluated vectors in the unit cube, folded, shape (n, d).
        Y: Their outcomes, shape (n, m).
        problem: The problem.
        count: Number of proposals. There may be fewer where no vector is new.
        seed: Seed of all draws.
        effort: The effort.

    Returns:
        Vectors of the unit cube, shape (count, d), one chosen after the other.
    """
    rng, inputs = np.random.default_rng(seed), torch.as_tensor(X)
    chosen = np.empty((0, X.shape[1]))
    with _alone(seed):
        model = _model(inputs, torch.as_tensor(Y), problem)
        with torch.no_grad():
            posterior: Any = model.posterior(inputs[:1])
            acquisition = logei.qLogNoisyExpectedHypervolumeImprovement(
                model,
                list(problem.reference),
                inputs,
                get_sampler(posterior, torch.Size([effort.samples]), seed=seed),
                IdentityMCMultiOutputObjective(list(range(len(problem.reference)))),
                constraints=[problem.violation],
                prune_baseline=True,
            )

            def score(vectors: np.ndarray) -> np.ndarray:
                if not len(vectors):
                    return np.empty(0)
                parts = torch.as_tensor(vectors).unsqueeze(1).split(AT_ONCE)
                scores = torch.cat([acquisition(part) for part in parts]).numpy()
                if np.isnan(scores).any():
                    raise ValueError("the acquisition function has values that are no numbers")
                return scores

            for _ in range(count):
                if len(chosen):
                    acquisition.set_X_pending(torch.as_tensor(chosen))
                best = _best(score, problem, np.vstack([X, chosen]), effort, rng)
                if best is None:
                    break
                chosen = np.vstack([chosen, best])
    return chosen
