"""Every claim reaches each of its verdicts on data made for it; the authors' raw numbers."""

import subprocess
import sys
from dataclasses import replace
from itertools import product

import numpy as np
import pandas as pd
import pytest
from paths import ROOT
from run_tables import authors_evaluations, authors_runs, run_table
from statsmodels.stats.multitest import multipletests

from paretopress.fronts.union import DENSE
from paretopress.statistics.claims.evidence import NOT_SUPPORTED, SUPPORTED, UNDECIDED, direction
from paretopress.statistics.claims.judge import (
    ALL_NETWORKS,
    CLAIM_COLUMNS,
    CLAIMS,
    Evidence,
    claims,
    needed_blocks,
)
from paretopress.statistics.effects import signed_rank
from paretopress.statistics.factors import factors
from paretopress.statistics.levels import level_pairs
from paretopress.statistics.load import BUSY_CORES
from paretopress.statistics.pairs import pairwise
from paretopress.statistics.ranks import friedman
from paretopress.statistics.training import still_improving

METRICS = ("mse", "mape", "spearman", "random")
LEVEL = 0.05
BEST = "surrogate-mse-mse"
IMAGES = 1000


def settings(
    seeds: int, metrics=METRICS, effect: float = 0.0, noise: float = 1.0
) -> dict[str, np.ndarray]:
    """Hypervolumes of the settings; effect: what each next constraint metric loses."""
    rng = np.random.default_rng(3)
    pairs = list(product(metrics, metrics))
    values = {
        f"surrogate-{first}-{second}": noise * rng.random(seeds) - effect * metrics.index(second)
        for first, second in pairs
    }
    return {name: value + 10 for name, value in values.items()}


def networks(*names: str, **columns) -> pd.DataFrame:
    plain = {
        "imported": False,
        "split": "validation",
        "images": IMAGES,
        "dense_accuracy": 0.9,
        "dense_nonzero_rate": 1.0,
        "threshold": 0.86,
        "size": "nonzero_rate",
    }
    return pd.DataFrame([{"network": name, **plain, **columns} for name in names])


def evidence_of(runs: pd.DataFrame, table: pd.DataFrame | None = None, **others) -> Evidence:
    none = pd.DataFrame(
        columns=["network", "method", "seed", "design_id", "nonzero_rate", "accuracy", "feasible"]
    )
    return Evidence(
        level=LEVEL,
        smallest=0.05,
        runs=runs,
        every_run=runs,
        networks=networks(*dict.fromkeys(runs["network"])) if table is None else table,
        friedman=friedman(runs, LEVEL),
        factors=factors(runs, LEVEL),
        pairwise=pairwise(runs, LEVEL),
        level_pairs=level_pairs(runs, LEVEL),
        **{
            "evaluations": none,
            "worst_run_fronts": {},
            "tests": {},
            "passes": {},
            "loads": {"n": 0.0},
            "improving": {},
            "test_images": {},
            "figures": (),
        }
        | others,
    )


def verdict_of(evidence: Evidence, claim: str, network: str = "n") -> pd.Series:
    table = claims(evidence).set_index(["claim", "network"])
    row = table.loc[(claim, network)]
    assert row["verdict"] in (SUPPORTED, NOT_SUPPORTED, UNDECIDED)
    assert row["reason"]
    return row


@pytest.mark.parametrize(
    ("hypervolumes", "verdict", "words"),
    [
        (settings(5), SUPPORTED, "differ by less than 5.0% of the mean hypervolume (p = 0.031)"),
        (settings(5, effect=1), NOT_SUPPORTED, "Holm-adjusted over 4 tests"),
        (
            settings(20, effect=0.12),
            NOT_SUPPORTED,
            "But any two metrics are shown to differ by less",
        ),
        (settings(5, noise=10), UNDECIDED, "it is not excluded that two metrics differ by 5.0%"),
        (settings(4), UNDECIDED, "it is not excluded"),
        (settings(2), UNDECIDED, "2 seeds are too few"),
        ({name: np.ones(5) for name in settings(5)}, UNDECIDED, "equal in all seeds"),
        ({"random": (1, 2, 3)}, UNDECIDED, "0 settings are too few"),
    ],
)
def test_the_metric_has_no_effect(hypervolumes, verdict, words):
    row = verdict_of(evidence_of(run_table(hypervolumes)), "selection-metric-without-effect")
    assert (row["verdict"], words in row["reason"]) == (verdict, True)
    assert row["files"].split(";") == [
        f"statistics/{name}.csv" for name in ("friedman", "factors", "level_pairs")
    ]
    # The p beside a verdict is that of the test which it rests on.
    if verdict != UNDECIDED:
        assert (row["p"] <= LEVEL, f"(p = {row['p']:.2g})" in row["reason"]) == (
            True,
            verdict == SUPPORTED,
        )


def test_one_factor_with_an_effect_is_enough_against_the_claim():
    """Where the settings as a whole show nothing, the test of a factor has more power."""
    evidence = evidence_of(run_table(settings(5, effect=0.12)))
    assert evidence.friedman["p"].min() > LEVEL
    assert verdict_of(evidence, "selection-metric-without-effect")["verdict"] == NOT_SUPPORTED


