"""Networks beyond the paper's two: torchvision's others, a user's own file, weights from .pt files; what each of them cannot do is said."""

import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
import torch
from cases import cases
from compressed import evaluate
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn.utils import parametrizations

from paretopress.compression.layers import layout_of
from paretopress.compression.plans import canonical
from paretopress.compression.pruning import compress, nonzero_rate, prune
from paretopress.config.own_modules import code_files
from paretopress.config.variables import Design
from paretopress.dataset.split import Split
from paretopress.errors import UserError
from paretopress.networks.build import build_for, build_network, check_keep
from paretopress.networks.trial import check_network
from paretopress.networks.weights import load_weights, save_weights

OWN = """
import torch
from torch import nn

class Grouped(nn.Module):
    def __init__(self, classes, width):
        super().__init__()
        self.stem = nn.Conv2d(3, width, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(width)
        self.depthwise = nn.Conv2d(width, width, 3, padding=1, groups=width)
        self.pointwise = nn.Conv2d(width, width, 1)
        self.grouped = nn.Conv2d(width, width, 3, groups=2)
        self.decision = nn.Linear(width, classes)

    def forward(self, x):
        x = torch.relu(self.norm(self.stem(x)))
        x = self.grouped(self.pointwise(self.depthwise(x)))
        return self.decision(x.mean((2, 3)))

def grouped(num_classes, width=8):
    return Grouped(num_classes, width)

def perceptron(num_classes):
    return nn.Sequential(nn.Flatten(), nn.Linear(3 * 32 * 32, 16), nn.ReLU(), nn.Linear(16, num_classes))

def convolutional(num_classes):
    return nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Conv2d(8, num_classes, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten())

class Encoder(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.layer = nn.TransformerEncoderLayer(32, 4, 64, batch_first=True)
        self.head = nn.Linear(32, classes)

    def forward(self, x):
        return self.head(self.layer(x.mean(1)).mean(1))

def encoder(num_classes):
    return Encoder(num_classes)

def broken(num_classes):
    raise ValueError("no such width")

def text(num_classes):
    return "a network"
"""


