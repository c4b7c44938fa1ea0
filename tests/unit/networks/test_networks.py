"""Architectures, weights, training and evaluation of the dense network."""

import subprocess
import sys

import pytest
import torch
from compressed import evaluate
from paths import ROOT
from safetensors.torch import load_file, save_file
from torch import nn

from paretopress.compression.layers import layout_of
from paretopress.compression.plans import Plan
from paretopress.compression.tally import accuracy
from paretopress.config.networks import OwnNetwork, Resnet50Slim, TorchvisionNetwork, Vgg16Slim
from paretopress.dataset.builders import DATASETS
from paretopress.dataset.split import Split
from paretopress.errors import UserError
from paretopress.networks.build import build_network
from paretopress.networks.dense import measure_dense
from paretopress.networks.torchvision_networks import ARCHITECTURES
from paretopress.networks.training import AUGMENTATIONS, Recipe, train
from paretopress.networks.weights import load_weights, save_weights

SLIM = {"name": "vgg16_slim", "width_divisor": 32}
RECIPE = Recipe(2, 50, "adamw", 1e-3, 0.05, "one_cycle", "crop_flip", 0)


@pytest.fixture
def noise() -> Split:
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (90, 3, 32, 32), dtype=torch.uint8, generator=generator)
    return Split(images, torch.arange(90) % 3, ("a", "b", "c"))


def test_every_architecture_of_the_config_can_be_built_and_no_other():
    names = [
        name
        for model in (Vgg16Slim, Resnet50Slim, OwnNetwork, TorchvisionNetwork)
        for name in model.model_fields["name"].annotation.__args__
    ]
    assert set(names) == {"file", *ARCHITECTURES}


def test_slim_vgg16_is_configuration_d_in_an_eighth_of_the_width():
    network = build_network({"name": "vgg16_slim", "width_divisor": 8}, 10)
    convolutions = [
        module.out_channels for module in network.modules() if isinstance(module, nn.Conv2d)
    ]
    assert convolutions == [
        width // 8 for width in (64, 64, 128, 128, 256, 256, 256, 512, 512, 512, 512, 512, 512)
    ]
    assert [
        module.out_features for module in network.modules() if isinstance(module, nn.Linear)
    ] == [512, 512, 10]
    assert network(torch.zeros(2, 3, 32, 32)).shape == (2, 10)
    assert type(network).__module__.startswith("torchvision")


def test_slim_resnet50_has_resnet50s_blocks():
    network, full = (
        build_network(architecture, 10)
        for architecture in ({"name": "resnet50_slim", "width_per_group": 4}, {"name": "resnet50"})
    )
    layers = [[layer.name for layer in layout_of(model).conv] for model in (network, full)]
    assert layers[0] == layers[1]
    assert network(torch.zeros(2, 3, 32, 32)).shape == (2, 10)


def test_slim_vgg16_at_full_width_is_torchvisions_vgg16():
    shapes = [
        {key: value.shape for key, value in build_network(architecture, 10).state_dict().items()}
        for architecture in ({"name": "vgg16_slim", "width_divisor": 1}, {"name": "vgg16"})
    ]
    assert shapes[0] == shapes[1]


def test_weights_read_back_and_half_precision_is_cast(tmp_path):
    torch.manual_seed(0)
    network = build_network(SLIM, 10)
    save_weights(network, tmp_path / "w.safetensors")
    save_file(
        {key: value.half() for key, value in network.state_dict().items()},
        tmp_path / "half.safetensors",
    )
    for file, tolerance in (("w", 0), ("half", 1e-3)):
        other = build_network(SLIM, 10)
        load_weights(other, tmp_path / f"{file}.safetensors")
        for key, value in other.state_dict().items():
            assert value.dtype == torch.float32
            assert torch.allclose(value, network.state_dict()[key], rtol=0, atol=tolerance)