@pytest.mark.parametrize(
    ("claim", "seeds", "metrics", "words"),
    [
        ("selection-metric-without-effect", 3, 2, "With 5 seeds or more the claim can be supported, with 3 seeds or more it can be not supported."),
        ("selection-metric-without-effect", 2, 4, "With 5 seeds or more the claim can be supported, with 3 seeds or more it can be not supported."),
        ("best-and-worst-setting", 4, 2, "With 3 seeds or more the claim can be supported, with 5 seeds or more it can be not supported."),
        ("best-and-worst-setting", 2, 4, "With 3 seeds or more the claim can be supported, with 5 seeds or more it can be not supported."),
        ("surrogate-beats-random", 3, 2, "a test at 0.05 takes 5 seeds."),
    ],
)  # fmt: skip
def test_a_claim_that_too_few_seeds_leave_open_says_how_many_it_needs(claim, seeds, metrics, words):
    runs = run_table({**settings(seeds, METRICS[:metrics]), "random": (1,) * seeds})
    row = verdict_of(evidence_of(runs), claim)
    assert (row["verdict"], words in row["reason"]) == (UNDECIDED, True)


@pytest.mark.parametrize("compared", [4, pytest.param(16, marks=pytest.mark.thorough)])
def test_the_needed_blocks_are_the_fewest_with_which_each_verdict_is_reached(compared):
    """By the claims themselves, on runs whose seeds agree perfectly, and on random ones."""
    metrics = METRICS[: 2 if compared == 4 else 4]
    needed = needed_blocks(LEVEL, compared).set_index("claim")
    assert list(needed.index) == [claim.name for claim in CLAIMS]

    def verdict(claim: str, seeds: int, effect: bool) -> str:
        names = list(settings(1, metrics))
        rank = {name: place for place, name in enumerate(names)}
        values = {
            name: [
                (rank[name] if effect else 500 + (rank[name] * 7 + 5 * seed) % len(names))
                for seed in range(seeds)
            ]
            for name in names
        }
        rivals = {"random": (-1,) * seeds if effect else (999,) * seeds}
        rivals["ctaea-10x3"] = rivals["random"]
        return verdict_of(evidence_of(run_table({**values, **rivals})), claim)["verdict"]

    for claim, reached, effect in (
        ("selection-metric-without-effect", NOT_SUPPORTED, True),
        ("selection-metric-without-effect", SUPPORTED, False),
        ("best-and-worst-setting", SUPPORTED, True),
        ("surrogate-beats-plain-ctaea", SUPPORTED, True),
        ("surrogate-beats-plain-ctaea", NOT_SUPPORTED, False),
        ("surrogate-beats-random", SUPPORTED, True),
    ):
        least = int(needed.loc[claim, reached.replace(" ", "_")])
        assert verdict(claim, least, effect) == reached, claim
        assert verdict(claim, least - 1, effect) == UNDECIDED, claim


def test_with_two_settings_no_number_of_seeds_is_enough():
    needed = needed_blocks(LEVEL, 2).set_index("claim")
    assert needed.loc["best-and-worst-setting", ["supported", "not_supported"]].isna().all()
    assert needed.loc["surrogate-beats-random", "supported"] == 5
    assert needed_blocks(0.01, 2).set_index("claim").loc["faster-inference", "supported"] == 7


RIVALS = {"surrogate-beats-plain-ctaea": "ctaea-10x3", "surrogate-beats-random": "random"}


@pytest.mark.parametrize(("claim", "rival"), RIVALS.items())
@pytest.mark.parametrize(
    ("values", "verdict", "words"),
    [
        ((1, 1, 1, 1, 1), SUPPORTED, "p = 0.031"),
        ((20, 20, 20, 20, 20), NOT_SUPPORTED, "The opposite is significant: p = 0.031"),
        ((20, 20, 20, 20, 1), UNDECIDED, "over 5 seeds are within chance either way"),
        ((20, 1, 1, 1, 1), UNDECIDED, "over 5 seeds are within chance either way"),
        ((1, 1, 1), UNDECIDED, "would give p = 0.125; a test at 0.05 takes 5 seeds"),
    ],
)
def test_the_surrogate_beats_a_rival(claim, rival, values, verdict, words):
    runs = run_table({**settings(len(values), METRICS[:2]), rival: values})
    row = verdict_of(evidence_of(runs), claim)
    assert (row["verdict"], words in row["reason"], row["blocks"]) == (verdict, True, len(values))
    assert row["test"] == "one-sided Wilcoxon signed-rank test over seeds (exact)"


def test_the_test_over_many_seeds_does_not_call_itself_exact():
    runs = run_table({**settings(60, METRICS[:2]), "random": np.ones(60)})
    assert verdict_of(evidence_of(runs), "surrogate-beats-random")["test"].endswith(
        "(normal approximation)"
    )