@pytest.fixture(scope="module")
def own_file(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("own") / "mine.py"
    path.write_text(OWN, encoding="utf-8")
    return path


def own(path: Path, function: str, **arguments) -> dict:
    return {"name": "file", "path": str(path), "function": function, "arguments": arguments}


@pytest.fixture(scope="module")
def built(own_file) -> dict[str, nn.Module]:
    """Networks of every kind of layer, with 5 classes, for images of 32 x 32."""
    torch.manual_seed(0)
    architectures = {
        "mobilenet_v3_small": {"name": "mobilenet_v3_small", "arguments": {"width_mult": 0.5}},
        "densenet121": {"name": "densenet121", "arguments": {}},
        "vit_b_16": {"name": "vit_b_16", "arguments": {"image_size": 32}},
        "squeezenet1_1": {"name": "squeezenet1_1", "arguments": {}},
        "grouped": own(own_file, "grouped", width=12),
        "perceptron": own(own_file, "perceptron"),
        "convolutional": own(own_file, "convolutional"),
    }
    return {
        name: build_network(architecture, 5).eval() for name, architecture in architectures.items()
    }


KINDS = {  # (has Linear layers, has convolutions)
    "mobilenet_v3_small": (True, True),
    "densenet121": (True, True),
    "vit_b_16": (True, True),
    "squeezenet1_1": (False, True),
    "grouped": (True, True),
    "perceptron": (True, False),
    "convolutional": (False, True),
}
IMAGES = Split(
    torch.randint(
        0, 256, (6, 3, 32, 32), dtype=torch.uint8, generator=torch.Generator().manual_seed(1)
    ),
    torch.arange(6) % 5,
    tuple("abcde"),
)


@pytest.mark.parametrize(
    "name",
    [  # vit_b_16 has 86 million parameters
        pytest.param(name, marks=pytest.mark.thorough if name == "vit_b_16" else ())
        for name in KINDS
    ],
)
def test_every_kind_of_network_is_compressed_and_evaluated(built, name):
    network = built[name]
    check_network(network, 5, 32)
    layout = layout_of(network)
    assert (bool(layout.linear), bool(layout.conv)) == KINDS[name]
    before = {key: value.clone() for key, value in network.state_dict().items()}
    design, plan = canonical(Design(2, 2, 0.5, 0.25, 1, 1, 1), layout, seed=3)
    assert (design.linear_scope, design.conv_scope, design.quantization) == (
        2 * KINDS[name][0],
        2 * KINDS[name][1],
        int(KINDS[name][0]),
    )
    measured = evaluate(network, plan, IMAGES, 6)
    assert 0 <= measured.accuracy <= 1
    pruned = prune(network, plan).network
    parameters, zeros = dict(pruned.named_parameters()), dict(plan.zeros)
    for layer in (*layout.linear, *layout.conv):
        fraction = 0.5 if layer in layout.linear else 0.25
        assert zeros[f"{layer.name}.weight"] == round(fraction * layer.weight)
        assert int((parameters[f"{layer.name}.weight"] == 0).sum()) >= zeros[f"{layer.name}.weight"]
    assert measured.nonzero_rate == nonzero_rate(pruned) < 1
    for key, value in network.state_dict().items():
        assert torch.equal(value, before[key]), f"{key}: the dense network was changed"


@pytest.mark.parametrize("name", [name for name, kinds in KINDS.items() if not all(kinds)])
def test_variables_of_layers_that_a_network_lacks_are_folded_away(built, name):
    layout = layout_of(built[name])
    linear, conv = KINDS[name]
    plans = set()
    for inert in ((0, 0.3, 0), (2, 0.9, 2), (1, 0.5, 1)):
        used = (2, 0.4, 1)
        (ls, la, lt), (cs, ca, ct) = (used if linear else inert), (used if conv else inert)
        design, plan = canonical(Design(ls, cs, la, ca, lt, ct, 0 if linear else 1), layout, seed=1)
        assert (design.linear_amount, design.conv_amount) == (0.4 * linear, 0.4 * conv)
        assert design.quantization == 0
        plans.add(plan.design_id)
    assert len(plans) == 1


@given(
    st.integers(0, 2),
    st.integers(0, 2),
    st.floats(0.001, 0.999),
    st.floats(0.001, 0.999),
    st.integers(0, 2),
    st.integers(0, 2),
)
@settings(max_examples=cases(30), deadline=None)
def test_the_canonical_form_of_any_design_is_its_own_canonical_form_on_grouped_convolutions(
    ls, cs, la, ca, lt, ct
):
    network = nn.Sequential(
        nn.Conv2d(4, 4, 3, groups=4, bias=False), nn.Conv2d(4, 6, 1), nn.Flatten(), nn.Linear(6, 2)
    )
    layout = layout_of(network)
    design, plan = canonical(Design(ls, cs, round(la, 6), round(ca, 6), lt, ct, 1), layout, seed=2)
    assert canonical(design, layout, seed=2) == (design, plan)
    entries = sum(parameter.numel() for parameter in network.parameters())
    assert compress(network, plan)[1] == pytest.approx(
        1 - sum(zeros for _, zeros in plan.zeros) / entries, abs=1e-12
    )


def test_only_the_mlp_of_a_transformer_is_quantised_and_it_still_runs(built):
    _, plan = canonical(Design(0, 0, 0.5, 0.5, 1, 1, 1), layout_of(built["vit_b_16"]), seed=1)
    quantized, rate = compress(built["vit_b_16"], plan)
    assert rate == nonzero_rate(built["vit_b_16"])
    assert quantized(torch.zeros(2, 3, 32, 32)).shape == (2, 5)
    assert any("quantized" in type(module).__module__ for module in quantized.modules())


@pytest.mark.parametrize("name", ["swin_t", "encoder"])
def test_layers_whose_weight_attention_reads_itself_are_left_unquantised(own_file, name):
    architecture = (
        {"name": "swin_t", "arguments": {}} if name == "swin_t" else own(own_file, "encoder")
    )
    network = build_for(architecture, IMAGES)
    design, plan = canonical(Design(0, 0, 0.5, 0.5, 1, 1, 1), layout_of(network), seed=1)
    assert (design.quantization, plan.quantized) == (1, True)
    assert 0 <= evaluate(network, plan, IMAGES, 6).accuracy <= 1


def test_quantisation_is_folded_away_where_it_changes_nothing():
    class Own(nn.Linear):
        pass

    _, plan = canonical(
        Design(0, 0, 0.5, 0.5, 1, 1, 1), layout_of(nn.Sequential(nn.Flatten(), Own(4, 2))), seed=1
    )
    assert not plan.quantized


def test_layers_that_share_their_weight_are_pruned_and_counted_once():
    network = nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 8), nn.Linear(8, 2))
    network[2].weight = network[0].weight
    layout = layout_of(network)
    sizes = [(layer.name, layer.weight, layer.bias) for layer in layout.linear]
    assert sizes == [("0", 64, 8), ("2", 0, 8), ("3", 16, 2)]
    _, plan = canonical(Design(2, 0, 0.5, 0.1, 1, 0, 0), layout, seed=1)
    pruned, rate = compress(network, plan)
    assert pruned[2].weight is pruned[0].weight
    assert int((pruned[0].weight == 0).sum()) == 32
    assert rate == pytest.approx(1 - (32 + 8) / (64 + 8 + 8 + 16 + 2))


