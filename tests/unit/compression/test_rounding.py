"""Rounding to a few bits against plain Python, channel by channel, and what repair makes of it."""

import copy
import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
import torch
from cases import cases
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from test_repair import MENDED, NETWORKS, SIDE, assert_close, built, mapped, reference, same_bits
from torch import nn

from paretopress.compression import rounding
from paretopress.compression.layers import LAYER_KINDS, layout_of, tensor_name
from paretopress.compression.magnitudes import IN_ORDER, ZEROING
from paretopress.compression.plans import Plan, canonical
from paretopress.compression.pruning import compress, nonzero_rate, prune
from paretopress.compression.rounding import rescale, round_weight
from paretopress.config.variables import ALL, FLOAT_BITS, NONE, WEIGHT, Design
from paretopress.errors import UserError
from paretopress.networks.mapped import MappedNetwork
from paretopress.networks.moves import Moves

BITS = st.integers(2, 8)
ON_EACH_DEVICE = pytest.mark.parametrize("dense", [False, True], ids=["on the CPU", "elsewhere"])
SHAPES = array_shapes(min_dims=2, max_dims=4, max_side=5)
ENTRIES = st.just(0.0) | st.integers(-255, 255).map(float) | st.floats(-255, 255, width=16)
WEIGHTS = arrays(np.float64, SHAPES, elements=ENTRIES).map(torch.from_numpy)
# Powers of two that bring ENTRIES down to the least and up to the largest numbers of a type.
POWERS = {
    torch.float16: (-24, 0, 8),
    torch.bfloat16: (-133, 0, 120),
    torch.float32: (-149, 0, 120),
    torch.float64: (-1074, 0, 1016),
}
TYPES = st.sampled_from([(dtype, power) for dtype, powers in POWERS.items() for power in powers])
EXTREMES = st.builds(lambda weight, to: (weight * 2.0 ** to[1]).to(to[0]), WEIGHTS, TYPES)
NORMAL = torch.randn(20, 20, generator=torch.Generator().manual_seed(0)).double()
LARGEST = torch.tensor([[65280.0, -48000.0]], dtype=torch.float16)


def codes_by_hand(channel: Sequence[float], factor: float, largest: int) -> list[int]:
    """The entries times a factor, as signed codes between 1 and the largest one. Of zero, 0."""
    return [
        int(math.copysign(min(max(round(abs(entry) * factor), 1), largest), entry)) if entry else 0
        for entry in channel
    ]


def best_by_hand(channel: Sequence[float], bits: int) -> dict[tuple[int, ...], float]:
    """The codes of the best try and their scale. The largest entry is 1."""
    tries = []
    for share in (1.0, 0.85, 0.7, 0.55):
        codes = codes_by_hand(channel, 2 ** (bits - 1) / share, 2 ** (bits - 1))
        products = math.fsum(entry * code for entry, code in zip(channel, codes, strict=True))
        scale = products / sum(code**2 for code in codes)
        error = math.dist(channel, [code * scale for code in codes]) ** 2
        tries.append((error, tuple(codes), scale))
    # Of tries that differ by the errors of float64 alone, each is the best.
    return {codes: scale for error, codes, scale in tries if error <= min(tries)[0] + 1e-13}


def codes_of(weight: torch.Tensor, scales: torch.Tensor, bits: int) -> torch.Tensor:
    """The codes of a rounded weight, which has to be exactly code times scale, by channel."""
    rows = weight.detach().flatten(1)
    codes = (rows.double() / torch.where(scales > 0, scales, 1).double()[:, None]).round()
    assert torch.equal(codes.to(rows.dtype) * scales[:, None], rows)
    assert codes.abs().max() <= 2 ** (bits - 1)
    return codes


def assert_rounded_as_by_hand(
    weight: torch.Tensor, rounded: torch.Tensor, scales: torch.Tensor, bits: int
) -> None:
    found = codes_of(rounded, scales, bits).int().tolist()
    precision = max(torch.finfo(weight.dtype).eps, 1e-13)
    for row, codes, scale in zip(weight.flatten(1).tolist(), found, scales.tolist(), strict=True):
        top = max(map(abs, row))
        best = best_by_hand([entry / top for entry in row], bits) if top else {(0,) * len(row): 0}
        assert tuple(codes) in best
        assert scale == pytest.approx(best[tuple(codes)] * top, rel=precision)