HYPERVOLUME_CLAIMS = (
    "selection-metric-without-effect",
    "surrogate-beats-plain-ctaea",
    "best-and-worst-setting",
    "surrogate-beats-random",
)


@pytest.mark.parametrize("claim", HYPERVOLUME_CLAIMS)
def test_without_a_feasible_design_the_hypervolumes_decide_nothing(claim):
    names = [*settings(5), "random", "ctaea-10x3"]
    row = verdict_of(evidence_of(run_table(dict.fromkeys(names, (0,) * 5), feasible=0)), claim)
    assert (row["verdict"], "No compared run found a feasible design." in row["reason"]) == (
        UNDECIDED,
        True,
    )


@pytest.mark.parametrize("claim", HYPERVOLUME_CLAIMS)
def test_runs_that_are_all_equal_decide_nothing(claim):
    names = [*settings(5), "random", "ctaea-10x3"]
    row = verdict_of(evidence_of(run_table(dict.fromkeys(names, (1,) * 5))), claim)
    assert (row["verdict"], "feasible" in row["reason"]) == (UNDECIDED, False)


def test_the_rival_is_the_plain_ctaea_with_the_largest_mean():
    runs = run_table({**settings(5), "ctaea-5x6": (1,) * 5, "ctaea-10x3": (20, 20, 20, 20, 20)})
    row = verdict_of(evidence_of(runs), "surrogate-beats-plain-ctaea")
    assert row["verdict"] == NOT_SUPPORTED
    assert "ahead of ctaea-10x3 in 0 of 5 seeds" in row["evidence"]


def test_one_setting_and_one_seed_are_no_plural():
    runs = run_table({BEST: (2,), "random": (1,)})
    row = verdict_of(evidence_of(runs), "surrogate-beats-random")
    assert "mean of 1 setting ahead of random in 1 of 1 seed," in row["evidence"]
    assert (
        "median hypervolume of the settings 2.0000 (1 run), of random 1.0000 (1 run, 1"
        in row["evidence"]
    )


def test_final_populations_alone_decide_nothing():
    runs = pd.concat([run_table(settings(5)), run_table({"ctaea-10x3": (1,) * 5}, complete=False)])
    row = verdict_of(evidence_of(runs), "surrogate-beats-plain-ctaea")
    assert (row["verdict"], row["blocks"]) == (UNDECIDED, 0)
    assert "ctaea-10x3 1.0000 (5 runs, 0 of them complete)" in row["evidence"]


@pytest.mark.parametrize(
    ("values", "verdict"),
    [
        ({"one": (1,) * 5, "two": (1,) * 5}, SUPPORTED),
        ({"one": (1,) * 5, "two": (20,) * 5}, NOT_SUPPORTED),
        ({"one": (1,) * 5, "two": (1,) * 3}, UNDECIDED),
        ({"one": (1,) * 5}, UNDECIDED),
    ],
)
def test_on_all_networks_the_surrogate_beats_plain_ctaea_where_it_does_on_each(values, verdict):
    runs = pd.concat(
        [
            run_table({**settings(len(rival)), "ctaea-10x3": rival}, network)
            for network, rival in values.items()
        ]
    )
    row = verdict_of(evidence_of(runs), "surrogate-beats-plain-ctaea", ALL_NETWORKS)
    assert row["verdict"] == verdict
    if verdict == SUPPORTED:
        assert row["p"] == pytest.approx(1 / 32)


@pytest.mark.parametrize(
    ("hypervolumes", "verdict", "words"),
    [
        (
            {
                f"surrogate-{name}-mse": np.arange(8) + 10 * index
                for index, name in enumerate(METRICS)
            },
            SUPPORTED,
            "is at most 0.05",
        ),
        (settings(12), NOT_SUPPORTED, "No difference between the settings is shown"),
        ({name: np.arange(5) for name in settings(5)}, UNDECIDED, "equal in all seeds"),
        (
            {
                "surrogate-mse-mse": (1, 1, 99),
                "surrogate-mse-mape": (2, 2, 2),
                "surrogate-mape-mse": (3, 3, 3),
            },
            NOT_SUPPORTED,
            "no better",
        ),
        (
            {
                "surrogate-mse-mse": (3, 3, 3),
                "surrogate-mse-mape": (2, 1, 2),
                "surrogate-mape-mse": (1, 2, 1),
            },
            UNDECIDED,
            "within chance",
        ),
        (settings(2), UNDECIDED, "2 seeds are too few"),
        ({BEST: (1, 2, 3)}, UNDECIDED, "fewer than two settings"),
    ],
)
def test_there_is_a_best_and_a_worst_setting(hypervolumes, verdict, words):
    row = verdict_of(evidence_of(run_table(hypervolumes)), "best-and-worst-setting")
    assert (row["verdict"], words in row["reason"]) == (verdict, True)


