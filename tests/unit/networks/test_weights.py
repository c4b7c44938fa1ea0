"""Files of weights as people have them: what is taken from each, what is said of it, and what is refused and why."""

import argparse
import json
from collections import Counter, OrderedDict
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, load_model, save_file, save_model
from torch import nn
from torch.optim.swa_utils import AveragedModel

from paretopress.compression.plans import Plan
from paretopress.compression.pruning import prune
from paretopress.errors import UserError
from paretopress.networks.build import build_network
from paretopress.networks.mapped import mapped_network
from paretopress.networks.packed import load_packed, save_packed
from paretopress.networks.taken import Taken
from paretopress.networks.weights import (
    check_extra_state,
    import_weights,
    load_weights,
    notes_on_views,
    save_weights,
    taken,
    without_memory,
)
from paretopress.torchvision_operators import torchvision

State = dict[str, Any]


def built(classes: int = 5, seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(4, classes))


class Held(nn.Module):
    """A network as an attribute of another module."""

    def __init__(self, inner: nn.Module, name: str) -> None:
        super().__init__()
        self.add_module(name, inner)


def under(prefix: str, state: State) -> State:
    return {f"{prefix}{key}": value for key, value in state.items()}


def equal(first: State, second: State) -> bool:
    return first.keys() == second.keys() and all(
        torch.equal(value, second[key]) for key, value in first.items()
    )


def imported(structure: nn.Module, file: Path) -> tuple[State, Taken]:
    """What a study takes from a file: the state dict of its network, and what is said."""
    own = file.parent / "own" / "weights.safetensors"
    own.parent.mkdir(exist_ok=True)
    facts = import_weights(without_memory(structure), file, own)
    assert facts == taken(structure, file)
    json.dumps(asdict(facts))
    return mapped_network(structure, own).fresh().state_dict(), facts


def refusal(structure: nn.Module, file: Path) -> str:
    with pytest.raises(UserError) as error:
        taken(without_memory(structure), file)
    with pytest.raises(UserError):
        load_weights(structure, file)
    assert str(file) in str(error.value)
    return str(error.value)


def pytorch(content: Any, file: Path) -> Path:
    torch.save(content, file)
    return file


def safetensors(content: State, file: Path) -> Path:
    save_file(content, file)
    return file


@pytest.mark.parametrize("save", [pytorch, safetensors])
@pytest.mark.parametrize(
    "prefix",
    [
        "",
        "module.",
        "_orig_mod.",
        "module._orig_mod.",
        "_orig_mod.module.",
        "model.",
        "model._orig_mod.module.",
        "net.",
        "a.name.of.ones.own.",
    ],
)
def test_a_prefix_is_removed_where_the_names_then_fit(tmp_path, prefix, save):
    state = built(seed=1).state_dict()
    found, facts = imported(built(), save(under(prefix, state), tmp_path / "w"))
    assert equal(found, state)
    assert facts == Taken("safetensors" if save is safetensors else "PyTorch", 9, prefix=prefix)
    said = f"prefix removed from the names in the file: {prefix}"
    assert (said in facts.notes()) == bool(prefix)


@pytest.mark.parametrize("name", ["module", "model", "_orig_mod"])
@pytest.mark.parametrize("prefix", ["", "module.", "model."])
def test_a_prefix_that_the_network_has_itself_stays(tmp_path, name, prefix):
    network = Held(built(seed=1), name)
    file = pytorch(under(prefix, network.state_dict()), tmp_path / "w.pt")
    found, facts = imported(Held(built(), name), file)
    assert equal(found, network.state_dict())
    assert (facts.prefix, facts.added) == (prefix, "")


@pytest.mark.parametrize("prefix", ["", "module."])
def test_a_prefix_that_only_the_network_has_is_added(tmp_path, prefix):
    state = built(seed=1).state_dict()
    file = pytorch(under(prefix, state), tmp_path / "w.pt")
    found, facts = imported(Held(built(), "inner"), file)
    assert equal(found, under("inner.", state))
    assert (facts.prefix, facts.added) == (prefix, "inner.")
    assert "prefix put before the names in the file: inner." in facts.notes()


@pytest.mark.parametrize("there", ["file", "network"])
def test_a_wrapper_within_the_network_is_looked_through(tmp_path, there):
    """As torch's example of ImageNet wraps the features of a VGG alone."""
    plain, wrapped = built(seed=1), built(seed=1)
    wrapped[0] = Held(wrapped[0], "module")
    given, structure = (wrapped, plain) if there == "file" else (plain, wrapped)
    found, facts = imported(structure, pytorch(given.state_dict(), tmp_path / "w.pt"))
    assert torch.equal(next(iter(found.values())), plain[0].weight)
    assert len(facts.renamed) == 2
    assert "names spelled otherwise in the file: 2, such as" in " ".join(facts.notes())


