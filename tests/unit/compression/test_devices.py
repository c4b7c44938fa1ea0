"""The device of a study: what is asked for, and the same designs on another device than the CPU.

No machine of CI has a GPU. `elsewhere` stands for one: it refuses what mixes devices.
"""

import logging
import os
from dataclasses import replace
from pathlib import Path

import brought_networks as kinds_of_networks
import pytest
import torch
from elsewhere import ELSEWHERE, elsewhere

from paretopress.compression import evaluation, inputs
from paretopress.compression.devices import described, device_of, kinds, name_of
from paretopress.compression.evaluation import EACH, Evaluator, Measurement
from paretopress.compression.inputs import Inputs, slices
from paretopress.compression.layers import layout_of
from paretopress.compression.plans import Plan, canonical
from paretopress.compression.repair import RepairImages
from paretopress.compression.tally import CPU
from paretopress.config.variables import Design
from paretopress.dataset.split import Split, normalized
from paretopress.errors import UserError
from paretopress.networks.build import build_network, initialize
from paretopress.networks.dense import measure_dense, measure_repaired
from paretopress.networks.mapped import MappedNetwork, load_network
from paretopress.networks.moves import Moves
from paretopress.networks.weights import save_weights

CLASSES = tuple("abc")
HALF = Design(2, 2, 0.5, 0.5, 2, 2, 0)
HEAD_ALONE = Design(2, 0, 0.5, 0.5, 2, 2, 0)
DESIGNS = {
    "pruned": HALF,
    "rounded": replace(HALF, linear_bits=4, conv_bits=3),
    "int8": replace(HALF, quantization=1),
    "head": HEAD_ALONE,
    "head int8": replace(HEAD_ALONE, quantization=1),
}
NAMES = ("slim", "tiny", "tied", "drawn_tensor", "kernel_by_image")
MORE = (
    "several_times_in_a_row", "upsampling", "standardized", "tied_decoder", "elementwise",
    "extra_state",
)  # fmt: skip


def images(count: int, seed: int) -> Split:
    generator = torch.Generator().manual_seed(seed)
    pixels = torch.randint(0, 256, (count, 3, 32, 32), dtype=torch.uint8, generator=generator)
    return Split(pixels, torch.arange(count) % len(CLASSES), CLASSES, std=(0.3, 0.2, 0.7))


TRAIN, TEST = images(22, 1), images(13, 2)
REPAIR = RepairImages(TRAIN, torch.arange(22), 7, 22)


def architecture(name: str) -> dict:
    if name == "slim":
        return {"name": "vgg16_slim", "width_divisor": 32}
    if name == "tiny":
        path, function = (
            Path(kinds_of_networks.__file__).with_name("tiny_network.py"),
            "build_network",
        )
    else:
        path, function = kinds_of_networks.__file__, name
    return {"name": "file", "path": str(path), "function": function, "arguments": {}}


def loaded(name: str, folder: Path, device: torch.device, **moves) -> MappedNetwork:
    weights = folder / "weights.safetensors"
    if not weights.exists():
        torch.manual_seed(4)
        network = build_network(architecture(name), len(CLASSES))
        initialize(network, architecture(name), len(CLASSES))
        save_weights(network, weights)
    return load_network(architecture(name), TEST, weights, Moves(**moves), device)


def plans(network: MappedNetwork) -> dict[str, Plan]:
    layout = layout_of(network.structure)
    return {name: canonical(design, layout, seed=1)[1] for name, design in DESIGNS.items()}


def evaluated(network: MappedNetwork) -> dict[str, tuple[float, list[int], Measurement]]:
    """The rate, the predictions and the measurement of each design."""
    evaluate, found = Evaluator(network, TEST, 5), {}
    for name, plan in plans(network).items():
        compressed, rate = network.compress(plan)
        predictions, _ = evaluate.predictions(compressed, plan)
        found[name] = rate, predictions.tolist(), evaluate(plan)
    return found


@pytest.mark.parametrize("repair", [None, REPAIR], ids=["as pruned", "repaired"])
@pytest.mark.parametrize(
    "name", [*NAMES, *(pytest.param(name, marks=pytest.mark.thorough) for name in MORE)]
)
def test_designs_on_another_device_are_those_of_the_cpu(tmp_path, name, repair):
    on_cpu = evaluated(loaded(name, tmp_path, CPU, repair=repair))
    with elsewhere():
        network = loaded(name, tmp_path, ELSEWHERE, repair=repair)
        there = evaluated(network)
        dense = network.fresh()
        assert not any(tensor.is_cpu for tensor in (*dense.parameters(), *dense.buffers()))
    for design, (rate, predictions, measured) in on_cpu.items():
        assert there[design][:2] == (rate, predictions), design
        assert there[design][2].accuracy == measured.accuracy


def measurements(network: MappedNetwork, device: torch.device) -> list[dict]:
    dense = measure_dense("n", network.fresh(), TRAIN, TEST, 5, device)
    return [dense, measure_repaired(network, TRAIN, TEST, 5)]


def test_the_dense_network_is_measured_on_its_device(tmp_path):
    on_cpu = measurements(loaded("slim", tmp_path, CPU, repair=REPAIR), CPU)
    with elsewhere():
        there = loaded("slim", tmp_path, ELSEWHERE, repair=REPAIR)
        assert measurements(there, ELSEWHERE) == on_cpu


