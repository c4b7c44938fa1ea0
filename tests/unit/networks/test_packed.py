"""The small file of a compressed network gives back the evaluated network to the bit, or is refused."""

import copy
import errno
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from cases import cases
from damage import DAMAGES, POSITIONS, damaged
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import nn

from paretopress.compression.packed_size import bytes_rate, dense_bytes
from paretopress.compression.plans import Plan, canonical
from paretopress.compression.pruning import Pruned, compress, count_and_quantize, prune
from paretopress.compression.repair import RepairImages
from paretopress.config.variables import ALL, BITS_VALUES, BOTH, Design
from paretopress.dataset.split import Split
from paretopress.errors import UserError
from paretopress.networks import packed as packing
from paretopress.networks.build import build_network, exempt_kept
from paretopress.networks.mapped import MappedNetwork, mapped_network
from paretopress.networks.moves import Moves
from paretopress.networks.packed import load_packed, save_packed
from paretopress.networks.weights import import_weights, save_weights, without_memory

SIDE = 6
TRAINING = Split(
    torch.randint(
        0, 256, (12, 3, SIDE, SIDE), dtype=torch.uint8, generator=torch.Generator().manual_seed(1)
    ),
    torch.arange(12) % 3,
    tuple("abc"),
)
IMAGES = RepairImages(TRAINING, torch.arange(12), 12, asked=12)
INPUTS = TRAINING.images / 255


def head(inputs: int, **arguments) -> list[nn.Module]:
    return [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(inputs, 3, **arguments)]


def like_vgg() -> nn.Module:
    return nn.Sequential(
        *[nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 6, 3, groups=2), nn.ReLU()],
        *[nn.Flatten(), nn.Linear(96, 40), nn.ReLU(), nn.Linear(40, 3)],
    )


def with_batch_norm() -> nn.Module:
    return nn.Sequential(
        *[nn.Conv2d(3, 8, 3, bias=False), nn.BatchNorm2d(8), nn.ReLU()],
        *[nn.Conv2d(8, 9, 3), nn.BatchNorm2d(9, affine=False), *head(9, bias=False)],
    )


def depthwise() -> nn.Module:
    return nn.Sequential(
        *[nn.Conv2d(3, 12, 1), nn.Conv2d(12, 12, 3, groups=12), nn.Conv2d(12, 12, 1, groups=12)],
        *head(12),
    )


def in_one_dimension() -> nn.Module:
    return nn.Sequential(nn.Flatten(2), nn.Conv1d(3, 4, 5), nn.Flatten(), nn.Linear(128, 3))


def in_three_dimensions() -> nn.Module:
    return nn.Sequential(
        *[nn.Unflatten(1, (1, 3)), nn.Conv3d(1, 4, (3, 2, 2)), nn.Flatten(), nn.Linear(100, 3)]
    )


