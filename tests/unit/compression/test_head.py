"""The head of a network: what it is for many kinds of ends, and that a pass from it gives the same bits."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from paretopress.compression.evaluation import InMemory
from paretopress.compression.features import features_of
from paretopress.compression.head import head_of
from paretopress.compression.layers import layout_of
from paretopress.compression.plans import Plan

SIZE = 8
BATCHES = [
    torch.randn(count, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(count))
    for count in (5, 5, 2)
]


class Net(nn.Module):
    """A convolution, then Linear layers as `forward` of the classes below says."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.conv = nn.Conv2d(3, 4, 3)
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.fc1, self.fc2, self.fc3 = nn.Linear(4, 6), nn.Linear(6, 6), nn.Linear(6, 3)

    def body(self, x):
        return self.pool(self.conv(x))


class Functions(Net):
    def forward(self, x):
        x = torch.flatten(self.body(x), 1)
        x = functional.dropout(functional.relu(self.fc1(x)), training=self.training)
        return self.fc3(self.fc2(x).relu_())


class KeepsTheNumberOfImages(Net):
    def forward(self, x):
        x = self.fc2(self.fc1(self.body(x).view(x.size(0), -1)))
        return self.fc3(x.view(x.size(0), 6))


class LooksAtItsValues(Net):
    def forward(self, x):
        x = self.fc1(self.body(x).flatten(1))
        if x.max() > 0:
            x = -x
        return self.fc3(self.fc2(x))


class AddsWithinTheHead(Net):
    def forward(self, x):
        x = self.fc1(self.body(x).flatten(1))
        return self.fc3(x + self.fc2(x))


class SameLayerTwice(Net):
    def forward(self, x):
        x = self.fc1(self.body(x).flatten(1))
        return self.fc3(self.fc2(self.fc2(x)))


class ReadsTheHeadInItsBody(Net):
    def forward(self, x):
        x = self.body(x * self.fc3.weight.mean()).flatten(1)
        return self.fc3(self.fc2(self.fc1(x)))


class GatesItsBody(Net):
    """A Linear layer before the last convolution."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = nn.Linear(3, 3)

    def forward(self, x):
        x = x * self.gate(x.mean((2, 3)))[:, :, None, None]
        return self.fc3(self.fc2(self.fc1(self.body(x).flatten(1))))


class NormsItsHead(Net):
    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(6)

    def forward(self, x):
        x = self.fc1(self.body(x).flatten(1))
        return self.fc3(functional.relu(self.norm(self.fc2(x)), inplace=True))


class Repeats(Net):
    """The first Linear layer sees each feature nine times, as VGG16's sees it 49 times."""

    def __init__(self) -> None:
        super().__init__()
        self.grown, self.fc1 = nn.AdaptiveAvgPool2d(3), nn.Linear(36, 6)

    def forward(self, x):
        return self.fc3(self.fc2(self.fc1(torch.flatten(self.grown(self.body(x).relu()), 1))))


class EndsInAConvolution(Net):
    def forward(self, x):
        x = self.fc1(self.body(x).flatten(1))
        return nn.functional.pad(
            self.conv(x[:, :3, None, None].expand(-1, -1, 3, 3)).flatten(1), (0, -1)
        )


ALL = ("fc1", "fc2", "fc3")
# The network, the module at which its head begins, the layers in it, whether it holds all of int8.
HEADS = [
    (Functions, "fc1", ALL, True),
    (KeepsTheNumberOfImages, "fc3", ("fc3",), False),
    (LooksAtItsValues, "fc2", ("fc2", "fc3"), False),
    (AddsWithinTheHead, "fc3", ("fc3",), False),
    (SameLayerTwice, "fc1", ALL, True),
    (ReadsTheHeadInItsBody, "fc1", ("fc1", "fc2", "fc3.bias"), False),
    (GatesItsBody, "fc1", ALL, False),
    (NormsItsHead, "fc1", ALL, True),
    (Repeats, "grown", ALL, True),
]


@pytest.mark.parametrize(
    ("kind", "start", "layers", "int8"), HEADS, ids=lambda value: getattr(value, "__name__", "")
)
def test_the_head_is_what_follows_in_one_line(kind, start, layers, int8):
    network = kind().eval()
    head = head_of(network, SIZE)
    assert (head.start, head.holds_int8) == (start, int8)
    assert head.repeats == (9 if kind is Repeats else 1)
    linear = {
        f"{layer.name}.{part}" for layer in layout_of(network).linear for part in ("weight", "bias")
    }
    assert head.tensors & linear == {
        name for layer in layers for name in linear if name.startswith(layer)
    }
    assert head.holds(Plan((("fc3.bias", 1),), quantized=False))
    assert head.holds(Plan((("fc3.bias", 1),), quantized=True)) == int8
    assert not head.holds(Plan((("conv.weight", 1),), quantized=False))


@pytest.mark.parametrize("kind", [kind for kind, *_ in HEADS])
def test_scores_from_features_are_those_of_a_pass_to_the_bit(kind):
    network = kind().eval()
    head = head_of(network, SIZE)
    found = features_of(head, network, BATCHES)
    changed = {
        name: tensor.detach() * 0.9
        for name, tensor in network.named_parameters()
        if name in head.tensors
    }
    compressed = InMemory(network, SIZE).fresh()
    compressed.load_state_dict(changed, strict=False)
    with torch.no_grad():
        for features, images in zip(found, BATCHES, strict=True):
            for _ in range(2):  # features stay what they are
                assert torch.equal(head.scores(compressed, features), compressed(images))


def test_a_folded_head_sees_each_feature_once():
    network = Repeats().eval()
    head = head_of(network, SIZE)
    (features,) = features_of(head, network, BATCHES[:1])
    assert features.flatten(1).shape == (5, 4)
    with torch.no_grad():
        assert torch.allclose(head.folded(network)(features), network(BATCHES[0]), atol=1e-6)


def test_a_network_without_a_last_linear_layer_has_no_head():
    assert head_of(EndsInAConvolution().eval(), SIZE) is None


def test_a_body_that_does_not_come_to_the_head_has_no_features():
    class Branches(Net):
        def forward(self, x):
            x = self.body(x).flatten(1)
            if (
                len(x) == 2
                and x.shape[0] < 3
                and bool(torch.tensor(float(x.sum())) != 0.0)
                and self.apart
            ):
                return functional.linear(x, self.fc1.weight) @ self.fc3.weight.T
            return self.fc3(self.fc2(self.fc1(x)))

    network = Branches().eval()
    network.apart = False
    head = head_of(network, SIZE)
    assert features_of(head, network, BATCHES) is not None
    network.apart = True
    assert features_of(head, network, BATCHES) is None


def test_too_many_features_are_not_kept(monkeypatch):
    network = Functions().eval()
    monkeypatch.setattr("paretopress.compression.features.MOST_BYTES", 12 * 4 * 4)
    assert features_of(head_of(network, SIZE), network, BATCHES) is not None
    monkeypatch.setattr("paretopress.compression.features.MOST_BYTES", 12 * 4 * 4 - 1)
    assert features_of(head_of(network, SIZE), network, BATCHES) is None
