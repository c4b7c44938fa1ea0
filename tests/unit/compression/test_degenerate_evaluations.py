"""Scores that are not finite are no predictions; a dense network that gives them is refused."""

import logging

import pytest
import torch
from compressed import evaluate
from torch import nn

from paretopress.compression.plans import Plan
from paretopress.compression.pruning import compress
from paretopress.compression.tally import scores_of, tally
from paretopress.dataset.split import Split
from paretopress.errors import UserError
from paretopress.networks.dense import measure_dense

IMAGES = torch.arange(12, dtype=torch.uint8).view(12, 1, 1, 1).expand(12, 3, 4, 4).contiguous()
SPLIT = Split(IMAGES, torch.zeros(12, dtype=torch.int64), ("a", "b"))


class Scoring(nn.Module):
    """Scores by image (its number is in its pixels); all are of class 0 and rightly so, except where `scores` says otherwise."""

    def __init__(self, scores: dict[int, list[float]]) -> None:
        super().__init__()
        self.scores = scores
        self.layer = nn.Linear(2, 2)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        numbers = (images[:, 0, 0, 0] * 255).round().int().tolist()
        return torch.tensor([self.scores.get(number, [2.0, 1.0]) for number in numbers])


NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("scores", "correct", "unscored"),
    [
        ([2.0, 1.0], 12, 0),
        ([1.0, 2.0], 11, 0),
        ([NAN, 1.0], 11, 1),  # of which argmax says 0, the right class
        ([2.0, NAN], 11, 1),
        ([NAN, NAN], 11, 1),
        ([INF, 1.0], 11, 1),
        ([-INF, -INF], 11, 1),
        (
            [2.0, -INF],
            12,
            0,
        ),  # as a masked class or a vanished probability: there is a highest score
    ],
)
@pytest.mark.parametrize("batch_size", [1, 5, 12])
def test_an_image_without_a_finite_highest_score_is_not_correct(
    scores, correct, unscored, batch_size
):
    counted = tally(Scoring({7: scores}), SPLIT, batch_size)
    assert (counted.images, counted.correct, counted.unscored) == (12, correct, unscored)
    assert counted.accuracy == correct / 12


class Directions(nn.Module):
    """Classifies the direction of its features, which has none where a design leaves no feature."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Linear(48, 2, bias=False)
        self.classes = nn.Linear(2, 2)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        features = self.features(images.flatten(1) + 1)
        return self.classes(features / features.norm(dim=1, keepdim=True))


@pytest.mark.parametrize("quantized", [False, True], ids=["float", "int8"])
def test_a_design_without_predictions_has_accuracy_0_and_its_log_says_so(quantized, caplog):
    torch.manual_seed(0)
    network, plan = Directions().eval(), Plan((("features.weight", 96),), quantized)
    assert scores_of(compress(network, plan)[0], torch.ones(2, 3, 4, 4)).isnan().all()
    with caplog.at_level(logging.WARNING, "paretopress"):
        measured = evaluate(network, plan, SPLIT, 5)
    assert measured.accuracy == 0
    assert 0 < measured.nonzero_rate < 0.1
    assert (
        f"design {plan.design_id}: the scores of 12 of 12 images are not finite; these count as wrong"
        in caplog.text
    )
    caplog.clear()
    assert evaluate(network, Plan((), quantized), SPLIT, 5).nonzero_rate == 1
    assert not caplog.records


def test_another_failure_of_a_network_is_not_taken_for_that(small_network):
    with pytest.raises(RuntimeError):
        scores_of(small_network, torch.zeros(2, 5, 4, 4))


@pytest.mark.parametrize("broken", ["validation", "test"])
def test_a_dense_network_without_predictions_is_refused_by_name(broken):
    sound, other = (
        Split(IMAGES[:6], SPLIT.labels[:6], ("a", "b")),
        Split(IMAGES[6:], SPLIT.labels[6:], ("a", "b")),
    )
    splits = (other, sound) if broken == "validation" else (sound, other)
    with pytest.raises(
        UserError,
        match=rf"mine: the scores of the dense network are not finite .* for 1 of 6 {broken} images\.",
    ):
        measure_dense("mine", Scoring({7: [NAN, 1.0]}), *splits, 4)
    assert measure_dense("mine", Scoring({}), *splits, 4)["accuracy"] == {
        "validation": 1,
        "test": 1,
    }