class Sharing(nn.Module):
    """Two convolutions and two Linear layers that share a weight, and one whose weight others read."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(3, 3, 3, padding=1), nn.Conv2d(3, 3, 3, padding=1)
        self.second.weight = self.first.weight
        self.codes = nn.Embedding(20, 108)
        self.there, self.again = nn.Linear(108, 20), nn.Linear(108, 20)
        self.again.weight = self.there.weight
        self.read, self.last = nn.Linear(108, 20), nn.Linear(20, 3)
        self.read.weight = self.codes.weight

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.second(self.first(x)).flatten(1)
        x = x + self.codes(torch.arange(len(x)))
        return self.last(self.there(x) * self.again(x) + self.read(x))


class Attention(nn.Module):
    """A layer whose weight is read and not called, which torch never quantises."""

    def __init__(self) -> None:
        super().__init__()
        self.attention, self.last = nn.MultiheadAttention(12, 2), nn.Linear(108, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x.reshape(len(x), -1, 12)
        return self.last(self.attention(x, x, x)[0].flatten(1))


class Others(nn.Module):
    """Parameters and buffers of other kinds, and one module under two names."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.rand(()))
        self.register_buffer("steps", torch.tensor([2**40 + 1, 3]))
        self.register_buffer("chosen", torch.tensor([True, False, True]))
        self.register_buffer("fixed", torch.linspace(1, 2, 3), persistent=False)
        self.register_buffer("none", None)
        self.register_buffer("empty", torch.zeros(0, 3))
        self.body = nn.Linear(108, 108)
        self.same = self.body
        self.last = nn.Linear(108, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.last(self.same(self.body(x.flatten(1)))) * self.scale * self.fixed


NETWORKS: dict[str, Callable[[], nn.Module]] = {
    builder.__name__: builder
    for builder in (
        *[like_vgg, with_batch_norm, depthwise, in_one_dimension, in_three_dimensions],
        *[Sharing, Attention, Others],
    )
}


def built(builder: Callable[[], nn.Module], seed: int = 0) -> nn.Module:
    """A network whose tensors depend on the seed, as a trained one's differ from an untrained one's."""
    torch.manual_seed(seed)
    network = builder().eval()
    for name, tensor in network.state_dict().items():
        if tensor.dim() == 1 and tensor.is_floating_point():
            tensor.copy_(torch.rand_like(tensor) + 0.1)
        elif name.endswith(("num_batches_tracked", "steps")):
            tensor.add_(seed)
    return network


def mapped(
    network: nn.Module, folder: Path, keep: Sequence[str] = (), images: RepairImages | None = None
) -> MappedNetwork:
    save_weights(network, folder / "weights.safetensors")
    structure = copy.deepcopy(network)
    exempt_kept(structure, keep)
    return mapped_network(
        structure, folder / "weights.safetensors", Moves(tuple(keep), repair=images)
    )


def plan_of(target: MappedNetwork, amount: float, bits: int = 32, quantization: int = 0) -> Plan:
    """Prunes and rounds every layer."""
    pruning = (ALL, ALL, amount, amount, BOTH, BOTH)
    design = Design(*pruning, quantization, linear_bits=bits, conv_bits=bits)
    return canonical(design, target.layout(), seed=1)[1]


def parts_of(value: object) -> list[object]:
    """What an entry of a state dict has, each tensor as its type, its shape and its bytes."""
    if isinstance(value, tuple):
        return [part for entry in value for part in parts_of(entry)]
    if not isinstance(value, torch.Tensor):
        return [value]
    if value.is_quantized:
        return [*parts_of(value.int_repr()), value.q_scale(), value.q_zero_point(), value.dtype]
    flat = value.detach().contiguous().flatten()
    return [value.dtype, value.shape, flat.view(torch.uint8).numpy().tobytes()]


def assert_same(loaded: nn.Module, evaluated: nn.Module) -> None:
    mine, theirs = loaded.state_dict(), evaluated.state_dict()
    assert list(mine) == list(theirs)
    for name, value in theirs.items():
        assert parts_of(mine[name]) == parts_of(value), name
    assert not any(module.training for module in loaded.modules())


def scores(network: nn.Module, dtype: torch.dtype) -> torch.Tensor:
    with torch.inference_mode():
        return network(INPUTS.to(dtype))


def stored(
    target: MappedNetwork,
    plan: Plan,
    structure: nn.Module,
    folder: Path,
    dtype: torch.dtype = torch.float32,
) -> tuple[nn.Module, Path]:
    """Check that a file gives back the evaluated network, and return that and the file."""
    path, pruned = folder / "packed.safetensors", target.pruned(plan)
    save_packed(pruned, plan, path)
    loaded = load_packed(structure, path)
    evaluated = count_and_quantize(pruned.network, plan)[0]
    assert_same(loaded, evaluated)
    assert torch.equal(scores(loaded, dtype), scores(evaluated, dtype))
    return loaded, path


def stored_weight(
    weight: torch.Tensor, plan: Plan, scales: torch.Tensor | None, folder: Path
) -> tuple[torch.Tensor, Path]:
    """What comes back of the weight of a network of one layer, and the file."""
    network = nn.Sequential(nn.Linear(weight.shape[1], len(weight), bias=False)).to(weight.dtype)
    network[0].weight = nn.Parameter(weight)
    path = folder / "packed.safetensors"
    save_packed(Pruned(network, {} if scales is None else {"0.weight": scales}), plan, path)
    loaded = load_packed(copy.deepcopy(network).requires_grad_(False).apply(zeroed), path)
    return loaded[0].weight, path


def zeroed(module: nn.Module) -> None:
    for parameter in module.parameters(recurse=False):
        parameter.zero_()


@pytest.mark.parametrize("quantization", [0, 1])
@pytest.mark.parametrize("bits", [32, 8, 3])
@pytest.mark.parametrize("amount", [0.0, 0.5, 0.97])
@pytest.mark.parametrize("name", NETWORKS)
def test_the_evaluated_network_comes_back_to_the_bit(tmp_path, name, amount, bits, quantization):
    target = mapped(built(NETWORKS[name]), tmp_path)
    plan = plan_of(target, amount, bits, quantization)
    stored(target, plan, built(NETWORKS[name], seed=1), tmp_path)


@pytest.mark.parametrize("quantization", [0, 1])
@pytest.mark.parametrize("bits", [32, 4])
@pytest.mark.parametrize("name", ["like_vgg", "with_batch_norm"])
def test_a_repaired_network_comes_back_to_the_bit(tmp_path, name, bits, quantization):
    network = built(NETWORKS[name])
    target = mapped(network, tmp_path, images=IMAGES)
    plan = plan_of(target, 0.4, bits, quantization)
    repaired, pruned = target.pruned(plan), prune(network, plan)
    changed = {
        key
        for key, value in repaired.network.state_dict().items()
        if not torch.equal(value, pruned.network.state_dict()[key])
    }
    assert {"with_batch_norm": "1.running_var", "like_vgg": "0.weight"}[name] in changed
    if bits == 4:
        assert any(
            not torch.equal(scales, pruned.scales[key]) for key, scales in repaired.scales.items()
        )
    stored(target, plan, built(NETWORKS[name], seed=1), tmp_path)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16, torch.bfloat16])