LIGHTNING = {
    "epoch": 3,
    "pytorch-lightning_version": "2.5.0",
    "loops": {"fit_loop": {"state_dict": {}}},
    "callbacks": {"ModelCheckpoint{}": {"best_model_score": torch.tensor(0.5)}},
    "optimizer_states": [{"state": {0: {"exp_avg": torch.ones(3)}}, "param_groups": []}],
    "hparams_name": "kwargs",
    "hyper_parameters": {"lr": 0.1},
}
CHECKPOINTS: dict[str, tuple[Callable[[State], Any], dict[str, Any]]] = {
    "w.pth.tar": (lambda s: {"state_dict": s, "epoch": 3, "best": torch.tensor(1.0)}, {"entry": "state_dict"}),
    "pytorch_model.bin": (lambda s: s, {}),
    "w": (lambda s: {"checkpoint": {"model": s}}, {"entry": "checkpoint.model"}),
    "own.pkl": (lambda s: {"ema": {"module": s}}, {"entry": "ema.module"}),
    "flat.ckpt": (
        lambda s: {**s, "epoch": 3},
        {"left_out": {"epoch": "no tensors"}},
    ),
    "lightning.ckpt": (
        lambda s: {
            **LIGHTNING,
            "state_dict": {**under("model.", s), "loss.weight": torch.ones(5)},
        },
        {"entry": "state_dict", "prefix": "model.", "left_out": {"loss.weight": "outside of model"}},
    ),
    "averaged.pt": (
        lambda s: {"n_averaged": torch.tensor(3), **under("module.module.", s)},
        {"prefix": "module.module.", "left_out": {"n_averaged": "outside of module.module"}},
    ),
    "timm.pth.tar": (
        lambda s: {"state_dict_ema": dict(s), "state_dict": s, "optimizer": {"state": {}}},
        {"entry": "state_dict", "also": ("state_dict_ema",)},
    ),
    "with an average.ckpt": (
        lambda s: {"state_dict": {**under("model.", s), **under("ema_model.", s)}},
        {
            "entry": "state_dict",
            "prefix": "model.",
            "also": ("ema_model",),
            "left_out": dict.fromkeys(under("ema_model.", built().state_dict()), "outside of model"),
        },
    ),
    "profiled.pt": (
        lambda s: {**s, "0.total_ops": torch.zeros(1)},
        {"left_out": {"0.total_ops": "counts of a profiler"}},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CHECKPOINTS)
@pytest.mark.parametrize("zipped", [True, False])
def test_a_checkpoint_is_read_as_what_it_is(tmp_path, name, zipped):
    state, (content, facts) = built(seed=1).state_dict(), CHECKPOINTS[name]
    torch.save(content(state), tmp_path / name, _use_new_zipfile_serialization=zipped)
    found, said = imported(built(), tmp_path / name)
    assert equal(found, state)
    assert said == Taken("PyTorch", 9, **facts)
    notes = "\n".join(said.notes())
    for fact in (facts.get("entry"), *facts.get("also", ()), *list(facts.get("left_out", ()))[:1]):
        assert fact is None or fact in notes


def test_an_average_that_torch_wrote_is_read(tmp_path):
    network = built(seed=1)
    file = pytorch(AveragedModel(network).state_dict(), tmp_path / "w.pt")
    found, facts = imported(built(), file)
    assert equal(found, network.state_dict())
    assert list(facts.left_out) == ["n_averaged"]


@pytest.mark.parametrize("name", ["w.pt", "pytorch_model.bin", "w.ckpt"])
def test_safetensors_are_read_under_any_suffix(tmp_path, name):
    state = built(seed=1).state_dict()
    found, facts = imported(built(), safetensors(state, tmp_path / name))
    assert equal(found, state)
    assert facts.format == "safetensors"
    found, facts = imported(built(), pytorch(state, tmp_path / "w.safetensors"))
    assert equal(found, state)
    assert facts.format == "PyTorch"


@pytest.mark.parametrize("names", [("student.", "teacher."), ("model.", "net.")])
def test_a_network_that_is_there_twice_is_refused_by_both_names(tmp_path, names):
    state = built().state_dict()
    file = pytorch({"state_dict": under(names[0], state) | under(names[1], state)}, tmp_path / "w")
    assert f"under {names[0][:-1]} and under {names[1][:-1]}" in refusal(built(), file)


def test_networks_in_unusual_entries_are_refused_if_they_differ(tmp_path):
    state = built().state_dict()
    other = {name: value + 1 for name, value in state.items()}
    file = pytorch({"student": state, "teacher": other}, tmp_path / "w.pt")
    assert "under student and under teacher, with other numbers" in refusal(built(), file)
    assert taken(
        built(), pytorch({"last": state, "best": state}, tmp_path / "w.pt")
    ).tensors == len(state)
    file = pytorch({"last": other, "model": state}, tmp_path / "w.pt")
    assert taken(built(), file).entry == "model"


@pytest.mark.parametrize("prefix", ["module.", "ema."])
def test_plain_names_beside_the_same_under_a_prefix_are_refused(tmp_path, prefix):
    state = built().state_dict()
    file = pytorch(state | under(prefix, state), tmp_path / "w.pt")
    assert f"under {prefix[:-1]} and under its plain names" in refusal(built(), file)


def test_what_lies_beside_an_unusual_prefix_is_not_left_out(tmp_path):
    content = under("generator.", built().state_dict()) | {"critic.weight": torch.ones(2)}
    said = refusal(built(), pytorch(content, tmp_path / "w.pt"))
    assert "under generator, with other tensors beside. Save the tensors of generator alone" in said


class Others:
    def __reduce__(self):
        return argparse.Namespace, ()


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize(
    ("content", "found"),
    [
        (lambda: built(), "torch.nn.modules.container.Sequential"),
        (lambda: {"model": built()}, "torch.nn.modules.container.Sequential"),
        (lambda: {"state_dict": built().state_dict(), "args": Others()}, "argparse.Namespace"),
    ],
)
def test_a_file_with_more_than_weights_is_refused_by_what_it_holds(
    tmp_path, content, found, zipped
):
    torch.save(content(), tmp_path / "w.pt", _use_new_zipfile_serialization=zipped)
    said = refusal(built(), tmp_path / "w.pt")
    assert f"it holds {found}; no code in it was run" in said
    assert "torch.save(STATE_DICT, NEW)" in said


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"", "empty"),
        (b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
        (b"<!DOCTYPE html>", "a web page"),
        (b"\x1f\x8b" + bytes(9), "compressed by gzip: unpack it"),
        (bytes(257) + b"ustar", "a tar archive"),
        (b"\x89HDF\r\n\x1a\n", "an HDF5 file"),
        (b"\x08\x07\x12\x07pytorch", "no file of weights"),
    ],
)
def test_a_file_of_another_kind_is_called_what_it_is(tmp_path, content, found):
    (tmp_path / "w.pt").write_bytes(content)
    assert found in refusal(built(), tmp_path / "w.pt")


