"""Batch norms that are folded into the convolutions before them: which, and that scores stay what they are."""

import pytest
import torch
from compressed import evaluator, plain_predictions
from torch import nn

from paretopress.compression.evaluation import InMemory
from paretopress.compression.norms import norms_of, without_norms
from paretopress.compression.plans import Plan
from paretopress.compression.scoring import TRIES
from paretopress.dataset.split import Split

SIZE = 8


class Net(nn.Module):
    """Two convolutions with norms, and a Linear layer."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.one, self.two = nn.Conv2d(3, 4, 3, bias=False), nn.Conv2d(4, 4, 3, padding=1)
        self.norms = nn.ModuleList([nn.BatchNorm2d(4), nn.BatchNorm2d(4, affine=False)])
        self.fc = nn.Linear(4, 3)
        for norm in self.norms:
            norm.running_mean.normal_()
            norm.running_var.uniform_(0.5, 2)

    def forward(self, x):
        x = self.norms[0](self.one(x)).relu()
        return self.fc(self.norms[1](self.two(x)).mean((2, 3)))


class AddsWhatTheNormTakes(Net):
    def forward(self, x):
        x = self.norms[0](self.one(x)).relu()
        y = self.two(x)
        return self.fc((self.norms[1](y) - y).mean((2, 3)))


class CallsAConvolutionTwice(Net):
    def forward(self, x):
        x = self.norms[0](self.one(x)).relu()
        return self.fc(self.norms[1](self.two(self.two(x))).mean((2, 3)))


class LooksBetween(Net):
    def forward(self, x):
        x = self.norms[0](self.one(x).relu())
        return self.fc(self.norms[1](self.two(x)).mean((2, 3)))


BOTH = [("one", "norms.0"), ("two", "norms.1")]


@pytest.mark.parametrize(
    ("kind", "pairs"),
    [(Net, BOTH), (CallsAConvolutionTwice, BOTH[:1]), (LooksBetween, BOTH[1:])],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_norm_straight_after_a_convolution_is_folded_into_it(kind, pairs):
    network = kind().eval()
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    assert norms_of(network, SIZE) == pairs
    folded = without_norms(network, pairs)
    images = torch.randn(5, 3, SIZE, SIZE)
    with torch.no_grad():
        assert torch.allclose(folded(images), network(images), atol=1e-6)
    assert sum(isinstance(module, nn.Identity) for module in folded.modules()) == len(pairs)
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())


def test_where_folding_changes_a_network_its_batches_run_again():
    network = AddsWhatTheNormTakes().eval()
    images = torch.randint(0, 256, (40, 3, SIZE, SIZE), dtype=torch.uint8)
    images[::2] //= 5
    with torch.no_grad():  # so that no class is that of all images
        network.fc.bias -= network(images / 255).mean(0)
    split = Split(images, torch.arange(40) % 3, tuple("abc"))
    plan = Plan((("one.weight", 20),), quantized=False)
    compressed, _ = InMemory(network, SIZE).compress(plan)
    evaluate, plain = evaluator(network, split, 8), plain_predictions(compressed, split, 8)
    folded = without_norms(compressed, norms_of(network, SIZE))
    assert len(plain.unique()) > 1
    assert not torch.equal(plain_predictions(folded, split, 8), plain)
    for _ in range(2 * TRIES):
        assert torch.equal(evaluate.predictions(compressed, plan)[0], plain)
