"""Small networks of the kinds that people bring, one function each, for images of 3 x 32 x 32.

A study can use them: `architecture: {name: file, path: tests/brought_networks.py, function: ...}`.
"""

import random

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

PIXELS = 3 * 32 * 32
CACHE = {}  # outside of any network


class Net(nn.Module):
    """A network of some parts, and what it does with them."""

    def __init__(self, call, **parts):
        super().__init__()
        for name, part in parts.items():
            setattr(self, name, part)
        self.call = call

    def forward(self, x):
        return self.call(self, x)


# One layer that stands in several places.


def two_names(classes):
    head = nn.Linear(PIXELS, classes)
    return Net(lambda net, x: net.output(x.flatten(1)), head=head, output=head)


def two_parents(classes):
    shared = nn.Linear(32, 32)
    return Net(
        lambda net, x: net.head(net.second(net.first(net.stem(x.flatten(1))))),
        stem=nn.Linear(PIXELS, 32),
        first=nn.Sequential(shared, nn.ReLU()),
        second=nn.Sequential(shared, nn.ReLU()),
        head=nn.Linear(32, classes),
    )


def several_times_in_a_row(classes):
    shared = nn.Linear(32, 32)
    relu = nn.ReLU()
    return nn.Sequential(
        nn.Flatten(), nn.Linear(PIXELS, 32), relu, shared, relu, shared, relu, shared,
        nn.Linear(32, classes),
    )  # fmt: skip


def in_a_plain_list(classes):
    network = Net(
        lambda net, x: net.steps[1](net.steps[0](x.flatten(1)).relu()),
        stem=nn.Linear(PIXELS, 16),
        head=nn.Linear(16, classes),
    )
    network.steps = [network.stem, network.head]  # no ModuleList: no second name
    return network


def tied(classes):
    """Two layers with the same weight and the same bias."""
    network = two_parents(classes)
    network.second[0] = nn.Linear(32, 32)
    network.second[0].weight, network.second[0].bias = (
        network.first[0].weight,
        network.first[0].bias,
    )
    return network


def shared_weight(classes):
    network = two_parents(classes)
    network.second[0] = nn.Linear(32, 32)
    network.second[0].weight = network.first[0].weight
    return network


def shared_bias(classes):
    network = two_parents(classes)
    network.second[0] = nn.Linear(32, 32)
    network.second[0].bias = network.first[0].bias
    return network


def bias_of_two_kinds(classes):
    """A convolution and a Linear layer with the same bias."""
    network = Net(
        lambda net, x: net.head(net.middle(net.conv(x).relu().mean((2, 3))).relu()),
        conv=nn.Conv2d(3, 16, 4, 4),
        middle=nn.Linear(16, 16),
        head=nn.Linear(16, classes),
    )
    network.middle.bias = network.conv.bias
    return network


# What building draws, and the state dict does not hold.