@pytest.mark.parametrize("bits", [32, 8, 3])
def test_weights_of_other_types_come_back_to_the_bit(tmp_path, dtype, bits):
    target = mapped(built(like_vgg).to(dtype), tmp_path)
    plan = plan_of(target, 0.3, bits)
    _, path = stored(target, plan, built(like_vgg, seed=1).to(dtype), tmp_path, dtype)
    # Eight digits of bfloat16 do not always tell which of 128 codes a weight has.
    if bits == 3 or dtype != torch.bfloat16:
        assert ("5.weight.codes" in load_file(path)) == (bits < 32)


@pytest.mark.parametrize("quantization", [0, 1])
@pytest.mark.parametrize(("bits", "part"), [(32, "values"), (4, "codes")])
def test_layers_that_share_a_weight_share_it_again_and_it_is_stored_once(
    tmp_path, bits, part, quantization
):
    target = mapped(built(Sharing), tmp_path)
    plan = plan_of(target, 0.5, bits, quantization)
    loaded, path = stored(target, plan, built(Sharing, seed=1), tmp_path)
    assert loaded.second.weight is loaded.first.weight
    names = {key.removesuffix(f".{part}") for key in load_file(path) if key.endswith(part)}
    assert names.isdisjoint({"second.weight", "again.weight", "read.weight"})
    assert names >= {"first.weight", "there.weight", "codes.weight"}
    assert isinstance(loaded.codes, nn.Embedding)
    if not quantization:
        assert loaded.again.weight is loaded.there.weight
        assert loaded.read.weight is loaded.codes.weight


@pytest.mark.parametrize("quantized", [False, True])
def test_weights_in_any_order_of_memory_or_in_the_same_memory_come_back(tmp_path, quantized):
    network = built(like_vgg).to(memory_format=torch.channels_last)
    network[7].weight = nn.Parameter(network[5].weight.data[:3])
    network[2].bias.data = network[0].bias.data[2:]
    plan, path = Plan((("0.weight", 50),), quantized), tmp_path / "packed.safetensors"
    save_packed(prune(network, plan), plan, path)
    structure = built(like_vgg, seed=1)
    structure[7] = nn.Linear(96, 3)
    assert_same(load_packed(structure, path), compress(network, plan)[0])


@pytest.mark.parametrize("bits", [32, 3])
@pytest.mark.parametrize("as_kept", [True, False])
def test_the_file_knows_which_layers_were_quantised(tmp_path, bits, as_kept):
    target = mapped(built(like_vgg), tmp_path, keep=("5",))
    structure = built(like_vgg, seed=1)
    exempt_kept(structure, ["5"] if as_kept else ["7"])
    before = copy.deepcopy(structure)
    loaded, path = stored(target, plan_of(target, 0.5, bits, quantization=1), structure, tmp_path)
    assert isinstance(loaded[5], nn.Linear)
    assert not isinstance(loaded[7], nn.Linear)
    assert "5.weight" in load_file(path)
    assert_same(structure, before)
    assert [type(module) for module in structure] == [type(module) for module in before]


