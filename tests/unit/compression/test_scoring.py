"""The paths of an evaluation: each gives the predictions of the plain one, also where two scores are close."""

import threading

import pytest
import torch
from compressed import evaluator, plain_predictions
from torch import nn

from paretopress.compression import scoring
from paretopress.compression.evaluation import FEATURES, Evaluator, InMemory
from paretopress.compression.plans import Plan
from paretopress.compression.scoring import COMPARED, PLAIN, TRIES, Comparison, Pace, Path
from paretopress.dataset.split import Split

IMAGES = torch.randint(
    0, 256, (50, 3, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(0)
)
SPLIT = Split(IMAGES, torch.arange(50) % 3, tuple("abc"))
OTHER = Path(torch.channels_last, 2)
CONVOLUTIONS = Plan((("0.weight", 30), ("4.weight", 20)), quantized=False)
HEAD = Plan((("4.weight", 60),), quantized=False)


@pytest.fixture
def network() -> nn.Module:
    """The first Linear layer sees each of six features nine times."""
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 6, 3), nn.AdaptiveAvgPool2d(1), nn.AdaptiveAvgPool2d(3), nn.Flatten(), nn.Linear(54, 8),
        nn.ReLU(), nn.Linear(8, 3),
    ).eval()  # fmt: skip


def test_each_path_has_its_tries_and_then_the_fastest_is_taken():
    pace, seen = Pace(folds=True, batches=9), []
    while len(seen) < 5 * TRIES:
        seen.append(pace.path())
        pace.took(seen[-1], 1.0 if seen[-1] == OTHER else 2.0)
    assert {path: seen.count(path) for path in seen} == dict.fromkeys(seen, TRIES)
    assert PLAIN in seen
    assert pace.path() == OTHER
    pace.without(OTHER)
    assert pace.path() != OTHER


def test_no_more_batches_pass_at_once_than_there_are():
    pace, seen = Pace(folds=False, batches=1), set()
    for _ in range(9):
        seen.add(pace.path())
        pace.took(pace.path(), 1.0)
    assert seen == {PLAIN, Path(torch.channels_last, 1)}


def test_the_first_try_of_a_path_says_nothing_of_it():
    pace = Pace(folds=False, batches=9)
    while (tried := len(pace._seconds[path := pace.path()])) < TRIES:
        pace.took(
            path, (9.0 if path == OTHER else 1.0) if tried == 0 else (1.0 if path == OTHER else 2.0)
        )
    assert pace.path() == OTHER


@pytest.mark.parametrize(
    ("scores", "again"),
    [
        ([[3.0, 1.0], [0.0, 3.0]], 0),
        ([[3.0, 3.0], [0.0, 3.0]], 1),  # a tie
        ([[3.0, 3.0 - 5.9e-5], [0.0, 3.0]], 1),  # within 2e-5 of the largest
        ([[3.0, 3.0 - 6.1e-5], [0.0, 3.0]], 0),
        ([[3e-5, 0.0], [0.0, 3.0]], 1),  # small scores beside a large one
        ([[float("nan"), 1.0], [0.0, 3.0]], 1),
        ([[float("inf"), 1.0], [0.0, 3.0]], 1),
        ([[0.0, 0.0], [0.0, 0.0]], 1),
    ],
)
def test_a_batch_with_two_close_scores_runs_again(scores, again):
    given = torch.tensor(scores)
    comparison = Comparison(lambda images: images)
    (found,) = comparison.predictions([given], given, OTHER)
    assert comparison.again == again
    assert found.tolist() == scoring.predicted(given).tolist()


def test_close_is_what_the_paths_of_this_network_differ_by():
    exact = torch.tensor([[3.0, 2.9], [0.0, 3.0]])
    for error, again in ((0.001, 0), (0.01, 1), (float("nan"), 1)):
        comparison = Comparison(lambda images: images)
        fast = exact + torch.tensor([[0.0, 0.0], [error, 0.0]])
        (found,) = comparison.predictions([exact], fast, OTHER)
        assert (comparison.again, found.tolist()) == (again, [0, 1])


def test_the_last_of_the_batches_that_pass_together_is_compared():
    """As of a network that goes by the first image of what passes together."""
    first, second = torch.tensor([[3.0, 0.0]] * 40), torch.tensor([[0.0, 3.0]] * 40)
    comparison = Comparison(lambda images: images)
    found = comparison.predictions([first, second], torch.cat([first, first]), OTHER)
    assert torch.cat(found).tolist() == [0] * 40 + [1] * 40
    assert COMPARED < 40


@pytest.mark.parametrize("plan", [CONVOLUTIONS, HEAD], ids=["convolutions", "head"])
def test_every_path_has_the_predictions_of_the_plain_one(network, plan):
    evaluate = evaluator(network, SPLIT, 7)
    compressed, _ = InMemory(network, 8).compress(plan)
    paths = set()
    for _ in range(TRIES):
        found, path = evaluate.predictions(compressed, plan)
        paths.add(path)
        assert torch.equal(found, plain_predictions(compressed, SPLIT, 7))
    assert (paths == {FEATURES}) == (plan is HEAD)


def test_a_body_that_no_design_changes_runs_once(network):
    evaluate, passes = evaluator(network, SPLIT, 10), []
    original = nn.Conv2d.forward

    def counting(layer, images):
        passes.append(len(images))
        return original(layer, images)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(nn.Conv2d, "forward", counting)
        for zeros in (10, 20, 30):
            for quantized in (False, True):
                evaluate(Plan((("4.weight", zeros),), quantized))
    trials = [count for count in passes if count != 10]
    assert len(passes) - len(trials) == 5 + 1  # and the whole pass of a batch that it is checked by
    assert sum(trials) < 20


def test_a_network_that_takes_no_other_memory_format_is_evaluated(network):
    class Views(nn.Sequential):
        def forward(self, images):
            return super().forward(images.view(len(images), -1).view_as(images))

    views = Views(*network)
    evaluate = evaluator(views, SPLIT, 5)
    for _ in range(TRIES):
        compressed, _ = InMemory(views, 8).compress(CONVOLUTIONS)
        found, path = evaluate.predictions(compressed, CONVOLUTIONS)
        assert "channels_last" not in path
        assert torch.equal(found, plain_predictions(compressed, SPLIT, 5))


def test_evaluations_begin_at_once_and_give_what_one_after_the_other_gives(network):
    plans = [
        Plan((("0.weight", zeros),), quantized) for zeros in (10, 40) for quantized in (False, True)
    ]
    together = threading.Barrier(2, timeout=60)

    class Meeting(InMemory):
        def compress(self, plan):
            together.wait()  # breaks if no other evaluation is at work
            return super().compress(plan)

    evaluate = Evaluator(Meeting(network, 8), SPLIT, 7, at_once=2)
    found = []
    for at, plan in enumerate(plans):
        evaluate.begin(plans[at:])
        found.append(evaluate(plan))
    expected = [evaluator(network, SPLIT, 7)(plan) for plan in plans]
    assert [(one.nonzero_rate, one.accuracy) for one in found] == [
        (one.nonzero_rate, one.accuracy) for one in expected
    ]
