"""A fine-tuned network has the zeros and the codes of its design, and learns nothing but the training images."""

import copy
from dataclasses import replace
from functools import partial

import pytest
import torch
from cases import cases
from hypothesis import given, settings
from hypothesis import strategies as st
from test_packed import NETWORKS, assert_same, built, mapped, plan_of
from torch import nn

from paretopress.compression.channels import swapped_channels
from paretopress.compression.layers import layout_of, transposed_weights
from paretopress.compression.plans import Plan, canonical
from paretopress.compression.pruning import Pruned, nonzero_rate, prune
from paretopress.compression.tally import accuracy
from paretopress.config.variables import ALL, BOTH, Design
from paretopress.dataset.builders import DATASETS
from paretopress.dataset.split import Split, normalized
from paretopress.networks.checkpoints import Checkpoint
from paretopress.networks.fine_tuning import fine_tune
from paretopress.networks.history import history_of
from paretopress.networks.packed import load_packed, save_packed
from paretopress.networks.training import OPTIMIZERS, NonFiniteLoss, Recipe, train

RECIPE = Recipe(3, 4, "adamw", 0.01, 0.05, "one_cycle", "none", 3)
IMAGES = Split(
    torch.randint(
        0, 256, (13, 3, 6, 6), dtype=torch.uint8, generator=torch.Generator().manual_seed(1)
    ),
    torch.arange(13) % 3,
    tuple("abc"),
)


class Died(Exception):
    pass


class Every(nn.Module):
    """Grouped and transposed convolutions, a norm, dropout, and Linear layers that share a weight."""

    def __init__(self) -> None:
        super().__init__()
        self.grouped = nn.Conv2d(3, 6, 3, groups=3, bias=False)
        self.norm, self.dropout = nn.BatchNorm2d(6), nn.Dropout(0.2)
        self.back = nn.ConvTranspose2d(6, 4, 3, groups=2, stride=2)
        self.there, self.again = nn.Linear(324, 9), nn.Linear(324, 9)
        self.again.weight = self.there.weight
        self.last = nn.Linear(9, 3)
        self.passes = 0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.passes += self.training
        x = self.back(self.norm(self.grouped(x)).relu()).relu().flatten(1)
        return self.last(self.dropout(self.there(x).relu() + self.again(x)))

    def get_extra_state(self) -> int:
        return self.passes

    def set_extra_state(self, passes: int) -> None:
        self.passes = passes


