"""Pruning, counting and quantisation against PyTorch's own tools."""

import copy
import struct
from collections.abc import Sequence
from functools import cache
from itertools import product

import numpy as np
import pytest
import torch
from cases import cases
from compressed import prune_smallest
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn.utils import prune as reference

from paretopress.compression.designs import values_of
from paretopress.compression.layers import layout_of
from paretopress.compression.plans import Plan, canonical, canonical_values
from paretopress.compression.pruning import compress, nonzero_rate, prune
from paretopress.compression.subsets import random_subsets
from paretopress.config.variables import ALL, BIAS, BOTH, NONE, RANDOM, WEIGHT, Design
from paretopress.networks.build import build_network

TENSORS = {BIAS: ("bias",), WEIGHT: ("weight",), BOTH: ("weight", "bias")}


def pruned_by_reference(module: nn.Module, tensor: str, amount: float) -> torch.Tensor:
    module = copy.deepcopy(module)
    reference.l1_unstructured(module, tensor, amount)
    reference.remove(module, tensor)
    return getattr(module, tensor).detach()


def layers_of(network: nn.Module, kind: type[nn.Module]) -> dict[str, nn.Module]:
    return {name: module for name, module in network.named_modules() if isinstance(module, kind)}


SCOPES = (NONE, RANDOM, ALL)
TARGETS = (BIAS, WEIGHT, BOTH)


def check_against_reference(
    network: nn.Module,
    kind: str,
    amounts: Sequence[float],
    scopes: Sequence[int] = SCOPES,
    targets: Sequence[int] = TARGETS,
    seed: int = 3,
) -> None:
    """Every scope, target and amount: chosen tensors as the reference prunes them, all others untouched."""
    layers = layers_of(network, {"linear": nn.Linear, "conv": nn.Conv2d}[kind])
    layout = layout_of(network)
    assert {layer.name for layer in getattr(layout, kind)} == set(layers)

    @cache
    def expected(name: str, tensor: str, amount: float) -> torch.Tensor:
        return pruned_by_reference(layers[name], tensor, amount)

    original = dict(network.named_parameters())
    partial_subsets = 0
    for amount, scope, target in product(amounts, scopes, targets):
        variables = {
            "linear_scope": 0,
            "conv_scope": 0,
            "linear_amount": 0.5,
            "conv_amount": 0.5,
            "linear_target": 0,
            "conv_target": 0,
        }
        design = Design(
            **variables
            | {f"{kind}_scope": scope, f"{kind}_amount": amount, f"{kind}_target": target},
            quantization=0,
        )
        _, plan = canonical(design, layout, seed)
        pruned = dict(prune(network, plan).network.named_parameters())
        touched = {name.rpartition(".")[0] for name, _ in plan.zeros}
        chosen = {NONE: set(), RANDOM: touched, ALL: set(layers)}[scope]
        partial_subsets += scope == RANDOM and 0 < len(touched) < len(layers)
        wanted = {
            f"{name}.{tensor}"
            for name in chosen
            for tensor in TENSORS[target]
            if getattr(layers[name], tensor) is not None
        }
        for name, value in pruned.items():
            layer, _, tensor = name.rpartition(".")
            assert torch.equal(
                value, expected(layer, tensor, amount) if name in wanted else original[name]
            ), (name, design)
    if RANDOM in scopes and len(layers) > 1:
        assert partial_subsets


@pytest.mark.parametrize("kind", ["conv", "linear"])
@pytest.mark.parametrize(
    ("architecture", "amounts"),
    [
        ({"name": "vgg16_slim", "width_divisor": 16}, [0.0, 0.001, 0.37, 0.9, 1.0]),
        ({"name": "resnet50_slim", "width_per_group": 1}, [0.37]),
    ],
    ids=["vgg16", "resnet50"],
)
def test_a_slim_network_is_pruned_as_torch_prunes_it(architecture, amounts, kind):
    torch.manual_seed(0)
    check_against_reference(build_network(architecture, 10), kind, amounts)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("vgg16", "linear"),
        ("resnet50", "conv"),
        pytest.param("vgg16", "conv", marks=pytest.mark.thorough),
        pytest.param("resnet50", "linear", marks=pytest.mark.thorough),
    ],
)
def test_a_network_of_full_width_is_pruned_as_torch_prunes_it(name, kind):
    torch.manual_seed(0)
    network = build_network({"name": name}, 10)
    assert all(
        (layer.bias is None) == (name == "resnet50")
        for layer in layers_of(network, nn.Conv2d).values()
    )
    # Millions of entries have ties. From 1/64 of them on, topk works in one way, and the reference sorts what it picked for long.
    check_against_reference(network, kind, amounts=[0.05], scopes=[ALL], targets=[BOTH])


