"""Exports of a small network: each file gives the network that was measured, and nothing is left half-written."""

import errno
import json
import re
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import onnxruntime
import pandas as pd
import pytest
import torch
from exports import CLASSES, INT8, SMALL, right, row, small_network, source
from PIL import Image
from safetensors.torch import load_file
from torch import nn

from paretopress.compression.pruning import count_and_quantize
from paretopress.config.export import Choice, read_choice
from paretopress.dataset.split import few_of, normalized
from paretopress.errors import UserError
from paretopress.export import formats, measuring, onnx_files, speed
from paretopress.export.exported import read_exported
from paretopress.export.exporting import export
from paretopress.export.onnx_files import left_in_float
from paretopress.fronts.remade import plan_of_row
from paretopress.jobs import machine
from paretopress.jobs.provenance import damaged_and_outdated
from paretopress.networks.packed import load_packed
from paretopress.networks.training import Recipe

FILES = [
    "packed.safetensors",
    "weights.safetensors",
    "model.pt2",
    "model.onnx",
    "model-int8.onnx",
]
FULL = Path("/dev/full")
TEXTS = ["README.md", "design.json", "load.py", "times.csv"]


@pytest.fixture(autouse=True, scope="module")
def quick_times():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(speed, "BLOCK_SECONDS", 0.0)
        patch.setattr(machine, "LOAD_SECONDS", 0.0)
        patch.setattr(onnx_files, "PERCENTILES", (99.99,))
        yield


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """The source, the export of its evaluated int8 design, and the folder of that."""
    of = source(tmp_path_factory.mktemp("export"))
    (found,) = export(of, [Choice(of.evaluated[-1]["design_id"])])
    return of, found, of.folder / found.design_id


def compressed(of, design):
    plan = plan_of_row(row(of.mapped, design, 0.0), of.mapped.layout(), None, of.table)
    return of.mapped.pruned(plan), plan


def scores(network: nn.Module, of, split: str = "test") -> torch.Tensor:
    images = of.splits[split]
    with torch.no_grad():
        return torch.cat(
            [network(normalized(images, part)) for part in images.images.split(of.batch_size)]
        )


def onnx(path, of, split: str = "test") -> np.ndarray:
    return onnx_of(path, of.splits[split])


def onnx_of(path, images) -> np.ndarray:
    session = onnxruntime.InferenceSession(path)
    return session.run(None, {"images": normalized(images, images.images).numpy()})[0]


def test_each_file_gives_the_network_of_the_design(exported):
    of, found, folder = exported
    assert sorted(path.name for path in folder.iterdir()) == sorted([*FILES, *TEXTS])
    pruned, plan = compressed(of, INT8)
    written = load_file(folder / "weights.safetensors")
    for name, tensor in pruned.network.state_dict().items():
        assert torch.equal(written[name], tensor)
    own = scores(pruned.network, of)
    assert torch.equal(scores(torch.export.load(folder / "model.pt2").module(), of), own)
    np.testing.assert_allclose(onnx(folder / "model.onnx", of), own, 1e-4, 1e-4)
    evaluated, _ = count_and_quantize(pruned.network, plan)
    packed = load_packed(small_network(), folder / "packed.safetensors")
    assert torch.equal(scores(packed, of), scores(evaluated.eval(), of))
    int8 = onnx(folder / "model-int8.onnx", of)
    assert found.accuracy["test"]["int8"] == right(int8, of.splits["test"])
    assert (int8.argmax(1) == own.numpy().argmax(1)).mean() > 0.9
    assert found.accuracy["test"]["float32"] == right(own.numpy(), of.splits["test"])
    assert found.accuracy["test"]["evaluated"] == right(
        scores(packed, of).numpy(), of.splits["test"]
    )
    of_search = right(onnx(folder / "model-int8.onnx", of, "validation"), of.splits["validation"])
    assert found.accuracy["validation"]["int8"] == of_search
    assert json.loads(json.dumps(asdict(found))) == asdict(read_exported(folder))


def test_a_file_that_changes_afterwards_is_found(exported):
    of, _, folder = exported
    files = list(folder.iterdir())
    assert damaged_and_outdated(of.results, files) == ([], [])
    with open(folder / "model.onnx", "ab") as file:
        file.write(b"0")
    (damaged,), _ = damaged_and_outdated(of.results, files)
    assert "model.onnx: damaged or edited, not what rule export wrote" in damaged
    with open(folder / "model.onnx", "r+b") as file:
        file.truncate((folder / "model.onnx").stat().st_size - 1)


