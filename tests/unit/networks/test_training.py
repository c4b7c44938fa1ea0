"""Recipes, checkpoints, devices and precisions of the training of a baseline."""

import logging
import math
import os
from typing import get_args

import pytest
import torch
from paths import ROOT
from torch import nn

from paretopress.code import counted_files, module_name
from paretopress.commands.status import show
from paretopress.compression.tally import accuracy
from paretopress.config.networks import Training
from paretopress.config.recipes import DEFAULT_RECIPE, RECIPES
from paretopress.config.validation import read_study
from paretopress.dataset.split import Split
from paretopress.jobs.journal import Journal, read_status
from paretopress.jobs.progress import epoch_reporter
from paretopress.networks.build import build_network
from paretopress.networks.checkpoints import Checkpoint
from paretopress.networks.history import Epoch, history_of
from paretopress.networks.training import (
    AUGMENTATIONS,
    OPTIMIZERS,
    PRECISIONS,
    SCHEDULES,
    NonFiniteLoss,
    Recipe,
    train,
    training_device,
)
from paretopress.networks.weights import check_extra_state, load_weights, save_weights

VGG = {"name": "vgg16_slim", "width_divisor": 32}  # has dropout
RESNET = {"name": "resnet50_slim", "width_per_group": 1}  # has batch norm
CUDA = pytest.param(
    "cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
)
DEVICES = ["cpu", CUDA]
LOG = logging.getLogger("test")
JOB = "a fingerprint"
STUDY = {
    "study": "s",
    "seeds": [1],
    "dataset": {"kind": "digits"},
    "networks": {"vgg": {"architecture": {"name": "vgg16_slim"}}},
    "budget": {"evaluations": 20, "initial": 10},
    "methods": [{"family": "random"}],
}


class Died(Exception):
    pass


@pytest.fixture
def noise() -> Split:
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (45, 3, 32, 32), dtype=torch.uint8, generator=generator)
    return Split(images, torch.arange(45) % 3, ("a", "b", "c"))


