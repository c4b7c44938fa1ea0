"""Networks of the kinds that people bring go the whole way, from building to the packed file, or are refused by name."""

import json
from dataclasses import replace
from inspect import isfunction
from pathlib import Path

import brought_networks as kinds
import pytest
import torch
from compressed import plain_predictions
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from paretopress.compression.designs import space_of
from paretopress.compression.evaluation import Evaluator
from paretopress.compression.layers import LAYER_KINDS, layout_of
from paretopress.compression.plans import canonical
from paretopress.compression.pruning import nonzero_rate
from paretopress.compression.repair import RepairImages
from paretopress.compression.tally import tally
from paretopress.config.variables import Design
from paretopress.dataset.split import Split
from paretopress.errors import UserError
from paretopress.fronts.sizes import measure_sizes
from paretopress.networks.build import build_network, initialize
from paretopress.networks.builds import check_builds
from paretopress.networks.mapped import load_network
from paretopress.networks.moves import Moves
from paretopress.networks.packed import load_packed, save_packed
from paretopress.networks.preflight import preflight, preflight_json
from paretopress.networks.training import Recipe, train
from paretopress.networks.trial import check_network
from paretopress.networks.weights import save_weights

CLASSES = tuple("abc")
IMAGE = (3, 32, 32)
REFUSED = {
    "drawn_without_seed": "is another one each time it is built: order differs",
    "drawn_layers": "has other tensors each time it is built",
    "drawn_in_a_pass": "gives other scores each time for the same images .* training=self.training",
    "drawn_in_the_first_pass": "gives other scores each time for the same images",
    "layer_of_the_first_pass": r"makes head\.bias, head\.weight in a pass",
    "buffer_of_the_first_pass": "makes scale in a pass",
    "unseeded_before_a_zero_head": "is another one each time it is built: order differs",
    "dropout_before_a_zero_head": "gives other scores each time for the same images",
    "layer_in_a_closure": "computes with other tensors than its parameters and buffers",
    "tensor_taken_before": "computes with other tensors than its parameters and buffers",
    "scripted_part": "is TorchScript",
    "mean_of_training": "keeps what a pass in training makes, beside its state dict: mean",
    "initialised_by_data": "keeps what a pass in training makes, beside its state dict: known",
    "complex_layer": r"conv\.weight, conv\.bias hold no real numbers",
}
HELPERS = ("head_in", "zero_head")
NAMES = [
    name
    for name, found in vars(kinds).items()
    if isfunction(found) and name not in HELPERS and name not in REFUSED
]
DRAWN = {
    "drawn_buffer": ["projection"],
    "drawn_tensor": ["signs"],
    "drawn_by_numpy": ["order"],
    "drawn_by_python": ["order"],
    "drawn_before_a_zero_head": ["order"],
}


def architecture(name: str) -> dict:
    return {"name": "file", "path": kinds.__file__, "function": name, "arguments": {}}


def images(count: int, seed: int) -> Split:
    generator = torch.Generator().manual_seed(seed)
    pixels = torch.randint(0, 256, (count, *IMAGE), dtype=torch.uint8, generator=generator)
    labels = torch.arange(count) % len(CLASSES)
    pixels[labels == 1] //= 3
    pixels[labels == 2] //= 7
    return Split(pixels, labels, CLASSES)


TRAIN, TEST = images(22, 1), images(13, 2)
RECIPE = Recipe(2, 8, "sgd", 0.02, 0.0, "constant", "none", seed=3)
REPAIR = RepairImages(TRAIN, torch.arange(20), 7, 20)


def scores(network: nn.Module, split: Split = TEST) -> torch.Tensor:
    with torch.no_grad():
        return network.eval()(split.images.float() / 255)


def trained(name: str) -> nn.Module:
    """A trained network, as the training job makes it."""
    network = build_network(architecture(name), len(CLASSES))
    check_network(network, len(CLASSES), 32)
    torch.manual_seed(RECIPE.seed)
    initialize(network, architecture(name), len(CLASSES))
    train(network, TRAIN, RECIPE, lambda own: tally(own, TEST, 5).accuracy, lambda history: None)
    return network