def test_the_best_and_the_worst_are_named_whichever_stands_first():
    values = {
        f"surrogate-{name}-mse": np.arange(8) + 10 * index for index, name in enumerate(METRICS)
    }
    for order in (values, dict(reversed(values.items()))):
        row = verdict_of(evidence_of(run_table(order)), "best-and-worst-setting")
        assert "best surrogate setting, surrogate-random-mse, has" in row["statement"]
        assert row["evidence"].startswith("A12 1.00; ")
        assert "; mean ranks differ by 3.00" in row["evidence"]


def test_a_best_and_worst_that_so_few_blocks_cannot_tell_apart():
    runs = run_table(
        {
            "surrogate-mse-mse": (3, 3, 3),
            "surrogate-mse-mape": (2, 2, 2),
            "surrogate-mape-mse": (1, 1, 1),
        }
    )
    strict = replace(
        evidence_of(runs), level=0.01, friedman=friedman(runs, 0.01), pairwise=pairwise(runs, 0.01)
    )
    row = verdict_of(strict, "best-and-worst-setting")
    assert (row["verdict"], "not even the largest possible difference" in row["reason"]) == (
        UNDECIDED,
        True,
    )


def designs(accuracies, rate: float = 0.3, method: str = BEST, **columns) -> pd.DataFrame:
    """One evaluation for each run, with seeds from 1."""
    rows = [
        {
            "network": "n",
            "method": method,
            "seed": seed,
            "design_id": f"d{seed}",
            "nonzero_rate": rate,
            "accuracy": accuracy,
            "feasible": True,
        }
        for seed, accuracy in enumerate(accuracies, start=1)
    ]
    return pd.DataFrame(rows).assign(**columns)


TWO_SETTINGS = {BEST: (2, 2, 2), "surrogate-mape-mse": (1, 1, 1)}


@pytest.mark.parametrize(
    ("evaluations", "table", "verdict", "words"),
    [
        (designs([0.89, 0.89, 0.95]), networks("n"), SUPPORTED, "Every run did"),
        (
            designs([0.89, 0.889, 0.95]),
            networks("n"),
            NOT_SUPPORTED,
            "1 of 3 runs found no such network",
        ),
        (designs([0.95] * 3, rate=0.51), networks("n"), NOT_SUPPORTED, "3 of 3 runs"),
        (
            designs([0.95] * 3, rate=-0.01),
            networks("n"),
            UNDECIDED,
            "cannot be told which others are wrong",
        ),
        (
            designs([0.95] * 3, rate=-0.01, conv_target=1),
            networks("n"),
            UNDECIDED,
            "cannot be told which others are wrong",
        ),
        (
            designs([0.95] * 3, rate=-0.01, conv_target=2),
            networks("n"),
            UNDECIDED,
            "In 3 of 3 runs such networks have rates that may be wrong",
        ),
        (designs([0.95] * 3, feasible=False), networks("n"), NOT_SUPPORTED, "3 of 3 runs"),
        (
            designs([0.95] * 3, method="surrogate-mape-mse"),
            networks("n"),
            NOT_SUPPORTED,
            "3 of 3 runs",
        ),
        (designs([0.95] * 3), networks("n", dense_accuracy=None), UNDECIDED, "not known"),
    ],
)
def test_many_weights_are_removed(evaluations, table, verdict, words):
    row = verdict_of(
        evidence_of(run_table(TWO_SETTINGS), table, evaluations=evaluations), "weights-removed"
    )
    assert (row["verdict"], words in row["reason"]) == (verdict, True)


def test_two_runs_without_exception_are_too_few():
    runs = run_table({BEST: (2, 2), "surrogate-mape-mse": (1, 1)})
    row = verdict_of(evidence_of(runs, evaluations=designs([0.95] * 2)), "weights-removed")
    assert (row["verdict"], row["blocks"]) == (UNDECIDED, 2)
    assert row["files"] == "runs/n/evaluations.csv;statistics/networks.csv;statistics/runs.csv"


def test_a_rate_below_zero_makes_every_rate_of_its_kind_doubtful():
    """One impossible rate, of another method, and designs of the same kind whose rates alone would pass for true."""
    impossible = designs([0.5], rate=-0.01, method="random", feasible=False, conv_target=2)
    alike, true = designs([0.95] * 3, conv_target=2), designs([0.95] * 3, rate=0.4, conv_target=1)

    def judged(*tables: pd.DataFrame) -> pd.Series:
        return verdict_of(
            evidence_of(run_table(TWO_SETTINGS), evaluations=pd.concat(tables)), "weights-removed"
        )

    assert judged(alike)["verdict"] == SUPPORTED
    assert judged(alike, impossible)["verdict"] == UNDECIDED
    both = judged(alike, true, impossible)
    assert (both["verdict"], "smallest non-zero rates 0.400 to 0.400" in both["evidence"]) == (
        SUPPORTED,
        True,
    )
    assert "3 evaluations with pruned weights and biases" in both["evidence"]
    assert judged(alike.assign(conv_target=None), true, impossible)["verdict"] == UNDECIDED
    assert judged(designs([0.5] * 3, conv_target=1), impossible)["verdict"] == NOT_SUPPORTED