@pytest.fixture(autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def _deterministic_as_before():
    before = (
        torch.are_deterministic_algorithms_enabled(),
        torch.is_deterministic_algorithms_warn_only_enabled(),
    )
    yield
    torch.use_deterministic_algorithms(before[0], warn_only=before[1])


def recipe(**changes) -> Recipe:
    values = {
        "epochs": 4,
        "batch_size": 20,
        "optimizer": "adamw",
        "learning_rate": 1e-3,
        "weight_decay": 0.05,
        "schedule": "one_cycle",
    }
    return Recipe(**{**values, "augmentation": "crop_flip", "seed": 3, **changes})


def trained(
    architecture, split, settings, *, folder=None, die_after=None, device="cpu"
) -> tuple[nn.Module, list[Epoch]]:
    """One process's work on a training: it begins as the script does, from the checkpoint in `folder`."""
    checkpoint = Checkpoint(folder, JOB) if folder is not None else None
    torch.manual_seed(settings.seed)
    network = build_network(architecture, len(split.classes))

    def report(history):
        if len(history) == die_after:
            raise Died

    history = train(
        network, split, settings, lambda trained: accuracy(trained, split, 10, torch.device(device)), report,
        state=checkpoint.load() if checkpoint else None,
        save=checkpoint.save if checkpoint else lambda epoch, state: None,
        device=torch.device(device),
    )  # fmt: skip
    return network, history


def assert_same_weights(one: nn.Module, other: nn.Module) -> None:
    for (key, value), (other_key, other_value) in zip(
        one.state_dict().items(), other.state_dict().items(), strict=True
    ):
        assert key == other_key
        assert torch.equal(value, other_value), key


def test_the_config_offers_what_can_be_done_and_no_other():
    offered = {key: set(get_args(field.annotation)) for key, field in Training.model_fields.items()}
    for key, registry in (
        ("recipe", RECIPES),
        ("optimizer", OPTIMIZERS),
        ("schedule", SCHEDULES),
        ("augmentation", AUGMENTATIONS),
        ("precision", PRECISIONS),
    ):
        assert offered[key] == set(registry), key


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_gives_every_key_that_is_left_out_and_each_can_be_changed_beside_it(name):
    assert set(RECIPES[name]) == set(Training.model_fields) - {"recipe", "seed", "precision"}
    network = {"architecture": {"name": "vgg16_slim"}, "training": {"recipe": name, "epochs": 3}}
    effective = read_study(STUDY | {"networks": {"vgg": network}}, []).model_dump(mode="json")[
        "networks"
    ]["vgg"]["training"]
    assert effective == {
        "recipe": name,
        **RECIPES[name],
        "epochs": 3,
        "precision": "float32",
        "seed": 0,
    }


def test_the_default_recipe_is_what_the_key_tables_show():
    defaults = {key: field.default for key, field in Training.model_fields.items()}
    assert (
        Training.model_validate({}).model_dump()
        == defaults
        == Training(recipe=DEFAULT_RECIPE).model_dump()
    )


def test_the_papers_recipe_is_that_of_its_section_5():
    paper = RECIPES["paper"]
    assert (paper["epochs"], paper["batch_size"], paper["optimizer"]) == (40, 50, "adam")
    assert (paper["learning_rate"], paper["weight_decay"], paper["augmentation"]) == (
        1e-3,
        1e-3,
        "none",
    )
    assert RECIPES["paper_low_rate"] == paper | {"learning_rate": 1e-4}


@pytest.mark.parametrize("steps", [1, 2, 19, 40, 400])
def test_warmup_cosine_rises_in_the_first_steps_and_falls_to_zero(steps):
    parameter = nn.Parameter(torch.zeros(1))
    optimizer = OPTIMIZERS["sgd"]([parameter], 0.01, 0.0)
    schedule = SCHEDULES["warmup_cosine"](optimizer, 0.01, steps)
    rates = []
    for _ in range(steps):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    warm = max(1, round(steps * 0.05))
    assert rates[:warm] == pytest.approx(
        [0.01 * (1 / warm + (1 - 1 / warm) * step / warm) for step in range(warm)]
    )
    assert max(rates) == pytest.approx(0.01)
    assert all(
        later < earlier for earlier, later in zip(rates[warm:], rates[warm + 1 :], strict=False)
    )
    assert steps <= warm or optimizer.param_groups[0]["lr"] == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize(
    ("architecture", "changes", "die_after"),
    [
        *((VGG, {}, epoch) for epoch in (1, 2, 3, 4)),
        *(
            (VGG, {"optimizer": "sgd", "schedule": "warmup_cosine", "learning_rate": 0.01}, epoch)
            for epoch in (1, 2, 3)
        ),
        (RESNET, {"optimizer": "adam", "schedule": "constant", "augmentation": "none"}, 2),
    ],
)
def test_a_training_that_died_ends_with_the_same_weights(
    noise, tmp_path, architecture, changes, die_after
):
    settings = recipe(**changes)
    whole, history = trained(architecture, noise, settings)
    with pytest.raises(Died):
        trained(architecture, noise, settings, folder=tmp_path, die_after=die_after)
    assert len(history_of(Checkpoint(tmp_path, JOB).load())) == die_after
    resumed, resumed_history = trained(architecture, noise, settings, folder=tmp_path)
    assert resumed_history == history
    assert_same_weights(resumed, whole)


def test_a_training_that_dies_after_every_epoch_ends_with_the_same_weights(noise, tmp_path):
    whole, history = trained(VGG, noise, recipe())
    for epoch in range(1, 5):
        with pytest.raises(Died):
            trained(VGG, noise, recipe(), folder=tmp_path, die_after=epoch)
        assert len(list(tmp_path.iterdir())) == 1, "one checkpoint at a time"
    resumed, resumed_history = trained(VGG, noise, recipe(), folder=tmp_path)
    assert resumed_history == history
    assert_same_weights(resumed, whole)


COUNTING = """
from collections import OrderedDict
from torch import nn

class Counting(nn.Linear):
    steps, seen = 0, OrderedDict()

    def forward(self, images):
        if self.training:
            self.steps += 1
            self.seen = OrderedDict(self.seen, last=(images.shape, {"a", "b", self.steps}))
        return super().forward(images.flatten(1))

    def get_extra_state(self):
        return [self.steps, self.seen]

    def set_extra_state(self, state):
        self.steps, self.seen = state

def build_network(num_classes):
    return Counting(3072, num_classes)
"""


def test_extra_state_goes_on_where_the_training_died(noise, tmp_path):
    own = tmp_path / "counting.py"
    own.write_text(COUNTING, encoding="utf-8")
    counting = {"name": "file", "path": str(own), "function": "build_network", "arguments": {}}
    check_extra_state(build_network(counting, 3))
    networks = [trained(counting, noise, recipe())[0]]
    with pytest.raises(Died):
        trained(counting, noise, recipe(), folder=tmp_path / "state", die_after=2)
    networks.append(trained(counting, noise, recipe(), folder=tmp_path / "state")[0])
    for number, network in enumerate(networks):
        assert network.steps == 4 * math.ceil(len(noise) / 20)
        save_weights(network, tmp_path / f"{number}")
    assert (tmp_path / "0").read_bytes() == (tmp_path / "1").read_bytes()
    load_weights(read := build_network(counting, 3), tmp_path / "0")
    assert read.get_extra_state() == networks[0].get_extra_state()


def test_dropout_draws_on_where_the_training_died(noise, tmp_path):
    """What shows that torch's global generator is part of the checkpoint: without it the same training ends elsewhere."""
    whole, _ = trained(VGG, noise, recipe())
    with pytest.raises(Died):
        trained(VGG, noise, recipe(), folder=tmp_path, die_after=2)
    checkpoint = Checkpoint(tmp_path, JOB)
    checkpoint.save(2, checkpoint.load() | {"torch": torch.Generator().manual_seed(9).get_state()})
    other, _ = trained(VGG, noise, recipe(), folder=tmp_path)
    assert not torch.equal(other.classifier[0].weight, whole.classifier[0].weight)


def flip(content: bytes, where: float) -> bytes:
    position = int(where * (len(content) - 1))
    return content[:position] + bytes([content[position] ^ 0xFF]) + content[position + 1 :]


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: b"",
        lambda content: content[:-1],
        lambda content: content[: len(content) // 2],
    ]
    + [lambda content, where=where: flip(content, where) for where in (0, 0.001, 0.5, 0.99, 1)],
    ids=[
        "empty",
        "a byte short",
        "half",
        "flip at 0",
        "flip near the start",
        "flip in the middle",
        "flip near the end",
        "flip at the end",
    ],
)
def test_a_damaged_checkpoint_is_named_in_the_log_and_not_used(noise, tmp_path, caplog, damage):
    settings = recipe(epochs=2)
    whole, history = trained(VGG, noise, settings)
    with pytest.raises(Died):
        trained(VGG, noise, settings, folder=tmp_path, die_after=1)
    (file,) = tmp_path.iterdir()
    file.write_bytes(damage(file.read_bytes()))
    assert Checkpoint(tmp_path, JOB).load() is None
    assert f"{file}: damaged" in caplog.text
    again, history_again = trained(VGG, noise, settings, folder=tmp_path)
    assert history_again == history
    assert_same_weights(again, whole)
    assert len(list(tmp_path.iterdir())) == 1, "the damaged file is gone"