def every(seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    return Every().eval()


BUILDERS = {name: partial(built, builder) for name, builder in NETWORKS.items()} | {"Every": every}


def compressed(network: nn.Module, amount: float = 0.6, bits: int = 3) -> tuple[Pruned, Plan]:
    pruning = (ALL, ALL, amount, amount, BOTH, BOTH)
    design = Design(*pruning, 0, linear_bits=bits, conv_bits=bits)
    plan = canonical(design, layout_of(network), seed=1)[1]
    return prune(network, plan), plan


def tuned(pruned: Pruned, plan: Plan, recipe: Recipe = RECIPE, **arguments) -> Pruned:
    arguments = {"split": IMAGES, "report": lambda epochs: None} | arguments
    return fine_tune(
        pruned,
        plan,
        recipe=recipe,
        validation_accuracy=lambda network: accuracy(network, IMAGES, 5),
        **arguments,
    )


def assert_of_its_design(after: Pruned, before: Pruned, plan: Plan) -> None:
    """The zeros are those of before, and each rounded weight is a code that is allowed times its scale."""
    groups = transposed_weights(after.network)
    layers = {
        f"{layer.name}.{part}"
        for layer in (*layout_of(after.network).conv, *layout_of(after.network).linear)
        for part in ("weight", "bias")
    }
    own = dict(before.network.named_parameters(remove_duplicate=False))
    for name, tensor in after.network.named_parameters(remove_duplicate=False):
        if name in layers:
            assert torch.equal(tensor == 0, own[name] == 0), name
    parameters = dict(after.network.named_parameters(remove_duplicate=False))
    for name, bits in plan.bits:
        weight, swapped = parameters[name].detach(), groups.get(name)
        rows = weight if swapped is None else swapped_channels(weight, swapped)
        scales = after.scales[name].view(-1, *[1] * (rows.dim() - 1))
        codes = torch.where(scales > 0, rows / scales, 0).round()
        assert codes.abs().max() <= 2 ** (bits - 1)
        assert torch.equal(codes * scales, rows), name
    assert nonzero_rate(after.network) == nonzero_rate(before.network)


@pytest.mark.parametrize("bits", [32, 3])
@pytest.mark.parametrize("name", BUILDERS)
def test_zeros_and_codes_stay_and_the_packed_network_comes_back_to_the_bit(tmp_path, name, bits):
    before, plan = compressed(BUILDERS[name](), bits=bits)
    after = tuned(before, plan)
    assert_of_its_design(after, before, plan)
    changed = dict(after.network.named_parameters())
    assert any(not torch.equal(own, changed[key]) for key, own in before.network.named_parameters())
    path = tmp_path / "packed.safetensors"
    save_packed(after, plan, path)
    assert_same(load_packed(BUILDERS[name](seed=1), path), after.network)


@settings(max_examples=cases(40))
@given(
    amount=st.floats(0, 0.99),
    bits=st.sampled_from([2, 3, 8, 32]),
    optimizer=st.sampled_from(sorted(OPTIMIZERS)),
    rate=st.floats(1e-6, 0.3),
    decay=st.floats(0, 3),
)
def test_whatever_the_recipe_does_zeros_and_codes_stay(amount, bits, optimizer, rate, decay):
    before, plan = compressed(every(), amount, bits)
    recipe = replace(RECIPE, epochs=1, optimizer=optimizer, learning_rate=rate, weight_decay=decay)
    try:
        after = tuned(before, plan, recipe)
    except NonFiniteLoss:  # a rate too high
        return
    assert_of_its_design(after, before, plan)


def test_a_step_that_ends_at_zero_leaves_an_entry_that_is_not_zero():
    network = nn.Sequential(nn.Flatten(), nn.Linear(108, 3))
    with torch.no_grad():
        network[1].weight.zero_()[:, :54] = 1e-45
        network[1].bias.fill_(0.5)
    before = Pruned(network, {})
    # A decay of 1 / rate ends at the gradient alone, which is zero where the pixel is.
    black = replace(IMAGES, images=torch.zeros_like(IMAGES.images))
    recipe = Recipe(1, 13, "sgd", 0.5, 2.0, "constant", "none", 0)
    after = tuned(before, Plan((("1.weight", 162),), False), recipe, split=black)
    assert torch.equal(after.network[1].weight == 0, network[1].weight == 0)


@pytest.mark.parametrize("bits", [32, 3])
def test_the_gradient_of_the_rounded_weights_moves_the_latent_ones(bits):
    """One step of SGD by hand, from the loss of torch alone."""
    network = nn.Sequential(nn.Flatten(), nn.Linear(108, 3, bias=False))
    before, plan = compressed(network, 0.5, bits)
    weight = before.network[1].weight.detach().clone().requires_grad_()
    inputs = normalized(IMAGES, IMAGES.images).flatten(1)
    nn.functional.cross_entropy(inputs @ weight.T, IMAGES.labels).backward()
    moved = weight.detach() - 0.05 * weight.grad
    states = []
    recipe = Recipe(1, 13, "sgd", 0.05, 0.0, "constant", "none", 0)
    after = tuned(before, plan, recipe, save=lambda epoch, state: states.append(state))
    found, zero = after.network[1].weight.detach(), weight.detach() == 0
    if bits == 32:
        assert torch.allclose(found, torch.where(zero, 0, moved), atol=1e-6)
        return
    assert torch.allclose(states[0]["latent"]["1.weight"], moved[~zero], atol=1e-6)
    scales = after.scales["1.weight"][:, None]
    codes = [code for code in range(-4, 5) if code]
    nearest = torch.tensor(codes)[(moved[..., None] / scales[..., None] - torch.tensor(codes)).abs().argmin(-1)]  # fmt: skip
    assert torch.equal(found, torch.where(zero, 0, nearest * scales))


def test_steps_too_small_to_change_a_code_add_up():
    before, plan = compressed(every(), 0.5, 3)
    recipe = replace(RECIPE, schedule="constant", learning_rate=0.002)  # half a scale is 0.03
    few, many = (
        tuned(before, plan, replace(recipe, epochs=epochs)).network.last.weight
        for epochs in (1, 20)
    )
    assert torch.equal(few, before.network.last.weight)
    assert not torch.equal(many, few)


@pytest.mark.parametrize("optimizer", ["adamw", "sgd"])
def test_a_fine_tuning_that_died_ends_with_the_same_bytes(tmp_path, optimizer):
    before, plan = compressed(every())
    recipe = replace(RECIPE, optimizer=optimizer, augmentation="crop_flip")
    histories: list = []
    whole = tuned(before, plan, recipe, report=histories.append)
    checkpoint = Checkpoint(tmp_path, "a job")

    for died in (1, 2):

        def report(epochs, died=died):
            if len(epochs) == died:
                raise Died

        with pytest.raises(Died):
            tuned(
                before, plan, recipe, state=checkpoint.load(), save=checkpoint.save, report=report
            )
        torch.rand(died)  # another process has drawn other numbers
    assert len(history_of(checkpoint.load())) == 2
    # Where repair sums in another order, such as with more threads, scales are not quite the same.
    again = Pruned(before.network, {name: own * 1.1 for name, own in before.scales.items()})
    resumed = tuned(again, plan, recipe, state=checkpoint.load(), report=histories.append)
    assert histories[-1] == histories[0]
    assert_same(resumed.network, whole.network)
    assert resumed.network.passes == whole.network.passes == 3 * 3  # 13 images: 4, 4 and 5
    save_packed(whole, plan, tmp_path / "whole")
    save_packed(resumed, plan, tmp_path / "resumed")
    assert (tmp_path / "whole").read_bytes() == (tmp_path / "resumed").read_bytes()


def test_a_mapped_and_shared_network_stays_as_it_is(tmp_path):
    target = mapped(every(), tmp_path)
    plan = plan_of(target, 0.5, 3)
    before = target.pruned(plan)
    held, file = copy.deepcopy(before.network), (tmp_path / "weights.safetensors").read_bytes()
    after = tuned(before, plan)
    assert_same(before.network, held)
    assert (tmp_path / "weights.safetensors").read_bytes() == file
    memory = {own.data_ptr() for own in before.network.state_dict(keep_vars=True).values()
              if isinstance(own, torch.Tensor)}  # fmt: skip
    assert memory.isdisjoint(own.data_ptr() for own in after.network.parameters())
    assert after.network.again.weight is after.network.there.weight
    assert not after.network.training


def test_layers_to_keep_stay_to_the_bit_and_all_others_learn():
    network = every()
    network.last.bias.data[1] = -0.0
    pruned = prune(network, plan := Plan((("grouped.weight", 20),), False))
    after = tuned(pruned, plan, keep=["again", "la*"]).network
    before = dict(network.named_parameters())
    same = {
        name for name, own in after.named_parameters()
        if torch.equal(own.view(torch.int32), before[name].view(torch.int32))
    }  # fmt: skip
    # The two that share a weight stay together, as they are pruned and rounded together.
    assert same == {"there.weight", "there.bias", "again.bias", "last.weight", "last.bias"}
    assert all(own.requires_grad for own in after.parameters())


def test_a_network_that_is_left_alone_is_trained_as_any_other():
    network, plan = every(), Plan((), False)
    after = tuned(prune(network, plan), plan)
    torch.manual_seed(RECIPE.seed)
    train(network, IMAGES, RECIPE, lambda own: accuracy(own, IMAGES, 5), lambda epochs: None)
    assert_same(after.network, network)


@pytest.mark.parametrize("bits", [32, 3])
def test_each_epoch_sees_each_training_image_once_and_no_other(bits):
    seen: list[torch.Tensor] = []

    class Watched(nn.Flatten):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            seen.extend(images)
            return super().forward(images)

    before, plan = compressed(nn.Sequential(Watched(), nn.Linear(108, 3)), 0.5, bits)
    fine_tune(before, plan, IMAGES, RECIPE, lambda network: 0.0, lambda epochs: None)
    images = normalized(IMAGES, IMAGES.images)
    for epoch in torch.stack(seen).split(13):
        order = [int((images == image).flatten(1).all(1).nonzero()) for image in epoch]
        assert sorted(order) == list(range(13))
    assert len(seen) == 13 * RECIPE.epochs


def test_the_accuracy_between_epochs_is_that_of_the_compressed_network():
    before, plan = compressed(every())
    measured = []

    def validation_accuracy(network: nn.Module) -> float:
        assert_of_its_design(Pruned(network, before.scales), before, plan)
        measured.append(copy.deepcopy(network))
        return len(measured) / 10

    epochs: list = []
    after = fine_tune(before, plan, IMAGES, RECIPE, validation_accuracy, lambda own: epochs.append(own[-1]))  # fmt: skip
    assert [epoch.validation_accuracy for epoch in epochs] == [0.1, 0.2, 0.3]
    assert_same(after.network, measured[-1])


def test_a_loss_that_is_no_number_stops_the_fine_tuning():
    before, plan = compressed(every(), bits=32)
    recipe = replace(RECIPE, optimizer="sgd", schedule="constant", learning_rate=1e30)
    with pytest.raises(NonFiniteLoss) as error:
        tuned(before, plan, recipe)
    assert (error.value.epoch, error.value.step) == (1, 2)


def test_fine_tuning_gives_accuracy_back_on_the_digits():
    size = {"image_size": 8, "validation_fraction": 0.2, "test_fraction": 0.2, "split_seed": 0}
    splits = DATASETS["digits"](**size, mean=[0.0] * 3, std=[1.0] * 3).splits
    torch.manual_seed(0)
    network = nn.Sequential(
        *[nn.Conv2d(3, 16, 3), nn.BatchNorm2d(16), nn.ReLU(), nn.Flatten()],
        *[nn.Linear(576, 64), nn.ReLU(), nn.Linear(64, 10)],
    )
    recipe = Recipe(5, 32, "adamw", 2e-3, 0.05, "one_cycle", "none", 0)
    train(network, splits["train"], recipe, lambda own: 0.0, lambda epochs: None)
    before, plan = compressed(network, 0.85, 3)
    after = fine_tune(
        before,
        plan,
        splits["train"],
        replace(recipe, epochs=2),
        lambda own: 0.0,
        lambda epochs: None,
    )
    dense, lost, back = (
        accuracy(own, splits["test"], 200) for own in (network, before.network, after.network)
    )
    assert dense > 0.95
    assert lost < dense - 0.3
    assert back > lost + 0.2