@ON_EACH_DEVICE
@given(WEIGHTS, BITS, st.sampled_from([torch.float64, torch.float32, torch.bfloat16]))
@example(NORMAL, 2, torch.float32)
@example(NORMAL, 3, torch.float32)
@settings(max_examples=cases(800))
def test_each_channel_is_rounded_as_by_hand(dense, weight, bits, dtype):
    rounded = weight.to(dtype, copy=True)
    scales = round_weight(rounded, bits, "a.weight", dense)
    assert_rounded_as_by_hand(weight.to(dtype), rounded, scales, bits)


@ON_EACH_DEVICE
@given(EXTREMES, BITS)
@example(LARGEST, 2)
@example(torch.tensor([[1e-45, 0.0], [3e-45, -1e-45]]), 8)
@example(torch.tensor([[5e-324, 0.0]], dtype=torch.float64), 2)
@settings(max_examples=cases(800))
def test_each_entry_keeps_its_sign_and_is_a_code_times_the_scale_of_its_channel(
    dense, weight, bits
):
    rounded = weight.clone()
    scales = round_weight(rounded, bits, "a.weight", dense)
    assert scales.dtype == weight.dtype
    assert rounded.isfinite().all()
    assert torch.equal(rounded.sign(), weight.sign())
    for channel in codes_of(rounded, scales, bits).abs():
        assert len(set(channel.tolist()) - {0.0}) <= 2 ** (bits - 1)
    # An entry moves by no more than the largest of its channel, or by the least steps of its type.
    least = torch.finfo(weight.dtype).tiny * torch.finfo(weight.dtype).eps
    largest = weight.double().flatten(1).abs().amax(1, keepdim=True)
    moved = (rounded.double() - weight.double()).flatten(1).abs()
    assert (moved <= largest + least * 2 ** (bits - 1)).all()


@given(EXTREMES, BITS, st.lists(st.floats(0.2, 5), min_size=5, max_size=5))
@example(LARGEST.clone(), 4, [5.0])
@settings(max_examples=cases(800))
def test_a_rescaled_weight_has_the_same_codes_and_stays_finite_and_non_zero(weight, bits, factors):
    scales = round_weight(weight, bits, "a.weight")
    before, codes = weight.clone(), codes_of(weight, scales, bits)
    factors = torch.tensor(factors[: len(weight)]).double()
    new = rescale(weight, scales, factors)
    assert torch.equal(codes_of(weight, new, bits), codes)
    assert weight.isfinite().all()
    assert torch.equal(weight.sign(), before.sign())
    wanted = scales * factors.to(scales.dtype)
    fits = (wanted > 0) & (wanted * codes.abs().amax(1).to(scales.dtype)).isfinite()
    assert torch.equal(new, torch.where(fits, wanted, scales))


