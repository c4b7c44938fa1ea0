"""Tests by permutation, against every order of small tables, and on data without an effect."""

from itertools import permutations, product

import numpy as np
import pytest
from scipy.stats import friedmanchisquare

from paretopress.statistics.permutations import friedman_permuted, interaction


def test_with_few_orders_each_of_them_counts():
    table = np.array([[1.0, 2.0, 3.0], [1.0, 3.0, 3.0], [2.0, 1.0, 3.0]])
    orders = product(*(list(permutations(row)) for row in table))
    found = [friedmanchisquare(*np.array(order).T).statistic for order in orders]
    reached = np.array(found) >= friedmanchisquare(*table.T).statistic - 1e-9
    assert friedman_permuted(table) == pytest.approx(reached.mean())


def test_with_many_orders_p_is_near_that_of_many_blocks():
    rng = np.random.default_rng(5)
    table = rng.normal(size=(60, 4)) + np.linspace(0, 0.4, 4)
    expected = friedmanchisquare(*table.T).pvalue
    assert friedman_permuted(table) == pytest.approx(expected, rel=0.3)
    assert friedman_permuted(table) == friedman_permuted(table)


def test_an_interaction_is_found_whatever_the_main_effects_are():
    rng = np.random.default_rng(6)
    noise = rng.normal(size=(6, 3, 4))
    crossed = np.outer([1, 0, -1], [1, -1, 1, -1])
    main = 5 * np.arange(3)[:, None] + 7 * np.arange(4) + rng.normal(size=(6, 1, 1))
    share, p = interaction(noise + 2 * crossed)
    assert share > 0.5
    assert p < 0.001
    assert interaction(noise + 2 * crossed + main) == pytest.approx((share, p))
    assert interaction(noise)[1] > 0.05
    assert np.isnan(interaction(main)).all()


@pytest.mark.thorough
def test_without_an_interaction_one_in_twenty_is_significant():
    rng = np.random.default_rng(7)
    rejected = sum(interaction(rng.normal(size=(5, 3, 3)))[1] <= 0.05 for _ in range(200))
    assert 2 <= rejected <= 20, "at level 0.05, 10 of 200 are expected"