def test_a_weight_that_is_not_there_is_named():
    with pytest.raises(
        UserError, match=r"the layer 0 \(ParametrizedLinear\) has no weight of its own"
    ):
        layout_of(nn.Sequential(parametrizations.weight_norm(nn.Linear(3, 2))))


@pytest.mark.parametrize(
    ("function", "arguments", "message"),
    [
        ("broken", {}, r"mine\.py, line \d+: ValueError: no such width"),
        ("text", {}, "text returned a str"),
        ("grouped", {"depth": 3}, "unexpected keyword argument 'depth'"),
    ],
)
def test_a_function_that_fails_is_named_with_its_line(own_file, function, arguments, message):
    with pytest.raises(UserError, match=message):
        build_network(own(own_file, function, **arguments), 5)


def test_an_argument_that_torchvision_does_not_know_is_named():
    with pytest.raises(UserError, match=r"architecture resnet18: cannot be built .*'widht'"):
        build_network({"name": "resnet18", "arguments": {"widht": 3}}, 5)


@pytest.mark.parametrize(
    ("network", "message"),
    [
        (
            lambda: build_network({"name": "vit_b_16", "arguments": {}}, 5),
            "cannot take 2 images of 32 x 32 pixels in evaluation mode: .* pixels it takes 224\\.",
        ),
        (
            lambda: nn.Sequential(nn.Flatten(), nn.LazyLinear(5)),
            r"1\.weight, 1\.bias have no shape yet",
        ),
        (
            lambda: build_network({"name": "googlenet", "arguments": {"aux_logits": True}}, 5),
            "a GoogLeNetOutputs for 2 images .* in training too",
        ),
        (
            lambda: nn.Sequential(nn.Flatten(), nn.Linear(3072, 4)),
            r"returned \(2, 4\) for 2 images of 5 classes",
        ),
        (
            lambda: nn.Sequential(
                nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.PReLU(), nn.ConstantPad1d((0, 2), 0.0)
            ),
            "nothing to compress",
        ),
    ],
)
def test_a_network_that_does_not_fit_the_images_is_refused(network, message):
    with pytest.raises(UserError, match=message):
        check_network(network(), 5, 32)


@pytest.mark.parametrize("name", ["googlenet", "inception_v3"])
def test_networks_with_auxiliary_classifiers_are_built_without_them(name):
    network = build_network({"name": name, "arguments": {}}, 5).train()
    assert not [key for key in network.state_dict() if key.lower().startswith("aux")]


@pytest.mark.parametrize(
    "wrap",
    [
        lambda state: state,
        lambda state: {"epoch": 3, "state_dict": state, "optimizer": {"lr": 0.1}},
        lambda state: {"model": {f"module.{key}": value for key, value in state.items()}},
        lambda state: {
            "net": {f"_orig_mod.module.{key}": value for key, value in state.items()},
            "acc": 0.9,
        },
    ],
)
@pytest.mark.parametrize("suffix", [".pt", ".pth"])
def test_weights_are_read_from_pytorch_files(own_file, tmp_path, wrap, suffix):
    torch.manual_seed(1)
    network, other = (build_network(own(own_file, "grouped"), 5) for _ in range(2))
    torch.save(wrap(network.state_dict()), tmp_path / f"w{suffix}")
    load_weights(other, tmp_path / f"w{suffix}")
    for key, value in network.state_dict().items():
        assert torch.equal(value, other.state_dict()[key])


class Harmful:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def test_code_in_a_pytorch_file_is_not_run(own_file, tmp_path):
    torch.save({"decision.weight": Harmful(tmp_path / "harm")}, tmp_path / "w.pt")
    with pytest.raises(UserError, match=r"w\.pt: .* no code in it was run"):
        load_weights(build_network(own(own_file, "grouped"), 5), tmp_path / "w.pt")
    assert not (tmp_path / "harm").exists()


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"", "empty"),
        (b"PK\x03\x04 nothing", "a damaged zip archive"),
        (b"some text", "no file of weights"),
    ],
)
def test_a_file_that_is_no_pytorch_file_is_named(own_file, tmp_path, content, found):
    (tmp_path / "w.pt").write_bytes(content)
    with pytest.raises(UserError, match=rf"w\.pt: {found}"):
        load_weights(build_network(own(own_file, "grouped"), 5), tmp_path / "w.pt")