def test_archives_that_hold_no_state_dict_are_called_what_they_are(tmp_path):
    np.savez(tmp_path / "w.npz", a=np.zeros(3))
    assert "a zip archive that torch.save did not write: it holds a.npy" in refusal(
        built(), tmp_path / "w.npz"
    )


# Networks of torchvision, and the names that their weights had.


@pytest.mark.parametrize("name", ["googlenet", "inception_v3"])
def test_auxiliary_heads_are_left_out(tmp_path, name):
    with torch.device("meta"):
        full = torchvision.models.get_model(name, weights=None, num_classes=3, init_weights=False)
        network = build_network(
            {"name": name, "arguments": {"init_weights": False, "aux_logits": False}}, 3
        )
    # The tensors are small, and there are no others under these names.
    heads = {key for key in full.state_dict() if key not in network.state_dict()}
    torch.manual_seed(0)
    small = nn.Module()
    small.fc = nn.Linear(2, 3)
    file = pytorch({**small.state_dict(), **{key: torch.ones(2) for key in heads}}, tmp_path / "w")
    found, facts = imported(small, file)
    assert equal(found, small.state_dict())
    assert facts.left_out == dict.fromkeys(heads, "auxiliary heads, which only training uses")
    assert f"only training uses): {len(heads)} (" in " ".join(facts.notes())


def test_a_head_that_the_network_has_is_taken(tmp_path):
    network, other = Held(nn.Linear(2, 3), "aux1"), Held(nn.Linear(2, 3), "aux1")
    file = pytorch(other.state_dict(), tmp_path / "w.pt")
    assert equal(imported(network, file)[0], other.state_dict())


