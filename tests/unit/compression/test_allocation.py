"""LAMP's allocation against its definition: every score of every weight, sorted."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
import torch
from cases import cases
from hypothesis import example, given, settings
from hypothesis import strategies as st
from torch import nn

from paretopress.compression import allocation
from paretopress.compression.allocation import (
    AMOUNTS,
    lamp_table,
    load_tables,
    magnitudes_of,
    save_tables,
)
from paretopress.compression.designs import values_of
from paretopress.compression.layers import LAYER_KINDS, Layout, layout_of
from paretopress.compression.plans import Plan, canonical, canonical_values
from paretopress.compression.pruning import copies_of, nonzero_rate, prune
from paretopress.config.variables import ALL, BIAS, BOTH, NONE, RANDOM, WEIGHT, Design
from paretopress.errors import UserError
from paretopress.networks.mapped import MappedNetwork
from paretopress.networks.moves import Moves
from paretopress.networks.weights import save_weights

# Amounts whose rows are compared one by one, where all of them would take too long.
SOME_AMOUNTS = np.unique(np.concatenate([np.arange(0, AMOUNTS + 1, 97), [1, 9_999, AMOUNTS]]))


def scores_by_definition(layer: np.ndarray) -> list[float]:
    """The square of each weight, over the sum of the squares of those at least as large."""
    magnitudes = np.abs(layer.astype(np.float64)).tolist()
    score, total = {}, 0.0
    for magnitude in sorted(set(magnitudes), reverse=True):
        total += magnitude * magnitude * magnitudes.count(magnitude)
        score[magnitude] = magnitude * magnitude / total if total else 0.0
    return [score[magnitude] for magnitude in magnitudes]


def exact_scores(layer: np.ndarray) -> list[Fraction]:
    """The same for whole numbers, word for word and without rounding."""
    squares = [Fraction(int(weight)) ** 2 for weight in layer]
    return [
        square / sum(other for other in squares if other >= square) if square else Fraction(0)
        for square in squares
    ]


def sorted_weights(scores: Sequence[Sequence]) -> list[tuple[int, int]]:
    """Layer and index of each weight, in the order in which they go."""
    weights = [
        (score, layer, index)
        for layer, of_layer in enumerate(scores)
        for index, score in enumerate(of_layer)
    ]
    return [(layer, index) for _, layer, index in sorted(weights)]


def gone(entries: int, amount: int) -> int:
    """The weights that an amount takes, as a share of a tensor is rounded."""
    return round(amount / AMOUNTS * entries)


def table_of(layers: Sequence[np.ndarray]) -> np.ndarray:
    """The table, from copies of the layers."""
    return lamp_table(
        {
            str(number): lambda layer=layer: magnitudes_of(torch.from_numpy(layer.copy()))
            for number, layer in enumerate(layers)
        }
    )


def expected_table(order: list[tuple[int, int]], layers: int) -> np.ndarray:
    taken = np.zeros((len(order) + 1, layers), dtype=np.int64)
    for place, (layer, _) in enumerate(order):
        taken[place + 1] = taken[place]
        taken[place + 1, layer] += 1
    return taken[[gone(len(order), amount) for amount in range(AMOUNTS + 1)]]


ONE_LAYER = st.one_of(
    # Few values, so nearly all weights are equal to others.
    st.lists(st.integers(-3, 3), min_size=1, max_size=40).map(lambda v: np.array(v, np.float32)),
    st.lists(st.floats(-4, 4, width=16), min_size=1, max_size=40).map(
        lambda v: np.array(v, np.float16)
    ),
    st.lists(
        st.floats(-1e6, 1e6, width=32) | st.sampled_from([0.0, -0.0, 1e-40, -1e-40, 1e-45]),
        min_size=1,
        max_size=40,
    ).map(lambda v: np.array(v, np.float32)),
    st.lists(
        st.floats(-1e100, 1e100) | st.sampled_from([5e-324, 1e-200, -1e-160]),
        min_size=1,
        max_size=40,
    ).map(lambda v: np.array(v, np.float64)),
    st.integers(1, 20).map(np.zeros),
)
SOME_LAYERS = st.lists(ONE_LAYER, min_size=1, max_size=5)


@given(SOME_LAYERS)
@example([np.array([3.0]), np.zeros(4), np.array([1.0, -1.0, 1.0])])
@settings(max_examples=cases(60))
def test_the_table_is_what_sorting_all_scores_gives(layers):
    scores = [scores_by_definition(layer) for layer in layers]
    assert np.array_equal(table_of(layers), expected_table(sorted_weights(scores), len(layers)))


@given(
    st.lists(
        st.lists(st.integers(-9, 9), min_size=1, max_size=12).map(lambda v: np.array(v, float)),
        min_size=1,
        max_size=4,
    )
)
# The layers are multiples of one another: each score is there three times.
@example([np.array([1.0, 2.0, 2.0]), np.array([-6.0, 3.0, 6.0]), np.array([7.0, 14.0, -14.0])])
@settings(max_examples=cases(40))
def test_the_scores_are_those_of_the_publication(layers):
    scores = [exact_scores(layer) for layer in layers]
    assert np.array_equal(table_of(layers), expected_table(sorted_weights(scores), len(layers)))


def larger_layers(seed: int = 0) -> list[np.ndarray]:
    """More weights than amounts, in layers of very different spreads, with ties and zeros."""
    rng = np.random.default_rng(seed)
    decayed = rng.normal(size=4_000).astype(np.float32)
    decayed[rng.random(4_000) < 0.4] = 0
    return [
        rng.normal(0, 0.02, 9_000).astype(np.float16),
        decayed,
        (rng.standard_t(2, 6_000) * 100).astype(np.float32),
        np.full(500, 0.25, np.float32),
        np.array([1e-3], np.float32),
        rng.integers(-2, 3, 2_000).astype(np.float64) * 1e-42,
    ]


def test_a_table_of_more_weights_than_amounts_is_what_sorting_gives():
    layers = larger_layers()
    scores = []
    for layer in layers:
        magnitudes, places, counts = np.unique(
            np.abs(layer.astype(np.float64)), return_inverse=True, return_counts=True
        )
        squares = magnitudes**2
        sums = np.cumsum((squares * counts)[::-1])[::-1]
        scores.append(np.where(squares > 0, squares / np.maximum(sums, 1e-300), 0)[places])
    every = np.concatenate(scores)
    number = np.repeat(np.arange(len(layers)), [len(layer) for layer in layers])
    order = number[np.lexsort((np.arange(len(every)), number, every))]
    table = table_of(layers)
    for amount in SOME_AMOUNTS:
        taken = np.bincount(order[: gone(len(every), amount)], minlength=len(layers))
        assert np.array_equal(table[amount], taken), amount


@pytest.mark.parametrize(("block", "shift"), [(1, 38), (7, 38), (50, 0), (2**22, 62), (997, 45)])
def test_the_table_does_not_depend_on_what_is_in_memory_at_once(monkeypatch, block, shift):
    layers = [layer[:300] for layer in larger_layers(seed=1)]
    expected = table_of(layers)
    monkeypatch.setattr(allocation, "BLOCK", block)
    monkeypatch.setattr(allocation, "BIN_SHIFT", shift)
    assert np.array_equal(table_of(layers), expected)


@given(SOME_LAYERS, st.integers(1, 50), st.integers(0, 62))
@settings(max_examples=cases(20))
def test_no_block_and_no_bin_changes_a_table(layers, block, shift):
    expected = table_of(layers)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(allocation, "BLOCK", block)
        patched.setattr(allocation, "BIN_SHIFT", shift)
        assert np.array_equal(table_of(layers), expected)


@given(SOME_LAYERS)
@settings(max_examples=cases(20))
def test_each_row_takes_its_share_and_a_larger_amount_brings_no_weight_back(layers):
    table, entries = table_of(layers), sum(map(len, layers))
    assert (table.shape, table.dtype) == ((AMOUNTS + 1, len(layers)), np.int32)
    assert table.sum(axis=1).tolist() == [gone(entries, amount) for amount in range(AMOUNTS + 1)]
    assert (np.diff(table, axis=0) >= 0).all()
    assert table[0].tolist() == [0] * len(layers)
    assert table[-1].tolist() == [len(layer) for layer in layers]


def test_a_layer_of_zeros_goes_before_any_other_weight():
    table = table_of([np.array([1e-30, 1.0]), np.zeros(4), np.array([5.0, 0.0])])
    assert [table[amount].tolist() for amount in (1_250, 5_000, 6_250, 7_500, 8_750)] == [
        [0, 1, 0],
        [0, 4, 0],
        [0, 4, 1],
        [1, 4, 1],
        [2, 4, 1],  # the largest of each layer has score 1: the first layer's goes first
    ]


def test_the_scale_of_a_layer_has_no_influence():
    rng = np.random.default_rng(3)
    small, large = rng.normal(size=50), rng.normal(size=70)
    powers = [small * 2.0**-60, large * 2.0**40]
    assert np.array_equal(table_of([small, large]), table_of(powers))


@pytest.mark.parametrize("broken", [np.nan, np.inf, -np.inf])
def test_a_weight_that_is_not_finite_is_refused_with_the_name_of_its_layer(broken):
    layers = {"sound": np.ones(3), "features.4": np.array([1.0, broken, 0.0])}
    with pytest.raises(UserError, match=r"the layer features\.4 has weights that are not finite"):
        lamp_table({name: lambda layer=layer: np.abs(layer) for name, layer in layers.items()})


def test_a_kind_without_layers_has_a_table_without_columns():
    assert lamp_table({}).shape == (AMOUNTS + 1, 0)


def test_tables_are_read_as_they_were_written(tmp_path):
    tables = {"linear": table_of(larger_layers()), "conv": lamp_table({})}
    save_tables(tables, tmp_path / "allocation.safetensors")
    again = load_tables(tmp_path / "allocation.safetensors")
    assert again.keys() == tables.keys()
    for kind, table in tables.items():
        assert again[kind].dtype == np.int32
        assert np.array_equal(again[kind], table)


def test_magnitudes_are_exact_in_every_type():
    for dtype in (torch.float16, torch.bfloat16, torch.float32, torch.float64):
        tensor = torch.tensor([[-1.5, 2.0], [0.0, -0.25]], dtype=dtype)
        assert magnitudes_of(tensor.clone()).tolist() == [1.5, 2.0, 0.0, 0.25]


def tabulated(network: nn.Module) -> Layout:
    """The layout of a network, with tables of its weights."""
    layout, read = layout_of(network), copies_of(network)
    tables = {
        kind: lamp_table(
            {
                layer.name: lambda name=layer.name: magnitudes_of(read(f"{name}.weight"))
                for layer in getattr(layout, kind)
            }
        )
        for kind in LAYER_KINDS
    }
    return replace(layout, tables=tables)


def network_of(layers: Sequence[np.ndarray], dtype: torch.dtype = torch.float32) -> nn.Sequential:
    network = nn.Sequential()
    for layer in layers:
        linear = nn.Linear(len(layer), 1, bias=False, dtype=dtype)
        linear.weight.data = torch.tensor(layer, dtype=dtype)[None]
        network.append(linear)
    return network


@given(
    st.lists(
        st.lists(
            st.integers(-2, 2) | st.floats(-2, 2, width=16) | st.sampled_from([-0.0, 6e-8, -6e-8]),
            min_size=1,
            max_size=30,
        ).map(lambda values: np.array(values, float)),
        min_size=1,
        max_size=4,
    ),
    st.integers(1, AMOUNTS),
    st.sampled_from([torch.float16, torch.float32]),
)
@example([np.ones(7), np.ones(7)], 6_000, torch.float32)
@example([np.ones(7), np.ones(7)], 6_000, torch.float16)
@settings(max_examples=cases(80))
def test_the_weights_with_the_lowest_scores_go_and_of_equal_ones_the_first(layers, amount, dtype):
    network = network_of(layers, dtype)
    weights = [layer.weight.detach() for layer in network]
    order = sorted_weights([scores_by_definition(weight[0].numpy()) for weight in weights])
    expected = [weight.clone() for weight in weights]
    for layer, index in order[: gone(len(order), amount)]:
        expected[layer][0, index] = 0
    design = Design(ALL, NONE, amount / AMOUNTS, 0.5, WEIGHT, BIAS, 0)
    pruned = prune(network, canonical(design, tabulated(network), 1)[1]).network
    for number, (layer, wanted) in enumerate(zip(pruned, expected, strict=True)):
        assert torch.equal(layer.weight, wanted), number


def tied_network() -> nn.Sequential:
    """Convolutions and Linear layers, with and without bias, of few distinct weights."""
    torch.manual_seed(5)
    network = nn.Sequential(
        nn.Conv2d(3, 4, 3, bias=False),
        nn.Conv2d(4, 6, 3),
        nn.Conv2d(6, 2, 1),
        nn.Linear(6, 8),
        nn.Linear(8, 8, bias=False),
        nn.Linear(8, 3),
    )
    for number, parameter in enumerate(network.parameters()):
        parameter.data = (torch.randn_like(parameter) * 8).round() / 8 * (number + 1)
    network[4].weight.data.mul_(1e-3)
    return network


NETWORK = tied_network()
UNIFORM, LAMP = layout_of(NETWORK), tabulated(NETWORK)
DOMAIN, AMOUNT = st.integers(0, 2), st.floats(1e-6, 1 - 1e-6)
DESIGNS = st.builds(Design, DOMAIN, DOMAIN, AMOUNT, AMOUNT, DOMAIN, DOMAIN, st.integers(0, 1))


@given(DESIGNS, st.integers(0, 50))
@example(Design(1, 1, 0.00004, 0.99996, 2, 2, 0), 1)
def test_the_canonical_form_with_tables_is_canonical(design, seed):
    folded, plan = canonical(design, LAMP, seed)
    assert canonical(folded, LAMP, seed) == (folded, plan)
    for amount in (folded.linear_amount, folded.conv_amount):
        assert amount == round(amount * AMOUNTS) / AMOUNTS


@given(st.lists(DESIGNS, min_size=1, max_size=6), st.integers(0, 50))
def test_with_tables_designs_are_folded_together_as_each_by_itself(designs, seed):
    together = canonical_values(values_of(designs), LAMP, seed)
    alone = values_of([canonical(design, LAMP, seed)[0] for design in designs])
    assert {name: values.tolist() for name, values in together.items()} == {
        name: values.tolist() for name, values in alone.items()
    }


@given(DESIGNS, st.integers(0, 9_999), st.integers(0, 50))
def test_amounts_that_round_to_the_same_step_are_one_design(design, step, seed):
    near, exact = (
        replace(design, conv_amount=amount, linear_amount=amount)
        for amount in (step / AMOUNTS + 3e-5, step / AMOUNTS)
    )
    assert canonical(near, LAMP, seed) == canonical(exact, LAMP, seed)


@given(DESIGNS, st.integers(0, 50))
def test_a_scope_takes_the_counts_of_the_table_and_biases_stay_uniform(design, seed):
    folded, plan = canonical(design, LAMP, seed)
    zeros = dict(plan.zeros)
    assert len(zeros) == len(plan.zeros)
    emptied = []
    for kind in LAYER_KINDS:
        scope, amount, target = (
            getattr(design, f"{kind}_{part}") for part in ("scope", "amount", "target")
        )
        full = {}
        for place, layer in enumerate(getattr(LAMP, kind)):
            weight = int(LAMP.tables[kind][round(amount * AMOUNTS), place])
            bias = round(round(amount * AMOUNTS) / AMOUNTS * layer.bias)
            full[layer.name] = {
                f"{layer.name}.weight": weight if target in (WEIGHT, BOTH) else 0,
                f"{layer.name}.bias": bias if target in (BIAS, BOTH) else 0,
            }
        touched = {name for name in full if any(key in zeros for key in full[name])}
        effective = {name for name in full if any(full[name].values())}
        assert touched <= {NONE: set(), RANDOM: effective, ALL: effective}[scope]
        assert scope != ALL or touched == effective
        for name in touched:
            for key, count in full[name].items():
                assert zeros.pop(key, 0) == count
        folded_scope = ALL if touched == effective else RANDOM
        assert getattr(folded, f"{kind}_scope") == (folded_scope if touched else NONE)
        emptied += [
            layer.name
            for layer in getattr(LAMP, kind)
            if layer.name in touched and full[layer.name][f"{layer.name}.weight"] == layer.weight
        ]
    assert not zeros
    assert plan.emptied == tuple(emptied)


def test_each_amount_of_the_table_has_its_row():
    amounts = np.arange(AMOUNTS + 1) / AMOUNTS
    for kind in LAYER_KINDS:
        assert np.array_equal(LAMP.lost(kind, amounts)[:, 1], LAMP.tables[kind])
    assert np.array_equal(LAMP.rounded(amounts), amounts)


def test_random_scopes_with_tables_reach_every_subset_of_the_layers():
    design = Design(RANDOM, NONE, 0.9, 0.5, WEIGHT, BIAS, 0)
    subsets = {
        tuple(name for name, _ in canonical(design, LAMP, seed)[1].zeros) for seed in range(200)
    }
    assert len(subsets) == 2**3


def test_the_zeros_of_a_plan_are_the_zeros_of_the_pruned_network():
    for scope, target, amount in [(ALL, BOTH, 0.77), (RANDOM, WEIGHT, 0.3), (ALL, BIAS, 0.5)]:
        _, plan = canonical(Design(scope, scope, amount, amount, target, target, 0), LAMP, 2)
        pruned = prune(NETWORK, plan).network
        for name, parameter in pruned.named_parameters():
            trained = int((NETWORK.get_parameter(name) == 0).sum())
            zeros = dict(plan.zeros).get(name, 0)
            assert int((parameter == 0).sum()) == max(zeros, trained), name


def test_a_design_that_empties_a_layer_says_so_and_is_evaluated_like_any_other():
    network = network_of([np.array([1.0, 2.0, 3.0]), np.zeros(3), np.array([0.5, 0.5])])
    design = Design(ALL, NONE, 0.5, 0.5, WEIGHT, BIAS, 0)
    _, plan = canonical(design, tabulated(network), 1)
    assert plan.emptied == ("1",)
    assert nonzero_rate(prune(network, plan).network) == 4 / 8
    assert canonical(design, layout_of(network), 1)[1].emptied == ()
    everything = replace(design, linear_amount=1.0)
    assert canonical(everything, layout_of(network), 1)[1].emptied == ("0", "1", "2")


@given(DESIGNS, st.integers(0, 50))
def test_without_tables_amounts_and_design_ids_are_as_they_were(design, seed):
    folded, plan = canonical(design, UNIFORM, seed)
    for kind in LAYER_KINDS:
        assert getattr(folded, f"{kind}_amount") in (0.0, getattr(design, f"{kind}_amount"))
    sizes = {
        f"{layer.name}.{tensor}": (kind, getattr(layer, tensor))
        for kind in LAYER_KINDS
        for layer in getattr(UNIFORM, kind)
        for tensor in ("weight", "bias")
    }
    for name, zeros in plan.zeros:
        kind, size = sizes[name]
        assert zeros == round(getattr(design, f"{kind}_amount") * size)
    said = json.dumps([plan.zeros, plan.quantized]).encode()
    assert plan.design_id == hashlib.sha256(said).hexdigest()[:12]


def test_equal_zeros_with_other_ties_are_other_networks():
    network = network_of([np.ones(6)])
    design = Design(ALL, NONE, 0.5, 0.5, WEIGHT, BIAS, 0)
    uniform, lamp = (canonical(design, of, 1)[1] for of in (layout_of(network), tabulated(network)))
    assert uniform.zeros == lamp.zeros == (("0.weight", 3),)
    assert uniform != lamp
    assert uniform.design_id != lamp.design_id
    assert Plan(uniform.zeros, False, emptied=("0",)) == uniform


def test_a_weight_that_two_layers_share_is_scored_once():
    network = network_of([np.array([1.0, 2.0]), np.array([4.0, 3.0]), np.array([5.0, 6.0])])
    network[2].weight = network[0].weight
    layout = tabulated(network)
    assert [layer.name for layer in layout.linear] == ["0", "1"]
    assert np.array_equal(
        layout.tables["linear"], table_of([np.array([1.0, 2.0]), np.array([4.0, 3.0])])
    )


def test_a_table_of_another_network_is_refused(tmp_path, small_network):
    path = tmp_path / "weights.safetensors"
    save_weights(small_network, path)
    layout = tabulated(small_network)
    fitting = MappedNetwork(small_network, path, Moves(tables=layout.tables)).layout()
    assert fitting == layout
    assert fitting.tables is layout.tables
    with pytest.raises(UserError, match="is of another network or another search_space"):
        MappedNetwork(small_network, path, Moves(keep=("0",), tables=layout.tables)).layout()