@pytest.mark.parametrize(
    "content",
    [{1: torch.zeros(2)}, {"stem.weight": torch.eye(3).to_sparse()}, {"stem.weight": 3.0}, None],
)
def test_what_is_no_dense_tensor_under_a_name_is_refused(own_file, tmp_path, content):
    torch.save(content, tmp_path / "w.pt")
    with pytest.raises(UserError, match=r"w\.pt: (no state dict|the weights do not fit)"):
        load_weights(build_network(own(own_file, "grouped"), 5), tmp_path / "w.pt")


def test_what_a_pytorch_file_holds_beside_tensors_is_named(own_file, tmp_path):
    torch.save({"model": {}, "accuracy": np.float64(0.9)}, tmp_path / "w.pt")
    with pytest.raises(
        UserError, match=r"it holds numpy\.[\w.]+; no code in it was run\. .*torch\.save"
    ) as error:
        load_weights(build_network(own(own_file, "grouped"), 5), tmp_path / "w.pt")
    assert "\x1b" not in str(error.value)


def test_a_file_with_dataclasses_and_late_annotations_is_run(tmp_path):
    code = """
from __future__ import annotations
from dataclasses import dataclass
from torch import nn

@dataclass
class Settings:
    width: int = 3

def build_network(num_classes):
    return nn.Sequential(nn.Flatten(), nn.Linear(3072, Settings().width), nn.Linear(Settings().width, num_classes))
"""
    (tmp_path / "dc.py").write_text(code, encoding="utf-8")
    assert build_network(own(tmp_path / "dc.py", "build_network"), 5)[2].out_features == 5
    (tmp_path / "ends.py").write_text("import sys\nsys.exit(2)\n", encoding="utf-8")
    with pytest.raises(UserError, match=r"ends\.py, line 2: SystemExit: 2"):
        build_network(own(tmp_path / "ends.py", "build_network"), 5)


def written(folder: Path, files: dict[str, str]) -> Path:
    """The first of the files, which are written."""
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(textwrap.dedent(text), encoding="utf-8")
    return folder / next(iter(files))


HELPERS = {
    "blocks.py": "from torch import nn\nfrom widths import WIDTH\n"
    "def block(classes): return nn.Sequential(nn.Flatten(), nn.Linear(3072, WIDTH), nn.Linear(WIDTH, classes))",
    "widths.py": "WIDTH = 7",
    "inner/__init__.py": "from .deep import block",
    "inner/deep.py": "from ..blocks import block",
    "folder/plain.py": "from blocks import block",
}


@pytest.mark.parametrize(
    "code",
    [
        "from blocks import block\ndef build_network(n): return block(n)",
        "from blocks import *\ndef build_network(n): return block(n)",
        "from blocks import block as build_network",
        "import blocks\ndef build_network(n): return blocks.block(n)",
        "from .blocks import block\ndef build_network(n): return block(n)",
        "from . import blocks\ndef build_network(n): return blocks.block(n)",
        "import inner.deep\ndef build_network(n): return inner.deep.block(n)",
        "import inner.deep as d\ndef build_network(n): return d.block(n)",
        "from inner import block\ndef build_network(n): return block(n)",
        "from inner import deep\ndef build_network(n): return deep.block(n)",
        "from folder.plain import block\ndef build_network(n): return block(n)",
        "def build_network(n):\n    from blocks import block\n    return block(n)",
        "import importlib\ndef build_network(n): return importlib.import_module('blocks').block(n)",
        "from importlib import import_module as load\nbuild_network = load('inner.deep').block",
        "import importlib.util\nbuild_network = importlib.import_module('.blocks', __package__).block",
    ],
)
def test_a_network_file_may_import_files_beside_it(tmp_path, code):
    path, before = written(tmp_path, {"net.py": code} | HELPERS), list(sys.path)
    assert {tmp_path / "blocks.py", tmp_path / "widths.py"} < set(code_files(path))
    assert build_network(own(path, "build_network"), 5)[2].out_features == 5
    assert sys.path == before
    assert not {"blocks", "inner", "folder", "widths"} & set(sys.modules)


def test_an_import_in_a_forward_pass_works_whenever_it_runs(tmp_path):
    code = """
    from torch import nn
    class Late(nn.Module):
        def __init__(self, n):
            super().__init__()
            self.layer = nn.Linear(3, n)
        def forward(self, x):
            from late import scale
            return scale(self.layer(x.mean((2, 3))))
    """
    first, second = (
        written(tmp_path / name, {"net.py": code, "late.py": f"def scale(x): return {factor} * x"})
        for name, factor in (("a", 0), ("b", 1))
    )
    one, other = (build_network(own(path, "Late"), 4) for path in (first, second))
    for network, zero in ((one, True), (other, False), (one, True)):
        assert bool((network(torch.ones(2, 3, 8, 8)) == 0).all()) == zero