OLDER = {
    "densenet121": lambda key: key.replace(".norm1.", ".norm.1.").replace(".norm2.", ".norm.2.")
    .replace(".conv1.", ".conv.1.").replace(".conv2.", ".conv.2."),
    "vit_b_32": lambda key: key.replace("mlp.0.", "mlp.linear_1.").replace("mlp.3.", "mlp.linear_2."),
}  # fmt: skip
SMALL = {
    "densenet121": lambda: torchvision.models.DenseNet(2, (1, 1, 1, 1), 4, 2, num_classes=3),
    "vit_b_32": lambda: torchvision.models.VisionTransformer(32, 32, 2, 2, 8, 8, num_classes=3),
}


@pytest.mark.parametrize("prefix", ["", "module."])
@pytest.mark.parametrize("name", OLDER)
def test_the_older_names_of_torchvision_are_read(tmp_path, name, prefix):
    torch.manual_seed(1)
    state = SMALL[name]().state_dict()
    older = {f"{prefix}{OLDER[name](key)}": value for key, value in state.items()}
    changed = sum(OLDER[name](key) != key for key in state)
    assert changed > 7
    found, facts = imported(SMALL[name](), pytorch(older, tmp_path / "w.pth"))
    assert equal(found, state)
    assert len(facts.renamed) == changed
    assert facts.prefix == prefix


def test_weights_of_every_version_are_set_where_a_network_asks_for_its_version(tmp_path):
    """torchvision's MNASNet does, and safetensors hold none."""
    network = torchvision.models.MNASNet(0.1, num_classes=3)
    save_weights(network, tmp_path / "w.safetensors")
    other = torchvision.models.MNASNet(0.1, num_classes=3)
    load_weights(other, tmp_path / "w.safetensors")
    assert equal(other.state_dict(), network.state_dict())


# Types of numbers.


@pytest.mark.parametrize(
    "kind", [torch.float16, torch.bfloat16, torch.float64, torch.float8_e4m3fn, torch.float8_e5m2]
)
@pytest.mark.parametrize("save", [pytorch, safetensors])
def test_other_floating_point_types_are_cast_and_counted(tmp_path, kind, save):
    state = built(seed=1).state_dict()
    given = {key: value.to(kind) if value.is_floating_point() else value for key, value in state.items()}  # fmt: skip
    found, facts = imported(built(), save(given, tmp_path / "w"))
    assert equal(found, {key: value.to(state[key].dtype) for key, value in given.items()})
    change = f"{str(kind).removeprefix('torch.')} to float32"
    assert facts.casts == {change: 8}
    assert f"tensors cast from {change}: 8" in facts.notes()


@pytest.mark.parametrize(
    "kind", [torch.int8, torch.uint8, torch.int64, torch.uint16, torch.bool, torch.complex64]
)
def test_numbers_of_another_kind_are_refused_by_name(tmp_path, kind):
    state = built().state_dict()
    file = safetensors(state | {"3.weight": state["3.weight"].to(kind)}, tmp_path / "w")
    name = str(kind).removeprefix("torch.")
    assert f"\n  3.weight: {name}, float32 wanted" in refusal(built(), file)


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda weight: torch.quantize_per_tensor(weight, 0.1, 0, torch.qint8), "quantised (torch.qint8)"),
        (lambda weight: torch.quantize_per_channel(weight, torch.ones(5), torch.zeros(5), 0, torch.qint8), "quantised"),
        (lambda weight: weight.to_sparse(), "sparse (torch.sparse_coo)"),
        (lambda weight: weight.to("meta"), "without numbers"),
    ],
)  # fmt: skip
def test_tensors_of_another_kind_are_called_what_they_are(tmp_path, change, found):
    state = built().state_dict()
    file = pytorch(state | {"3.weight": change(state["3.weight"])}, tmp_path / "w.pt")
    assert f"3.weight: {found}" in refusal(built(), file)


@pytest.mark.parametrize("kind", [torch.int32, torch.float32, torch.float64, torch.uint8])
def test_whole_counters_of_any_type_are_taken(tmp_path, kind):
    state = built().state_dict()
    file = pytorch(state | {"1.num_batches_tracked": torch.tensor(7, dtype=kind)}, tmp_path / "w")
    found, facts = imported(built(), file)
    assert torch.equal(found["1.num_batches_tracked"], torch.tensor(7))
    assert sum(facts.casts.values()) == 1