@ON_EACH_DEVICE
@given(WEIGHTS, BITS, st.sampled_from([torch.float64, torch.float32]))
@settings(max_examples=cases(400))
def test_the_error_is_no_larger_than_by_the_largest_weight_with_as_many_bits_or_fewer(
    dense, weight, bits, dtype
):
    rounded = weight.to(dtype, copy=True)
    round_weight(rounded, bits, "a.weight", dense)
    for before, after in zip(weight.flatten(1).tolist(), rounded.flatten(1).tolist(), strict=True):
        top = max(map(abs, before))
        for most in [2**fewer for fewer in range(1, bits) if top]:
            plain = [code * top / most for code in codes_by_hand(before, most / top, most)]
            of_type = 2 * torch.finfo(dtype).eps * math.hypot(*before)
            assert math.dist(before, after) <= math.dist(before, plain) + of_type


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("at_once", [1, 90_000, 130_000, 2**30])
def test_a_channel_depends_on_nothing_but_itself(monkeypatch, at_once, threads):
    weight = torch.randn(7, 40, 50, 20, generator=torch.Generator().manual_seed(0))
    weight *= torch.logspace(-3, 3, 7)[:, None, None, None]
    weight[2], weight[4, ::2] = 0, 0
    factors, before = torch.linspace(0.3, 4, 7).double(), torch.get_num_threads()
    alone = [channel[None].clone() for channel in weight]
    scales = [round_weight(channel, 3, "a.weight") for channel in alone]
    again = [channel.clone() for channel in alone]
    rescaled = [rescale(*each) for each in zip(again, scales, factors.split(1), strict=True)]
    monkeypatch.setattr(rounding, "ENTRIES_AT_ONCE", at_once)
    torch.set_num_threads(threads)
    found = round_weight(weight, 3, "a.weight")
    rounded, new = weight.clone(), rescale(weight, found, factors)
    torch.set_num_threads(before)
    for mine, expected in ((found, scales), (rounded, alone), (new, rescaled), (weight, again)):
        assert torch.equal(mine, torch.cat(expected))


@ON_EACH_DEVICE
@pytest.mark.parametrize("dtype", POWERS)
@pytest.mark.parametrize("bits", [2, 5, 8])
def test_a_channel_with_one_value_keeps_it_and_one_of_zeros_has_the_scale_zero(dense, dtype, bits):
    weight = torch.tensor([[0.0, 0.3, 0.0], [0.0, 0.0, 0.0], [-7.7, 7.7, 0.0]], dtype=dtype)
    rounded = weight.clone()
    scales = round_weight(rounded, bits, "a.weight", dense)
    assert torch.equal(rounded, weight)
    assert torch.equal(scales, weight[:, 1] / 2 ** (bits - 1))


def every_layer(dtype: torch.dtype = torch.float32) -> nn.Module:
    torch.manual_seed(0)
    network = nn.Sequential(
        *[nn.Conv1d(4, 6, 3), nn.Linear(5, 7), nn.Conv2d(4, 6, 3, groups=2), nn.BatchNorm2d(6)],
        *[nn.Conv2d(6, 6, 3, groups=6, bias=False), nn.Conv3d(2, 3, 2), nn.Linear(7, 3)],
        nn.Linear(5, 7),
    )
    network[2].to(memory_format=torch.channels_last)
    network[7].weight = network[1].weight
    return network.to(dtype)


@pytest.mark.parametrize("dtype", POWERS)
def test_each_weight_of_a_layer_is_rounded_once_after_pruning_and_nothing_else_is(dtype):
    network = every_layer(dtype)
    dense = copy.deepcopy(network)
    design = Design(NONE, ALL, conv_amount=0.4, conv_target=WEIGHT, linear_bits=3, conv_bits=5)
    plan = canonical(design, layout_of(network), seed=1)[1]
    bits = {f"{place}.weight": 3 if place in (1, 6) else 5 for place in (1, 6, 0, 2, 4, 5)}
    assert plan.bits == tuple(bits.items())
    pruned, rounded = prune(network, replace(plan, bits=())).network, prune(network, plan)
    assert rounded.scales.keys() == bits.keys()
    for name, found in rounded.network.named_parameters():
        before = pruned.get_parameter(name)
        if name in bits:
            assert_rounded_as_by_hand(before, found, rounded.scales[name], bits[name])
        else:
            assert found is before is network.get_parameter(name)
    assert rounded.network[7].weight is rounded.network[1].weight
    assert same_bits(network, dense)


@pytest.mark.parametrize("wrong", [math.inf, -math.inf, math.nan])
@pytest.mark.parametrize("dtype", POWERS)
def test_a_weight_that_is_not_finite_is_named_if_it_is_rounded(dtype, wrong):
    network = every_layer(dtype)
    with torch.no_grad():
        network[5].weight[1, 1] = wrong
    plan = Plan((), False, bits=(("1.weight", 3), ("5.weight", 4)))
    with pytest.raises(UserError, match=r"^5\.weight: numbers that are not finite .* to 4 bits"):
        compress(network, plan)
    rounded = prune(network, replace(plan, bits=plan.bits[:1])).network
    assert rounded[5].weight is network[5].weight
    with pytest.raises(UserError, match=r"^a: numbers that are not finite"):
        round_weight(network[5].weight.detach(), 3, "a", dense=True)