def test_two_networks_of_a_study_may_have_helpers_of_one_name(tmp_path):
    code = "from blocks import build_network"
    paths = {
        width: written(
            tmp_path / str(width), {"net.py": code, "blocks.py": HELPERS["blocks.py"].replace("block(", "build_network("), "widths.py": f"WIDTH = {width}"}
        )
        for width in (3, 4)
    }  # fmt: skip
    architectures = {f"n{width}": own(path, "build_network") for width, path in paths.items()}
    check_keep(["1"], architectures, 5)
    for width in (3, 4, 3):
        assert build_network(own(paths[width], "build_network"), 5)[1].out_features == width
    (tmp_path / "3" / "widths.py").write_text("WIDTH = 11  # edited", encoding="utf-8")
    assert build_network(own(paths[3], "build_network"), 5)[1].out_features == 11


def test_an_installed_package_goes_before_a_file_of_its_name(tmp_path):
    code = "import random, yaml\nfrom torch import nn\nimport numpy as np\ndef build_network(n): return nn.Linear(3, n) if random.random() < np.inf else yaml"
    wrong = dict.fromkeys(
        ("torch.py", "numpy/__init__.py", "random.py", "yaml.py"), "raise ValueError"
    )
    path = written(tmp_path, {"net.py": code} | wrong)
    assert build_network(own(path, "build_network"), 5).out_features == 5
    assert code_files(path) == [path]


def test_a_folder_of_data_does_not_hide_a_package_on_the_path(tmp_path, monkeypatch):
    path = written(tmp_path / "own", {"net.py": "from images import build_network"})
    (tmp_path / "own" / "images" / "train").mkdir(parents=True)
    code = "from torch import nn\ndef build_network(n): return nn.Linear(3, n)"
    written(tmp_path / "path", {"images.py": code})
    monkeypatch.syspath_prepend(tmp_path / "path")
    assert build_network(own(path, "build_network"), 5).out_features == 5
    assert code_files(path) == [path]


@pytest.mark.parametrize(
    ("helper", "message"),
    [
        ("x = 1\nraise ValueError('no')", r"blocks\.py, line 2: ValueError: no"),
        ("x = (\n", r"blocks\.py, line 1: SyntaxError"),
        ("import timmm", r"blocks\.py, line 1: ModuleNotFoundError: No module named 'timmm'"),
        ("from widths import Y", r"blocks\.py, line 1: ImportError: cannot import name 'Y' from 'widths'"),
    ],
)  # fmt: skip
def test_an_error_in_a_file_beside_is_named_with_its_line(tmp_path, helper, message):
    files = {"net.py": "from blocks import x", "blocks.py": helper, "widths.py": ""}
    with pytest.raises(UserError, match=message):
        build_network(own(written(tmp_path, files), "x"), 5)


def test_a_file_that_no_text_names_is_not_loaded_unseen(tmp_path):
    """An edit of it would repeat nothing."""
    code = "import importlib\nbuild_network = importlib.import_module('blo' + 'cks').block"
    with pytest.raises(UserError, match=r"blocks\.py: .*net\.py loads it under a name that is not"):
        build_network(own(written(tmp_path, {"net.py": code} | HELPERS), "build_network"), 5)


def test_a_pytorch_file_without_a_state_dict_says_what_is_wanted(own_file, tmp_path):
    torch.save([1, 2], tmp_path / "w.pt")
    with pytest.raises(UserError, match="no state dict in it"):
        load_weights(build_network(own(own_file, "grouped"), 5), tmp_path / "w.pt")


def test_misfits_of_a_pytorch_file_are_named_with_both_shapes(own_file, tmp_path):
    torch.save(build_network(own(own_file, "grouped"), 7).state_dict(), tmp_path / "w.pt")
    with pytest.raises(
        UserError, match=textwrap.dedent(r"decision\.weight: shape \(7, 8\), \(5, 8\) wanted")
    ):
        load_weights(build_network(own(own_file, "grouped"), 5), tmp_path / "w.pt")


def test_shared_weights_are_saved_and_read_back(tmp_path):
    network = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4))
    network[1].weight = network[0].weight
    save_weights(network, tmp_path / "w.safetensors")
    other = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4))
    load_weights(other, tmp_path / "w.safetensors")
    assert torch.equal(other[0].weight, network[0].weight)
    assert torch.equal(other[1].weight, network[0].weight)
