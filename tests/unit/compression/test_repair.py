"""Repair against a plain reference in double precision, and what it leaves as it is."""

import copy
import logging
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from itertools import product
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
import torch
from cases import cases
from hypothesis import example, given, settings
from hypothesis import strategies as st
from torch import nn

from paretopress.compression import repair as repairing
from paretopress.compression.layers import EVERY_KIND
from paretopress.compression.moments import Moments, Pool, moments_of
from paretopress.compression.passage import passage_of, trial_images
from paretopress.compression.plans import Plan
from paretopress.compression.pruning import nonzero_rate, prune
from paretopress.compression.repair import RepairImages, scale_and_shift
from paretopress.dataset.split import Split, normalized, save_split, spread
from paretopress.networks.build import exempt_kept, exempt_uncalled
from paretopress.networks.mapped import MappedNetwork, mapped_network
from paretopress.networks.moves import Moves, load_moves
from paretopress.networks.weights import save_weights

BATCH_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)
SIDE = 6
TRAINING = Split(
    torch.randint(
        0, 256, (23, 3, SIDE, SIDE), dtype=torch.uint8, generator=torch.Generator().manual_seed(1)
    ),
    torch.arange(23) % 3,
    tuple("abc"),
    (0.4, 0.5, 0.6),
    (0.2, 0.3, 0.25),
)
ORDER = spread(TRAINING, 20)


class Net(nn.Module):
    """Layers by name, and a function that calls them."""

    def __init__(self, call: Callable[[nn.Module, torch.Tensor], torch.Tensor], **layers) -> None:
        super().__init__()
        for name, layer in layers.items():
            setattr(self, name, layer)
        self.call = call

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.call(self, x)


def head(inputs: int, **arguments) -> list[nn.Module]:
    return [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(inputs, 3, **arguments)]


def like_vgg() -> nn.Module:
    return nn.Sequential(
        *[nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 6, 3, groups=2), nn.ReLU()],
        *[nn.Flatten(), nn.Linear(96, 7), nn.ReLU(), nn.Linear(7, 3)],
    )


def with_batch_norm() -> nn.Module:
    return nn.Sequential(
        *[nn.Conv2d(3, 4, 3, bias=False), nn.BatchNorm2d(4), nn.ReLU()],
        *[nn.Conv2d(4, 5, 3), nn.BatchNorm2d(5, affine=False), nn.ReLU(), *head(5)],
    )


def with_batch_norm_in_one_dimension() -> nn.Module:
    return Net(
        lambda net, x: net.last(net.norm(net.wide(net.length(net.line(x.flatten(2))).flatten(1)))),
        line=nn.Conv1d(3, 4, 5, stride=5),
        length=nn.BatchNorm1d(4),
        wide=nn.Linear(28, 6),
        norm=nn.BatchNorm1d(6),
        last=nn.Linear(6, 3),
    )


def without_bias() -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, 5, 3, bias=False), nn.ReLU(), *head(5, bias=False))


def called_twice() -> nn.Module:
    return Net(
        lambda net, x: net.last(net.same(net.same(net.first(x)).relu()).relu().mean((2, 3))),
        first=nn.Conv2d(3, 4, 1),
        same=nn.Conv2d(4, 4, 3, padding=1),
        last=nn.Linear(4, 3),
    )


def sharing_both() -> nn.Module:
    network = called_twice()
    network.call = lambda net, x: net.last(
        net.other(net.same(net.first(x)).relu()).relu().mean((2, 3))
    )
    network.other = nn.Conv2d(4, 4, 3, padding=1)
    network.other.weight, network.other.bias = network.same.weight, network.same.bias
    return network


def sharing_one(tensor: str) -> nn.Module:
    network = sharing_both()
    own = nn.Conv2d(4, 4, 3, padding=1)
    setattr(network.other, tensor, getattr(own, tensor))
    return network


def norm_called_twice() -> nn.Module:
    return Net(
        lambda net, x: net.last(
            net.norm(net.second(net.norm(net.first(x)).relu())).relu().mean((2, 3))
        ),
        first=nn.Conv2d(3, 4, 1, bias=False),
        norm=nn.BatchNorm2d(4),
        second=nn.Conv2d(4, 4, 3),
        last=nn.Linear(4, 3),
    )


def residual() -> nn.Module:
    def call(net: nn.Module, x: torch.Tensor) -> torch.Tensor:
        x = net.stem_norm(input=net.stem(x)).relu()
        x = (x + net.norm(net.branch(x)) + net.skip(x)).relu()
        return net.last(x.mean((2, 3)))

    return Net(
        call,
        stem=nn.Conv2d(3, 4, 3, bias=False),
        stem_norm=nn.BatchNorm2d(4),
        branch=nn.Conv2d(4, 4, 3, padding=1, bias=False),
        norm=nn.BatchNorm2d(4),
        skip=nn.Conv2d(4, 4, 1),
        last=nn.Linear(4, 3),
    )


def attention() -> nn.Module:
    return Net(
        lambda net, x: net.last(net.encoder(net.stem(x).relu().flatten(2).transpose(1, 2)).mean(1)),
        stem=nn.Conv2d(3, 8, 3, stride=3),
        encoder=nn.TransformerEncoderLayer(8, 2, 10, batch_first=True),
        last=nn.Linear(8, 3),
    )


NETWORKS = {
    builder.__name__: builder
    for builder in (
        like_vgg,
        with_batch_norm,
        with_batch_norm_in_one_dimension,
        without_bias,
        called_twice,
        sharing_both,
        norm_called_twice,
        residual,
        attention,
    )
}


def trained(network: nn.Module, seed: int = 0) -> nn.Module:
    """Weights and statistics that no two channels share."""
    generator = torch.Generator().manual_seed(seed)
    for name, tensor in network.named_parameters():
        if tensor.dim() == 1 or "weight" not in name:
            tensor.data = torch.randn(tensor.shape, generator=generator) * 0.3 + 0.5
    for name, buffer in network.named_buffers():
        if name.endswith(("_mean", "_var")):
            buffer.copy_(torch.rand(buffer.shape, generator=generator) + 0.2)
    return network.eval()


