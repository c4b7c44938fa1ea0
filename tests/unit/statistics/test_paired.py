"""Paired tests against references: McNemar's by counting, Tango's by simulation."""

from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from scipy.stats import norm

from paretopress.statistics.paired import Paired, keeps_floor, loses_at_most, paired


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=40))
def test_mcnemars_test_counts_the_images_that_one_network_alone_gets_right(pairs):
    dense, design = (np.array(one) for one in zip(*pairs, strict=True))
    found = paired(dense, design)
    lost = sum(a and not b for a, b in pairs)
    won = sum(b and not a for a, b in pairs)
    assert (found.dense_only, found.design_only, found.images) == (lost, won, len(pairs))
    n = lost + won
    both = 2 * sum(comb(n, k) for k in range(min(lost, won) + 1)) / 2**n
    assert found.p == pytest.approx(min(1.0, both))
    assert found.difference == pytest.approx(design.mean() - dense.mean())


def likelihood_test(lost: int, won: int, n: int, drop: float) -> float:
    """The score statistic with the likeliest rate found by a search."""

    def loss(rate: float) -> float:
        terms = ((lost, rate + drop), (won, rate), (n - lost - won, 1 - 2 * rate - drop))
        return -sum(count * np.log(max(share, 1e-300)) for count, share in terms if count)

    top = (1 - drop) / 2
    rate = minimize_scalar(loss, bounds=(0, top), method="bounded", options={"xatol": 1e-12}).x
    return (lost - won - n * drop) / np.sqrt(n * (2 * rate + drop * (1 - drop)))


@given(st.integers(0, 60), st.integers(0, 60), st.integers(0, 2000), st.floats(0.005, 0.3))
def test_the_drop_is_refuted_as_a_search_for_the_likeliest_rate_says(lost, won, others, drop):
    n = lost + won + others
    if n == 0:
        return
    statistic = likelihood_test(lost, won, n, drop)
    if abs(statistic - norm.ppf(0.05)) > 1e-3:
        assert loses_at_most(Paired(n, lost, won, 1.0), drop) == (statistic <= norm.ppf(0.05))


def test_at_the_allowed_drop_itself_one_in_twenty_is_taken_for_less():
    rng, n, drop = np.random.default_rng(0), 2000, 0.03
    counts = rng.multinomial(n, [0.04 + drop, 0.04, 1 - 0.08 - drop], size=4000)
    taken = [loses_at_most(Paired(n, int(a), int(b), 1.0), drop) for a, b, _ in counts]
    assert 0.04 < np.mean(taken) < 0.06


def test_edges():
    assert not loses_at_most(Paired(10, 0, 0, 1.0), 0.0), "no image tells both apart"
    assert loses_at_most(Paired(10, 10, 0, 1.0), 1.0)
    assert keeps_floor(0, 10, 0.0)
    assert not keeps_floor(0, 10, 0.01)
    assert keeps_floor(10, 10, 0.74)
    assert not keeps_floor(10, 10, 0.75), "0.05 ** (1 / 10) is 0.741"