@pytest.fixture(scope="module", params=NAMES)
def brought(request, tmp_path_factory) -> tuple[str, torch.Tensor, Path]:
    """The name of a network, its scores after its training, and the file of its weights."""
    path = tmp_path_factory.mktemp("brought") / "weights.safetensors"
    network = trained(request.param)
    save_weights(network, path)
    return request.param, scores(network), path


def loaded(brought, **moves):
    """The network of another job, which has drawn random numbers before it builds."""
    torch.rand(5)
    return load_network(architecture(brought[0]), TEST, brought[2], Moves(**moves))


def test_another_job_has_the_network_that_was_trained(brought):
    assert torch.equal(scores(loaded(brought).fresh()), brought[1])


HALF = Design(2, 2, 0.5, 0.5, 2, 2, 0)
MANY_TRIES = 3  # evaluations of 5 batches, in which each path has its tries

ROUNDED, INT8 = replace(HALF, linear_bits=4, conv_bits=3), replace(HALF, quantization=1)


@pytest.mark.parametrize(
    ("design", "repaired"),
    [
        pytest.param(HALF, False, marks=pytest.mark.thorough),
        (ROUNDED, True),
        (INT8, False),
        pytest.param(INT8, True, marks=pytest.mark.thorough),
    ],
    ids=["pruned", "rounded-repaired", "int8", "int8-repaired"],
)
def test_what_is_evaluated_is_compressed_counted_and_packed(brought, design, repaired, tmp_path):
    network = loaded(brought, repair=REPAIR if repaired else None)
    layout = network.layout()
    if not layout.quantizable and design.quantization:
        return  # said by `kept_in_float` of the network's inspection
    _, plan = canonical(design, layout, seed=1)
    pruned = network.pruned(plan)
    lost = sum(count for _, count in plan.zeros)
    entries = sum(
        layer.weight + layer.bias for kind in LAYER_KINDS for layer in getattr(layout, kind)
    )
    assert nonzero_rate(pruned.network) == pytest.approx(1 - lost / entries)
    assert entries / 2 - len(plan.zeros) <= lost <= entries / 2 + len(plan.zeros)
    compressed, rate = network.compress(plan)
    assert rate == nonzero_rate(pruned.network)
    dense, found = scores(network.fresh()), scores(compressed)
    assert not torch.equal(dense, found)
    save_packed(pruned, plan, path := tmp_path / "packed.safetensors")
    assert torch.equal(scores(load_packed(network.fresh(), path)), found)


HEAD_ALONE = Design(2, 0, 0.5, 0.5, 1, 1, 0)


@pytest.mark.parametrize(
    "repaired", [pytest.param(False, marks=pytest.mark.thorough), True], ids=["", "repaired"]
)
def test_each_path_of_an_evaluation_gives_the_predictions_of_the_plain_one(
    brought, repaired, tmp_path
):
    network = loaded(brought, repair=REPAIR if repaired else None)
    whole = replace(network, image_size=None)  # has no head
    evaluate = Evaluator(network, TEST, 3)
    designs = [
        Design(), HEAD_ALONE, replace(HEAD_ALONE, quantization=1), INT8, *[HALF] * MANY_TRIES,
    ]  # fmt: skip
    for design in designs:
        _, plan = canonical(design, network.layout(), seed=1)
        compressed, rate = network.compress(plan)
        plain, same_rate = whole.compress(plan)
        assert rate == same_rate
        assert torch.equal(scores(compressed), scores(plain))
        predictions, path = evaluate.predictions(compressed, plan)
        assert torch.equal(predictions, plain_predictions(plain, TEST, 3))
        assert path == "features" or not (network.head and network.head.holds(plan))


def test_macs_are_those_of_torchs_counter(brought):
    network = loaded(brought).fresh()
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(torch.zeros(1, *IMAGE))
    sizes = measure_sizes(network, canonical(Design(), layout_of(network), 1)[1], IMAGE)
    if brought[0] == "recurrent":  # one operation for torch's counter, 4 x 8 products for each row
        assert sizes.macs == 96 * 4 * 8 * (32 + 8) + 8 * len(CLASSES)
    else:
        assert sizes.macs == counter.get_total_flops() / 2
    unknown = {"elementwise": "head", "reached_by_bright_images": "conv;extra"}
    without = {*sizes.layers_without_macs.split(";")}
    assert without == {*unknown.get(brought[0], "").split(";")}