class DrawnBuffer(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.register_buffer("projection", torch.randn(PIXELS, 64) / PIXELS**0.5, persistent=False)
        self.head = nn.Linear(64, classes)

    def forward(self, x):
        return self.head((x.flatten(1) @ self.projection).relu())


def drawn_buffer(classes):
    return DrawnBuffer(classes)


def drawn_tensor(classes):
    network = Net(
        lambda net, x: net.head(x.flatten(1) * net.signs), head=nn.Linear(PIXELS, classes)
    )
    network.signs = torch.randn(PIXELS).sign()
    return network


def drawn_by_numpy(classes):
    network = Net(
        lambda net, x: net.head(x.flatten(1)[:, net.order]), head=nn.Linear(PIXELS, classes)
    )
    network.order = np.random.permutation(PIXELS)  # noqa: NPY002
    return network


def drawn_by_python(classes):
    network = Net(
        lambda net, x: net.head(x.flatten(1)[:, net.order]), head=nn.Linear(PIXELS, classes)
    )
    network.order = random.sample(range(PIXELS), PIXELS)
    return network


def drawn_without_seed(classes):
    network = drawn_by_numpy(classes)
    network.order = np.random.default_rng().permutation(PIXELS)
    return network


def zero_head(network):
    """A head that gives the same scores for everything, before it is trained."""
    nn.init.zeros_(network.head.weight)
    nn.init.zeros_(network.head.bias)
    return network


def drawn_before_a_zero_head(classes):
    return zero_head(drawn_by_numpy(classes))


def unseeded_before_a_zero_head(classes):
    return zero_head(drawn_without_seed(classes))


def dropout_before_a_zero_head(classes):
    return zero_head(drawn_in_a_pass(classes))


def drawn_layers(classes):
    """A width that differs from build to build."""
    width = int(torch.randint(8, 64, ()))
    return nn.Sequential(nn.Flatten(), nn.Linear(PIXELS, width), nn.Linear(width, classes))


def drawn_in_a_pass(classes):
    return Net(
        lambda net, x: net.head(F.dropout(x.flatten(1))),  # training=True is its default
        head=nn.Linear(PIXELS, classes),
    )


def drawn_in_the_first_pass(classes):
    def call(net, x):
        if net.signs is None:
            net.signs = torch.randn(PIXELS).sign()
        return net.head(x.flatten(1) * net.signs)

    network = Net(call, head=nn.Linear(PIXELS, classes))
    network.signs = None
    return network


# What the first pass makes.


def ramp_of_the_first_pass(classes):
    def call(net, x):
        x = net.conv(x)
        if net.ramp is None:
            net.ramp = torch.linspace(0.5, 1.5, x.shape[-1], device=x.device)
        return net.head((x * net.ramp).relu().flatten(1))

    network = Net(call, conv=nn.Conv2d(3, 8, 4, 4), head=nn.Linear(512, classes))
    network.ramp = None
    return network


def ramps_by_shape(classes):
    """Keeps a tensor for each shape of a batch: the last batch of a split has one of its own."""

    def call(net, x):
        x = net.conv(x)
        if x.shape not in net.ramps:
            net.ramps[x.shape] = torch.linspace(0.5, 1.5, len(x))[:, None, None, None].sqrt()
        return net.head((x * net.ramps[x.shape]).relu().flatten(1))

    network = Net(call, conv=nn.Conv2d(3, 8, 4, 4), head=nn.Linear(512, classes))
    network.ramps = {}
    return network


def ramp_outside(classes):
    """Keeps the tensor in its file, so that a copy of the network has the same one."""

    def call(net, x):
        x = net.conv(x)
        if x.shape not in CACHE:
            CACHE[x.shape] = torch.linspace(0.5, 1.5, x.shape[-1])
        return net.head((x * CACHE[x.shape]).relu().flatten(1))

    return Net(call, conv=nn.Conv2d(3, 8, 4, 4), head=nn.Linear(512, classes))


def layer_of_the_first_pass(classes):
    def call(net, x):
        x = x.flatten(1)
        if not hasattr(net, "head"):
            net.head = nn.Linear(x.shape[1], classes)
        return net.stem(x) + net.head(x)

    return Net(call, stem=nn.Linear(PIXELS, classes))


def buffer_of_the_first_pass(classes):
    def call(net, x):
        if not hasattr(net, "scale"):
            net.register_buffer("scale", torch.tensor(2.0))
        return net.head(x.flatten(1)) * net.scale

    return Net(call, head=nn.Linear(PIXELS, classes))


# What computes with other tensors than its state dict's, or keeps more than that.


def layer_in_a_closure(classes):
    middle = nn.Linear(16, 16)
    return Net(
        lambda net, x: net.head(middle(net.stem(x.flatten(1)).relu()).relu()),
        stem=nn.Linear(PIXELS, 16),
        middle=middle,
        head=nn.Linear(16, classes),
    )


def tensor_taken_before(classes):
    network = Net(
        lambda net, x: F.linear(net.stem(x.flatten(1)).relu(), net.taken),
        stem=nn.Linear(PIXELS, 16),
        head=nn.Linear(16, classes),
    )
    network.taken = network.head.weight.data
    return network


def scripted_part(classes):
    return Net(
        lambda net, x: net.head(net.part(x.flatten(1)).relu()),
        part=torch.jit.script(nn.Linear(PIXELS, 16)),
        head=nn.Linear(16, classes),
    )


def mean_of_training(classes):
    """Keeps a running mean in a plain attribute."""

    def call(net, x):
        x = net.conv(x)
        if net.training:
            net.mean = 0.9 * net.mean + 0.1 * x.detach().mean((0, 2, 3))
        return net.head((x - net.mean[:, None, None]).relu().flatten(1))

    network = Net(call, conv=nn.Conv2d(3, 8, 4, 4), head=nn.Linear(512, classes))
    network.mean = torch.zeros(8)
    return network


def initialised_by_data(classes):
    """Scales its channels by the first images that it sees, and notes it in a plain attribute."""

    def call(net, x):
        x = net.conv(x)
        if not net.known:
            net.scale.data.copy_(1 / (x.detach().std((0, 2, 3)) + 1e-3))
            net.known = True
        return net.head((x * net.scale[:, None, None]).relu().flatten(1))

    network = Net(call, conv=nn.Conv2d(3, 8, 4, 4), head=nn.Linear(512, classes))
    network.scale, network.known = nn.Parameter(torch.ones(8)), False
    return network


def tied_decoder(classes):
    """Its encoder is called, and its weight is read too, which int8 layers have not."""
    return Net(
        lambda net, x: net.head(
            F.linear(net.encoder(x.flatten(1)).relu(), net.encoder.weight.t()).relu()
        ),
        encoder=nn.Linear(PIXELS, 4),
        head=nn.Linear(PIXELS, classes),
    )


def recurrent(classes):
    return Net(
        lambda net, x: net.head(net.rows(x.flatten(1, 2))[0][:, -1]),
        rows=nn.LSTM(32, 8, batch_first=True),
        head=nn.Linear(8, classes),
    )


def kernel_by_image(classes):
    """The kernel of its convolution is scaled by the image."""

    def call(net, x):
        style = net.style(x.mean((2, 3))) + 1
        return net.head(
            F.conv2d(x[:1], net.conv.weight * style[0, :, None, None], stride=4)
            .relu()
            .flatten(1)
            .expand(len(x), -1)
        )

    return Net(
        call,
        style=nn.Linear(3, 3),
        conv=nn.Conv2d(3, 8, 4, 4, bias=False),
        head=nn.Linear(512, classes),
    )


# Transposed convolutions.


def upsampling(classes):
    return Net(
        lambda net, x: net.head(
            F.adaptive_avg_pool2d(net.up(net.down(x).relu()).relu(), 4).flatten(1)
        ),
        down=nn.Conv2d(3, 32, 4, 4),
        up=nn.ConvTranspose2d(32, 64, 4, 4),
        head=nn.Linear(1024, classes),
    )


def upsampling_in_groups(classes):
    return nn.Sequential(
        nn.Conv2d(3, 8, 4, 4),
        nn.ReLU(),
        nn.ConvTranspose2d(8, 12, 3, stride=2, padding=1, output_padding=1, groups=4),
        nn.BatchNorm2d(12),
        nn.ReLU(),
        nn.ConvTranspose2d(12, 6, 2, groups=2, bias=False),
        nn.AdaptiveAvgPool2d(4),
        nn.Flatten(),
        nn.Linear(96, classes),
    )


def upsampling_in_one_dimension(classes):
    return Net(
        lambda net, x: net.head(net.up(x.flatten(2)).relu().mean(2)),
        up=nn.ConvTranspose1d(3, 16, 4, 2),
        head=nn.Linear(16, classes),
    )


def upsampling_in_three_dimensions(classes):
    return Net(
        lambda net, x: net.head(net.up(x[:, None]).relu().mean((2, 3, 4))),
        up=nn.ConvTranspose3d(1, 8, 2),
        head=nn.Linear(8, classes),
    )


# Layers that compute in their own way, and layers that a network uses without calling them.


class StandardizedConv(nn.Conv2d):
    def forward(self, x):
        centred = self.weight - self.weight.mean((1, 2, 3), keepdim=True)
        scale = centred.std((1, 2, 3), keepdim=True) + 1e-6
        return F.conv2d(x, centred / scale, self.bias, self.stride)


class StandardizedLinear(nn.Linear):
    def forward(self, x):
        return F.linear(x, F.normalize(self.weight, dim=1) * 3, self.bias)


class ElementwiseLinear(nn.Linear):
    def forward(self, x):
        return (x[:, None] * self.weight).sum(2) + self.bias


def standardized(classes):
    return Net(
        lambda net, x: net.head(net.conv(x).relu().flatten(1)),
        conv=StandardizedConv(3, 8, 4, 4),
        head=StandardizedLinear(512, classes),
    )


def masked_by_its_parent(classes):
    """The layer is never called: the network multiplies with its weight times a mask."""
    network = Net(
        lambda net, x: F.linear(
            F.conv2d(x, net.conv.weight * net.mask, net.conv.bias, 4).relu().flatten(1),
            net.head.weight,
            net.head.bias,
        ),
        conv=nn.Conv2d(3, 8, 4, 4),
        head=nn.Linear(512, classes),
    )
    network.register_buffer("mask", (torch.arange(8 * 3 * 16) % 3 > 0).float().view(8, 3, 4, 4))
    return network


def elementwise(classes):
    return Net(
        lambda net, x: net.head(net.conv(x).relu().flatten(1)),
        conv=nn.Conv2d(3, 8, 4, 4),
        head=ElementwiseLinear(512, classes),
    )


def with_other_parameters(classes):
    """Parameters beside those of layers: an own one, those of a norm, and a further one of a layer."""
    network = Net(
        lambda net, x: net.head(net.norm(net.conv(x)).relu().flatten(1) * net.gain),
        conv=nn.Conv2d(3, 8, 4, 4),
        norm=nn.BatchNorm2d(8),
        head=nn.Linear(512, classes),
    )
    network.gain = nn.Parameter(torch.ones(512))
    network.conv.temperature = nn.Parameter(torch.ones(8))
    return network


def with_a_layer_that_holds_more(classes):
    """Its head has a parameter, a buffer and a number that the network uses."""
    network = Net(
        lambda net, x: (
            net.head(net.conv(x).relu().flatten(1)) * net.head.gain * net.head.factor
            + net.head.offset
        ),
        conv=nn.Conv2d(3, 8, 4, 4),
        head=nn.Linear(512, classes),
    )
    network.head.gain = nn.Parameter(torch.ones(classes))
    network.head.register_buffer("offset", torch.arange(classes) / 10)
    network.head.factor = 2
    return network


# The network is itself a layer.


class OnlyLinear(nn.Linear):
    def forward(self, x):
        return super().forward(x.flatten(1))


class OnlyConv(nn.Conv2d):
    def forward(self, x):
        return super().forward(x).flatten(1)


def only_linear(classes):
    return OnlyLinear(PIXELS, classes)


def only_conv(classes):
    return OnlyConv(3, classes, 32)


def only_a_plain_layer(classes):
    """torch's own Linear layer, so that int8 replaces the whole network."""
    layer = nn.Linear(PIXELS, classes)
    layer.register_forward_pre_hook(lambda module, inputs: (inputs[0].flatten(1),))
    return layer


# Layers of other types, and layers that only some images reach.


def head_in(dtype, classes):
    return Net(
        lambda net, x: net.head(net.conv(x).relu().flatten(1).to(dtype)).float(),
        conv=nn.Conv2d(3, 8, 4, 4),
        head=nn.Linear(512, classes, dtype=dtype),
    )


def double_head(classes):
    return head_in(torch.float64, classes)


def bfloat16_head(classes):
    return head_in(torch.bfloat16, classes)


def float16_head(classes):
    return head_in(torch.float16, classes)


def complex_layer(classes):
    return Net(
        lambda net, x: net.head(net.conv(x.to(torch.complex64)).abs().flatten(1)),
        conv=nn.Conv2d(3, 8, 4, 4, dtype=torch.complex64),
        head=nn.Linear(512, classes),
    )


def reached_by_bright_images(classes):
    """Two layers see only those images of a batch whose mean is above 0.3; the trial's are below."""

    def call(net, x):
        scores = net.head(x.flatten(1))
        if (bright := x.mean((1, 2, 3)) > 0.3).any():
            scores[bright] = scores[bright] + net.extra(net.conv(x[bright]).relu().flatten(1))
        return scores

    return Net(
        call,
        head=nn.Linear(PIXELS, classes),
        conv=nn.Conv2d(3, 8, 4, 4),
        extra=nn.Linear(512, classes),
    )


class ExtraState(nn.Module):
    """Its state dict holds something that is no tensor, and that its scores depend on."""

    def __init__(self, classes):
        super().__init__()
        self.head, self.passes, self.scale = nn.Linear(PIXELS, classes), 0, 1.0

    def get_extra_state(self):
        return {"passes": self.passes, "scale": self.scale, "of": ("a", 2)}

    def set_extra_state(self, state):
        self.passes, self.scale = state["passes"], state["scale"]

    def forward(self, x):
        if self.training:
            self.passes += 1
            self.scale = 1.0 + 0.01 * self.passes
        return self.head(x.flatten(1)) * self.scale - self.scale


def extra_state(classes):
    return ExtraState(classes)