def test_buffers_that_are_not_saved_are_those_of_the_structure(tmp_path):
    target, structure = mapped(built(Others), tmp_path), built(Others, seed=1)
    structure.fixed.fill_(7)
    path, plan = tmp_path / "packed.safetensors", plan_of(target, 0.5)
    save_packed(target.pruned(plan), plan, path)
    loaded = load_packed(structure, path)
    assert loaded.fixed.tolist() == [7.0, 7.0, 7.0]
    assert loaded.fixed is not structure.fixed
    assert loaded.steps.tolist() == [2**40 + 1, 3]
    assert not any("fixed" in key for key in load_file(path))


def test_a_structure_without_memory_is_enough(tmp_path):
    target = mapped(built(like_vgg), tmp_path)
    plan = plan_of(target, 0.5, 4, quantization=1)
    stored(target, plan, without_memory(built(like_vgg, seed=1)), tmp_path)


def rounded(weight: torch.Tensor, scales: list[float]) -> tuple[torch.Tensor, torch.Tensor]:
    return weight * torch.tensor(scales)[:, None], torch.tensor(scales)


@pytest.mark.parametrize("bits", range(2, 9))
def test_every_code_and_its_scale_come_back(tmp_path, bits):
    largest = 2 ** (bits - 1)
    codes = torch.tensor([code for code in range(-largest, largest + 1) if code]).repeat(5, 2)
    codes[1] = 0
    codes[2, ::3] = 0
    smallest = 2.0**-149
    weight, scales = rounded(codes.float(), [0.1, 0.0, 1 / 3, smallest, 2.0**127 / largest])
    # As `round_weight` leaves them, a scale of zero belongs to a channel of zeros.
    weight[1] = 0.0
    plan = Plan((), False, bits=(("0.weight", bits),))
    found, path = stored_weight(weight, plan, scales, tmp_path)
    assert parts_of(found) == parts_of(weight)
    packed = load_file(path)
    assert packed["0.weight.codes"].nbytes == bits * -(-int((codes != 0).sum()) // 8)
    assert torch.equal(packed["0.weight.scales"], scales)


@pytest.mark.parametrize("bits", [None, 4])
@pytest.mark.parametrize("place", ["among others", "alone in its channel", "everywhere"])
def test_the_sign_of_a_zero_comes_back(tmp_path, place, bits):
    weight, scales = rounded(torch.randint(1, 9, (4, 50)).float(), [0.1, 0.2, 0.3, 0.4])
    where = {"among others": (1, 3), "alone in its channel": (2,), "everywhere": ()}[place]
    weight[where] = -0.0
    scales = torch.where((weight != 0).any(1), scales, 0)
    plan = Plan((("0.weight", 0),), False, bits=(("0.weight", bits),) if bits else ())
    found, _ = stored_weight(weight, plan, scales, tmp_path)
    assert parts_of(found) == parts_of(weight)


@pytest.mark.parametrize("bits", [None, 4])
def test_a_weight_that_is_not_code_times_scale_comes_back_too(tmp_path, bits):
    generator = torch.Generator().manual_seed(0)
    weight = torch.randn(4, 50, generator=generator)
    weight[0, 0], weight[1, 1], weight[2, 2] = torch.nan, torch.inf, 1e-45
    plan = Plan((("0.weight", 0),), False, bits=(("0.weight", bits),) if bits else ())
    found, _ = stored_weight(weight, plan, torch.full((4,), 0.1), tmp_path)
    assert parts_of(found) == parts_of(weight)


@pytest.mark.parametrize("bits", [(), (("0.weight", 3),)])
@pytest.mark.parametrize("quantized", [False, True])
def test_a_weight_of_zeros_takes_no_space(tmp_path, bits, quantized):
    network = nn.Sequential(nn.Linear(400, 500))
    plan = Plan((("0.weight", 200_000), ("0.bias", 500)), quantized, bits=bits)
    path = tmp_path / "packed.safetensors"
    save_packed(prune(network, plan), plan, path)
    assert path.stat().st_size < 1500
    assert_same(load_packed(nn.Sequential(nn.Linear(400, 500)), path), compress(network, plan)[0])


@pytest.mark.parametrize("entries", [1, 2])
def test_scales_are_stored_only_where_they_save_space(tmp_path, entries):
    network = nn.Sequential(nn.Conv2d(800, 800, (1, entries), groups=800, bias=False))
    plan = Plan((), False, bits=(("0.weight", 4),))
    path = tmp_path / "packed.safetensors"
    save_packed(prune(network, plan), plan, path)
    assert sum(part.nbytes for part in load_file(path).values()) == 800 * (4 if entries == 1 else 5)
    assert_same(load_packed(copy.deepcopy(network), path), prune(network, plan).network)


def entropy(share: float) -> float:
    return float(-sum(p * np.log2(p) for p in (share, 1 - share) if p))


SHARES = [0.02, 0.05, 0.1, 0.124, 0.126, 0.3, 0.38, 0.5, 0.7, 0.87, 0.88, 0.95]


@pytest.mark.parametrize(
    ("density", "allowed"), [(0.0005, 1.4), (0.999, 1.1), *((share, 1.02) for share in SHARES)]
)
def test_a_mask_takes_little_more_than_its_entropy(tmp_path, density, allowed):
    generator = torch.Generator().manual_seed(0)
    weight = (torch.rand(2048, 2048, generator=generator) < density).float()
    found, path = stored_weight(weight, Plan((("0.weight", 1),), False), None, tmp_path)
    assert torch.equal(found, weight)
    least = entropy(float(weight.mean())) * weight.numel() / 8
    assert load_file(path)["0.weight.mask"].nbytes < allowed * least


@pytest.mark.parametrize("runs", [[300, 1, 5, 255, 2, 254, 3, 256, 1, 510, 4, 100_000], [1, 100]])
@pytest.mark.parametrize("first", [0.0, 1.0])
@pytest.mark.parametrize("repeats", [1, 7])
def test_long_runs_of_zeros_and_of_others_come_back(tmp_path, runs, first, repeats):
    values = torch.tensor([first, 1 - first]).repeat(len(runs))[: len(runs)].repeat(repeats)
    weight = values.repeat_interleave(torch.tensor(runs * repeats))[None]
    found, _ = stored_weight(weight, Plan((("0.weight", 1),), False), None, tmp_path)
    assert torch.equal(found, weight)


@pytest.mark.parametrize("quantized", [False, True])
@pytest.mark.parametrize("bits", [32, 8, 3])
@pytest.mark.parametrize("amount", [0.0, 0.5, 0.9])
def test_the_file_is_as_small_as_the_plan_says(tmp_path, amount, bits, quantized):
    torch.manual_seed(0)
    network, entries = nn.Sequential(nn.Linear(1024, 512, bias=False)), 2**19
    zeros = round(amount * entries)
    plan = Plan(
        (("0.weight", zeros),) if zeros else (),
        quantized,
        bits=(("0.weight", bits),) if bits < 32 else (),
    )
    path = tmp_path / "packed.safetensors"
    save_packed(prune(network, plan), plan, path)
    each = 8 if quantized and bits == 32 else bits
    scales = 32 * 512 if bits < 32 else 0
    expected = entries * entropy(amount) + each * (entries - zeros) + scales
    assert expected * 0.99 < path.stat().st_size * 8 < expected * 1.03
    assert_same(load_packed(copy.deepcopy(network), path), compress(network, plan)[0])


@st.composite
def networks(draw: st.DrawFn) -> Callable[[], nn.Module]:
    """A convolutional network with layers of any kind."""
    layers: list[Callable[[], nn.Module]] = []
    channels, side = 3, SIDE
    for _ in range(draw(st.integers(0, 3))):
        groups = draw(
            st.sampled_from([group for group in (1, 2, 3, channels) if not channels % group])
        )
        wider = groups * draw(st.integers(1, 5))
        width = draw(st.integers(1, min(3, side)))
        bias = draw(st.booleans())
        layers.append(partial(nn.Conv2d, channels, wider, width, groups=groups, bias=bias))
        channels, side = wider, side - width + 1
        layers += draw(st.sampled_from([[], [partial(nn.BatchNorm2d, channels)], [nn.ReLU]]))
    layers.append(nn.Flatten)
    inputs = channels * side**2
    for outputs in [*draw(st.lists(st.integers(1, 40), max_size=2)), 3]:
        layers.append(partial(nn.Linear, inputs, outputs, bias=draw(st.booleans())))
        inputs = outputs
    return lambda: nn.Sequential(*(layer() for layer in layers))


AMOUNTS = st.sampled_from([0.001, 0.1, 0.5, 0.9, 0.999]) | st.floats(0.001, 0.999)
BITS = st.sampled_from(list(BITS_VALUES))
SCOPES, TARGETS = st.integers(0, 2), st.integers(0, 2)
DESIGNS = st.builds(
    Design, SCOPES, SCOPES, AMOUNTS, AMOUNTS, TARGETS, TARGETS, st.integers(0, 1), BITS, BITS
)


@given(networks(), DESIGNS, st.integers(0, 9), st.booleans())
@settings(max_examples=cases(160))
def test_any_network_of_any_design_comes_back_to_the_bit(tmp_path, builder, design, seed, repair):
    target = mapped(built(builder, seed), tmp_path, images=IMAGES if repair else None)
    plan = canonical(design, target.layout(), seed)[1]
    stored(target, plan, built(builder, seed + 1), tmp_path)


def saved(folder: Path) -> Path:
    """A packed file with all kinds of parts."""
    network, path = built(like_vgg), folder / "packed.safetensors"
    zeros = (("0.weight", 100), ("5.weight", 3000), ("5.bias", 20), ("7.weight", 20))
    plan = Plan(zeros, True, bits=(("2.weight", 3), ("5.weight", 4)))
    save_packed(prune(network, plan), plan, path)
    return path


def test_equal_networks_give_equal_files(tmp_path):
    assert saved(tmp_path / "a").read_bytes() == saved(tmp_path / "b").read_bytes()


@given(st.sampled_from(sorted(DAMAGES)), POSITIONS)
@settings(max_examples=cases(400))
def test_a_damaged_file_is_refused(tmp_path, kind, position):
    path = saved(tmp_path)
    path.write_bytes(damaged(path.read_bytes(), kind, position))
    with pytest.raises(UserError, match=r"packed\.safetensors: "):
        load_packed(built(like_vgg), path)


def test_a_byte_that_is_flipped_in_any_part_is_found(tmp_path):
    path = saved(tmp_path)
    content = path.read_bytes()
    start = 8 + int.from_bytes(content[:8], "little")
    for place in range(start, len(content), 7):
        path.write_bytes(damaged(content, "flipped", 8 * place))
        with pytest.raises(UserError, match=r"packed\.safetensors: damaged: its SHA-256"):
            load_packed(built(like_vgg), path)


def rewritten(path: Path, change: Callable[[str], str]) -> None:
    with safe_open(path, framework="pt") as file:
        ((key, header),) = file.metadata().items()
    save_file(load_file(path), path, {key: change(header)})


def test_what_is_said_of_the_parts_is_protected_too(tmp_path):
    path = saved(tmp_path)
    rewritten(path, lambda header: header)
    load_packed(built(like_vgg), path)
    rewritten(path, lambda header: header.replace("float32 [3, 40]", "float32 [4, 30]"))
    with pytest.raises(UserError, match="damaged"):
        load_packed(built(like_vgg), path)


@pytest.mark.parametrize(
    "change",
    [
        lambda parts: parts | {"0.weight.values": parts["0.weight.values"].view(torch.int32)},
        lambda parts: parts | {"a": torch.zeros(1)},
        lambda parts: parts | {"7.bias": parts["7.bias"].flip(0)},
        lambda parts: {name: part for name, part in parts.items() if name != "7.bias"},
    ],
    ids=["type", "added", "order", "removed"],
)
def test_parts_that_were_changed_are_refused(tmp_path, change):
    path = saved(tmp_path)
    with safe_open(path, framework="pt") as file:
        metadata = file.metadata()
    save_file(change(load_file(path)), path, metadata)
    with pytest.raises(UserError, match="damaged"):
        load_packed(built(like_vgg), path)


def test_another_version_is_refused(tmp_path):
    path = saved(tmp_path)
    rewritten(path, lambda header: header.replace("1", "2", 1))
    with pytest.raises(UserError, match=r"packed\.safetensors: version '2' .* Allowed: 1"):
        load_packed(built(like_vgg), path)


@pytest.mark.parametrize("content", [b"", b"nothing", b"\x80\x02).", None])
def test_what_is_no_safetensors_file_is_refused(tmp_path, content):
    path = tmp_path / "packed.safetensors"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UserError, match=r"packed\.safetensors: cannot be read as a safetensors"):
        load_packed(built(like_vgg), path)