@pytest.mark.parametrize("number", [0.5, float("nan"), float("inf"), 1e300])
def test_counters_that_are_not_whole_are_refused(tmp_path, number):
    state = built().state_dict()
    given = torch.tensor(number, dtype=torch.float64)
    file = pytorch(state | {"1.num_batches_tracked": given}, tmp_path / "w.pt")
    assert "its numbers are not whole or not in range" in refusal(built(), file)


def test_counters_that_are_missing_stay_as_built(tmp_path):
    state = built(seed=1).state_dict()
    state.pop("1.num_batches_tracked")
    _, facts = imported(built(), pytorch(state, tmp_path / "w.pt"))
    assert facts.kept == ("1.num_batches_tracked",)
    assert "kept as the network was built: 1 (1.num_batches_tracked)" in facts.notes()[-1]


def test_counters_that_the_network_lacks_are_left_out(tmp_path):
    _, facts = imported(built(), pytorch(built().state_dict() | {"2.num_batches_tracked": torch.tensor(1)}, tmp_path / "w"))  # fmt: skip
    assert list(facts.left_out) == ["2.num_batches_tracked"]


@pytest.mark.parametrize(
    ("network", "number"), [(torch.float16, 1e6), (torch.float32, 1e300), (torch.float16, 1e300)]
)
def test_numbers_too_large_for_the_network_are_named(tmp_path, network, number):
    state = {key: value.double() for key, value in built().state_dict().items()}
    state["3.weight"][0, 0] = number
    said = refusal(built().to(network), pytorch(state, tmp_path / "w.pt"))
    assert "not finite in the type that the network has" in said
    assert "3.weight: 1 of 20, float64 in the file" in said


# Tensors with several names.