@pytest.mark.parametrize(
    ("shared_sample", "searched", "verdict", "words"),
    [
        (False, (0.4, 0.4, 0.4), SUPPORTED, "Random designs did it in every run"),
        (
            True,
            (0.4, 0.3, 0.1),
            UNDECIDED,
            "1 is known to have searched out a smaller such network, it takes 3. All seeds began from one",
        ),
        (True, (0.2, 0.2, 0.1), SUPPORTED, "Random designs did it in every run"),
    ],
)
def test_what_random_designs_do_is_said_and_one_sample_of_all_seeds_is_one_event(
    shared_sample, searched, verdict, words
):
    runs = run_table(TWO_SETTINGS, **({"initial_hypervolume": 0.1} if shared_sample else {}))
    found = pd.concat(
        [designs([0.95] * 3, phase="initial")]
        + [
            designs([0.95] * 3, rate=rate, phase="infill").query(f"seed == {seed}")
            for seed, rate in enumerate(searched, start=1)
        ]
    )
    row = verdict_of(evidence_of(runs, evaluations=found), "weights-removed")
    assert (row["verdict"], words in row["reason"]) == (verdict, True)
    smaller = sum(rate < 0.3 for rate in searched)
    assert (
        f"in 3 of them the initial sample alone has one, in {smaller} the search found one smaller than any there"
        in row["evidence"]
    )


def test_where_one_sample_has_no_such_design_each_run_counts():
    runs = run_table(TWO_SETTINGS, initial_hypervolume=0.1)
    found = pd.concat(
        [designs([0.95] * 3, rate=0.9, phase="initial"), designs([0.95] * 3, phase="infill")]
    )
    row = verdict_of(evidence_of(runs, evaluations=found), "weights-removed")
    assert (row["verdict"], "Random" in row["reason"]) == (SUPPORTED, False)


def on_test(*accuracies: float, dense: float = 0.9) -> pd.DataFrame:
    rows = [(f"d{index}", accuracy) for index, accuracy in enumerate(accuracies)] + [(DENSE, dense)]
    return pd.DataFrame(rows, columns=["design_id", "test_accuracy"]).assign(
        nonzero_rate=0.5, accuracy=0.99, test_feasible=True
    )


@pytest.mark.parametrize(
    ("test", "verdict", "words"),
    [
        (on_test(0.94, 0.8), SUPPORTED, "the picking of the best included"),
        (on_test(0.9, 0.8), NOT_SUPPORTED, "None is"),
        (on_test(0.91, 0.8), UNDECIDED, "within chance for the best of 2 on 1,000 images"),
        (on_test(), UNDECIDED, "no feasible design"),
    ],
)
def test_some_solutions_are_more_accurate_on_test_images(test, verdict, words):
    # On the images of the search all are better: they are not what counts.
    evidence = evidence_of(
        run_table(TWO_SETTINGS),
        evaluations=designs([0.99] * 3),
        tests={"n": test},
        test_images={"n": IMAGES},
    )
    row = verdict_of(evidence, "more-accurate-than-dense")
    assert (row["verdict"], words in row["reason"]) == (verdict, True)
    assert "fronts/n.test.csv" in row["files"]


@pytest.mark.parametrize(
    ("accuracy", "verdict", "words"),
    [
        (0.99, UNDECIDED, "but the dense network was still improving when its training ended"),
        (0.91, UNDECIDED, "within chance"),
        (0.9, NOT_SUPPORTED, "None is"),
    ],
)
def test_a_dense_network_trained_too_little_does_not_support_the_claim(accuracy, verdict, words):
    evidence = evidence_of(
        run_table(TWO_SETTINGS),
        tests={"n": on_test(accuracy)},
        test_images={"n": IMAGES},
        improving={"n": 0.08},
    )
    row = verdict_of(evidence, "more-accurate-than-dense")
    assert (row["verdict"], words in row["reason"]) == (verdict, True)
    assert "training ended (validation accuracy +8.0 points)" in row["evidence"]
    assert "baselines/n/history.csv" in row["files"]


def test_a_claim_says_by_which_names_methods_are_known():
    """A method of another name may be in every table."""
    renamed = evidence_of(run_table({"surrogate-mse-mse": [1, 2], "uniform": [1, 2]}))
    for claim, name in (
        ("surrogate-beats-random", "random"),
        ("surrogate-beats-plain-ctaea", "ctaea-10x10"),
    ):
        reason = verdict_of(renamed, claim)["reason"]
        assert reason.startswith(
            f"Methods are recognised by their names. None on this network is like {name}."
        )
    alone = verdict_of(evidence_of(run_table({"random": [1, 2]})), "surrogate-beats-random")
    assert "None on this network is like surrogate-mse-mse." in alone["reason"]


def test_one_test_is_no_tests():
    one = {"surrogate-mse-mse": [1, 2, 3, 4, 5, 6], "surrogate-mse-random": range(11, 17)}
    row = verdict_of(evidence_of(run_table(one)), "selection-metric-without-effect")
    assert (row["verdict"], "Holm-adjusted over 1 test:" in row["reason"]) == (NOT_SUPPORTED, True)