@pytest.mark.parametrize("metadata", [None, {"format": "pt"}])
def test_plain_weights_are_refused(tmp_path, metadata):
    path = tmp_path / "weights.safetensors"
    save_file(built(like_vgg).state_dict(), path, metadata)
    with pytest.raises(UserError, match=r"weights\.safetensors: no packed network"):
        load_packed(built(like_vgg), path)


def test_a_file_of_another_network_is_refused_and_what_does_not_fit_is_named(tmp_path):
    path = saved(tmp_path)
    structure = built(like_vgg)
    structure[7] = nn.Linear(40, 4)
    structure[5].bias = nn.Parameter(structure[5].bias.double())
    structure[0].bias = None
    structure.extra = nn.Conv2d(1, 1, 1, bias=False)
    with pytest.raises(UserError) as error:
        load_packed(structure, path)
    assert str(error.value).splitlines() == [
        f"{path}: of another network. Tensors that do not fit: 5. In the file and in the network:",
        "  5.bias: float32 [40], float64 [40]",
        "  7.weight: float32 [3, 40], float32 [4, 40]",
        "  7.bias: float32 [3], float32 [4]",
        "  extra.weight: missing, float32 [1, 1, 1, 1]",
        "  0.bias: float32 [8], not in the network",
    ]
    with pytest.raises(UserError) as error:
        load_packed(nn.Sequential(*(nn.Linear(1, 1) for _ in range(20))), path)
    assert len(str(error.value).splitlines()) == 11