def test_the_checkpoint_before_a_damaged_one_is_used(tmp_path, caplog):
    checkpoint = Checkpoint(tmp_path, JOB)
    checkpoint.save(9, {"epoch": 9})
    (old,) = tmp_path.iterdir()
    content = old.read_bytes()
    checkpoint.save(10, {"epoch": 10})
    (new,) = tmp_path.iterdir()
    old.write_bytes(
        content
    )  # as after a kill between writing the new file and removing the old one
    assert checkpoint.load() == {"epoch": 10}
    new.write_bytes(new.read_bytes()[:-1])
    assert checkpoint.load() == {"epoch": 9}
    assert "damaged" in caplog.text


def test_a_file_that_was_not_finished_is_no_checkpoint(tmp_path):
    (tmp_path / ".unfinished-host-1-new.pt").write_bytes(b"half a file")
    checkpoint = Checkpoint(tmp_path, JOB)
    assert checkpoint.load() is None
    checkpoint.save(1, {"epoch": 1})
    assert checkpoint.load() == {"epoch": 1}
    assert len(list(tmp_path.glob("epoch-*"))) == 1


def test_a_checkpoint_holds_nothing_but_tensors_and_plain_data(tmp_path):
    checkpoint = Checkpoint(tmp_path, JOB)
    checkpoint.save(1, {"code": print})
    with pytest.raises(Exception, match="weights_only"):
        checkpoint.load()


def test_a_checkpoint_of_other_settings_is_set_aside_with_its_journal(tmp_path):
    folder = tmp_path / "training"
    Journal(folder, "of these settings")
    Checkpoint(folder / "checkpoint", JOB).save(1, {"epoch": 1})
    Journal(folder, "of these settings")
    assert Checkpoint(folder / "checkpoint", JOB).load() == {"epoch": 1}
    Journal(folder, "of others")
    assert Checkpoint(folder / "checkpoint", JOB).load() is None
    Journal(folder, "of these settings")
    assert Checkpoint(folder / "checkpoint", JOB).load() == {"epoch": 1}


def test_a_loss_that_is_no_number_stops_the_training_at_once(noise, tmp_path):
    with pytest.raises(NonFiniteLoss) as error:
        trained(
            VGG,
            noise,
            recipe(optimizer="sgd", schedule="constant", learning_rate=1e30),
            folder=tmp_path,
        )
    assert (error.value.epoch, error.value.step) == (1, 2)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("precision", PRECISIONS)