SOME_BITS = st.sampled_from([2, 3, 8, FLOAT_BITS])
DOMAIN, AMOUNT = st.integers(0, 2), st.floats(1e-6, 1 - 1e-6)
DESIGNS = st.builds(
    Design,
    *[DOMAIN, DOMAIN, AMOUNT, AMOUNT, DOMAIN, DOMAIN, st.integers(0, 1), SOME_BITS, SOME_BITS],
)
LAYOUTS = st.sampled_from(list(map(layout_of, (every_layer(), nn.Linear(1, 2), nn.ReLU()))))


@given(DESIGNS, LAYOUTS)
@settings(max_examples=cases(400))
def test_a_plan_rounds_each_layer_with_weights_left_and_bits_without_a_layer_are_32(design, layout):
    folded, plan = canonical(design, layout, seed=3)
    assert canonical(folded, layout, seed=3) == (folded, plan)
    expected = []
    for kind in LAYER_KINDS:
        bits, layers = getattr(design, f"{kind}_bits"), getattr(layout, kind)
        weights = any(layer.weight for layer in layers)
        assert getattr(folded, f"{kind}_bits") == (bits if weights else FLOAT_BITS)
        for layer in layers:
            name = tensor_name(layer.name, "weight")
            left = layer.weight - dict(plan.zeros).get(name, 0)
            assert (layer.name in plan.emptied) == (left == 0 < layer.weight)
            expected += [(name, bits)] if left and bits != FLOAT_BITS else []
    assert list(plan.bits) == expected


@given(DESIGNS, LAYOUTS, st.sampled_from(sorted(ZEROING)), SOME_BITS)
@settings(max_examples=cases(400))
def test_bits_change_the_id_of_a_plan_and_without_them_it_is_as_before(design, layout, ties, bits):
    plan = replace(canonical(design, layout, seed=3)[1], ties=ties)
    said = json.dumps([plan.zeros, plan.quantized, *([ties] if ties == IN_ORDER else [])])
    before = hashlib.sha256(said.encode()).hexdigest()[:12]
    assert (plan.design_id == before) == (not plan.bits)
    other = canonical(replace(design, linear_bits=bits), layout, seed=3)[1]
    assert (plan.design_id == replace(other, ties=ties).design_id) == (plan.bits == other.bits)
    assert Plan((("features.0.weight", 432),), quantized=False).design_id == "f3044cdf3508"


@given(DESIGNS)
@settings(max_examples=cases(100))
def test_the_non_zero_rate_does_not_depend_on_bits(design):
    network = every_layer()
    for parameter in network.parameters():
        parameter.data.flatten()[::3] = 0
        parameter.data[0] = 1e-45
    plan = canonical(design, layout_of(network), seed=3)[1]
    pruned = prune(network, replace(plan, bits=())).network
    assert compress(network, plan)[1] == nonzero_rate(pruned)


def plan_of(target: MappedNetwork, amount: float, linear_bits: int, conv_bits: int) -> Plan:
    scope = ALL if amount else NONE
    design = Design(scope, scope, amount, amount, WEIGHT, WEIGHT, 0, linear_bits, conv_bits)
    return canonical(design, target.layout(), seed=1)[1]


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize(("amount", "batch_size"), [(0.4, 20), (0.0, 7)])
def test_a_rounded_network_is_mended_as_the_reference_mends_it_and_keeps_its_codes(
    tmp_path, name, amount, batch_size
):
    network = built(NETWORKS[name])
    target = mapped(network, tmp_path, batch_size=batch_size)
    plan = plan_of(target, amount, linear_bits=4, conv_bits=3)
    rounded, repaired = prune(network, plan), target.pruned(plan)
    expected = reference(network, rounded.network, MENDED[name], target.moves.repair)
    assert_close(repaired.network, expected)
    for weight, bits in plan.bits:
        codes, before = (
            codes_of(of.network.get_parameter(weight), of.scales[weight], bits)
            for of in (repaired, rounded)
        )
        assert torch.equal(codes, before)
        mended = weight.removesuffix(".weight") in MENDED[name]
        assert torch.equal(repaired.scales[weight], rounded.scales[weight]) != mended
    assert same_bits(replace(target, moves=Moves()).pruned(plan).network, rounded.network)