def test_layers_that_share_a_weight_do_not_fit_those_that_do_not(tmp_path):
    target = mapped(built(Sharing), tmp_path)
    path = stored(target, plan_of(target, 0.5), built(Sharing), tmp_path)[1]
    structure = built(Sharing)
    structure.second.weight = nn.Parameter(structure.second.weight.clone())
    with pytest.raises(UserError, match=r"second\.weight: missing, float32"):
        load_packed(structure, path)


def test_a_file_that_cannot_be_written_leaves_the_one_before(tmp_path, monkeypatch):
    path = saved(tmp_path)
    before = path.read_bytes()

    def full(tensors: object, temporary: Path, metadata: object) -> None:
        temporary.write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(packing, "save_file", full)
    with pytest.raises(UserError, match=r"packed\.safetensors: .* the disk is full"):
        saved(tmp_path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("name", "weights"),
    [
        ("resnet50", "resnet50-cifar10.safetensors"),
        pytest.param("vgg16", "vgg16-cifar10.folded.safetensors", marks=pytest.mark.thorough),
    ],
)
def test_the_files_of_trained_networks_are_within_5_per_cent_of_the_formula(
    shared_data, tmp_path, name, weights
):
    trained, own = shared_data / weights, tmp_path / "own.safetensors"
    if "folded" in weights:
        trained = tmp_path / "trained.safetensors"
        tool = shared_data.parent / "tools" / "restore_vgg16.py"
        subprocess.run([sys.executable, tool, shared_data / weights, trained], check=True)
    structure = without_memory(build_network({"name": name}, 10))
    import_weights(structure, trained, own)
    network = mapped_network(structure, own)
    network = replace(network, moves=Moves(tables=network.tables()))
    layout, path = network.layout(), tmp_path / "packed.safetensors"
    for design in (
        Design(2, 2, 0.95, 0.8, 1, 1, 0, linear_bits=4, conv_bits=5),
        Design(0, 2, 0.0, 0.9, 0, 1, 1, conv_bits=3),
        Design(linear_bits=8, conv_bits=2),
        Design(2, 2, 0.5, 0.5, 2, 1, 0),
    ):
        plan = canonical(design, layout, 1)[1]
        pruned = network.pruned(plan)
        save_packed(pruned, plan, path)
        size = bytes_rate(plan, layout) * dense_bytes(layout)
        assert path.stat().st_size == pytest.approx(size, rel=0.05)
        assert_same(load_packed(structure, path), count_and_quantize(pruned.network, plan)[0])