def built(builder: Callable[[], nn.Module], seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    return trained(builder(), seed)


def mapped(
    network: nn.Module,
    folder: Path,
    keep: Sequence[str] = (),
    order: torch.Tensor = ORDER,
    batch_size: int = 20,
    training: Split = TRAINING,
) -> MappedNetwork:
    """The network in a file, to be repaired on some training images."""
    path = folder / "weights.safetensors"
    save_weights(network, path)
    structure = copy.deepcopy(network)
    exempt_uncalled(structure, SIDE)
    exempt_kept(structure, keep)
    images = RepairImages(training, order, batch_size, asked=len(order))
    return mapped_network(structure, path, Moves(tuple(keep), repair=images))


def share_of(mapped: MappedNetwork, share: float, *names: str) -> Plan:
    """A plan that takes this share of the weight of each layer, or of those that are named."""
    layout = mapped.layout()
    return Plan(
        tuple(
            (f"{layer.name}.weight", round(share * layer.weight))
            for layer in layout.conv + layout.linear
            if not names or layer.name in names
        ),
        quantized=False,
    )


def groups_of(network: nn.Module) -> dict[nn.Module, str]:
    """Each layer and batch norm, with the name of the first that has its tensors."""
    names: dict[tuple[int, ...], str] = {}
    return {
        module: names.setdefault(
            tuple(map(id, module.parameters(recurse=False))) or (id(module),), name
        )
        for name, module in network.named_modules()
        if isinstance(module, EVERY_KIND + BATCH_NORMS)
    }


def channels(module: nn.Module, values: torch.Tensor) -> torch.Tensor:
    """Values by channel, float64 of shape (values, channels)."""
    last = values if isinstance(module, nn.Linear) else values.movedim(1, -1)
    return last.reshape(-1, last.shape[-1]).double()


def mending(
    own: torch.Tensor, dense: torch.Tensor, bias: torch.Tensor | None
) -> tuple[torch.Tensor, torch.Tensor]:
    """Scale and shift for values by channel."""
    scale, shift = torch.ones(own.shape[1]).double(), torch.zeros(own.shape[1]).double()
    for channel in range(own.shape[1]):
        mine, theirs = own[:, channel].numpy(), dense[:, channel].numpy()
        if all(of.std() > 1e-6 * abs(of.mean()) for of in (mine, theirs)):
            scale[channel] = float(np.clip(theirs.std() / mine.std(), 0.2, 5))
        if bias is not None and bias[channel] != 0:
            shift[channel] = theirs.mean() - float(scale[channel]) * mine.mean()
    return scale, shift


def parts_of(order: torch.Tensor, size: int) -> list[torch.Tensor]:
    """The images of each batch; a last image alone belongs to the batch before."""
    starts = list(range(0, len(order), size))
    if len(starts) > 1 and starts[-1] == len(order) - 1:
        starts.pop()
    ends = [*starts[1:], len(order)]
    return [order[start:end] for start, end in zip(starts, ends, strict=True)]


def reference(
    dense: nn.Module, pruned: nn.Module, mended: set[str], images: RepairImages
) -> nn.Module:
    """Repair in double precision, by values that are all in memory."""
    dense, network = copy.deepcopy(dense).double(), copy.deepcopy(pruned).double()
    of_dense, of_network = groups_of(dense), groups_of(network)
    wanted, found = defaultdict(list), defaultdict(list)
    inputs = [
        normalized(images.training, images.training.images[part]).double()
        for part in parts_of(images.order, images.batch_size)
    ]

    def measure(module: nn.Module, args: object, output: torch.Tensor) -> None:
        wanted[of_dense[module]].append(channels(module, output))

    def mend(module: nn.Module, args: object, output: torch.Tensor) -> torch.Tensor:
        name = of_network[module]
        values = channels(module, output)
        found[name].append(values)
        scale, shift = mending(values, torch.cat(wanted[name]), module.bias)
        shape = [-1] + [1] * (0 if isinstance(module, nn.Linear) else output.dim() - 2)
        return output * scale.view(shape) + shift.view(shape)

    def renew(module: nn.Module, args: tuple, kwargs: dict) -> None:
        values = channels(module, [*args, *kwargs.values()][0])
        found[of_network[module]].append(values)
        module.running_mean = values.mean(0)
        module.running_var = values.var(0, unbiased=False)

    hooks = []
    for module in of_dense:
        if isinstance(module, EVERY_KIND):
            hooks.append(module.register_forward_hook(measure))
    for module, name in of_network.items():
        if name in mended and isinstance(module, EVERY_KIND):
            hooks.append(module.register_forward_hook(mend))
        elif name in mended:
            hooks.append(module.register_forward_pre_hook(renew, with_kwargs=True))
    with torch.no_grad():
        for batch in inputs:
            dense(batch)
        for batch in inputs:
            network(batch)
        done = set()
        for module, name in of_network.items():
            if name not in found or name in done:
                continue
            done.add(name)
            values = torch.cat(found[name])
            if isinstance(module, BATCH_NORMS):
                module.running_mean = values.mean(0)
                module.running_var = values.var(0, unbiased=False)
                continue
            scale, shift = mending(values, torch.cat(wanted[name]), module.bias)
            module.weight.mul_(scale.view(-1, *[1] * (module.weight.dim() - 1)))
            if module.bias is not None:
                module.bias.copy_(torch.where(module.bias == 0, 0, module.bias * scale + shift))
    for hook in hooks:
        hook.remove()
    return network


def assert_close(found: nn.Module, expected: nn.Module) -> None:
    state = expected.state_dict()
    for name, tensor in found.state_dict().items():
        assert torch.allclose(tensor.double(), state[name].double(), rtol=2e-4, atol=2e-5), name


def same_bits(first: nn.Module, second: nn.Module, *names: str) -> bool:
    """Whether tensors are equal to the bit, all of them or those whose names begin like these."""
    other = second.state_dict()
    return all(
        torch.equal(tensor, other[name]) and tensor.dtype == other[name].dtype
        for name, tensor in first.state_dict().items()
        if not names or name.startswith(names)
    )


# What is mended if everything is pruned: batch norms, and layers that go into none.
MENDED = {
    "like_vgg": {"0", "2", "5", "7"},
    "with_batch_norm": {"1", "4", "8"},
    "with_batch_norm_in_one_dimension": {"length", "norm", "last"},
    "without_bias": {"0", "4"},
    "called_twice": {"first", "same", "last"},
    "sharing_both": {"first", "same", "last"},
    "norm_called_twice": {"norm", "last"},
    "residual": {"stem_norm", "norm", "skip", "last"},
    "attention": {"stem", "encoder.linear1", "encoder.linear2", "last"},
}


@pytest.mark.parametrize(
    ("name", "batch_size"),
    # After batch norm of one value for each channel nothing is left but rounding.
    sorted({*product(NETWORKS, [20, 7, 1])} - {("with_batch_norm_in_one_dimension", 1)}),
)
def test_a_pruned_network_is_mended_as_the_reference_mends_it(tmp_path, name, batch_size):
    network = built(NETWORKS[name])
    target = mapped(network, tmp_path, batch_size=batch_size)
    plan = share_of(target, 0.4)
    images = target.moves.repair
    expected = reference(network, prune(network, plan).network, MENDED[name], images)
    repaired = target.pruned(plan).network
    assert_close(repaired, expected)
    assert not same_bits(repaired, prune(network, plan).network)


def test_batches_of_one_value_for_each_channel_are_pooled_too(tmp_path):
    network = built(with_batch_norm_in_one_dimension)
    target = mapped(network, tmp_path, batch_size=1)
    plan = share_of(target, 0.4)
    repaired = target.pruned(plan).network
    expected = reference(
        network, prune(network, plan).network, {"length", "norm"}, target.moves.repair
    )
    assert_close(nn.ModuleList([repaired.norm]), nn.ModuleList([expected.norm]))
    assert (repaired.norm.running_var > 1e-3).all()
    assert all(tensor.isfinite().all() for tensor in repaired.state_dict().values())


def test_after_repair_on_one_batch_each_channel_has_the_mean_and_deviation_of_the_dense_network(
    tmp_path,
):
    network = built(like_vgg)
    target = mapped(network, tmp_path)
    repaired = target.pruned(share_of(target, 0.3)).network
    inputs = normalized(TRAINING, TRAINING.images[ORDER])
    for end in (1, 3, 6, 8):
        mine, theirs = (
            channels(part[end - 1], part[:end](inputs).detach()) for part in (repaired, network)
        )
        assert torch.allclose(mine.mean(0), theirs.mean(0), rtol=1e-3, atol=1e-3)
        assert torch.allclose(mine.std(0), theirs.std(0), rtol=1e-3, atol=1e-3)


def test_batch_norm_gets_the_moments_of_its_inputs(tmp_path):
    network = built(with_batch_norm)
    target = mapped(network, tmp_path)
    repaired = target.pruned(share_of(target, 0.5, "0")).network
    inputs = normalized(TRAINING, TRAINING.images[ORDER])
    for place in (1, 4):
        values = channels(repaired[place], repaired[:place](inputs).detach())
        assert torch.allclose(repaired[place].running_mean.double(), values.mean(0), atol=1e-5)
        assert torch.allclose(
            repaired[place].running_var.double(), values.var(0, unbiased=False), rtol=1e-4
        )


@pytest.mark.parametrize("names", [("5",), ("2",), ("0", "7")])
def test_what_comes_after_the_first_pruned_layer_is_mended_whatever_it_is(tmp_path, names):
    network = built(like_vgg)
    target = mapped(network, tmp_path, batch_size=6)
    plan = share_of(target, 0.6, *names)
    mended = {name for name in MENDED["like_vgg"] if name >= min(names)}
    expected = reference(network, prune(network, plan).network, mended, target.moves.repair)
    assert_close(target.pruned(plan).network, expected)


# The layers and norms of each network in the order in which they are called.
CALLS = {
    "like_vgg": ["0", "2", "5", "7"],
    "with_batch_norm": ["0", "1", "3", "4", "8"],
    "called_twice": ["first", "same", "last"],
    "norm_called_twice": ["first", "norm", "second", "last"],
    "residual": ["stem", "stem_norm", "branch", "norm", "skip", "last"],
    "attention": [
        "stem",
        "encoder.self_attn",
        "encoder.linear1",
        "encoder.linear2",
        "last",
    ],
}


@pytest.mark.parametrize(
    ("name", "place"),
    [(name, place) for name, calls in CALLS.items() for place in range(len(calls))],
)
def test_what_comes_before_the_first_pruned_layer_stays_to_the_bit(tmp_path, name, place):
    network = built(NETWORKS[name])
    target = mapped(network, tmp_path)
    first = CALLS[name][place]
    pruned = [
        layer.name
        for layer in target.layout().conv + target.layout().linear
        if layer.name.startswith(first)
    ]
    if not pruned:
        assert "norm" in first or isinstance(network.get_submodule(first), BATCH_NORMS)
        return
    repaired = target.pruned(share_of(target, 0.5, *pruned)).network
    for before in CALLS[name][:place]:
        # The batch norm that is called again afterwards is measured again.
        if (name, before) != ("norm_called_twice", "norm"):
            assert same_bits(repaired, network, f"{before}."), before
    assert not same_bits(repaired, network, "last." if "last" in CALLS[name] else CALLS[name][-1])


@pytest.mark.parametrize("quantized", [False, True])
@pytest.mark.parametrize("name", NETWORKS)
def test_a_design_that_prunes_nothing_is_the_dense_network_to_the_bit(tmp_path, name, quantized):
    network = built(NETWORKS[name])
    target = mapped(network, tmp_path)
    plan = Plan((), quantized)
    plain = replace(target, moves=Moves())
    repaired, rate = target.compress(plan)
    expected, expected_rate = plain.compress(plan)
    inputs = normalized(TRAINING, TRAINING.images)
    assert rate == expected_rate
    with torch.inference_mode():
        assert torch.equal(repaired(inputs), expected(inputs))
    if not quantized:
        assert same_bits(repaired, network)


@pytest.mark.parametrize("quantized", [False, True])
@pytest.mark.parametrize(("name", "linear"), [("like_vgg", "5"), ("residual", "last")])
def test_a_design_that_leaves_the_convolutions_alone_keeps_the_body_to_the_bit(
    tmp_path, name, linear, quantized
):
    network = built(NETWORKS[name])
    target = mapped(network, tmp_path)
    plan = replace(share_of(target, 0.5, linear), quantized=quantized)
    repaired, _ = target.compress(plan)
    body = CALLS[name][: CALLS[name].index(linear)]
    assert same_bits(
        nn.ModuleDict({part: repaired.get_submodule(part) for part in body}),
        nn.ModuleDict({part: network.get_submodule(part) for part in body}),
    )


@cache
def stored(name: str, batch_size: int) -> MappedNetwork:
    """One network for many plans, in a folder that lasts as long as the tests."""
    folder = TemporaryDirectory()
    FOLDERS.append(folder)
    network = built(NETWORKS[name])
    with torch.no_grad():
        for number, parameter in enumerate(network.parameters()):
            flat = parameter.view(-1)
            # Zeros of the training, and weights that a scale could make zero.
            flat[number % 3 :: 4] = 0
            flat[(number + 1) % 3 :: 7] = 1e-45
            flat[(number + 2) % 3 :: 9] *= -1e-39
    return mapped(network, Path(folder.name), batch_size=batch_size)


FOLDERS: list[TemporaryDirectory] = []


@pytest.fixture(scope="module", autouse=True)
def in_one_thread():
    """Networks this small wait for threads longer than they compute."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)
    stored.cache_clear()
    while FOLDERS:
        FOLDERS.pop().cleanup()


@st.composite
def plans(draw: st.DrawFn) -> tuple[MappedNetwork, Plan]:
    target = stored(draw(st.sampled_from(sorted(NETWORKS))), draw(st.sampled_from([20, 6])))
    layout = target.layout()
    zeros = []
    for layer in layout.conv + layout.linear:
        for tensor in ("weight", "bias"):
            size = getattr(layer, tensor)
            count = draw(st.just(0) | st.integers(0, size))
            zeros += [(f"{layer.name}.{tensor}", count)] if count else []
    return target, Plan(
        tuple(zeros), draw(st.booleans()), draw(st.sampled_from(["torch", "index"]))
    )


@given(plans())
@settings(max_examples=cases(160))
def test_no_pruned_or_trained_zero_comes_back_and_none_is_added(given_plan):
    target, plan = given_plan
    network = replace(target, moves=Moves()).fresh()
    pruned = prune(network, plan).network
    repaired = target.pruned(plan).network
    for name, parameter in repaired.named_parameters():
        before = pruned.get_parameter(name)
        assert torch.equal(parameter == 0, before == 0), name
        assert parameter.dtype == before.dtype
        assert not torch.isnan(parameter).any()
    assert target.compress(plan)[1] == nonzero_rate(repaired) == nonzero_rate(pruned)


@given(plans())
@settings(max_examples=cases(40))
def test_repair_changes_neither_the_file_nor_the_dense_network_and_is_the_same_each_time(
    given_plan,
):
    target, plan = given_plan
    before = target.weights.read_bytes()
    dense = copy.deepcopy(target.fresh())
    first, second = target.pruned(plan).network, target.pruned(plan).network
    again = replace(target).pruned(plan).network  # with the dense network measured once more
    assert same_bits(first, second)
    assert same_bits(first, again)
    assert target.weights.read_bytes() == before
    assert same_bits(target.fresh(), dense)


@pytest.mark.parametrize("at_once", [1, 40, 60])
def test_weights_are_scaled_the_same_however_many_rows_are_in_memory(
    tmp_path, monkeypatch, at_once
):
    target = mapped(built(like_vgg), tmp_path)
    plan = share_of(target, 0.4)
    expected = target.pruned(plan).network
    monkeypatch.setattr(repairing, "ENTRIES_AT_ONCE", at_once)
    assert same_bits(target.pruned(plan).network, expected)


def test_a_bias_that_would_become_zero_is_the_smallest_number_instead(tmp_path):
    network = nn.Sequential(nn.Conv2d(3, 2, 1), nn.ReLU(), nn.Flatten(), nn.Linear(72, 3)).eval()
    with torch.no_grad():
        network[0].weight.zero_()
        network[0].bias.fill_(1.0)
        network[3].weight.zero_()
        network[3].weight[0, 0] = -1.0
        network[3].bias.fill_(1.0)
    target = mapped(network, tmp_path)
    # Emptied, the first class has the mean of the dense network, which is 0.
    repaired = target.pruned(Plan((("3.weight", 216),), quantized=False)).network
    tiny = torch.finfo(torch.float32).tiny
    assert repaired[3].bias.tolist() == [tiny, 1.0, 1.0]


@pytest.mark.parametrize("tensor", ["weight", "bias"])
def test_layers_that_share_one_of_their_tensors_are_left_alone(tmp_path, tensor):
    network = built(lambda: sharing_one("bias" if tensor == "weight" else "weight"))
    target = mapped(network, tmp_path, batch_size=7)
    plan = share_of(target, 0.4)
    pruned = prune(network, plan).network
    repaired = target.pruned(plan).network
    assert same_bits(repaired, pruned, "same.", "other.")
    expected = reference(network, pruned, {"first", "last"}, target.moves.repair)
    assert_close(repaired, expected)
    left_alone = target.repaired()[1]
    assert "same (shares one of its tensors)" in left_alone
    assert ("other (shares one of its tensors)" in left_alone) == (tensor == "bias")


class Standardized(nn.Conv2d):
    """A convolution that does not see the scale of its weight."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        weight = self.weight / self.weight.std((1, 2, 3), keepdim=True)
        return nn.functional.conv2d(x, weight, self.bias)


class InPairs(nn.Linear):
    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return super().forward(x), x


def test_layers_that_compute_in_their_own_way_are_left_alone_and_said(tmp_path):
    network = Net(
        lambda net, x: net.last(net.own(x).relu().mean((2, 3)))[0],
        own=Standardized(3, 4, 3),
        last=InPairs(4, 3),
    )
    network = built(lambda: network)
    target = mapped(network, tmp_path, batch_size=7)
    plan = share_of(target, 0.5)
    assert same_bits(target.pruned(plan).network, prune(network, plan).network)
    assert target.repaired()[1] == (
        "last (computes in its own way)",
        "own (computes in its own way)",
    )


@pytest.mark.parametrize("bias", [True, False])
def test_a_weight_that_another_module_holds_too_is_left_alone(tmp_path, bias):
    network = Net(
        lambda net, x: net.last(net.back(net.there(x).relu()).mean((2, 3))),
        there=nn.Conv2d(3, 4, 3, bias=bias),
        back=nn.ConvTranspose2d(4, 3, 3, bias=bias),
        last=nn.Linear(3, 3),
    )
    network.back.weight = network.there.weight
    network = built(lambda: network)
    target = mapped(network, tmp_path, batch_size=7)
    plan = share_of(target, 0.5)
    pruned = prune(network, plan).network
    assert same_bits(target.pruned(plan).network, pruned, "there.", "back.")
    assert_close(
        target.pruned(plan).network, reference(network, pruned, {"last"}, target.moves.repair)
    )
    assert target.repaired()[1] == ("there (shares one of its tensors)",)


def test_what_changes_an_output_in_place_is_seen_before_a_norm():
    def mended(inplace: bool) -> frozenset[str]:
        steps = [nn.Conv2d(3, 4, 3), nn.ReLU(inplace=inplace), nn.BatchNorm2d(4), *head(4)]
        return passage_of(nn.Sequential(*steps).eval(), trial_images(SIDE)).mended

    assert mended(True) == mended(False) == {"0", "2", "5"}


def both_norms(net: nn.Module, x: torch.Tensor) -> torch.Tensor:
    return net.norm(x) + net.again(x)


@pytest.mark.parametrize(
    ("call", "same_is_mended"),
    [
        (lambda net, x: net.norm(net.same(x)) + net.again(net.same(x)), False),
        (lambda net, x: net.norm(net.same(x)) + net.same(x), True),
        (lambda net, x: both_norms(net, net.same(x)) + net.same(x), True),
    ],
    ids=["each call into a norm", "one call into none", "one call into two norms"],
)
def test_each_call_of_a_layer_counts(call, same_is_mended):
    network = Net(
        lambda net, x: net.last(call(net, x).mean((2, 3))),
        same=nn.Conv2d(3, 4, 3),
        norm=nn.BatchNorm2d(4),
        again=nn.BatchNorm2d(4),
        last=nn.Linear(4, 3),
    )
    assert ("same" in passage_of(network.eval(), trial_images(SIDE)).mended) == same_is_mended


GREY = replace(
    TRAINING,
    images=TRAINING.images[:, :1, :1, :1].expand(-1, 3, SIDE, SIDE).contiguous(),
    mean=(0.5,) * 3,
    std=(0.25,) * 3,
)


@pytest.mark.parametrize(
    ("weights", "scale"),
    [
        ([1.0] * 27, 5.0),  # one of them stays, and 27 times as much is asked for
        ([1.0, -1.0] + [1e-3] * 25, 0.2),  # of the first two one stays, and 1/40 is asked for
        ([3.0, 3.0, 3.0] + [0.0] * 24, 3.0),
    ],
)
def test_a_scale_stays_within_its_bounds(tmp_path, weights, scale):
    network = nn.Sequential(nn.Conv2d(3, 1, 3, bias=False), nn.Flatten(), nn.Linear(16, 3)).eval()
    with torch.no_grad():
        network[0].weight.view(-1).copy_(torch.tensor(weights))
    plan = Plan((("0.weight", 26),), quantized=False)
    repaired = mapped(network, tmp_path, training=GREY).pruned(plan).network
    pruned = prune(network, plan).network
    assert float(
        repaired[0].weight.detach().sum() / pruned[0].weight.detach().sum()
    ) == pytest.approx(scale, 1e-5)


def moments(mean: float, variance: float) -> Moments:
    return Moments(9, torch.tensor([mean]).double(), torch.tensor([variance]).double())


@pytest.mark.parametrize(
    ("own", "dense", "bias", "expected"),
    [
        ((1.0, 4.0), (3.0, 1.0), 0.5, (0.5, 2.5)),
        ((1.0, 4.0), (3.0, 1.0), 0.0, (0.5, 0.0)),
        ((1.0, 4.0), (3.0, 1.0), None, (0.5, 0.0)),
        ((1.0, 1.0), (3.0, 100.0), 0.5, (5.0, -2.0)),
        ((1.0, 1.0), (3.0, 0.0001), 0.5, (0.2, 2.8)),
        ((1.0, 0.0), (3.0, 4.0), 0.5, (1.0, 2.0)),
        ((1.0, 4.0), (3.0, 0.0), 0.5, (1.0, 2.0)),
        ((3.0, 1e-13), (3.0, 4.0), 0.5, (1.0, 0.0)),  # it varies by rounding alone
        ((-3.0, 4.0), (-3.0, 1e-13), 0.5, (1.0, 0.0)),
        ((1e-7, 4e-12), (3e-7, 1e-12), 0.5, (0.5, 2.5e-7)),
        ((1.0, np.inf), (3.0, 4.0), 0.5, (1.0, 0.0)),
        ((1.0, 4.0), (3.0, np.inf), 0.5, (1.0, 0.0)),
        ((np.nan, np.nan), (3.0, 4.0), 0.5, (1.0, 0.0)),
        ((1.0, 4.0), (-np.inf, np.nan), 0.5, (1.0, 0.0)),
    ],
)
def test_scale_and_shift_of_a_channel(own, dense, bias, expected):
    given_bias = None if bias is None else torch.tensor([bias])
    scale, shift = scale_and_shift(moments(*own), moments(*dense), given_bias)
    assert (float(scale), float(shift)) == pytest.approx(expected, abs=1e-12)


def test_a_channel_that_never_varies_keeps_its_weights_and_gets_the_mean(tmp_path):
    network = built(like_vgg)
    with torch.no_grad():
        network[0].weight[1] = 0
        network[2].weight[2] = 1e-6  # the smallest of its layer, so that it goes as a whole
    target = mapped(network, tmp_path, batch_size=6)
    plan = Plan((("2.weight", 18),), quantized=False)
    repaired = target.pruned(plan).network
    assert torch.equal(repaired[2].weight[2], torch.zeros(2, 3, 3))
    inputs = normalized(TRAINING, TRAINING.images[ORDER])
    wanted = channels(network[2], network[:3](inputs).detach()).mean(0)[2]
    assert float(repaired[2].bias[2].detach()) == pytest.approx(float(wanted), abs=1e-5)
    all_of_them = share_of(target, 0.5)
    expected = reference(
        network, prune(network, all_of_them).network, {"0", "2", "5", "7"}, target.moves.repair
    )
    assert_close(target.pruned(all_of_them).network, expected)


def overflowing(at: int) -> nn.Module:
    """One channel of a convolution overflows for every image, and what follows bounds it."""
    network = nn.Sequential(
        *[nn.Conv2d(3, 4, 1), nn.Hardtanh(), nn.Conv2d(4, 4, 1), nn.Hardtanh(), *head(4)]
    )
    trained(network)
    with torch.no_grad():
        network[at].bias[2] = torch.finfo(torch.float32).max
        network[at].weight[2] = torch.finfo(torch.float32).max
    return network


@pytest.mark.parametrize("at", [0, 2])
def test_channels_with_statistics_that_are_not_finite_stay_as_they_are(tmp_path, caplog, at):
    network = overflowing(at)
    target = mapped(network, tmp_path, batch_size=6)
    plan = share_of(target, 0.4)
    pruned = prune(network, plan).network
    with caplog.at_level(logging.WARNING):
        repaired = target.pruned(plan).network
    for tensor in ("weight", "bias"):
        mine, theirs = (getattr(of[at], tensor) for of in (repaired, pruned))
        assert torch.equal(mine[2], theirs[2])
        assert not torch.equal(mine[3], theirs[3])
    assert [record.getMessage() for record in caplog.records] == [
        f"repair: 1 channels of {at} have statistics that are not finite. They stay as they are"
    ]
    assert all(parameter.isfinite().all() for parameter in repaired.parameters())
    assert not same_bits(repaired, pruned, "6.")


def test_a_channel_that_overflows_in_the_dense_network_alone_stays_as_it_is(tmp_path, caplog):
    network = nn.Sequential(nn.Conv2d(3, 2, 1), nn.Conv2d(2, 2, 1), nn.Hardtanh(), *head(2))
    trained(network)
    with torch.no_grad():
        network[0].weight.fill_(1e-4)
        network[0].weight[0, 0] = 1e30
        network[1].weight[1, 0] = 1e30
    target = mapped(network, tmp_path)
    plan = Plan((("0.weight", 6),), quantized=False)
    with caplog.at_level(logging.WARNING):
        repaired = target.pruned(plan).network
    pruned = prune(network, plan).network
    assert torch.equal(repaired[1].weight[1], pruned[1].weight[1])
    assert torch.equal(repaired[1].bias[1], pruned[1].bias[1])
    assert "channels of 1 have statistics that are not finite" in caplog.text


def test_batch_norm_keeps_its_statistics_where_they_are_not_finite(tmp_path, caplog):
    network = built(with_batch_norm)
    with torch.no_grad():
        network[0].weight[1] = torch.finfo(torch.float32).max
    network[2] = nn.Hardtanh()
    target = mapped(network, tmp_path, batch_size=6)
    with caplog.at_level(logging.WARNING):
        repaired = target.pruned(share_of(target, 0.4, "0")).network
    for key in ("running_mean", "running_var"):
        mine, dense = getattr(repaired[1], key), getattr(network[1], key)
        assert mine[1] == dense[1]
        assert mine[0] != dense[0]
        assert mine.isfinite().all()
    assert "repair: 1 channels of 1 have statistics that are not finite" in caplog.text


def with_other_norms() -> nn.Module:
    return nn.Sequential(
        *[nn.Conv2d(3, 4, 3), nn.GroupNorm(2, 4), nn.ReLU(), nn.Conv2d(4, 4, 1)],
        *[nn.InstanceNorm2d(4, affine=True), nn.Conv2d(4, 4, 1)],
        *[nn.BatchNorm2d(4, track_running_stats=False), nn.LocalResponseNorm(2)],
        *[nn.Conv2d(4, 4, 1), nn.LayerNorm([4, 4, 4]), *head(4)],
    )


def test_other_norms_and_batch_norm_without_running_statistics_are_left_alone_and_said(tmp_path):
    network = built(with_other_norms)
    target = mapped(network, tmp_path, batch_size=10)
    everything, left_alone = target.repaired()
    assert left_alone == (
        "1 (GroupNorm)",
        "4 (InstanceNorm2d)",
        "7 (LocalResponseNorm)",
        "9 (LayerNorm)",
        "6 (BatchNorm2d without running statistics)",
    )
    plan = share_of(target, 0.4)
    pruned, repaired = prune(network, plan).network, target.pruned(plan).network
    assert same_bits(repaired, pruned, "1.", "4.", "5.", "6.", "9.")
    assert repaired[6].running_mean is None
    assert everything[6].running_mean is None
    # The layer before batch norm needs no mending, with or without running statistics.
    expected = reference(network, pruned, {"0", "3", "8", "12"}, target.moves.repair)
    assert_close(repaired, expected)


def test_the_dense_network_repaired_is_mended_as_if_all_of_it_was_pruned(tmp_path):
    network = built(residual)
    target = mapped(network, tmp_path, batch_size=7)
    expected = reference(network, network, MENDED["residual"], target.moves.repair)
    repaired, left_alone = target.repaired()
    assert_close(repaired, expected)
    assert left_alone == ()
    assert not same_bits(repaired, network, "norm.")


@pytest.mark.parametrize(("keep", "untouched"), [((), "0."), (("1",), ("0.", "1.", "2."))])
def test_the_dense_network_repaired_keeps_what_no_design_mends(tmp_path, keep, untouched):
    network = built(
        lambda: nn.Sequential(
            *[nn.BatchNorm2d(3), nn.Conv2d(3, 4, 3, bias=False), nn.BatchNorm2d(4), nn.ReLU()],
            *[nn.Conv2d(4, 5, 3, bias=False), nn.BatchNorm2d(5), *head(5)],
        )
    )
    repaired = mapped(network, tmp_path, keep).repaired()[0]
    assert same_bits(repaired, network, *([untouched] if isinstance(untouched, str) else untouched))
    assert not same_bits(repaired, network, "5.")


def test_the_dense_network_without_batch_norm_has_nothing_to_repair(tmp_path):
    network = built(like_vgg)
    assert same_bits(mapped(network, tmp_path, batch_size=20).repaired()[0], network)


def test_attention_reads_a_weight_itself_and_what_follows_it_is_mended(tmp_path):
    network = built(attention)
    target = mapped(network, tmp_path)
    plan = share_of(target, 0.5, "encoder.self_attn.out_proj")
    pruned, repaired = prune(network, plan).network, target.pruned(plan).network
    expected = reference(
        network, pruned, {"encoder.linear1", "encoder.linear2", "last"}, target.moves.repair
    )
    assert_close(repaired, expected)
    assert same_bits(repaired, pruned, "encoder.self_attn.", "encoder.norm", "stem.")
    assert not same_bits(repaired, pruned, "encoder.linear1.")
    assert "encoder.self_attn.out_proj (read and not called)" in target.repaired()[1]
    kept = passage_of(network, trial_images(SIDE), keep=["*.out_proj"])
    assert not any("out_proj" in left for left in kept.left_alone)


def with_unused_layers() -> nn.Module:
    """Heads that only training calls, as a layer and in a module, and a layer that nothing calls."""

    def call(net: nn.Module, x: torch.Tensor) -> torch.Tensor:
        x = net.norm(net.first(x)).relu()
        scores = net.last(x.mean((2, 3)))
        if net.training:
            return scores + net.head(x.mean((2, 3))) + net.heads[0](x.mean((2, 3)))
        return scores

    return Net(
        call,
        first=nn.Conv2d(3, 4, 3, bias=False),
        norm=nn.BatchNorm2d(4),
        head=nn.Linear(4, 3),
        heads=nn.ModuleList([nn.Linear(4, 3)]),
        unused=nn.Conv2d(4, 4, 1),
        last=nn.Linear(4, 3),
    )


def test_layers_that_the_evaluation_does_not_call_bring_no_repair(tmp_path):
    network = built(with_unused_layers)
    target = mapped(network, tmp_path)
    plan = share_of(target, 0.5, "head", "heads.0", "unused")
    assert len(plan.zeros) == 3
    repaired = target.pruned(plan).network
    assert same_bits(repaired, prune(network, plan).network)
    assert same_bits(repaired, network, "first.", "norm.", "last.")
    with_first = share_of(target, 0.5)
    expected = reference(
        network, prune(network, with_first).network, {"norm", "last"}, target.moves.repair
    )
    assert_close(target.pruned(with_first).network, expected)
    assert target.repaired()[1] == tuple(
        f"{name} (not reached)" for name in ("head", "heads.0", "unused")
    )


def with_a_weight_that_is_read() -> nn.Module:
    """A layer in a list that nothing calls, whose weight another module reads."""
    return Net(
        lambda net, x: net.last(
            nn.functional.conv2d(net.first(x).relu(), net.layers[0].weight).mean((2, 3))
        ),
        first=nn.Conv2d(3, 4, 3),
        layers=nn.ModuleList([nn.Conv2d(4, 4, 1)]),
        last=nn.Linear(4, 3),
    )


def test_what_follows_a_weight_that_is_read_is_mended(tmp_path):
    network = built(with_a_weight_that_is_read)
    target = mapped(network, tmp_path)
    plan = share_of(target, 0.5, "layers.0")
    pruned, repaired = prune(network, plan).network, target.pruned(plan).network
    assert same_bits(repaired, pruned, "first.", "layers.")
    assert_close(repaired, reference(network, pruned, {"last"}, target.moves.repair))
    assert not same_bits(repaired, pruned, "last.")


def test_kept_layers_are_not_repaired_but_batch_norm_after_them_is(tmp_path):
    network = built(residual)
    target = mapped(network, tmp_path, keep=("skip", "branch"))
    plan = share_of(target, 0.5)
    assert [name for name, _ in plan.zeros] == ["stem.weight", "last.weight"]
    pruned, repaired = prune(network, plan).network, target.pruned(plan).network
    assert same_bits(repaired, network, "skip.", "branch.")
    assert_close(
        repaired, reference(network, pruned, {"stem_norm", "norm", "last"}, target.moves.repair)
    )


@pytest.mark.parametrize("quantized", [False, True])
def test_nothing_is_done_to_kept_layers(tmp_path, quantized):
    network = built(like_vgg)
    target = mapped(network, tmp_path, keep=("2", "5"))
    layout = target.layout()
    assert [layer.name for layer in layout.conv + layout.linear] == ["0", "7"]
    plan = replace(share_of(target, 0.5), quantized=quantized)
    compressed, rate = target.compress(plan)
    assert same_bits(compressed, network, "2.", "5.")
    assert isinstance(compressed[5], nn.Linear)
    assert isinstance(compressed[7], nn.Linear) != quantized
    assert rate == nonzero_rate(prune(network, plan).network)
    entries = sum(parameter.numel() for parameter in network.parameters())
    assert rate == (entries - sum(zeros for _, zeros in plan.zeros)) / entries


def test_images_of_one_class_repair_too(tmp_path):
    network = built(with_batch_norm)
    one_class = replace(TRAINING, labels=torch.zeros(23, dtype=torch.int64))
    target = mapped(network, tmp_path, training=one_class)
    plan = share_of(target, 0.5)
    expected = reference(
        network, prune(network, plan).network, MENDED["with_batch_norm"], target.moves.repair
    )
    assert_close(target.pruned(plan).network, expected)
    (note,) = target.moves.repair.notes()
    assert note == f"all images of the repair are of the class {TRAINING.classes[0]}"


@pytest.mark.parametrize(("asked", "used"), [(5, 5), (23, 23), (1000, 23)])
def test_the_images_are_chosen_from_all_of_training_in_one_order(tmp_path, asked, used):
    chosen = spread(TRAINING, asked)
    assert len(chosen) == len(set(chosen.tolist())) == used
    assert torch.equal(chosen, spread(TRAINING, asked))
    assert torch.equal(chosen, spread(TRAINING, 1000)[:asked])
    assert chosen.tolist() != sorted(chosen.tolist())
    path = tmp_path / "train.safetensors"
    save_split(TRAINING, path)
    settings = {"keep": ["a"], "repair": {"images": asked, "batch_size": 4}}
    moves = load_moves(settings, [], [str(path)])
    assert moves.keep == ("a",)
    assert moves.tables is None
    shown = list(moves.repair.batches())
    assert [len(batch) for batch in shown] == ([5] if used == 5 else [4] * 5 + [3])
    few = f"repair has {used} training images, {asked} were asked for"
    assert moves.repair.notes() == ([few] if asked > used else [])
    assert torch.equal(torch.cat(shown), normalized(TRAINING, TRAINING.images[chosen]))
    assert load_moves({"keep": [], "repair": None}, [], []) == Moves()


SHAPES = [(7,), (7, 1, 1), (7, 3), (7, 4, 5), (1, 2, 3, 2), (1,)]


@given(
    shape=st.sampled_from(SHAPES),
    cuts=st.lists(st.integers(1, 39), max_size=6),
    mean=st.sampled_from([0.0, -3.0, 1e3, -1e5]),
    dtype=st.sampled_from([torch.float32, torch.float64, torch.float16]),
    seed=st.integers(0, 99),
)
@example((7,), list(range(1, 40)), 1e5, torch.float32, 0)
@settings(max_examples=cases(100))
def test_pooled_moments_are_those_of_all_values(shape, cuts, mean, dtype, seed):
    generator = torch.Generator().manual_seed(seed)
    values = torch.randn((40, *shape), generator=generator, dtype=torch.float64) * 2
    values = (values + (mean if dtype != torch.float16 else mean / 1e4)).to(dtype)
    pool = Pool()
    for part in values.tensor_split(sorted(cuts)):
        if len(part):
            alone = pool.take("layer", part)
            assert alone.count == part.numel() // shape[0]
    every = values.double().movedim(1, 0).reshape(shape[0], -1).numpy()
    found = pool["layer"]
    assert found.count == every.shape[1]
    assert (found.mean.dtype, found.variance.dtype) == (torch.float64, torch.float64)
    np.testing.assert_allclose(found.mean.numpy(), every.mean(1), rtol=1e-7, atol=1e-7)
    # The mean of a batch is rounded to the type of its values. It differs from others by about 2.
    rounding = abs(mean) * 2**-22
    np.testing.assert_allclose(found.variance.numpy(), every.var(1), rtol=1e-6, atol=rounding)


@pytest.mark.parametrize("shape", [(3000, 8), (300, 8, 1, 1), (60, 8, 5, 5), (90, 1, 6, 6)])
@pytest.mark.parametrize("channels_last", [False, True])
def test_moments_far_from_zero_are_exact_in_every_order_of_memory(shape, channels_last):
    values = torch.randn(shape, generator=torch.Generator().manual_seed(0)) + 1e4
    if channels_last:
        values = values.movedim(1, -1).contiguous().movedim(-1, 1)
    every = values.double().movedim(1, 0).reshape(shape[1], -1)
    found = moments_of(values)
    assert torch.allclose(found.mean, every.mean(1), rtol=1e-7, atol=0)
    assert torch.allclose(found.variance, every.var(1, unbiased=False), rtol=1e-6, atol=0)


def test_a_constant_channel_has_no_variance_however_it_is_pooled():
    pool = Pool()
    for size in (1, 7, 20, 3):
        pool.take("layer", torch.full((size, 2, 3), 0.1))
    assert pool["layer"].variance.tolist() == [0.0, 0.0]
    assert pool["layer"].mean.tolist() == [float(torch.tensor(0.1))] * 2


def test_a_passage_has_the_order_of_the_first_calls():
    passage = passage_of(built(norm_called_twice), trial_images(SIDE))
    assert passage.order == ("first", "norm", "second", "last")
    assert passage.mended == {"norm", "last"}
    assert passage.after({"second"}) == ("last",)
    assert passage.after({"first"}) == ("norm", "last")
    assert passage.after(set()) == ()
    again = built(called_twice)
    again.call = lambda net, x: net.last(net.same(net.first(net.same(x))).mean((2, 3)))
    again.same, again.first = nn.Conv2d(3, 3, 1), nn.Conv2d(3, 3, 1)
    again.last = nn.Linear(3, 3)
    passage = passage_of(again.eval(), trial_images(SIDE))
    assert passage.order == ("same", "first", "last")
    assert passage.after({"same"}) == ("same", "first", "last")
    assert passage.after({"first"}) == ("first", "last")


def test_a_layer_that_goes_into_batch_norm_only_now_and_then_is_mended():
    network = built(norm_called_twice)
    network.call = lambda net, x: net.last(
        (net.norm(net.first(x)) + net.first(x).relu()).mean((2, 3))
    )
    assert passage_of(network, trial_images(SIDE)).mended == {"first", "norm", "last"}
