"""The package as a Python library: docs/library.md names what is public, and its code runs."""

import re
from doctest import NORMALIZE_WHITESPACE, DocTestFinder, DocTestRunner
from functools import partial
from importlib import import_module
from pathlib import Path

import pytest
import torch
from paths import ROOT

from paretopress.compression.allocation import lamp_table, magnitudes_of, save_tables
from paretopress.compression.layers import LAYER_KINDS, layers_of
from paretopress.dataset.split import Split, save_split
from paretopress.networks.build import build_network
from paretopress.networks.fitting import fitted
from paretopress.networks.weights import save_weights

PAGE = (ROOT / "docs" / "library.md").read_text(encoding="utf-8")
DOORS = re.findall(r"^\|.*\| `(paretopress[\w.]*)` \| (`.*`) \|$", PAGE, flags=re.MULTILINE)


def test_every_public_name_is_there_and_documented():
    assert len(DOORS) >= 12
    for module, listed in DOORS:
        for name in re.findall(r"`(\w+)`", listed):
            assert getattr(import_module(module), name).__doc__, f"{module}.{name}"


@pytest.mark.parametrize(
    ("module", "name"),
    [(module, name) for module, listed in DOORS for name in re.findall(r"`(\w+)`", listed)],
)
def test_every_public_name_has_an_example_that_is_true(module, name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    documented = getattr(import_module(module), name)
    if ">>>" not in documented.__doc__:  # the names of a room can have one example in common
        documented = import_module(module.rpartition(".")[0])
        assert re.search(rf"(>>>|\.\.\.) .*\b{name}\(", documented.__doc__)
    examples = DocTestFinder(recurse=False).find(documented, name)
    assert sum(len(found.examples) for found in examples) >= 1
    said: list[str] = []
    for found in examples:
        DocTestRunner(optionflags=NORMALIZE_WHITESPACE).run(found, out=said.append)
    assert said == []


def test_the_code_of_the_page_uses_public_names_alone():
    public = {(module, name) for module, listed in DOORS for name in re.findall(r"`(\w+)`", listed)}
    for module, listed in re.findall(r"^from (paretopress[\w.]*) import (.*)$", PAGE, re.MULTILINE):
        assert {(module, name) for name in listed.split(", ")} <= public


def test_the_code_of_the_page_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    study = Path("results/digits")
    for folder in ("dataset", "baselines/vgg16-slim"):
        (study / folder).mkdir(parents=True)
    black = torch.zeros(10, 3, 32, 32, dtype=torch.uint8)
    for name in ("train", "test"):
        split = Split(black, torch.arange(10), tuple("0123456789"))
        save_split(split, study / "dataset" / f"{name}.safetensors")
    dense = build_network({"name": "vgg16_slim", "width_divisor": 8}, num_classes=10)
    save_weights(dense, study / "baselines/vgg16-slim/weights.safetensors")
    tables = {
        kind: lamp_table(
            {
                name: partial(magnitudes_of, w["weight"].clone())
                for name, w in layers_of(dense, kind)
            }
        )
        for kind in LAYER_KINDS
    }
    save_tables(tables, study / "baselines/vgg16-slim/allocation.safetensors")

    names: dict = {}
    for code in re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL):
        exec(code, names)

    shown = capsys.readouterr().out
    assert re.fullmatch(r"\d+% non-zero; [1-5] on the front, 0\.\d{3}; A12 0\.89\n", shown), shown
    assert len(names["archive"].evaluations) == 5
    saved = fitted(dense, Path("compressed.safetensors")).tensors
    loaded = names["evaluated"].state_dict()
    assert all(torch.equal(loaded[name], tensor) for name, tensor in saved.items())
    assert Path("packed.safetensors").stat().st_size < 0.06 * 4 * sum(
        map(torch.numel, saved.values())
    )
    lost = {name: int((saved[name] == 0).sum()) for name, _ in names["plan"].zeros}
    assert lost == dict(names["plan"].zeros)
    assert set(lost) == {
        name for name, _ in dense.named_parameters() if re.match(r"classifier.*weight", name)
    }


TRANSFORMER = """
from torchvision.models import VisionTransformer

def build_network(num_classes):
    return VisionTransformer(32, 16, 2, 2, 24, 48, num_classes=num_classes)
"""
OWN = {"name": "file", "path": "my_network.py", "function": "build_network", "arguments": {}}


@pytest.mark.parametrize(
    "architecture",
    [
        OWN,
        {"name": "swin_t", "arguments": {}},
        pytest.param(
            {"name": "vit_b_16", "arguments": {"image_size": 32}}, marks=pytest.mark.thorough
        ),
    ],
    ids=lambda architecture: architecture["name"],
)
def test_the_network_of_a_row_is_made_again_with_int8_where_attention_reads_weights_itself(
    architecture, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    Path("my_network.py").write_text(TRANSFORMER, encoding="utf-8")
    study, images = Path("results/digits"), torch.randint(0, 256, (10, 3, 32, 32)).byte()
    for folder in ("dataset", "baselines/vgg16-slim"):
        (study / folder).mkdir(parents=True)
    for name in ("train", "test"):
        split = Split(images, torch.arange(10), tuple("0123456789"))
        save_split(split, study / "dataset" / f"{name}.safetensors")
    weights = study / "baselines/vgg16-slim/weights.safetensors"
    save_weights(build_network(architecture, num_classes=10), weights)
    _, recipe = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)
    for line, changed in (
        (r"slim = .*", f"slim = {architecture}"),
        (r"\[baseline / .*\]", "[]"),  # as with allocation: uniform
        (r"Design\(.*?\)", "Design(2, 0, 0.5, 0.0, 1, 0, 1)"),
    ):
        recipe, times = re.subn(line, changed, recipe)
        assert times == 1, line

    names: dict = {}
    exec(recipe, names)

    with torch.inference_mode():
        again, evaluated = (
            network(images / 255)
            for network in (names["evaluated"], names["network"].compress(names["plan"])[0])
        )
    assert any("quantized" in type(layer).__module__ for layer in names["evaluated"].modules())
    assert torch.equal(again, evaluated)