@pytest.mark.parametrize(
    ("accuracies", "images", "rise"),
    [
        ([], 1000, None),
        ([0.12], 1000, None),
        ([0.4], 1000, 0.3),
        ([0.1, 0.5], 1000, 0.4),
        ([0.5, 0.1], 1000, None),
        ([0.3, 0.5, 0.6], 1000, 0.1),
        # The standard error of the difference is 0.0224, and 0.0229 with 950 images.
        ([0.5, 0.5, 0.545, 0.545], 1000, 0.045),
        ([0.5, 0.5, 0.545, 0.545], 950, None),
        # A slow training, whose last two epochs do not differ significantly.
        ([0.1, 0.211, 0.244, 0.267, 0.358, 0.397], 360, 0.122),
        ([0.9, 0.5, 0.5, 0.5, 0.52], 1000, None),
        # Fifths of two epochs: one good epoch alone is none.
        ([0.1] * 6 + [0.5, 0.6, 0.6, 0.6], 1000, 0.05),
        ([0.1] * 6 + [0.5, 0.5, 0.5, 0.58], 1000, None),
        ([1.0, 1.0], 1000, None),
    ],
)
def test_a_training_was_still_improving_where_its_last_epochs_are_clearly_better(
    accuracies, images, rise
):
    metrics = {"images": {"validation": images}, "most_frequent_class": {"validation": 0.1}}
    found = still_improving(accuracies, metrics)
    assert found == (None if rise is None else pytest.approx(rise, abs=1e-9))


def test_the_more_designs_the_best_is_picked_from_the_less_it_says():
    p = []
    for others in (1, 5):
        evidence = evidence_of(
            run_table(TWO_SETTINGS),
            tests={"n": on_test(0.93, *[0.8] * others)},
            test_images={"n": IMAGES},
        )
        p.append(verdict_of(evidence, "more-accurate-than-dense")["p"])
    assert p[1] == pytest.approx(3 * p[0])


@pytest.mark.parametrize(
    ("accuracy", "columns", "verdict"),
    [
        (0.97, {"split": "test"}, SUPPORTED),
        (0.97, {"imported": True, "split": ""}, SUPPORTED),
        (0.9, {"split": "test"}, NOT_SUPPORTED),
        (0.905, {"split": "test"}, UNDECIDED),
        (0.97, {"split": "test", "dense_accuracy": None}, UNDECIDED),
        (0.97, {"imported": True, "images": None}, UNDECIDED),
    ],
)
def test_on_the_images_of_the_search_the_best_is_picked_from_all_that_was_evaluated(
    accuracy, columns, verdict
):
    evaluations = pd.concat(
        [
            designs([accuracy] * 3),
            designs([0.5] * 7, method="random", feasible=False).assign(design_id=list("abcdefg")),
        ]
    )
    others = (
        {"tests": {"n": on_test(0.99)}, "test_images": {"n": IMAGES}}
        if columns.get("split") == "test"
        else {}
    )
    evidence = evidence_of(
        run_table(TWO_SETTINGS), networks("n", **columns), evaluations=evaluations, **others
    )
    row = verdict_of(evidence, "more-accurate-than-dense")
    assert row["verdict"] == verdict
    if row["evidence"]:
        assert "picked from 10" in row["evidence"]
    assert row["files"] == "runs/n/evaluations.csv;statistics/networks.csv"


FRONT = pd.DataFrame({"design_id": ["a", "b", DENSE], "quantization": [0, 1, 0]})


def passes(ratios, drift=(1.0, 3.0)) -> pd.DataFrame:
    """A repeat for each ratio of a and b to the dense network's time; the machine's speed changes between the repeats."""
    speeds = np.linspace(*drift, len(ratios))
    rows = [
        {"design_id": name, "repeat": repeat, "seconds": speed * factor}
        for repeat, (ratio, speed) in enumerate(zip(ratios, speeds, strict=True), start=1)
        for name, factor in (
            ("a", ratio + 0.05),
            ("b", ratio - 0.05),
            ("other", 0.01),
            (DENSE, 1.0),
        )
    ]
    return pd.DataFrame(rows)


@pytest.mark.parametrize(
    ("ratios", "verdict", "words"),
    [
        ((0.9, 0.8, 0.7, 0.9, 0.95), SUPPORTED, "p = 0.031"),
        ((1.1, 1.2, 1.3, 1.1, 1.05), NOT_SUPPORTED, "The opposite is significant: p = 0.031"),
        ((1.1, 1.2, 1.1, 0.9, 0.8), UNDECIDED, "over 5 repeats are within chance either way"),
        ((1.1, 0.9, 0.9, 0.8, 0.8), UNDECIDED, "over 5 repeats are within chance either way"),
        ((0.5, 0.5, 0.5), UNDECIDED, "takes 5 repeats"),
    ],
)
def test_compressed_networks_infer_faster(ratios, verdict, words):
    evidence = evidence_of(
        run_table(TWO_SETTINGS), worst_run_fronts={"n": FRONT}, passes={"n": passes(ratios)}
    )
    row = verdict_of(evidence, "faster-inference")
    assert (row["verdict"], words in row["reason"], row["blocks"]) == (verdict, True, len(ratios))
    median = np.median(ratios)
    assert (
        f"{median:.2f}; by kind (designs): float32 {median + 0.05:.2f} (1), int8 {median - 0.05:.2f} (1)"
        in row["evidence"]
    )


