"""The smallest entries of a tensor, found in little memory."""

import math

import pytest
import torch
from cases import cases
from hypothesis import example, given, settings
from hypothesis import strategies as st

from paretopress.compression import magnitudes
from paretopress.compression.magnitudes import (
    SELECTED_BY_TORCH,
    zero_by_sorting,
    zero_by_threshold,
    zero_smallest,
    zero_smallest_in_order,
)

FLOATS = st.floats(-2, 2, width=32) | st.sampled_from([0.0, -0.0, 1.5, -1.5, 1e-40, -1e-40])


def zeroed_in_order(values: torch.Tensor, zeros: int) -> torch.Tensor:
    """By definition: the smallest magnitudes, the first ones of equal ones."""
    expected = values.clone()
    expected[torch.sort(values.abs(), stable=True).indices[:zeros]] = 0
    return expected


@given(
    values=st.lists(FLOATS, min_size=1, max_size=60),
    share=st.floats(0, 1),
    block=st.integers(1, 70),
)
@example(values=[1.5, -1.5, 1.5, 2.0], share=0.25, block=70)
@settings(deadline=None)
def test_in_blocks_the_smallest_go_and_of_equal_ones_the_first(values, share, block):
    tensor, zeros = torch.tensor(values, dtype=torch.float32), round(share * len(values))
    expected = zeroed_in_order(tensor, zeros)
    sizes = magnitudes.SELECTED_BY_TORCH, magnitudes.ENTRIES_AT_ONCE
    magnitudes.SELECTED_BY_TORCH, magnitudes.ENTRIES_AT_ONCE = 0, block
    try:
        zero_smallest(tensor, zeros)
    finally:
        magnitudes.SELECTED_BY_TORCH, magnitudes.ENTRIES_AT_ONCE = sizes
    assert torch.equal(tensor, expected)


def test_a_large_tensor_loses_the_entries_that_torch_would_take_but_for_ties():
    tensor = torch.randn(
        SELECTED_BY_TORCH + 12345, generator=torch.Generator().manual_seed(0)
    ).view(-1, 1)
    tensor = tensor[: len(tensor) // 3 * 3].view(-1, 3).contiguous()
    zeros = round(0.6 * tensor.numel())
    limit = torch.kthvalue(tensor.abs().view(-1), zeros).values
    before = tensor.clone()
    zero_smallest(tensor, zeros)
    gone = tensor == 0
    assert int(gone.sum()) == zeros
    assert bool((before[gone].abs() <= limit).all())
    assert torch.equal(tensor[~gone], before[~gone])
    assert bool((tensor[~gone].abs() >= limit).all())


SPECIAL = st.sampled_from([0.0, -0.0, 1e-45, -1e-45, 3e-39, 0.5, -0.5, math.inf, -math.inf])
ENTRIES = st.lists(FLOATS, min_size=1, max_size=60) | st.lists(
    SPECIAL | st.just(math.nan), min_size=1, max_size=300
)


@pytest.mark.parametrize(
    ("elsewhere", "on_cpu"),
    [(zero_by_threshold, zero_smallest), (zero_by_sorting, zero_smallest_in_order)],
)
@given(
    values=ENTRIES,
    share=st.floats(0, 1),
    dtype=st.sampled_from([torch.float32, torch.float64, torch.bfloat16]),
)
@example(values=[0.0] * 9, share=0.5, dtype=torch.float32)
@example(values=[-1.5] * 9, share=0.5, dtype=torch.float32)
@example(values=[1.5] * 200 + [1.0], share=0.4, dtype=torch.bfloat16)
@example(values=[0.5], share=0.0, dtype=torch.float32)
@example(values=[math.nan, 0.5], share=1.0, dtype=torch.float32)
@settings(max_examples=cases(1200), deadline=None)
def test_on_other_devices_the_same_entries_go_as_on_the_cpu(
    elsewhere, on_cpu, values, share, dtype
):
    tensor, zeros = torch.tensor(values, dtype=dtype), round(share * len(values))
    expected = tensor.clone()
    elsewhere(tensor, zeros)
    on_cpu(expected, zeros)
    assert torch.equal(tensor.nan_to_num(nan=7.0), expected.nan_to_num(nan=7.0))


def test_without_ties_the_cpu_is_not_asked_on_other_devices(monkeypatch):
    tensor = torch.randperm(4000, generator=torch.Generator().manual_seed(0)).float() - 0.25
    expected = zeroed_in_order(tensor, 1000)
    monkeypatch.setattr(magnitudes, "zero_smallest", None)
    zero_by_threshold(tensor, 1000)
    assert torch.equal(tensor, expected)
    zero_by_threshold(tensor, 900)  # of the 1000 entries that are zero already
    assert torch.equal(tensor, expected)