def test_the_precision_is_that_of_the_forward_pass_in_training_alone(noise, precision, device):
    seen = set()

    class Watched(nn.Sequential):
        def forward(self, images):
            scores = super().forward(images)
            seen.add((self.training, scores.dtype))
            return scores

    network = Watched(nn.Flatten(), nn.Linear(3 * 32 * 32, 3))
    before = network[1].weight.detach().clone()
    place = torch.device(device)
    train(
        network,
        noise,
        recipe(precision=precision),
        lambda net: accuracy(net, noise, 10, place),
        lambda history: None,
        device=place,
    )
    assert seen == {(True, getattr(torch, precision)), (False, torch.float32)}
    assert network[1].weight.dtype == torch.float32
    assert not torch.equal(network[1].weight, before)


@pytest.mark.parametrize("device", DEVICES)
def test_a_trained_network_is_on_the_cpu_wherever_it_was_trained(noise, tmp_path, device):
    whole, history = trained(RESNET, noise, recipe(epochs=2), device=device)
    assert {value.device.type for value in whole.state_dict().values()} == {"cpu"}
    with pytest.raises(Died):
        trained(RESNET, noise, recipe(epochs=2), folder=tmp_path, die_after=1, device=device)
    resumed, resumed_history = trained(
        RESNET, noise, recipe(epochs=2), folder=tmp_path, device=device
    )
    assert (
        [epoch.epoch for epoch in resumed_history] == [epoch.epoch for epoch in history] == [1, 2]
    )
    for key, value in resumed.state_dict().items():
        assert torch.allclose(
            value.float(), whole.state_dict()[key].float(), rtol=1e-3, atol=1e-4
        ), key


@pytest.mark.usefixtures("_deterministic_as_before")
def test_cuda_is_used_where_it_is_there(monkeypatch):
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG", raising=False)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert training_device().type == "cpu"
    assert torch.are_deterministic_algorithms_enabled()
    assert not torch.is_deterministic_algorithms_warn_only_enabled()
    assert "CUBLAS_WORKSPACE_CONFIG" not in os.environ
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    torch.use_deterministic_algorithms(False)
    assert training_device().type == "cuda"
    assert torch.are_deterministic_algorithms_enabled()
    assert torch.is_deterministic_algorithms_warn_only_enabled()
    assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":4096:8"


def test_each_epoch_is_told_in_the_log_on_the_terminal_and_to_make_status(tmp_path, caplog, capsys):
    caplog.set_level(logging.INFO)
    results = tmp_path / "s"
    journal = Journal(results / "progress" / "vgg" / "training", "f")
    study = read_study(STUDY, [])
    assert "vgg (baseline training" in show(study, results)
    history = [Epoch(number, 2.0, 0.2, 0.25) for number in (1, 2, 3)]
    report = epoch_reporter(LOG, journal, "vgg", 40, history[:2])
    assert "goes on after epoch 2 of 40" in caplog.text
    assert "vgg (baseline training, epoch 2/40, accuracy 0.2500)" in show(study, results)
    report(history)
    for text in (caplog.text, capsys.readouterr().err):
        assert (
            "vgg: epoch 3 of 40, loss 2.0000, accuracy 0.2000 on training and 0.2500 on validation images, "
            in text
        )
        assert " left" in text
    assert "vgg (baseline training, epoch 3/40, accuracy 0.2500, " in show(study, results)
    status = read_status(results / "progress" / "vgg" / "training")
    assert (status.done, status.total, status.accuracy) == (3, 40, 0.25)


def test_a_baseline_is_told_from_what_it_has_written(tmp_path):
    study = read_study(STUDY, [])
    folder = tmp_path / "baselines" / "vgg"
    folder.mkdir(parents=True)
    for file, expected in (
        (None, "waiting"),
        ("weights.safetensors", "there, not measured yet"),
        ("metrics.json", "measured, gate not passed"),
        ("gate.passed", "done"),
    ):
        if file:
            (folder / file).touch()
        assert f"vgg (baseline {expected})" in show(study, tmp_path)
    (folder / "weights.safetensors").unlink()
    assert "vgg (baseline waiting)" in show(study, tmp_path), (
        "trained again, it is not done because it once was"
    )


def test_a_training_does_not_depend_on_the_config_model_or_the_search():
    used = set(map(module_name, counted_files(ROOT / "workflow/scripts/train_baseline.py")))
    assert {"networks/training.py", "networks/checkpoints.py", "networks/build.py"} <= used
    assert not [name for name in used if name.startswith(("config/study", "search/", "commands/"))]