@pytest.mark.parametrize(
    ("load", "verdict", "words"),
    [
        (0.49, SUPPORTED, "p = 0.031"),
        (BUSY_CORES, UNDECIDED, "fewer than 0.5 cores busy, times decide nothing"),
        (1.3, UNDECIDED, "on an idle machine"),
        (float("nan"), UNDECIDED, "on an idle machine"),
    ],
)
def test_times_from_a_busy_machine_decide_nothing(load, verdict, words):
    evidence = evidence_of(
        run_table(TWO_SETTINGS),
        worst_run_fronts={"n": FRONT},
        passes={"n": passes((0.7,) * 5)},
        loads={"n": load},
    )
    row = verdict_of(evidence, "faster-inference")
    assert (row["verdict"], words in row["reason"]) == (verdict, True)
    told = (
        f"other work kept {load:.1f} cores busy" if load == load else "load of the machine is not"
    )
    assert told in row["evidence"]
    assert row["files"].split(";")[0] == "inference/n.csv"


@pytest.mark.parametrize(
    ("others", "words"),
    [
        ({}, "made elsewhere, without times"),
        ({"passes": {"n": passes((0.5,) * 5)}}, "no best setting"),
        (
            {"worst_run_fronts": {"n": FRONT.tail(1)}, "passes": {"n": passes((0.5,) * 5)}},
            "No design of that front was timed",
        ),
    ],
)
def test_without_repeated_passes_what_is_missing_is_said(others, words):
    row = verdict_of(evidence_of(run_table(TWO_SETTINGS), **others), "faster-inference")
    assert (row["verdict"], words in row["reason"]) == (UNDECIDED, True)


def test_the_times_of_a_table_of_evaluations_are_said_though_they_decide_nothing():
    variables = {"linear_scope": [0, 1, 2], "conv_scope": 0, "quantization": [0, 0, 1]}
    evaluations = designs([0.95] * 3).assign(design_id=["x", "a", "b"], **variables)
    evidence = evidence_of(
        run_table(TWO_SETTINGS),
        evaluations=evaluations.assign(seconds=[10.0, 20.0, None]),
        worst_run_fronts={"n": FRONT},
    )
    row = verdict_of(evidence, "faster-inference")
    assert row["verdict"] == UNDECIDED
    assert row["evidence"] == (
        "2 of 3 evaluations timed, median 15.0 s; 1 of the dense network, median 10.0 s; "
        "1 of designs of the worst run's front, median 20.0 s"
    )
    assert "of one whole evaluation, measured once" in row["reason"]
    assert row["files"] == "runs/n/timings.csv;fronts/n.worst-run.csv"


SMALL_AND_LARGE = np.concatenate([-np.linspace(0.01, 0.02, 21), np.linspace(1, 2, 19)])


@pytest.mark.parametrize(
    ("differences", "verdict", "words"),
    [
        (np.arange(1, 6), SUPPORTED, "p = 0.031"),
        (np.arange(1, 5), UNDECIDED, "Even ahead in every seed would give p = 0.0625"),
        (
            np.array([-1, 2, 3, 4, 5]),
            UNDECIDED,
            "within chance either way (p = 0.062, for the opposite p = 0.97)",
        ),
        (np.zeros(40), UNDECIDED, "within chance either way"),
        (SMALL_AND_LARGE, UNDECIDED, "but their median does not"),
    ],
)
def test_a_direction_takes_a_significant_test_and_the_median_alike_on_both_sides(
    differences, verdict, words
):
    opposite = {SUPPORTED: NOT_SUPPORTED, UNDECIDED: UNDECIDED}
    judged, reason, p = direction(differences, LEVEL, "seed", "ahead")
    assert (judged, words in reason) == (verdict, True)
    assert p == signed_rank(differences, "greater")[1]
    assert direction(-differences, LEVEL, "seed", "ahead")[0] == opposite[verdict]


def test_the_table_has_a_row_for_each_claim_and_network_and_names_figures_that_are_drawn():
    runs = pd.concat([run_table(TWO_SETTINGS, network) for network in ("one", "two")])
    table = claims(evidence_of(runs, figures=("best-and-worst-one.svg", "best-and-worst-two.svg")))
    assert list(table) == CLAIM_COLUMNS
    assert len(table) == 2 * len(CLAIMS) + 1
    assert not table[table["source"] == "added"].empty
    drawn = table.set_index(["claim", "network"])["figures"]
    assert drawn["best-and-worst-setting", "two"] == "best-and-worst-two.svg"
    assert (
        drawn["surrogate-beats-plain-ctaea", ALL_NETWORKS]
        == "best-and-worst-one.svg;best-and-worst-two.svg"
    )
    assert drawn["weights-removed", "one"] == ""