def test_a_file_takes_any_number_of_images(exported):
    of, _, folder = exported
    images = normalized(of.splits["test"], of.splits["test"].images[:7])
    for count in (1, 3, 7):
        for name in ("model.onnx", "model-int8.onnx"):
            session = onnxruntime.InferenceSession(folder / name)
            (some,) = session.run(None, {"images": images[:count].numpy()})
            assert some.shape == (count, len(CLASSES))
        assert torch.export.load(folder / "model.pt2").module()(images[:count]).shape == some.shape


def test_weights_that_run_in_the_int8_file_are_int8(exported):
    import onnx as format

    _, found, folder = exported
    graph = format.load(folder / "model-int8.onnx").graph
    stored = {tensor.name: tensor for tensor in graph.initializer}
    assert found.float_layers == ([], 4)
    weights = [tensor for tensor in stored.values() if len(tensor.dims) > 1]
    assert {tensor.data_type for tensor in weights} == {format.TensorProto.INT8}
    sizes = [(folder / name).stat().st_size for name in ("model.onnx", "model-int8.onnx")]
    assert sizes == [found.files[name].bytes for name in ("model.onnx", "model-int8.onnx")]


def test_a_recurrent_layer_is_a_layer_that_int8_leaves_in_float32(tmp_path):
    import onnx as format

    node = format.helper.make_node
    nodes = [
        node("DequantizeLinear", ["x", "s", "z"], ["images"]),
        node("DequantizeLinear", ["w", "s", "z"], ["weight"]),
        node("LSTM", ["images", "wi", "wh"], ["rows"]),
        node("MatMul", ["images", "weight"], ["scores"]),
    ]
    graph = format.helper.make_graph(nodes, "int8", [], [])
    format.save(format.helper.make_model(graph), tmp_path / "int8.onnx")
    assert left_in_float(tmp_path / "int8.onnx") == (["LSTM"], 2)


def test_of_several_ranges_that_one_is_taken_that_agrees_on_most_images(
    exported, tmp_path, monkeypatch
):
    of, _, folder = exported
    images = few_of(of.splits["train"], 60)
    other = replace(images, images=images.images[30:], labels=images.labels[30:])
    wanted = onnx_of(folder / "model.onnx", other).argmax(1)
    agreeing = {}
    for percentiles in ((60.0,), (99.99,), (60.0, 99.99), (99.99, 60.0)):
        monkeypatch.setattr(onnx_files, "PERCENTILES", percentiles)
        path = tmp_path / "model-int8.onnx"
        onnx_files.write_int8(folder / "model.onnx", images, False, 1, path)
        agreeing[percentiles] = int((onnx_of(path, other).argmax(1) == wanted).sum())
        assert list(tmp_path.iterdir()) == [path]
    narrow, wide, *both = agreeing.values()
    assert narrow < wide, "else this test shows nothing"
    assert both == [wide, wide]


