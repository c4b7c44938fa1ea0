"""Pairs of methods, against scikit-posthocs' own definitions and a worked example."""

import numpy as np
import pandas as pd
import pytest
import scikit_posthocs
from run_tables import DEMSAR, run_table

from paretopress.statistics.pairs import PAIRWISE_COLUMNS, pairwise, siegel_friedman

METHODS = ("strong", "middle", "weak")


@pytest.fixture
def runs() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    levels = dict(zip(METHODS, (0.6, 0.5, 0.4), strict=True))
    return run_table({method: level + rng.normal(0, 0.02, 8) for method, level in levels.items()})


def test_every_pair_is_compared_once_with_the_tests_of_scikit_posthocs(runs):
    table = pairwise(runs, 0.05)
    assert table[["method", "other_method"]].to_numpy().tolist() == [
        ["strong", "middle"],
        ["strong", "weak"],
        ["middle", "weak"],
    ]
    wide = runs.pivot(index="seed", columns="method", values="hypervolume")[list(METHODS)]
    expected = {
        "p_siegel_friedman": scikit_posthocs.posthoc_siegel_friedman(
            wide.to_numpy(), p_adjust="holm"
        ),
        "p_nemenyi": scikit_posthocs.posthoc_nemenyi_friedman(wide.to_numpy()),
        "p_dunn": scikit_posthocs.posthoc_dunn(list(wide.to_numpy().T), p_adjust="holm"),
    }
    for column, p in expected.items():
        assert table[column].tolist() == pytest.approx(
            [p.to_numpy()[pair] for pair in ((0, 1), (0, 2), (1, 2))]
        )
    strongest = table.iloc[1]
    assert (strongest["a12"], strongest["rank_difference"], strongest["significant"]) == (
        1,
        2,
        True,
    )
    assert not pairwise(runs, 1e-9)["significant"].any()


def test_the_adjusted_p_of_demsars_example():
    p = siegel_friedman(pd.DataFrame(DEMSAR))
    # He has z = 2.416, p = .016 for C4.5 against C4.5+m+cf and z = 2.342, p = .019 against C4.5+m: the smallest two of six pairs.
    assert p.iloc[0, 3] == pytest.approx(6 * 0.0157, abs=1e-3)
    assert p.iloc[0, 1] == pytest.approx(max(6 * 0.0157, 5 * 0.0192), abs=1e-3)


@pytest.mark.parametrize("seeds", [1, 2])
def test_without_a_friedman_test_pairs_have_effects_and_no_p(runs, seeds):
    table = pairwise(runs[runs["seed"] <= seeds], 0.05)
    assert len(table) == 3
    assert table[["p_siegel_friedman", "p_nemenyi", "p_dunn"]].isna().all(axis=None)
    assert not table["significant"].any()
    assert (table["a12"] == 1).all()


def test_equal_methods_have_no_p():
    table = pairwise(run_table(dict.fromkeys(METHODS, (0.1, 0.2, 0.3))), 0.05)
    assert table["p_siegel_friedman"].isna().all()
    assert (table["a12"] == 0.5).all()


def test_no_runs_give_a_table_with_its_columns():
    assert list(pairwise(run_table({}), 0.05)) == PAIRWISE_COLUMNS
