"""Layers that nothing is done to: which names and patterns are taken, and which are refused."""

import re

import pytest
import torch
from torch import nn

from paretopress.compression.layers import kept_layers, layer_names, layout_of
from paretopress.compression.pruning import nonzero_rate, quantize_in_place
from paretopress.dataset.split import Split
from paretopress.errors import UserError
from paretopress.networks.build import build_for, build_network, check_keep, exempt_kept

VGG = {"name": "vgg16_slim", "width_divisor": 32}
RESNET = {"name": "resnet50_slim", "width_per_group": 1}


def kept(network: nn.Module, *keep: str) -> set[str]:
    """The names of the layers that are not in the pool."""
    layout = layout_of(network, keep)
    pool = {layer.name for layer in layout.conv + layout.linear}
    return set(layer_names(network)) - pool


@pytest.fixture(scope="module")
def networks() -> dict[str, nn.Module]:
    return {name: build_network(of, 5) for name, of in (("vgg", VGG), ("resnet", RESNET))}


def test_a_name_keeps_one_layer_and_a_pattern_all_that_it_matches(networks):
    vgg, resnet = networks["vgg"], networks["resnet"]
    assert kept(vgg) == set()
    assert kept(vgg, "classifier.6") == {"classifier.6"}
    assert kept(vgg, "classifier.*", "features.0") == {
        *("features.0", "classifier.0", "classifier.3", "classifier.6")
    }
    assert kept(resnet, "conv1") == {"conv1"}
    fourth = {name for name in layer_names(resnet) if name.startswith("layer4.")}
    assert len(fourth) == 10
    assert kept(resnet, "layer4.*") == fourth
    assert kept(resnet, "*.downsample.?") == {
        f"layer{stage}.0.downsample.0" for stage in range(1, 5)
    }
    assert kept(resnet, "LAYER4.*", "conv", "bn1") == set()


def shared() -> nn.Sequential:
    network = nn.Sequential(*[nn.Linear(4, 4) for _ in range(5)])
    network[2].weight = network[0].weight
    network[3].bias = network[1].bias
    return network


@pytest.mark.parametrize(
    ("keep", "left"), [("0", "134"), ("2", "134"), ("1", "024"), ("3", "024"), ("4", "0123")]
)
def test_a_layer_that_shares_a_tensor_with_a_kept_one_is_kept_too(keep, left):
    network = shared()
    layers = {layer.name: layer for layer in layout_of(network, [keep]).linear}
    assert layers.keys() == set(left)
    if "2" in left:  # the first of the layers that share a tensor has it
        assert (layers["0"].weight, layers["2"].weight, layers["2"].bias) == (16, 0, 4)
    if "3" in left:
        assert (layers["1"].bias, layers["3"].bias, layers["3"].weight) == (4, 0, 16)
    outside = {
        name for name, layer in network.named_children() if layer in kept_layers(network, [keep])
    }
    assert outside == set("01234") - set(left)


def test_kept_layers_count_in_the_rate(small_network):
    entries = sum(parameter.numel() for parameter in small_network.parameters())
    small_network[0].weight.data.view(-1)[:10] = 0
    assert layout_of(small_network, ["0"]).conv != layout_of(small_network).conv
    assert nonzero_rate(small_network) == (entries - 10) / entries


def test_a_kept_linear_layer_is_not_quantised(small_network):
    images = torch.randn(4, 6)
    expected = small_network[5](images)
    assert layout_of(small_network, ["5"]).quantizable
    assert not layout_of(small_network, ["5", "6"]).quantizable
    exempt_kept(small_network, ["5"])
    quantize_in_place(small_network)
    assert torch.equal(small_network[5](images), expected)
    assert isinstance(small_network[5], nn.Linear)
    assert not isinstance(small_network[6], nn.Linear)


def test_a_network_that_is_built_for_a_study_has_its_kept_layers_exempt():
    split = Split(torch.zeros(2, 3, 32, 32, dtype=torch.uint8), torch.tensor([0, 1]), ("a", "b"))
    network = build_for(VGG, split, keep=("classifier.[03]",))
    quantize_in_place(network)
    floats = [place for place in (0, 3, 6) if isinstance(network.classifier[place], nn.Linear)]
    assert floats == [0, 3]


BOTH = {"first": VGG, "second": RESNET}


@pytest.mark.parametrize(
    "keep", [[], ["features.0"], ["layer4.*"], ["conv1", "classifier.6"], ["f*"], ["classifier.*"]]
)
def test_a_pattern_that_fits_one_of_two_networks_is_taken(keep):
    check_keep(keep, BOTH, 5)


@pytest.mark.parametrize(
    ("keep", "unused"),
    [
        (["bn1"], "'bn1'"),
        (["layer5.*"], "'layer5.*'"),
        (["conv1", "Conv1", "fc1"], "'Conv1', 'fc1'"),
        (["classifier"], "'classifier'"),
        ([" conv1"], "' conv1'"),
    ],
)
def test_a_pattern_that_matches_nothing_is_refused_with_the_names_there_are(keep, unused):
    with pytest.raises(UserError) as refused:
        check_keep(keep, BOTH, 5)
    message = str(refused.value)
    assert message.startswith(
        f"search_space.keep: {unused}: no Linear or convolution layer has such a name."
    )
    shown = dict(re.findall(r"^  (\w+): (.*)$", message, flags=re.MULTILINE))
    assert shown == {
        name: ", ".join(layer_names(build_network(of, 5))) for name, of in BOTH.items()
    }
    holds_layers = keep == ["classifier"]
    assert (" Did you mean 'classifier.*'?" in message) == holds_layers


def test_a_pattern_that_fits_no_layer_of_the_only_network_is_refused():
    with pytest.raises(UserError, match=r"'layer4\.\*': no Linear or convolution layer"):
        check_keep(["layer4.*"], {"first": VGG}, 5)


@pytest.mark.parametrize("keep", [["*"], ["features.*", "classifier.*"]])
def test_keeping_every_layer_of_a_network_is_refused(keep):
    with pytest.raises(UserError, match="every layer of first is kept, and nothing is left"):
        check_keep(keep, BOTH, 5)