@given(values=st.lists(st.integers(-3, 3), min_size=1, max_size=60), amount=st.floats(0, 1))
def test_ties_are_broken_as_torch_breaks_them(values, amount):
    layer = nn.Linear(len(values), 1)
    layer.weight.data = torch.tensor([values], dtype=torch.float)
    mine = prune_smallest(layer.weight, round(amount * len(values)))
    assert torch.equal(mine, pruned_by_reference(layer, "weight", amount))


def test_channels_last_weights_are_pruned_too():
    layer = nn.Conv2d(4, 4, 3)
    expected = prune_smallest(layer.weight, 50)
    assert torch.equal(
        prune_smallest(layer.weight.data.to(memory_format=torch.channels_last), 50), expected
    )


def test_the_dense_network_is_left_as_it_is(small_network):
    before = {name: value.clone() for name, value in small_network.state_dict().items()}
    compress(
        small_network, Plan((("0.weight", 50), ("5.weight", 20), ("5.bias", 3)), quantized=True)
    )
    assert all(
        torch.equal(value, before[name]) for name, value in small_network.state_dict().items()
    )


def test_the_rate_counts_every_entry_of_weights_and_biases_once(small_network):
    entries = 3 * 4 * 9 + (4 * 6 * 9 + 6) + (6 * 8 + 8) + (8 * 3 + 3)
    _, rate = compress(
        small_network, Plan((("0.weight", 50), ("5.weight", 20), ("5.bias", 3)), quantized=False)
    )
    assert nonzero_rate(small_network) == 1
    assert rate == (entries - 73) / entries


def test_norm_layers_do_not_count():
    network = nn.Sequential(nn.Conv2d(1, 2, 1, bias=False), nn.BatchNorm2d(2))
    network[1].weight.data.zero_()
    assert nonzero_rate(network) == 1


def test_quantisation_comes_after_pruning_and_is_torchs_own(small_network):
    plan = Plan((("5.weight", 24), ("6.weight", 12)), quantized=True)
    compressed, rate = compress(small_network, plan)
    images = torch.randn(5, 3, 8, 8)
    with pytest.warns(DeprecationWarning, match="torch.ao.quantization is deprecated"):
        expected = torch.ao.quantization.quantize_dynamic(
            prune(small_network, plan).network, {nn.Linear}, dtype=torch.qint8
        )
    assert torch.equal(compressed(images), expected(images))
    assert rate == nonzero_rate(prune(small_network, plan).network)
    assert int((compressed[5].weight().int_repr() == 0).sum()) >= 24


DOMAIN, AMOUNT = st.integers(0, 2), st.floats(1e-6, 1 - 1e-6)
DESIGNS = st.builds(Design, DOMAIN, DOMAIN, AMOUNT, AMOUNT, DOMAIN, DOMAIN, st.integers(0, 1))
LAYOUT = layout_of(
    nn.Sequential(
        nn.Conv2d(3, 4, 3, bias=False), nn.Conv2d(4, 6, 3), nn.Linear(6, 8), nn.Linear(8, 3)
    )
)


@given(DESIGNS, st.integers(0, 50))
def test_the_canonical_form_is_canonical(design, seed):
    folded, plan = canonical(design, LAYOUT, seed)
    assert canonical(folded, LAYOUT, seed) == (folded, plan)


@given(st.lists(DESIGNS, min_size=1, max_size=6), st.integers(0, 50))
def test_designs_are_folded_together_as_each_by_itself(designs, seed):
    together = canonical_values(values_of(designs), LAYOUT, seed)
    alone = values_of([canonical(design, LAYOUT, seed)[0] for design in designs])
    assert {name: values.tolist() for name, values in together.items()} == {
        name: values.tolist() for name, values in alone.items()
    }


@given(DESIGNS, DESIGNS, st.integers(0, 5))
def test_equal_plans_are_equal_ids(first, second, seed):
    plans = [canonical(design, LAYOUT, seed)[1] for design in (first, second)]
    assert (plans[0] == plans[1]) == (plans[0].design_id == plans[1].design_id)


