"""The bytes of a packed network: by the formula from the plan, against the tensors of the network."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from paretopress.compression.layers import layout_of
from paretopress.compression.packed_size import bytes_rate, dense_bytes, mask_bits, tensor_bits
from paretopress.compression.plans import Plan, canonical
from paretopress.compression.pruning import prune
from paretopress.config.variables import Design


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.Conv2d(8, 8, 3, groups=8, bias=False), nn.ReLU(),
        nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(32, 64), nn.Linear(64, 5),
    )  # fmt: skip


NETWORK = network()
LAYOUT = layout_of(NETWORK)
DENSE_ENTRIES = sum(tensor.numel() for tensor in NETWORK.state_dict().values())


def entropy(tensor: torch.Tensor) -> float:
    """The entropy of the mask of a tensor in bits, from its entries."""
    share = tensor.count_nonzero().item() / tensor.numel()
    terms = [part * math.log2(part) for part in (share, 1 - share) if part]
    return -tensor.numel() * sum(terms)


def by_hand(plan: Plan) -> float:
    """Each tensor of the pruned network by itself: mask, entries in their bits, scales."""
    state, bits = prune(NETWORK, plan).network.state_dict(), dict(plan.bits)
    int8 = {"6.weight", "7.weight"} if plan.quantized else set()
    total = 0.0
    for name, tensor in state.items():
        left, scales = tensor.count_nonzero().item(), len(tensor) if name in bits else 0
        each = bits.get(name, 32)
        if name in int8 and each > 8:
            each, scales = 8, 1
        if not name.endswith(("weight", "bias")) or name.startswith("1."):
            total += 32 * tensor.numel()
            continue
        values = min(32 * left, each * left + 32 * scales)
        total += min(32 * tensor.numel(), entropy(tensor) + values)
    return total / (32 * DENSE_ENTRIES)


SCOPE, SHARE = st.integers(0, 2), st.floats(0.001, 0.999)
BITS = st.sampled_from([2, 3, 4, 5, 6, 7, 8, 32])
DESIGNS = st.builds(Design, SCOPE, SCOPE, SHARE, SHARE, SCOPE, SCOPE, st.integers(0, 1), BITS, BITS)


@given(DESIGNS, st.integers(0, 9))
def test_it_is_the_sum_over_the_tensors_of_the_network(design, seed):
    plan = canonical(design, LAYOUT, seed)[1]
    assert bytes_rate(plan, LAYOUT) == pytest.approx(by_hand(plan), rel=1e-12)
    assert 0 < bytes_rate(plan, LAYOUT) <= 1


def test_the_dense_network_has_all_its_bytes():
    assert bytes_rate(Plan((), quantized=False), LAYOUT) == 1
    assert dense_bytes(LAYOUT) == 4 * DENSE_ENTRIES


@given(DESIGNS, st.integers(0, 9))
def test_fewer_bits_never_take_more_bytes(design, seed):
    def rate(bits: int) -> float:
        fewer = Design(**vars(design) | {"linear_bits": bits, "conv_bits": bits, "quantization": 0})
        return bytes_rate(canonical(fewer, LAYOUT, seed)[1], LAYOUT)

    rates = [rate(bits) for bits in (2, 3, 4, 5, 6, 7, 8, 32)]
    assert rates == sorted(rates)


def test_dynamic_int8_is_seen():
    whole, int8 = (bytes_rate(Plan((), quantized), LAYOUT) for quantized in (False, True))
    weights = 32 * 64 + 64 * 5
    assert whole - int8 == pytest.approx((24 * weights - 2 * 32) / (32 * DENSE_ENTRIES))


@given(st.integers(1, 10**6), st.data())
def test_a_mask_takes_at_most_a_bit_for_each_entry(entries, data):
    zeros = data.draw(st.integers(0, entries))
    assert 0 <= mask_bits(entries, zeros) <= entries
    assert mask_bits(entries, zeros) == pytest.approx(mask_bits(entries, entries - zeros))


def test_one_value_in_a_channel_is_not_rounded_since_its_scale_takes_more():
    assert tensor_bits(entries=64, zeros=0, bits=4, scales=64) == 32 * 64
    assert tensor_bits(entries=64, zeros=0, bits=4, scales=1) == 4 * 64 + 32


def test_kept_layers_and_shared_tensors_count_once_as_float32():
    first, second = nn.Linear(8, 8), nn.Linear(8, 8)
    second.weight = first.weight
    tied = nn.Sequential(first, second, nn.Linear(8, 8), nn.BatchNorm1d(8))
    layout = layout_of(tied, keep=["2"])
    assert layout.entries == 64 + 2 * 8 + 64 + 8 + 4 * 8 + 1
    plan = canonical(Design(linear_bits=4), layout, 0)[1]
    assert plan.bits == (("0.weight", 4),)
    saved = (32 - 4) * 64 - 32 * 8
    assert bytes_rate(plan, layout) == pytest.approx(1 - saved / (32 * layout.entries))