def test_weights_that_do_not_fit_are_named_with_both_shapes(tmp_path):
    state = build_network(SLIM, 10).state_dict()
    state["classifier.6.weight"] = torch.zeros(7, 128)
    state["head.weight"] = state.pop("classifier.6.bias")
    save_file(state, tmp_path / "w.safetensors")
    with pytest.raises(UserError) as error:
        load_weights(build_network(SLIM, 10), tmp_path / "w.safetensors")
    for part in (
        "classifier.6.weight: shape (7, 128), (10, 128) wanted",
        "classifier.6.bias: missing, (10,)",
        "head.weight: not a key",
    ):
        assert part in str(error.value)


def test_a_file_that_is_no_safetensors_file_is_named(tmp_path):
    (tmp_path / "w.safetensors").write_text("nothing", encoding="utf-8")
    with pytest.raises(UserError, match=r"w\.safetensors: cannot be read as a safetensors file"):
        load_weights(build_network(SLIM, 10), tmp_path / "w.safetensors")


def trained(split: Split, recipe: Recipe) -> nn.Module:
    torch.manual_seed(recipe.seed)
    network = build_network(SLIM, 3)
    train(network, split, recipe, lambda network: 0.0, lambda epoch: None)
    return network


def test_training_is_the_same_for_the_same_seed(noise, tmp_path):
    for number in (1, 2):
        save_weights(trained(noise, RECIPE), tmp_path / f"{number}.safetensors")
    assert (tmp_path / "1.safetensors").read_bytes() == (tmp_path / "2.safetensors").read_bytes()
    state = load_file(tmp_path / "1.safetensors")
    other = trained(noise, Recipe(**vars(RECIPE) | {"seed": 1})).state_dict()
    assert not torch.equal(state["classifier.0.weight"], other["classifier.0.weight"])


def test_a_last_batch_of_one_image_is_no_batch_of_its_own(noise):
    odd = Split(noise.images[:31], noise.labels[:31], noise.classes)
    torch.manual_seed(0)
    network = build_network({"name": "resnet50_slim", "width_per_group": 1}, 3)
    history = train(
        network,
        odd,
        Recipe(1, 10, "adam", 1e-3, 0.0, "constant", "none", 0),
        lambda network: 0.0,
        lambda epoch: None,
    )
    assert history[0].loss > 0


def test_the_history_holds_means_over_the_images_of_each_epoch(noise):
    """Of a network that is not changed by its training, in batches of 40, 40 and 10 images."""
    torch.manual_seed(0)
    network = nn.Sequential(nn.Flatten(), nn.Linear(3 * 32 * 32, 3))
    with torch.no_grad():
        scores = network(noise.images.float() / 255)
    loss = float(nn.functional.cross_entropy(scores, noise.labels))
    correct = float((scores.argmax(1) == noise.labels).float().mean())
    settings = Recipe(2, 40, "sgd", 0.0, 0.0, "constant", "none", 0)
    history = train(network, noise, settings, lambda network: 0.25, lambda epoch: None)
    assert [epoch.epoch for epoch in history] == [1, 2]
    for epoch in history:
        assert epoch.loss == pytest.approx(loss, rel=1e-4)
        assert epoch.train_accuracy == pytest.approx(correct)
        assert epoch.validation_accuracy == 0.25


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_augmentation_moves_pixels_and_invents_none(name):
    images = torch.rand(50, 3, 32, 32) + 1
    changed = AUGMENTATIONS[name](images, torch.Generator().manual_seed(0))
    assert changed.shape == images.shape
    assert torch.equal(changed, images) == (name == "none")
    for before, after in zip(images, changed, strict=True):
        assert torch.isin(after[after > 0], before).all()
        assert (after > 0).float().mean() > 0.7


@pytest.mark.slow
@pytest.mark.thorough
def test_a_network_learns_the_digits():
    splits = DATASETS["digits"](
        image_size=32,
        validation_fraction=0.2,
        test_fraction=0.2,
        split_seed=0,
        mean=[0.0] * 3,
        std=[1.0] * 3,
    ).splits
    torch.manual_seed(0)
    network = build_network({"name": "vgg16_slim", "width_divisor": 8}, 10)
    history = train(
        network,
        splits["train"],
        Recipe(16, 50, "adamw", 1e-3, 0.05, "one_cycle", "none", 0),
        lambda network: 0.0,
        lambda epoch: None,
    )
    assert accuracy(network, splits["test"], 200) >= 0.95
    assert len(history) == 16
    assert history[-1].loss < history[0].loss / 10


