"""The int8 layer of devices other than the CPU gives, on the CPU, the same bits as torch's own."""

import copy
import math

import pytest
import torch
from cases import cases
from hypothesis import example, given, settings
from hypothesis import strategies as st
from torch import nn

from paretopress.compression.dynamic_int8 import (
    LARGEST_CODE,
    DynamicInt8Linear,
    activation_codes,
    range_of,
    step_and_zero,
    weight_codes,
)
from paretopress.compression.pruning import quantize_in_place
from paretopress.compression.tally import scores_of

SIZES = st.tuples(st.integers(1, 40), st.integers(1, 130), st.integers(1, 20))
RANGES = {
    "both signs": lambda values: values,
    "positive": torch.abs,
    "negative": lambda values: -values.abs(),
    "far from zero": lambda values: values + 4 * values.abs().max(),
    "zero": torch.zeros_like,
    "halves of a code": lambda values: (values / values.abs().max() * 127).round() / 2,
    "many sizes": lambda values: values**9,
}
NOT_FINITE = st.lists(
    st.tuples(st.integers(0, 10**6), st.sampled_from([math.nan, math.inf, -math.inf])), max_size=3
)


def layer_of(inputs: int, outputs: int, bias: bool, seed: int) -> nn.Linear:
    torch.manual_seed(seed)
    layer = nn.Linear(inputs, outputs, bias)
    with torch.no_grad():
        layer.weight.mul_(10 ** torch.randint(-3, 3, ()))
        layer.weight[torch.rand_like(layer.weight) < 0.4] = 0
    return layer.requires_grad_(False)


def by_torch(layer: nn.Linear) -> nn.Module:
    network = nn.Sequential(copy.deepcopy(layer))
    quantize_in_place(network)
    return network


def same_bits(one: torch.Tensor, other: torch.Tensor) -> bool:
    nan = one.isnan() & other.isnan()
    return torch.equal(
        one.view(torch.int32).masked_fill(nan, 0), other.view(torch.int32).masked_fill(nan, 0)
    )


@given(
    sizes=SIZES,
    kind=st.sampled_from(list(RANGES)),
    power=st.integers(-44, 36),
    not_finite=NOT_FINITE,
    bias=st.booleans(),
    seed=st.integers(0, 10**6),
)
@example((1, 1, 1), "both signs", 0, [], True, 0)
@example((1, 130, 7), "zero", 0, [], True, 0)
@example((2, 64, 7), "halves of a code", 0, [], False, 0)
@example((3, 64, 7), "both signs", -3, [(0, math.nan)], True, 0)
@example((3, 101, 5), "positive", 0, [(44, math.nan)], False, 2)
@settings(max_examples=cases(800), deadline=None)
def test_each_batch_gets_the_scores_of_torchs_layer(sizes, kind, power, not_finite, bias, seed):
    images, inputs, outputs = sizes
    layer = layer_of(inputs, outputs, bias, seed)
    values = RANGES[kind](torch.randn(images, inputs)) * 10.0**power
    for place, number in not_finite:
        values.view(-1)[place % values.numel()] = number
    expected, found = scores_of(by_torch(layer), values), DynamicInt8Linear(layer)(values)
    # Codes over the range, which a NaN brings, make sums of torch's overflow without VNNI.
    step, zero = step_and_zero(*range_of(values))
    sums_fit = (activation_codes(values, step, zero) <= LARGEST_CODE + 1).all(1) | step.isnan()
    assert not_finite or bool(sums_fit.all())
    assert same_bits(found[sums_fit], expected.expand_as(found)[sums_fit])


@given(
    numbers=st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=1),
    power=st.integers(-44, 0),
)
@settings(max_examples=cases(800), deadline=None)
def test_step_and_zero_are_those_that_torch_chooses(numbers, power):
    values = torch.tensor([numbers]) * 10.0**power
    step, zero = step_and_zero(*range_of(values))
    expected, code = torch._choose_qparams_per_tensor(values, reduce_range=True)
    assert (float(step), int(zero)) == (float(torch.tensor(expected)), code)
    codes = activation_codes(values, step, zero)
    assert bool((codes == codes.int().clamp(0, 255)).all())
    assert bool((codes[values == 0] == zero).all())


@pytest.mark.parametrize("shape", [(5, 9, 24), (2, 3, 4, 24), (1, 1, 24)])
def test_a_batch_may_have_any_leading_shape(shape):
    layer = layer_of(24, 10, True, 1)
    values = torch.randn(shape).transpose(0, -2)
    assert same_bits(DynamicInt8Linear(layer)(values), by_torch(layer)(values))


def test_a_large_layer_has_the_sums_of_torchs():
    layer = layer_of(25088, 24, True, 2)
    values = torch.randn(33, 25088)
    assert same_bits(DynamicInt8Linear(layer)(values), by_torch(layer)(values))


@given(SIZES, st.integers(-40, 36), st.integers(0, 10**6))
@settings(max_examples=cases(400), deadline=None)
def test_weights_have_the_codes_of_torchs_layer_and_zeros_the_code_0(sizes, power, seed):
    layer = layer_of(sizes[1], sizes[2], False, seed)
    layer.weight *= 10.0**power
    codes, step = weight_codes(layer.weight)
    expected = by_torch(layer)[0].weight()
    assert torch.equal(codes, expected.int_repr())
    assert float(step) == float(torch.tensor(expected.q_scale()))
    assert not codes[layer.weight == 0].any()


class Sharing(nn.Module):
    """Holds a layer at two places, a second one with its tensors, and one that int8 leaves alone."""

    def __init__(self) -> None:
        super().__init__()
        self.first = self.again = nn.Linear(12, 12)
        self.alike, self.double = nn.Linear(12, 12), nn.Linear(12, 12).double()
        self.alike.weight, self.alike.bias = self.first.weight, self.first.bias
        self.first.register_buffer("own", torch.ones(1))
        self.held = [self.first]

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        return self.alike(self.held[0](values) + self.again(values)) * self.first.own


def test_layers_are_replaced_wherever_the_network_holds_them():
    torch.manual_seed(3)
    network = Sharing()
    by_itself, other = copy.deepcopy(network), copy.deepcopy(network)
    quantize_in_place(by_itself)
    quantize_in_place(other, DynamicInt8Linear)
    assert other.first is other.again is other.held[0]
    assert type(other.first) is type(other.alike) is DynamicInt8Linear
    assert other.first.codes is other.alike.codes
    assert [name for name, _ in other.named_parameters()] == ["double.weight", "double.bias"]
    values = torch.randn(6, 12)
    assert same_bits(other(values), by_itself(values))