def test_weights_stay_on_the_device_and_no_design_changes_them(tmp_path):
    with elsewhere():
        network = loaded("slim", tmp_path, ELSEWHERE, repair=REPAIR)
        one, other = network.fresh(), network.fresh()
        same = dict(other.named_parameters())
        assert all(
            tensor.data_ptr() == same[name].data_ptr() for name, tensor in one.named_parameters()
        )
        before = {name: tensor.clone() for name, tensor in one.state_dict().items()}
        for plan in plans(network).values():
            network.compress(plan)
        own = network.read("features.0.weight")
        assert own.device == ELSEWHERE
        own.zero_()
        for buffer in other.buffers():
            buffer.zero_()
        after = network.fresh().state_dict()
        assert all(torch.equal(before[name], after[name]) for name in before)


OF_THE_CPU = """
import torch
from torch import nn

class OfTheCpu(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(3 * 32 * 32, 3)

    def forward(self, x):
        return self.head((x * torch.ones(32)).flatten(1))

def build_network(classes):
    return OfTheCpu()
"""


def test_a_network_that_makes_tensors_on_the_cpu_is_refused_elsewhere(tmp_path):
    path, weights = tmp_path / "own.py", tmp_path / "weights.safetensors"
    path.write_text(OF_THE_CPU, encoding="utf-8")
    own = {"name": "file", "path": str(path), "function": "build_network", "arguments": {}}
    save_weights(build_network(own, len(CLASSES)), weights)
    load_network(own, TEST, weights, Moves())
    refused = "evaluation.device: the network does not run on .* set evaluation.device to cpu"
    with elsewhere(), pytest.raises(UserError, match=f"(?s){refused}"):
        load_network(own, TEST, weights, Moves(), ELSEWHERE)


def test_predictions_of_a_few_designs_are_compared_with_those_of_the_cpu(tmp_path, caplog):
    caplog.set_level(logging.INFO)
    on_cpu = loaded("tiny", tmp_path, CPU)
    with elsewhere():
        there = loaded("tiny", tmp_path, ELSEWHERE)
        compared = Evaluator(there, TEST, 5, on_cpu=on_cpu)
        own = list(plans(there).values())
        differing = [compared(own[at % len(own)]).differing for at in range(EACH + 1)]
    assert differing == [0, *[None] * (EACH - 1), 0]
    assert "predicts another class for 0 of the first 13 images" in caplog.text
    assert Evaluator(on_cpu, TEST, 5)(own[0]).differing is None


def test_each_image_with_another_prediction_is_counted(tmp_path, monkeypatch):
    monkeypatch.setattr(evaluation, "COMPARED", 6)  # two batches
    on_cpu = loaded("tiny", tmp_path, CPU)
    plan = plans(on_cpu)["pruned"]
    evaluate = Evaluator(on_cpu, TEST, 5, on_cpu=on_cpu)
    right = evaluate.predictions(on_cpu.compress(plan)[0], plan)[0]
    wrong = right.clone()
    wrong[[2, 9, 10]] += 1
    monkeypatch.setattr(Evaluator, "predictions", lambda self, compressed, plan: (wrong, "plain"))
    assert evaluate(plan).differing == 2


@pytest.mark.parametrize("at_most", [2**31, 0])
def test_images_of_another_device_stay_there_if_they_fit_and_nothing_changes_them(
    monkeypatch, at_most
):
    monkeypatch.setattr(inputs, "AT_MOST", at_most)
    parts = slices(len(TEST), 5)
    on_cpu = list(Inputs(TEST, parts))
    made = []
    monkeypatch.setattr(inputs, "normalized", lambda *given: made.append(1) or normalized(*given))
    with elsewhere():
        batches = Inputs(TEST, parts, ELSEWHERE)
        for _ in range(2):
            for batch, known in zip(batches, on_cpu, strict=True):
                assert batch.device == ELSEWHERE
                assert torch.equal(batch.cpu(), known)
                batch.zero_()
    assert len(made) == (len(parts) if at_most else 2 * len(parts))


def test_what_is_asked_for_gives_a_device_or_says_what_to_do(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert device_of("auto") == device_of("cpu") == CPU
    assert (kinds(CPU), name_of(CPU)) == ([], None)
    assert described(CPU).startswith("the CPU")
    with pytest.raises(UserError, match=r"evaluation.device = cuda: .* Allowed here: auto and cpu"):
        device_of("cuda")


@pytest.fixture
def _flags_as_before():
    cuda, cudnn = torch.backends.cuda.matmul, torch.backends.cudnn
    before = cuda.allow_tf32, cudnn.allow_tf32, cudnn.benchmark, cudnn.deterministic
    yield
    cuda.allow_tf32, cudnn.allow_tf32, cudnn.benchmark, cudnn.deterministic = before
    torch.use_deterministic_algorithms(False)


@pytest.mark.usefixtures("_flags_as_before")
def test_cuda_is_exact_and_deterministic(monkeypatch):
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", "")
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda device: "A GPU")
    torch.backends.cudnn.allow_tf32 = True
    torch.use_deterministic_algorithms(False)
    assert device_of("cpu") == CPU
    assert not torch.are_deterministic_algorithms_enabled()
    device = device_of("auto")
    assert device == device_of("cuda") == torch.device("cuda", 0)
    assert not torch.backends.cuda.matmul.allow_tf32
    assert not torch.backends.cudnn.allow_tf32
    assert not torch.backends.cudnn.benchmark
    assert torch.backends.cudnn.deterministic
    assert torch.is_deterministic_algorithms_warn_only_enabled()
    assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":4096:8"
    assert (kinds(device), name_of(device), described(device)) == (
        ["cuda"],
        "A GPU",
        "A GPU (CUDA)",
    )