def test_accuracy_counts_correct_predictions(noise):
    class Fixed(nn.Module):
        def forward(self, images):
            return torch.tensor([[0.0, 1.0, 0.5]]).expand(len(images), 3)

    assert accuracy(Fixed(), noise, 7) == pytest.approx(1 / 3)


def test_a_dense_network_is_measured_on_each_split(small_network):
    images = torch.randint(0, 256, (10, 3, 8, 8), dtype=torch.uint8)
    guessed = [int(small_network(image[None].float() / 255).argmax()) for image in images]
    right, wrong = torch.tensor(guessed), (torch.tensor(guessed) + 1) % 3
    validation = Split(images[:4], right[:4], ("a", "b", "c"))
    test = Split(images[4:], torch.cat([right[4:6], wrong[6:]]), ("a", "b", "c"))
    metrics = measure_dense("n", small_network, validation, test, 3)
    assert metrics["accuracy"] == {"validation": 1, "test": pytest.approx(2 / 6)}
    assert metrics["images"] == {"validation": 4, "test": 6}
    assert metrics["most_frequent_class"] == {
        "validation": validation.labels.bincount().max() / 4,
        "test": test.labels.bincount().max() / 6,
    }
    assert metrics["nonzero_rate"] == 1
    assert metrics["parameters"] == sum(tensor.numel() for tensor in small_network.parameters())
    # 4 x 3 x 9 without biases and 6 x 4 x 9 + 6; 6 x 8 + 8 and 8 x 3 + 3.
    assert metrics["conv"] == {"layers": 2, "entries": 330}
    assert metrics["linear"] == {"layers": 2, "entries": 83}


def test_evaluation_is_a_pure_function(noise):
    torch.manual_seed(0)
    network = build_network(SLIM, 3).eval()
    plans = [
        Plan((("classifier.0.weight", 5000),), True),
        Plan((), False),
        Plan((("classifier.0.weight", 5000),), True),
    ]
    results = [evaluate(network, plan, noise, 32) for plan in plans]
    assert (results[0].nonzero_rate, results[0].accuracy) == (
        results[2].nonzero_rate,
        results[2].accuracy,
    )
    assert results[1].accuracy == accuracy(network, noise, 32)


HERE = """
import sys
from paretopress.torchvision_operators import torchvision
network = torchvision.models.resnet18(num_classes=3)
assert "torch._dynamo" not in sys.modules, "as much time as torch itself takes"
import torch
torch.optim.SGD(network.parameters(), 0.1).step()
assert sys.modules["torch._dynamo"].__file__, "the real one, where it is asked for"
print(network.fc.out_features)
"""
IN_A_FILE_OF_ONES_OWN = """
import sys
from pathlib import Path
from paretopress.networks.build import build_network
assert "torchvision" not in sys.modules, "seconds that a network without it need not wait"
Path(sys.argv[1]).write_text("from torchvision.models import resnet18\\ndef build(classes): return resnet18(num_classes=classes)")
network = build_network({"name": "file", "path": sys.argv[1], "function": "build", "arguments": {}}, 3)
print(network.fc.out_features)
"""


@pytest.mark.parametrize(
    "code",
    [
        HERE,
        IN_A_FILE_OF_ONES_OWN,
    ],
    ids=["here", "in a file of one's own"],
)
def test_torchvision_imports_beside_this_torch(code, tmp_path):
    command = [sys.executable, "-c", code, str(tmp_path / "mine.py")]
    shown = subprocess.run(
        command, cwd=ROOT / "workflow" / "scripts", capture_output=True, text=True, check=True
    )
    assert shown.stdout.strip() == "3"
