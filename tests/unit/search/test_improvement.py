"""The closed form of the expected hypervolume improvement, beside an integral and beside BoTorch's."""

from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.polynomial.legendre import leggauss
from scipy.stats import norm

from paretopress.search.beliefs import Belief
from paretopress.search.hypervolume import hypervolume
from paretopress.search.improvement import best_together, expected_improvement, steps_of

SHARES = st.floats(0, 1)
POINTS = st.lists(st.tuples(SHARES, SHARES), max_size=6)
# BoTorch raises a variance of 0 to 1e-9. A size this far from each step is then on its side for sure.
APART = 2e-4


def front_of(points: list[tuple[float, float]]) -> np.ndarray:
    """Size and minus accuracy of points, dominated ones too, shape (n, 2)."""
    return np.array(points).reshape(-1, 2) * [1, -1]


def improved(front: np.ndarray, threshold: float, size: float, accuracy: float) -> float:
    """The hypervolume that a design adds to a front, by the library for hypervolumes."""
    reference = np.array([1.0, -threshold])
    with_it = np.vstack([front, [[size, -accuracy]]])
    return hypervolume(with_it, reference) - hypervolume(front, reference)


@given(POINTS, SHARES, SHARES, SHARES, st.floats(0.01, 0.3))
def test_it_is_the_integral_of_the_improvement(points, threshold, size, mean, deviation):
    front = front_of(points)
    # The improvement is linear between the accuracies of the front: exact by parts.
    ends = np.sort([mean - 8 * deviation, mean + 8 * deviation, threshold, *-front[:, 1]])
    nodes, weights = leggauss(12)
    integral = 0.0
    for low, high in pairwise(ends):
        for part in np.linspace(low, high, 9)[:-1]:
            width = (high - low) / 8
            at = part + width * (nodes + 1) / 2
            values = [improved(front, threshold, size, accuracy) for accuracy in at]
            integral += float(weights @ (values * norm.pdf(at, mean, deviation))) * width / 2
    one = np.ones(1)
    found = expected_improvement(
        steps_of(front, threshold), size * one, mean * one, deviation * one
    )
    assert found[0] == pytest.approx(integral, abs=1e-7)


@given(POINTS, SHARES, SHARES, SHARES, st.floats(1e-3, 0.5))
def test_it_equals_that_of_botorch(points, threshold, size, mean, deviation):
    torch = pytest.importorskip("torch")
    from botorch.acquisition.multi_objective.analytic import ExpectedHypervolumeImprovement
    from botorch.models.deterministic import GenericDeterministicModel
    from botorch.utils.multi_objective.box_decompositions import NondominatedPartitioning

    front = front_of(points)
    steps = steps_of(front, threshold)
    assume(np.abs(steps.sizes - size).min() >= APART)

    belief = SimpleNamespace(
        mean=torch.tensor([[[-size, mean]]], dtype=torch.double),
        variance=torch.tensor([[[0, deviation**2]]], dtype=torch.double),
    )
    model = GenericDeterministicModel(lambda X: X, num_outputs=2)
    model.posterior = lambda *_, **__: belief
    reference = torch.tensor([-1.0, threshold], dtype=torch.double)
    partitioning = NondominatedPartitioning(reference, torch.as_tensor(-front))
    theirs = ExpectedHypervolumeImprovement(model, reference, partitioning)(
        torch.zeros(1, 1, 1, dtype=torch.double)
    )
    one = np.ones(1)
    ours = expected_improvement(steps, size * one, mean * one, deviation * one)
    assert ours[0] == pytest.approx(float(theirs), abs=1e-6)


def test_a_belief_after_an_accuracy_became_known_is_the_conditional_normal():
    rng = np.random.default_rng(1)
    draws = rng.normal(size=(50, 4)) @ rng.normal(size=(4, 6))
    belief = Belief(draws.mean(axis=0), draws - draws.mean(axis=0))
    covariance = np.cov(draws.T, bias=True)
    found = belief.given(2, np.array([0.3, -1.0]))
    slope = covariance[2] / covariance[2, 2]
    for mean, value in zip(found.mean, (0.3, -1.0), strict=True):
        assert mean == pytest.approx(belief.mean + slope * (value - belief.mean[2]))
    left = covariance - np.outer(covariance[2], covariance[2]) / covariance[2, 2]
    assert found.spread.T @ found.spread / 50 == pytest.approx(left, abs=1e-9)


def test_the_best_design_comes_first_and_then_one_that_adds_to_it():
    """Two designs that are surely the same, and one that is a bit worse and independent of them."""
    rng = np.random.default_rng(1)
    alike, other = rng.normal(size=(2, 100))
    spread = 0.05 * np.stack([alike, alike, other], axis=1)
    belief = Belief(np.array([0.8, 0.8, 0.79]), spread - spread.mean(axis=0))
    chosen = best_together(np.empty((0, 2)), 0.7, np.full(3, 0.5), belief, 3, rng)
    assert sorted(chosen[:2]) == [0, 2]
    beaten = np.array([[0.5, -9.0]])  # as small, and more accurate than any of them will be
    assert best_together(beaten, 0.7, np.full(3, 0.5), belief, 3, rng) == []