def test_the_program_reads_an_image_as_the_study_does(exported, tmp_path):
    _, _, folder = exported
    rng = np.random.default_rng(0)
    pixels = Image.fromarray(rng.integers(0, 256, (6, 8, 3), dtype=np.uint8)).resize((40, 31))
    pixels.save(tmp_path / "a b.png")
    ran = subprocess.run(
        [sys.executable, folder / "load.py", tmp_path / "a b.png"], capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.strip().removeprefix(f"{tmp_path / 'a b.png'} ") in CLASSES
    assert "paretopress." not in (folder / "load.py").read_text()


def test_the_card_says_what_to_ship_and_has_every_number(exported):
    _, found, folder = exported
    text = (folder / "README.md").read_text()
    assert "**Ship `model-int8.onnx`**" in text
    for name, file in found.files.items():
        assert re.search(rf"\| `{re.escape(name)}` \| .*{100 * file.test_accuracy:.2f} %", text)
    test = found.accuracy["test"]
    assert f"{100 * (test['int8'] - test['dense']):+.2f} points" in text
    assert re.search(
        r"`model-int8.onnx` has [\d.]+ % of 120 test images: the floor of 5.00 % is kept there,",
        text,
    )
    assert f"paretopress export --configfile s.yaml own {found.design_id}" in text
    times = pd.read_csv(folder / "times.csv")
    assert len(times) == 2 * (3 + 4)
    assert set(times["batch_size"]) == {1, 64}
    assert set(times["precision"]) == {"float32", "int8", "dynamic int8"}
    assert (times["lower_quartile_seconds"] <= times["upper_quartile_seconds"]).all()


def test_a_choice_walks_along_the_front_until_the_int8_file_keeps_the_floor(tmp_path):
    free = source(tmp_path / "a")
    small, large = export(free, [Choice(of["design_id"]) for of in free.front])
    of_small, of_large = (found.accuracy["validation"]["int8"] for found in (small, large))
    assert of_small < of_large, "else this test shows nothing"
    floor = {"floor": (of_small + of_large) / 2, "allowed_drop_points": None}
    told: list[str] = []
    strict = source(tmp_path / "b", constraint=floor, say=told.append)
    found = export(strict, [Choice("smallest"), Choice("most-accurate")])
    assert [one.design_id for one in found] == [large.design_id]
    assert found[0].choices == ["smallest", "most-accurate"]
    assert found[0].passed_over == {small.design_id: of_small}
    assert [path.name for path in strict.folder.iterdir()] == [large.design_id]
    assert any(line.startswith(f"{small.design_id}: passed over") for line in told)
    text = (strict.folder / large.design_id / "README.md").read_text()
    assert (
        f"Passed over, since their int8 files have too low an accuracy: {small.design_id}" in text
    )
    assert "Chosen by `--most-accurate`" in text


@pytest.mark.thorough
def test_where_no_int8_file_keeps_the_floor_the_first_design_is_exported_and_says_so(tmp_path):
    of = source(tmp_path, constraint={"floor": 0.9999, "allowed_drop_points": None})
    (found,) = export(of, [read_choice("smallest")])
    assert found.design_id == of.front[0]["design_id"]
    assert list(found.passed_over) == [row["design_id"] for row in of.front]
    text = (of.folder / found.design_id / "README.md").read_text()
    assert "**Ship `model.onnx`**" in text
    assert "is kept by\nnone of its files" in text


def test_a_fine_tuned_design_has_the_same_zeros_and_bits_and_says_what_it_was_before(tmp_path):
    recipe = Recipe(2, 20, "adamw", 0.01, 0.0, "one_cycle", "none", 0)
    of = source(tmp_path, recipe=recipe)
    before, plan = compressed(of, SMALL)
    (found,) = export(of, [Choice(plan.design_id)])
    folder = of.folder / f"{plan.design_id}-tuned"
    after = load_file(folder / "weights.safetensors")
    for name, tensor in before.network.state_dict().items():
        if tensor.dim() > 1:
            assert torch.equal(after[name] == 0, tensor == 0)
            assert not torch.equal(after[name], tensor)
    packed = load_packed(small_network(), folder / "packed.safetensors").state_dict()
    assert all(torch.equal(packed[name], tensor) for name, tensor in after.items())
    untuned = right(scores(before.network, of).numpy(), of.splits["test"])
    assert found.fine_tuned.accuracy_before["test"] == untuned
    text = (folder / "README.md").read_text()
    assert "Fine-tuned for 2 epochs on the training images" in text
    assert f"{100 * untuned:.2f} % of the test images" in text
    assert not (of.progress / plan.design_id).exists()


class Routed(nn.Module):
    """A network whose way depends on the values of the image, which a graph cannot hold.

    Its last bits depend on where a weight lies in memory, as the order of torch's sums does.
    """

    def __init__(self) -> None:
        super().__init__()
        self.body = small_network()

    def forward(self, images):
        scores = self.body(images)
        if scores.mean() > 0:
            scores = scores * 2
        return scores + 1e-7 * (self.body[0].weight.data_ptr() % 64)


def test_a_network_that_a_format_cannot_hold_gets_the_others_and_a_sentence(tmp_path, capfd):
    torch.manual_seed(3)
    of = source(tmp_path, network=Routed())
    (found,) = export(of, [Choice("smallest")])
    assert set(found.files) == {"packed.safetensors", "weights.safetensors"}
    assert list(found.missing) == ["model.pt2", "model.onnx", "model-int8.onnx"]
    assert found.missing["model.pt2"].startswith("its way depends on values")
    assert found.missing["model-int8.onnx"] == "it is made from model.onnx"
    assert capfd.readouterr().err == ""
    folder = of.folder / found.design_id
    assert not (folder / "load.py").exists()
    text = (folder / "README.md").read_text()
    assert "No file of it runs without the code that builds the network" in text
    assert f"`model.pt2` is missing: {found.missing['model.pt2']}" in text


class Bessel(nn.Module):
    """An operator that ONNX lacks, and scores that are infinite for some images."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.head = nn.Conv2d(3, 8, 3, 2), nn.Linear(8, 4)

    def forward(self, images):
        own = torch.special.i0(self.stem(images).mean((2, 3)))
        return self.head(own) / (images.mean((1, 2, 3)) > 0)[:, None]


def test_what_the_converter_lacks_is_named_and_the_program_says_any_class(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONIOENCODING", "latin-1")
    torch.manual_seed(0)
    of = source(tmp_path, Bessel(), ("猫 ", "'\\\"犬 ", "\U0001f404 ", "{{ ü }} "))
    (found,) = export(of, [Choice("smallest")])
    assert (
        "No ONNX function found for <OpOverload(op='prims.bessel_i0'" in found.missing["model.onnx"]
    )
    assert "\x1b" not in found.missing["model.onnx"]
    assert not scores(compressed(of, SMALL)[0].network, of).isfinite().all(), "else no test"
    assert found.files["model.pt2"].difference == 0.0
    assert "**Ship `model.pt2`**" in (of.folder / found.design_id / "README.md").read_text()


class Half(nn.Module):
    """Its head is in a type that ONNX holds, and ONNX Runtime does not compute with."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.head = nn.Linear(768, 8), nn.Linear(8, 4, dtype=torch.bfloat16)

    def forward(self, images):
        return self.head(self.stem(images.flatten(1)).relu().bfloat16())


def test_a_file_that_its_runtime_cannot_run_is_missing(tmp_path):
    torch.manual_seed(0)
    of = source(tmp_path, Half())
    (found,) = export(of, [Choice("smallest")])
    assert set(found.files) == {"packed.safetensors", "weights.safetensors", "model.pt2"}
    assert "Could not find an implementation for Gemm" in found.missing["model.onnx"]
    assert {path.name for path in (of.folder / found.design_id).iterdir()} == {*found.files, *TEXTS}


def test_a_file_that_differs_from_torch_is_removed_with_what_is_made_from_it(tmp_path, monkeypatch):
    monkeypatch.setattr(measuring, "TOLERANCE", 0.0)
    of = source(tmp_path, nn.Sequential(nn.Flatten(), nn.Linear(768, 4)))
    twice = replace(of, front=of.front[:1] * 2, constraint={"floor": 2, "allowed_drop_points": 1})
    (found,) = export(twice, [Choice("smallest")])
    assert found.missing["model.onnx"].startswith("its scores differ from those of torch by")
    assert found.missing["model-int8.onnx"] == "it is made from model.onnx"
    assert set(found.files) == {"packed.safetensors", "weights.safetensors", "model.pt2"}
    folder = of.folder / found.design_id
    assert not (folder / "model.onnx").exists()
    assert "`model.onnx` is missing: its scores differ" in (folder / "README.md").read_text()


def test_a_full_disk_in_the_middle_leaves_the_export_before(exported, tmp_path, monkeypatch):
    of = source(tmp_path)
    before = of.folder / of.front[0]["design_id"]
    before.mkdir(parents=True)
    (before / "README.md").write_text("as it was")

    def full(*args, **kwargs):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(formats, "write_onnx", full)
    with pytest.raises(UserError, match="cannot be written, the disk is full"):
        export(of, [Choice("smallest")])
    assert [path.name for path in of.folder.rglob("*")] == [before.name, "README.md"]
    assert (before / "README.md").read_text() == "as it was"


@pytest.mark.skipif(not FULL.exists(), reason="this system has no device that is always full")
def test_a_disk_that_is_full_does_not_end_the_process():
    program = torch.export.export(nn.Linear(64, 64), (torch.zeros(2, 64),))
    with pytest.raises(OSError, match="No space left on device"):
        formats.FORMATS["model.pt2"].write(SimpleNamespace(program=program), FULL)


@pytest.mark.parametrize(
    ("choice", "said"),
    [
        (
            "0123456789ab",
            "not a design of this study's own. Allowed: the design_id of an evaluated",
        ),
        (
            "least-accuracy 0.99",
            r"no design of the front has an accuracy of 99.00% .* at most 97.00%",
        ),
    ],
)
def test_a_choice_that_means_no_design_is_refused(exported, choice, said):
    of, _, _ = exported
    with pytest.raises(UserError, match=said):
        export(of, [Choice("smallest"), read_choice(choice)])
    assert len(list(of.folder.iterdir())) == 1, "refused before any work"


def test_without_a_design_on_the_front_nothing_is_chosen(exported):
    of, _, _ = exported
    with pytest.raises(UserError, match="no evaluated design keeps the floor"):
        export(replace(of, front=[]), [Choice("knee")])