@given(DESIGNS, st.integers(0, 5))
@settings(max_examples=cases(50))
def test_the_plan_is_what_happens_to_the_network(design, seed):
    network = nn.Sequential(
        nn.Conv2d(3, 4, 3, bias=False), nn.Conv2d(4, 6, 3), nn.Linear(6, 8), nn.Linear(8, 3)
    )
    _, plan = canonical(design, LAYOUT, seed)
    pruned = dict(prune(network, plan).network.named_parameters())
    assert {
        name: int((value == 0).sum()) for name, value in pruned.items() if (value == 0).any()
    } == dict(plan.zeros)


@pytest.mark.parametrize(
    ("changed", "layers"),
    [
        ({"linear_scope": 0, "linear_amount": 0.9, "linear_target": 2}, ()),
        ({"conv_scope": 2, "conv_target": 0, "conv_amount": 0.01}, ()),
        (
            {"linear_scope": 2, "linear_target": 1, "linear_amount": 0.5000001},
            ("2.weight", "3.weight"),
        ),
    ],
)
def test_designs_without_effect_fold_to_the_same_network(changed, layers):
    base = Design(0, 0, 0.5, 0.5, 0, 0, 0)
    first = canonical(Design(**vars(base) | changed), LAYOUT, 1)[1]
    second = canonical(
        Design(**vars(base) | {key: value for key, value in changed.items() if layers}), LAYOUT, 1
    )[1]
    assert {name for name, _ in first.zeros} == set(layers)
    if layers:
        exact = canonical(Design(**vars(base) | changed | {"linear_amount": 0.5}), LAYOUT, 1)[1]
        assert exact == first == second


def test_a_random_subset_belongs_to_design_and_seed_and_has_each_layer_two_times_in_three():
    layout = layout_of(nn.Sequential(*[nn.Linear(4, 4) for _ in range(40)]))
    design = Design(1, 0, 0.5, 0.5, 1, 1, 0)
    assert canonical(design, layout, 7) == canonical(design, layout, 7)
    assert len({canonical(design, layout, seed)[1].design_id for seed in range(20)}) == 20
    share = np.mean([len(canonical(design, layout, seed)[1].zeros) / 40 for seed in range(200)])
    assert abs(share - 2 / 3) < 0.03  # 8,000 draws: 5.7 standard errors


def splitmix64(state: int, count: int) -> list[int]:
    """The generator of Steele, Lea and Flood, one number after another."""
    numbers = []
    for _ in range(count):
        state = (state + 0x9E3779B97F4A7C15) % 2**64
        mixed = state
        for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
            mixed = (mixed ^ mixed >> shift) * factor % 2**64
        numbers.append(mixed ^ mixed >> 31)
    return numbers


@given(st.integers(0, 1), AMOUNT, DOMAIN, st.integers(0, 2**31 - 1))
def test_random_subsets_are_numbers_of_splitmix64_below_two_thirds(kind, amount, target, seed):
    state = seed
    for value in (kind, target, struct.unpack("<Q", struct.pack("<d", amount))[0]):
        state = splitmix64(state, 1)[0] ^ value
    expected = [number < 2**64 * 2 // 3 for number in splitmix64(state, 7)]
    found = random_subsets(kind, np.array([amount]), np.array([target]), layers=7, seed=seed)
    assert found.tolist() == [expected]


def test_the_reference_above_is_splitmix64():
    """The numbers of the state 1234567 that implementations are checked with."""
    assert splitmix64(1234567, 3) == [6457827717110365317, 3203168211198807973, 9817491932198370423]


@pytest.mark.parametrize("scope", [RANDOM, ALL])
def test_where_no_layer_has_a_bias_weights_and_both_are_the_same_design(scope):
    layout = layout_of(nn.Sequential(*[nn.Conv2d(3, 3, 3, bias=False) for _ in range(9)]))
    both, weights = (
        canonical(Design(0, scope, 0.5, 0.5, 0, target, 0), layout, 4) for target in (BOTH, WEIGHT)
    )
    assert both == weights
    assert both[0].conv_target == WEIGHT


def test_networks_without_one_kind_of_layer_fold_its_variables():
    conv_only = layout_of(nn.Sequential(nn.Conv2d(1, 2, 3), nn.Conv2d(2, 2, 3)))
    design, plan = canonical(Design(2, 2, 0.7, 0.5, 2, 1, 1), conv_only, 1)
    assert design == Design(0, 2, 0.0, 0.5, 0, 1, 0)
    assert not plan.quantized