@pytest.mark.parametrize(
    ("name", "bits", "untouched", "mended"),
    [
        ("like_vgg", (3, FLOAT_BITS), ("0.", "2."), {"5", "7"}),
        ("like_vgg", (FLOAT_BITS, 2), (), {"0", "2", "5", "7"}),
        ("with_batch_norm", (2, FLOAT_BITS), ("0.", "1.", "3.", "4."), {"8"}),
        ("with_batch_norm", (FLOAT_BITS, 2), (), {"1", "4", "8"}),
        *[(name, (FLOAT_BITS, FLOAT_BITS), ("",), set()) for name in NETWORKS],
    ],
)
def test_a_design_that_only_rounds_is_repaired_from_its_first_rounded_layer_on(
    tmp_path, name, bits, untouched, mended
):
    network = built(NETWORKS[name])
    target = mapped(network, tmp_path)
    plan = plan_of(target, 0.0, *bits)
    rounded, repaired = prune(network, plan).network, target.pruned(plan).network
    assert_close(repaired, reference(network, rounded, mended, target.moves.repair))
    assert all(not same_bits(repaired, rounded, f"{place}.") for place in mended)
    assert all(same_bits(repaired, network, place) for place in untouched)


def test_kept_layers_are_neither_rounded_nor_mended(tmp_path):
    network = built(NETWORKS["like_vgg"])
    target = mapped(network, tmp_path, keep=("2", "5"))
    repaired = target.pruned(plan_of(target, 0.3, linear_bits=2, conv_bits=2))
    assert repaired.scales.keys() == {"0.weight", "7.weight"}
    assert same_bits(repaired.network, network, "2.", "5.")


def test_int8_of_rounded_layers_is_torchs_own(tmp_path):
    target = mapped(built(NETWORKS["like_vgg"]), tmp_path)
    plan = plan_of(target, 0.4, linear_bits=3, conv_bits=4)
    compressed, rate = target.compress(replace(plan, quantized=True))
    rounded = target.pruned(plan).network
    with pytest.warns(DeprecationWarning, match="torch.ao.quantization is deprecated"):
        expected = torch.ao.quantization.quantize_dynamic(rounded, {nn.Linear}, torch.qint8)
    images = torch.randn(5, 3, SIDE, SIDE)
    assert torch.equal(compressed(images), expected(images))
    assert rate == nonzero_rate(rounded)


@ON_EACH_DEVICE
def test_a_negative_zero_becomes_a_zero(dense):
    weight = torch.tensor([[-0.0, 1.0, 0.0, -2.0]])
    round_weight(weight, 3, "weight", dense)
    assert not weight[0, [0, 2]].signbit().any()
    assert (weight[0, [0, 2]] == 0).all()


@pytest.mark.parametrize("bits", [2, 4, 8])
@pytest.mark.parametrize("amount", [0.0, 0.9])
def test_other_devices_give_the_codes_of_the_cpu_and_its_scales_but_for_a_last_digit(bits, amount):
    torch.manual_seed(bits)
    weight = torch.randn(300, 40, 3, 3) * torch.logspace(-3, 3, 300)[:, None, None, None]
    weight[torch.rand_like(weight) < amount] = 0
    weight[7] = 0
    elsewhere, on_cpu = weight.clone(), weight.clone()
    found, expected = round_weight(elsewhere, bits, "", True), round_weight(on_cpu, bits, "")
    assert torch.equal(codes_of(elsewhere, found, bits), codes_of(on_cpu, expected, bits))
    assert bool(((found - expected).abs() <= expected * torch.finfo(torch.float32).eps).all())