@pytest.mark.parametrize("name", [*NAMES, *REFUSED])
def test_what_building_draws_is_named_and_what_no_job_could_repeat_is_refused(name):
    if name not in REFUSED:
        assert check_builds(architecture(name), len(CLASSES), 32) == DRAWN.get(name, [])
        return

    def tried() -> None:
        check_network(build_network(architecture(name), len(CLASSES)), len(CLASSES), 32)
        check_builds(architecture(name), len(CLASSES), 32)

    with pytest.raises(UserError, match=REFUSED[name]):
        tried()


@pytest.mark.parametrize("name", ["two_names", "several_times_in_a_row", "tied"])
def test_a_layer_in_several_places_is_stored_once(name):
    network = build_network(architecture(name), len(CLASSES))
    entries = sum(parameter.numel() for parameter in network.parameters())
    layout = layout_of(network)
    assert layout.entries == entries
    dense = measure_sizes(network, canonical(Design(), layout, 1)[1], IMAGE)
    int8 = measure_sizes(network, canonical(Design(quantization=1), layout, 1)[1], IMAGE)
    assert dense.parameters == int8.parameters == entries
    overhead = 7_000  # of torch's archive
    assert 4 * entries < dense.bytes < 4 * entries + overhead
    assert entries < int8.bytes < entries + overhead


LEFT_ALONE = {
    "two_names": "the same layer or tensor as an earlier one: output",
    "shared_bias": "the same layer or tensor as an earlier one: second.0.bias",
    "with_other_parameters": "parameters that are not pruned: BatchNorm2d 16, Conv2d 8, Net 512",
    "double_head": "not quantised to int8: head (in float64)",
    "bfloat16_head": "not float32, and counted in bytes as if they were: head.weight (bfloat16), "
    "head.bias (bfloat16)",
    "standardized": "not quantised to int8: head (of the class StandardizedLinear)",
    "masked_by_its_parent": "not quantised to int8: head (read by another module, or not reached by "
    "the trial images)",
    "drawn_buffer": "projection: drawn at random when the network is built, and not in its state "
    "dict. Each job here draws the same. The weights alone are not this network: make it a "
    "persistent buffer to have it in the file",
    "only_linear": "repair leaves alone: (the network) (computes in its own way)",
}


@pytest.mark.parametrize("name", LEFT_ALONE)
def test_what_is_left_alone_is_said(name, tmp_path):
    space = space_of({"quantization": [0, 1]})
    found, _, _ = preflight(architecture(name), TEST, None, Moves(repair=REPAIR), space, tmp_path)
    assert LEFT_ALONE[name] in found.notes()
    assert json.loads(preflight_json(found))["notes"] == found.notes()
    without_int8 = space_of({"quantization": [0]})
    found, _, _ = preflight(
        architecture(name), TEST, None, Moves(("*",), repair=None), without_int8, tmp_path
    )
    assert not any("int8" in note or "repair" in note for note in found.notes())
    assert found.inspection.layers == []
    assert found.notes()[1].startswith("kept as they are, by search_space.keep: ")


def test_weights_of_a_network_that_building_draws_are_refused_by_name(tmp_path):
    weights = tmp_path / "mine.safetensors"
    save_weights(build_network(architecture("drawn_buffer"), 3), weights)
    with pytest.raises(UserError, match=r"mine\.safetensors: .* draws projection at random"):
        preflight(architecture("drawn_buffer"), TEST, weights, Moves(), space_of({}), tmp_path)


def test_a_network_that_takes_no_size_and_one_that_only_fails_in_training_are_told_apart():
    class Fails(nn.Sequential):
        def forward(self, x):
            if self.training or x.shape[-1] == 32:
                raise ValueError("no such thing")
            return super().forward(x)

    network = Fails(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 3))
    with pytest.raises(UserError, match=r"pixels it takes 64, 96, .* Set dataset.image_size"):
        check_network(network, 3, 32)
    with pytest.raises(UserError, match=r"in training mode.* In evaluation mode it takes them"):
        check_network(network, 3, 64)
    with pytest.raises(UserError, match="so that the size may not be the cause"):
        check_network(nn.Sequential(nn.Linear(5, 3)), 3, 32)