def test_the_papers_claims_are_judged_by_its_size_and_ours_by_that_of_the_study():
    """By bytes the surrogate wins everywhere, by non-zero rate it loses."""
    names = {**settings(5), "ctaea-10x3": (1,) * 5, "random": (1,) * 5}
    runs = run_table(names).assign(
        nonzero_rate_hypervolume=lambda table: -table["hypervolume"],
    )
    verdicts = {}
    for size in ("nonzero_rate", "bytes"):
        known = runs if size == "bytes" else runs.assign(hypervolume=-runs["hypervolume"])
        evidence = evidence_of(known, networks("n", size=size))
        rows = claims(evidence).set_index(["claim", "network"])
        verdicts[size] = rows["verdict"]
        assert rows.loc[("surrogate-beats-random", "n"), "size"] == size
        assert rows.loc[("surrogate-beats-plain-ctaea", "n"), "size"] == "nonzero_rate"
        other_tables = (
            "statistics/friedman.csv" in rows.loc[("selection-metric-without-effect", "n"), "files"]
        )
        assert other_tables == (size == "nonzero_rate"), "those of a bytes study are by bytes"
        assert rows.loc[("more-accurate-than-dense", "n"), "size"] == size
    paper = ("surrogate-beats-plain-ctaea", "n")
    assert verdicts["bytes"][paper] == verdicts["nonzero_rate"][paper] == NOT_SUPPORTED
    ours = ("surrogate-beats-random", "n")
    assert (verdicts["bytes"][ours], verdicts["nonzero_rate"][ours]) == (SUPPORTED, NOT_SUPPORTED)


def test_p_is_adjusted_over_the_tests_of_all_claims_and_networks():
    values = {**settings(8), "random": np.ones(8), "ctaea-10x3": np.ones(8)}
    table = claims(evidence_of(pd.concat([run_table(values, name) for name in ("one", "two")])))
    tested = table[table["p"].notna() & (table["network"] != ALL_NETWORKS)]
    assert len(tested) == 8
    expected = multipletests(tested["p"], method="holm")[1]
    assert tested["p_adjusted"].tolist() == pytest.approx(expected)
    assert table.loc[table["network"] == ALL_NETWORKS, "p_adjusted"].isna().all()


def test_tables_read_from_their_files_give_the_same_claims(tmp_path):
    evidence = evidence_of(
        run_table({**settings(5), "ctaea-10x3": (1,) * 5}), evaluations=designs([0.95] * 5)
    )
    names = ("runs", "networks", "friedman", "factors", "pairwise", "evaluations")
    for name in names:
        getattr(evidence, name).to_csv(tmp_path / f"{name}.csv", index=False)
    read = replace(evidence, **{name: pd.read_csv(tmp_path / f"{name}.csv") for name in names})
    pd.testing.assert_frame_equal(claims(read), claims(evidence))


def test_the_claims_on_the_data_of_the_papers_authors(shared_data):
    evaluations = authors_evaluations(shared_data).rename(columns={"x6": "conv_target"})
    table = networks(
        "vgg16", imported=True, split="", images=10_000, dense_accuracy=0.8036, threshold=0.76
    )
    evidence = evidence_of(authors_runs(evaluations), table, evaluations=evaluations)
    rows = claims(evidence).set_index(["claim", "network"])
    assert rows["verdict"].xs("vgg16", level="network").to_dict() == {
        "selection-metric-without-effect": NOT_SUPPORTED,
        "surrogate-beats-plain-ctaea": UNDECIDED,
        "best-and-worst-setting": UNDECIDED,
        "weights-removed": SUPPORTED,
        "more-accurate-than-dense": UNDECIDED,
        "faster-inference": UNDECIDED,
        "surrogate-beats-random": UNDECIDED,
    }
    metric = rows.loc[("selection-metric-without-effect", "vgg16")]
    blocked = evidence.factors.query("test == 'Friedman'").set_index("factor")["p_permutation"]
    assert (
        f"constraint metric (Friedman over seeds): p = {blocked['constraint_metric']:.2g}"
        in metric["evidence"]
    )
    assert metric["p"] == pytest.approx(4 * blocked["constraint_metric"]), (
        "the smallest of four, by Holm"
    )
    assert "one and the same initial sample" in metric["reason"]
    assert rows.loc[("surrogate-beats-plain-ctaea", "vgg16"), "blocks"] == 0
    removed = rows.loc[("weights-removed", "vgg16")]
    assert (
        "in 5 of them the initial sample alone has one, in 3 the search found one smaller than any there"
        in removed["evidence"]
    )
    assert "Random designs did it in every run" in removed["reason"]


def test_judging_imports_no_torch():
    code = "import sys, paretopress.statistics.claims.judge, paretopress.statistics.summary; sys.exit('torch' in sys.modules)"
    assert (
        subprocess.run(
            [sys.executable, "-c", code], cwd=ROOT / "workflow" / "scripts", check=False
        ).returncode
        == 0
    )
