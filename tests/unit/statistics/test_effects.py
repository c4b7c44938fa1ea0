"""Effect sizes and the exact test of paired differences, against scipy and their definitions."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest, friedmanchisquare, mannwhitneyu, rankdata, wilcoxon

from paretopress.statistics.effects import (
    a12,
    epsilon_squared,
    equivalence,
    kendall_w,
    kendall_w_interval,
    rank_biserial,
    shift,
    signed_rank,
    signed_rank_method,
    signed_rank_power,
)

VALUES = st.lists(st.integers(0, 5), min_size=1, max_size=10)
DIFFERENCES = st.lists(st.integers(-4, 4), min_size=1, max_size=9).map(np.array)


@given(VALUES, VALUES)
def test_a12_is_mann_whitneys_u_as_a_share_and_turns_with_its_groups(first, second):
    expected = mannwhitneyu(first, second).statistic / (len(first) * len(second))
    assert a12(np.array(first), np.array(second)) == pytest.approx(expected)
    assert a12(np.array(second), np.array(first)) == pytest.approx(1 - expected)


def test_kendalls_w_and_epsilon_squared_reach_one_where_nothing_disagrees():
    assert kendall_w(5 * 3, blocks=5, methods=4) == 1
    assert epsilon_squared(7.0, values=8) == 1


@given(DIFFERENCES)
def test_the_signed_rank_test_counts_every_sign_even_with_ties_and_zeros(differences):
    nonzero = differences[differences != 0]
    ranks = rankdata(np.abs(nonzero))
    sums = [
        sum(rank for rank, positive in zip(ranks, signs, strict=True) if positive)
        for signs in product((0, 1), repeat=len(nonzero))
    ]
    expected = np.mean(np.array(sums) >= ranks[nonzero > 0].sum() - 1e-9)
    assert signed_rank(differences, "greater")[1] == pytest.approx(expected)


@pytest.mark.parametrize("alternative", ["greater", "less", "two-sided"])
def test_the_signed_rank_test_is_exact_where_it_says_so(alternative):
    """Distinct sizes against scipy's exact distribution, equal sizes against the binomial one, each with zeros that say nothing."""
    distinct = np.random.default_rng(5).normal(0.3, 1, 50)
    equal = np.repeat([-0.5, 0.5], [10, 20])
    for differences, expected in (
        (distinct, wilcoxon(distinct, alternative=alternative, method="exact")),
        (equal, binomtest(20, 30, alternative=alternative)),
    ):
        with_zeros = np.concatenate([np.zeros(7), differences])
        assert signed_rank_method(with_zeros) == "exact"
        assert signed_rank(with_zeros, alternative)[1] == pytest.approx(expected.pvalue)
    assert (
        signed_rank(distinct, alternative)[0]
        == wilcoxon(distinct, alternative=alternative).statistic
    )


def test_beyond_fifty_differences_the_signed_rank_test_is_an_approximation():
    differences = np.random.default_rng(5).normal(0.3, 1, 51)
    assert signed_rank_method(differences) == "normal approximation"
    assert (
        signed_rank(differences, "greater")[1]
        == wilcoxon(differences, alternative="greater", method="asymptotic").pvalue
    )


def test_five_differences_above_zero_are_one_case_in_32():
    assert signed_rank(np.array([0.1, 0.2, 0.3, 0.4, 0.5]), "greater")[1] == pytest.approx(1 / 32)
    assert signed_rank(np.zeros(5), "two-sided") == (0.0, 1.0)


@given(DIFFERENCES)
def test_the_rank_biserial_correlation_turns_with_the_differences(differences):
    assert rank_biserial(-differences) == pytest.approx(-rank_biserial(differences))
    assert -1 <= rank_biserial(differences) <= 1
    assert rank_biserial(np.abs(differences)) == (1 if differences.any() else 0)


@given(st.lists(st.floats(-1, 1, width=16), min_size=5, max_size=12, unique=True))
def test_the_interval_holds_the_shifts_that_no_test_refuses(values):
    differences = np.array(values)
    estimate, low, high = shift(differences, 0.05)
    assert low <= estimate <= high
    # Beside an end no mean of a pair is 0, so that no difference is dropped or tied.
    step = 1e-6
    assert signed_rank(differences - (low - step), "greater")[1] <= 0.05
    assert signed_rank(differences - (high + step), "less")[1] <= 0.05
    opposite = shift(-differences, 0.05)
    assert opposite == pytest.approx((-estimate, -high, -low))


def test_the_interval_of_many_differences_is_near_the_exact_one():
    values = np.random.default_rng(3).normal(0.5, 1, 51)
    approximate, exact = shift(values, 0.05), shift(values[:50], 0.05)
    assert approximate == pytest.approx(exact, abs=0.05)
    assert signed_rank(values - approximate[1] + 0.05, "greater")[1] <= 0.05


def test_four_differences_refuse_no_shift():
    assert shift(np.array([1.0, 2.0, 3.0, 4.0]), 0.05) == (2.5, -np.inf, np.inf)


def test_differences_are_equivalent_where_their_interval_is_within_the_margin():
    rng = np.random.default_rng(0)
    for _ in range(50):
        differences = rng.normal(0.2, 1, 15)
        _, low, high = shift(differences, 0.05)
        margin = rng.uniform(0.2, 1.2)
        inside = -margin < low and high < margin
        assert (equivalence(differences, margin) <= 0.05) == inside


def test_the_interval_of_kendalls_w_holds_what_is_expected():
    rng = np.random.default_rng(1)
    effect = np.linspace(0, 1.2, 5)
    statistics = [friedmanchisquare(*(effect + rng.normal(size=(12, 5))).T)[0] for _ in range(300)]
    expected = np.mean(statistics) / (12 * 4)
    ends = [kendall_w_interval(statistic, 12, 5, 0.05) for statistic in statistics]
    held = np.mean([low <= expected <= high for low, high in ends])
    assert 0.85 <= held <= 1
    shown = [
        low <= statistic / 48 <= high
        for statistic, (low, high) in zip(statistics, ends, strict=True)
    ]
    assert all(shown)
    assert kendall_w_interval(0.0, 12, 5, 0.05) == (0, 1 / 12)
    assert kendall_w_interval(48.0, 12, 5, 0.05)[1] == 1


@pytest.mark.parametrize("effect", [0.0, 0.4, 0.8])
def test_the_power_of_the_signed_rank_test_is_that_of_simulated_studies(effect):
    rng = np.random.default_rng(4)
    studies = rng.normal(effect, 1, (400, 12))
    found = np.mean([signed_rank(study, "greater")[1] <= 0.05 for study in studies])
    scaled = studies[0] / studies[0].std(ddof=1)
    assert signed_rank_power(scaled, effect, 0.05) == pytest.approx(found, abs=0.06)
    assert signed_rank_power(scaled[:4], effect, 0.05) == 0


def test_equal_differences_leave_no_doubt():
    assert signed_rank_power(np.full(6, 0.3), 0.1, 0.05) == 1
