"""Sizes of compressed networks against PyTorch's own counter and against what is written."""

import gzip
import io

import pandas as pd
import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from paretopress.compression.layers import layout_of
from paretopress.compression.plans import Plan
from paretopress.compression.pruning import compress, prune
from paretopress.fronts.sizes import Sizes, measure_sizes, multiply_accumulates, pruned_layers
from paretopress.networks.build import build_network
from paretopress.tables import read_table, records, write_csv

DENSE = Plan((), False)
IMAGE = (3, 8, 8)


def sizes_of(network: nn.Module, plan: Plan) -> Sizes:
    return measure_sizes(prune(network, plan).network, plan, IMAGE)


def flops(network: nn.Module, image: tuple[int, int, int]) -> int:
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network.eval()(torch.zeros(1, *image))
    return counter.get_total_flops()


@pytest.mark.parametrize(
    "architecture",
    [{"name": "vgg16_slim", "width_divisor": 32}, {"name": "resnet50_slim", "width_per_group": 1}],
)
def test_without_zeros_all_multiply_accumulates_count_half_of_torchs_flops(architecture):
    network = build_network(architecture, 3)
    for layers in (layout_of(network).linear, layout_of(network).conv):
        for layer in layers:
            network.get_parameter(f"{layer.name}.weight").data.fill_(0.5)
    expected = flops(network, (3, 32, 32)) / 2
    assert multiply_accumulates(network, (3, 32, 32)) == (expected, expected, [])


def test_layers_whose_weight_attention_reads_itself_are_counted_too():
    network = build_network({"name": "vit_b_32", "arguments": {"image_size": 64}}, 3)
    tokens = 4 + 1
    expected = 768 * 3 * 32 * 32 * 4 + 12 * (4 * 768 * 768 + 2 * 768 * 3072) * tokens + 768 * 3
    assert multiply_accumulates(network, (3, 64, 64))[0] == expected


def test_names_of_layers_that_are_numbers_are_read_as_names(tmp_path):
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(4, 2))
    layout = layout_of(network)
    plans = [DENSE, Plan((("2.weight", 3),), False)]
    written = [
        {
            "linear_layers": pruned_layers(plan, layout.linear),
            "conv_layers": pruned_layers(plan, layout.conv),
        }
        for plan in plans
    ]
    write_csv(pd.DataFrame(written), str(tmp_path / "sizes.csv"))
    read = records(read_table(tmp_path / "sizes.csv"))
    assert pd.isna([*read[0].values(), read[1]["conv_layers"]]).all()
    assert read[1]["linear_layers"] == "2"


def test_the_pruned_layers_are_those_that_lose_entries_in_the_order_of_the_network():
    layers = layout_of(build_network({"name": "vgg16_slim", "width_divisor": 32}, 3))
    names = [layer.name for layer in layers.conv[:3]]
    plan = Plan(
        ((f"{names[2]}.weight", 3), (f"{names[2]}.bias", 1), (f"{names[0]}.bias", 1)), False
    )
    assert pruned_layers(plan, layers.conv) == f"{names[0]};{names[2]}"
    assert pruned_layers(plan, layers.linear) == pruned_layers(DENSE, layers.conv) == ""


@pytest.mark.parametrize("groups", [1, 2, 4])
def test_grouped_and_depthwise_convolutions_and_strides(groups):
    network = nn.Sequential(
        nn.Conv2d(3, 4, 1),
        nn.Conv2d(4, 8, 3, stride=2, padding=1, groups=groups),
        nn.Flatten(),
        nn.Linear(128, 5),
    )
    all_macs = 4 * 3 * 64 + 8 * (4 // groups) * 9 * 16 + 128 * 5
    assert multiply_accumulates(network, IMAGE) == (all_macs, all_macs, [])
    assert flops(network, IMAGE) == 2 * all_macs


def test_zeros_save_the_positions_of_their_layer(small_network):
    # The first convolution has 6 x 6 positions of output, the second 4 x 4, a Linear layer one.
    plan = Plan(
        (("0.weight", 50), ("2.weight", 20), ("2.bias", 6), ("5.weight", 7)), quantized=True
    )
    dense, pruned = sizes_of(small_network, DENSE), sizes_of(small_network, plan)
    assert pruned.macs == dense.macs == dense.nonzero_macs
    assert pruned.nonzero_macs == dense.macs - 50 * 36 - 20 * 16 - 7
    assert pruned.nonzero_parameters == dense.nonzero_parameters - 50 - 20 - 6 - 7
    assert (
        pruned.parameters
        == dense.parameters
        == sum(parameter.numel() for parameter in small_network.parameters())
    )


def test_norm_layers_count_as_parameters():
    network = nn.Sequential(nn.Conv2d(3, 2, 1, bias=False), nn.BatchNorm2d(2))
    assert (
        sizes_of(network, DENSE).nonzero_parameters == 3 * 2 + 2
    )  # biases of norm layers begin at zero
    assert sizes_of(network, DENSE).parameters == 3 * 2 + 4


@pytest.mark.parametrize("quantized", [False, True])
def test_bytes_are_those_of_the_network_that_is_deployed(quantized):
    network = nn.Sequential(nn.Flatten(), nn.Linear(192, 300), nn.Linear(300, 40))
    plan = Plan((("1.weight", 50_000),), quantized)
    buffer = io.BytesIO()
    torch.save(compress(network, plan)[0].state_dict(), buffer)
    sizes = sizes_of(network, plan)
    assert sizes.bytes == len(buffer.getvalue())
    assert sizes.compressed_bytes == len(gzip.compress(buffer.getvalue(), 6, mtime=0))
    parameters = 192 * 300 + 300 + 300 * 40 + 40
    assert (
        (1 if quantized else 4) * parameters
        < sizes.bytes
        < (1.2 if quantized else 4.1) * parameters
    )
    assert sizes.compressed_bytes < sizes.bytes / 2


def test_the_dense_network_and_its_hooks_are_left_as_they_are(small_network):
    sizes_of(small_network, Plan((("0.weight", 50),), True))
    multiply_accumulates(small_network, IMAGE)
    assert all(
        int(torch.count_nonzero(parameter)) == parameter.numel()
        for parameter in small_network.parameters()
    )
    assert not any(module._forward_hooks for module in small_network.modules())