class Shared(nn.Module):
    """A layer under two names, of which the second is the first in the alphabet, and a shared bias."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(6, 6)
        self.again = self.head
        self.last = nn.Linear(6, 6)
        self.last.bias = self.head.bias

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.last(self.again(images))


def shared(seed: int = 1) -> Shared:
    torch.manual_seed(seed)
    return Shared()


ONCE = {"head.weight", "head.bias", "last.weight"}


def is_shared(network: Any) -> bool:
    return network.again.weight is network.head.weight and network.last.bias is network.head.bias


def test_a_tensor_with_several_names_is_stored_once_and_stays_one(tmp_path):
    file = tmp_path / "w.safetensors"
    save_weights(shared(), file)
    assert set(load_file(file)) == ONCE
    load_model(other := shared(2), file)  # as safetensors reads what it wrote itself
    assert equal(other.state_dict(), shared().state_dict())
    load_weights(other := shared(2), file)
    assert equal(other.state_dict(), shared().state_dict())
    mapped = mapped_network(shared(2), file)
    assert is_shared(mapped.fresh())
    assert torch.equal(mapped.read("again.weight"), shared().head.weight)
    assert torch.equal(mapped.read("last.bias"), shared().head.bias)
    save_weights(shared(), tmp_path / "again.safetensors")
    assert (tmp_path / "again.safetensors").read_bytes() == file.read_bytes()


@pytest.mark.parametrize("save", [pytorch, safetensors])
@pytest.mark.parametrize(
    "names", [("head", "last"), ("again", "last"), ("head", "again", "last"), ("last", "again")]
)
def test_a_file_may_have_any_of_the_names(tmp_path, names, save):
    state = {
        key: value.clone()
        for key, value in shared().state_dict().items()
        if key.split(".")[0] in names
    }
    found, facts = imported(shared(2), save(state, tmp_path / "w"))
    assert equal(found, shared().state_dict())
    assert facts.tensors == 3


def test_a_file_whose_names_of_one_tensor_differ_is_refused_by_both(tmp_path):
    state = {key: value.clone() for key, value in shared().state_dict().items()}
    state["again.weight"][0, 0] += 1
    said = refusal(shared(), pytorch(state, tmp_path / "w.pt"))
    assert "head.weight and again.weight differ" in said


def test_what_safetensors_save_model_wrote_is_read(tmp_path):
    save_model(shared(), str(tmp_path / "w.safetensors"))
    assert "head.weight" not in load_file(tmp_path / "w.safetensors")
    assert equal(imported(shared(2), tmp_path / "w.safetensors")[0], shared().state_dict())


@pytest.mark.parametrize("save", [save_model, save_weights])
def test_a_file_of_shared_tensors_is_read_into_a_network_that_has_two(tmp_path, save):
    save(shared(), tmp_path / "w.safetensors")
    apart = shared(2)
    apart.again, apart.last.bias = nn.Linear(6, 6), nn.Parameter(torch.ones(6))
    found, _ = imported(apart, tmp_path / "w.safetensors")
    assert equal(found, shared().state_dict())


def test_a_packed_file_has_a_shared_tensor_once(tmp_path):
    plan = Plan((("head.weight", 12), ("head.bias", 2)), quantized=False)
    pruned = prune(shared(), plan)
    save_packed(pruned, plan, tmp_path / "packed.safetensors")
    assert not [key for key in load_file(tmp_path / "packed.safetensors") if "again" in key]
    found = load_packed(shared(2), tmp_path / "packed.safetensors")
    assert is_shared(found)
    assert equal(found.state_dict(), pruned.network.state_dict())


class Views(nn.Module):
    """Two parameters in the same memory, one of them transposed."""

    def __init__(self) -> None:
        super().__init__()
        self.there, self.back = nn.Linear(3, 4, bias=False), nn.Linear(4, 3, bias=False)
        self.back.weight = nn.Parameter(self.there.weight.T)


def test_views_of_the_same_memory_are_stored_each_and_said(tmp_path):
    file = tmp_path / "w.safetensors"
    network = Views()
    assert "there.weight and back.weight are views of the same memory" in notes_on_views(network)[0]
    assert notes_on_views(shared()) == notes_on_views(nn.LSTM(3, 4)) == []
    save_weights(network, file)
    load_weights(other := Views(), file)
    assert equal(other.state_dict(), network.state_dict())
    state = load_file(file)
    state["back.weight"] += 1
    with pytest.raises(UserError, match=r"there\.weight and back\.weight differ"):
        load_weights(Views(), safetensors(state, tmp_path / "differ"))


# Extra state.


class Extra(nn.Module):
    """A layer that counts, and whose state dict holds what it counted."""

    def __init__(self, state: Any = None) -> None:
        super().__init__()
        self.head = nn.Linear(2, 3)
        self.state = state

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.head(images)

    def get_extra_state(self) -> Any:
        return self.state

    def set_extra_state(self, state: Any) -> None:
        self.state = state


def held(state: Any = None) -> nn.Module:
    return nn.Sequential(nn.Linear(2, 2), Extra(state))


STATES: list[Any] = [
    None,
    {"version": 2},
    [1, -0.5, 10**40, True, "ä\ud800", float("inf"), 1j, ("a", ()), b"\x00\xff", bytearray(b"x")],
    {"set": {"b", "a", 1}, 3: OrderedDict(b=1, a=2), (1, 2): Counter("aab")},
    {"size": torch.Size([1, 2]), "type": torch.bfloat16, "device": torch.device("cpu")},
    torch.arange(3),
    {"scale": torch.ones(2, 3, dtype=torch.bfloat16).T, "nested": [torch.zeros(0, 3)]},
]


def alike(first: Any, second: Any) -> bool:
    """Equal in value and type, tensors in them too."""
    if type(first) is not type(second):
        return False
    if isinstance(first, torch.Tensor):
        return first.dtype == second.dtype and torch.equal(first, second)
    if isinstance(first, dict):
        return list(first) == list(second) and all(alike(first[key], second[key]) for key in first)
    if isinstance(first, list | tuple):
        return len(first) == len(second) and all(map(alike, first, second))
    return bool(first == second)


@pytest.mark.parametrize("state", STATES)
def test_extra_state_is_stored_with_the_weights_and_set_again(tmp_path, state):
    check_extra_state(network := held(state))
    file = tmp_path / "w.safetensors"
    save_weights(network, file)
    load_weights(other := held(), file)
    assert alike(other[1].state, state)
    assert alike(mapped_network(held(), file).fresh()[1].state, state)
    plan = Plan((), quantized=False)
    save_packed(prune(network, plan), plan, tmp_path / "packed.safetensors")
    assert alike(load_packed(held(), tmp_path / "packed.safetensors")[1].state, state)
    save_weights(other, tmp_path / "again.safetensors")
    assert (tmp_path / "again.safetensors").read_bytes() == file.read_bytes()


@pytest.mark.parametrize("state", STATES)
def test_extra_state_of_a_users_file_is_taken(tmp_path, state):
    file = pytorch(held(state).state_dict(), tmp_path / "w.pt")
    own = tmp_path / "own.safetensors"
    assert import_weights(without_memory(held("built")), file, own).kept == ()
    assert alike(mapped_network(held("built"), own).fresh()[1].state, state)


def test_extra_state_that_a_file_lacks_stays_as_built_and_is_said(tmp_path):
    state = {key: value for key, value in held().state_dict().items() if "extra" not in key}
    own = tmp_path / "own.safetensors"
    facts = import_weights(held({"version": 3}), safetensors(state, tmp_path / "w"), own)
    assert facts.kept == ("1._extra_state",)
    assert "kept as the network was built: 1 (1._extra_state)" in facts.notes()[-1]
    assert mapped_network(held(), own).fresh()[1].state == {"version": 3}


def test_extra_state_of_a_module_that_takes_none_is_left_out(tmp_path):
    network = nn.Sequential(nn.Linear(2, 2), nn.Identity())
    state = network.state_dict() | {"1._extra_state": {"version": 2}, "_extra_state": torch.ones(2)}
    _, facts = imported(network, pytorch(state, tmp_path / "w.pt"))
    assert set(facts.left_out) == {"1._extra_state", "_extra_state"}


def test_a_module_under_two_names_has_its_extra_state_once(tmp_path):
    def twice(state: Any = None) -> nn.Module:
        inner = Extra(state)
        return nn.Sequential(inner, inner)

    save_weights(twice({"version": 2}), tmp_path / "w.safetensors")
    assert set(load_file(tmp_path / "w.safetensors")) == {"0.head.weight", "0.head.bias"}
    load_weights(other := twice(), tmp_path / "w.safetensors")
    assert other[1].state == {"version": 2}
    file = pytorch(twice({"version": 3}).state_dict(), tmp_path / "w.pt")
    assert taken(twice(), file).left_out == {}
    state = {
        key: value for key, value in twice({"version": 4}).state_dict().items() if key[0] == "1"
    }
    facts, own = (
        import_weights(twice(), pytorch(state, file), tmp_path / "own"),
        mapped_network(twice(), tmp_path / "own").fresh(),
    )
    assert facts.kept == ()
    assert own[0].state == {"version": 4}


class Unsettable(Extra):
    set_extra_state = nn.Module.set_extra_state


class Unreadable(Extra):
    def get_extra_state(self) -> Any:
        raise RuntimeError("not yet")


class Picky(Extra):
    def set_extra_state(self, state: Any) -> None:
        self.state = state["version"]


def recursive() -> list[Any]:
    found: list[Any] = []
    found.append(found)
    return found


def _own_state_dict(network: nn.Module, **values: Any) -> nn.Module:
    network.register_state_dict_post_hook(
        lambda module, state, prefix, metadata: state.update(values)
    )
    return network


def _lossy(network: nn.Module) -> nn.Module:
    def forget(module: nn.Module, state: State, prefix: str, metadata: State) -> None:
        state.pop("weight")

    network.register_state_dict_post_hook(forget)
    return network


def _sparse() -> nn.Module:
    network = nn.Linear(2, 2)
    network.register_buffer("graph", torch.eye(2).to_sparse())
    return network


@pytest.mark.parametrize(
    ("network", "said"),
    [
        (lambda: held(np.float64(1)), r"1\._extra_state: .* of a Extra cannot be stored: it holds a numpy\.float64"),
        (lambda: held({"a": [Path("x")]}), r"it holds a pathlib\.\w*PosixPath"),
        (lambda: held(lambda: 1), "it holds a function"),
        (lambda: held(recursive()), "it holds RecursionError"),
        (lambda: held({"a": torch.eye(2).to_sparse()}), "cannot be stored"),
        (lambda: nn.Sequential(Unsettable(1)), r"0\._extra_state: .* no set_extra_state"),
        (lambda: nn.Sequential(Unreadable(1)), "get_extra_state raises RuntimeError: not yet"),
        (lambda: nn.Sequential(Picky(1)), "set_extra_state raises TypeError"),
        (lambda: _own_state_dict(nn.Linear(2, 2), more=3), "its state dict has more, which is no"),
        (lambda: _own_state_dict(nn.Linear(2, 2), more=torch.ones(2)), "its state dict has more"),
        (lambda: _lossy(nn.Linear(2, 2)), "its state dict lacks the parameter weight"),
        (_sparse, r"graph is sparse \(torch\.sparse_coo\)"),
    ],
)  # fmt: skip
def test_what_cannot_be_stored_is_refused_before_any_training(network, said):
    with pytest.raises(UserError, match=said):
        check_extra_state(network())


@pytest.mark.parametrize(
    "network",
    [
        built,
        shared,
        held,
        Views,
        lambda: torchvision.models.VisionTransformer(32, 32, 1, 2, 8, 8, num_classes=3),
        lambda: nn.Sequential(nn.LazyLinear(3)),
    ],
)
def test_what_can_be_stored_is_not_refused(network):
    check_extra_state(network())


def test_extra_state_that_the_network_does_not_take_is_refused(tmp_path):
    file = pytorch({**Extra().state_dict(), "_extra_state": 3}, tmp_path / "w.pt")
    with pytest.raises(UserError, match=r"_extra_state: Picky\.set_extra_state does not take"):
        taken(Picky({"version": 1}), file)


def test_a_buffer_that_is_computed_is_left_out_where_it_is_the_same(tmp_path):
    network = built()
    network.register_buffer("places", torch.arange(3), persistent=False)
    state = network.state_dict() | {"places": torch.arange(3)}
    _, facts = imported(network, pytorch(state, tmp_path / "w.pt"))
    assert list(facts.left_out) == ["places"]
    state["places"] = torch.ones(3, dtype=torch.int64)
    assert "places: not a key of this network" in refusal(
        network, pytorch(state, tmp_path / "w.pt")
    )


# What a message says of files that do not fit.


def _renamed(state: State) -> State:
    return {f"x.{key}" if key.startswith("0") else key: value for key, value in state.items()}


FINDINGS: dict[str, tuple[Callable[[], State], str]] = {
    "classes": (
        lambda: built(1000).state_dict(),
        "the last layer, 3, has 1000 outputs in the file, and 5 in the network",
    ),
    "classes under a prefix": (
        lambda: under("module.", built(1000).state_dict()),
        "the last layer, 3, has 1000 outputs in the file, and 5 in the network",
    ),
    "another architecture": (
        lambda: {"stem.weight": torch.ones(3), "trunk.weight": torch.ones(3)},
        "seems to be of another architecture. It has stem, trunk, and the network 0, 1, 3",
    ),
    "another width": (
        lambda: nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.Flatten(), nn.Linear(8, 5)).state_dict(),
        "All names fit, and 7 of 8 shapes do not",
    ),
    "no head": (
        lambda: {key: value for key, value in built().state_dict().items() if key[0] != "3"},
        "has 6 of the 8 tensors of the network, and none of 3. Give a file with all",
    ),
    "some of a layer": (
        lambda: {key: value for key, value in built().state_dict().items() if key != "1.bias"},
        "has 7 of the 8 tensors of the network, and not 1.bias",
    ),
    "more layers": (
        lambda: built().state_dict() | {"4.weight": torch.ones(3)},
        "has all 8 names of the network, and 1 more, of 4",
    ),
    "other names": (
        lambda: _renamed(built().state_dict()),
        "6 of the 8 tensors of the network have their names in the file, and 2 of the file",
    ),
    "no tensor": (
        lambda: built().state_dict() | {"3.bias": 3},
        "not all of them hold tensors",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", FINDINGS)
def test_a_misfit_is_called_what_it_is(tmp_path, case):
    content, finding = FINDINGS[case]
    said = refusal(built(), pytorch({"state_dict": content()}, tmp_path / "w.pt"))
    assert "(its entry state_dict): the weights do not fit the network" in said
    assert finding in said
    others = [other for _, other in FINDINGS.values() if other != finding]
    assert not any(other in said for other in others)


def test_a_packed_network_is_not_taken_for_weights(tmp_path):
    plan = Plan((), quantized=False)
    save_packed(prune(built(), plan), plan, tmp_path / "w.safetensors")
    assert "a packed network" in refusal(built(), tmp_path / "w.safetensors")


@pytest.mark.parametrize(
    "facts", ['{"extra": {"a": ["tensor"]}}', "[", '{"extra": {"a": ["x", 1]}}']
)
def test_extra_state_in_a_file_is_not_believed(tmp_path, facts):
    save_file(built().state_dict(), tmp_path / "w", {"paretopress.weights": facts})
    assert "cannot be read as a safetensors file" in refusal(built(), tmp_path / "w")


@pytest.mark.parametrize("change", ["half", "pickle"])
def test_only_what_can_be_mapped_is_mapped(tmp_path, change):
    state = built().half().state_dict() if change == "half" else built().state_dict()
    file = (safetensors if change == "half" else pytorch)(state, tmp_path / "w")
    with pytest.raises(UserError, match=r"cannot be mapped as they are.*import_weights"):
        mapped_network(built(), file)
