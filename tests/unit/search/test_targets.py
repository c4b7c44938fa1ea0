"""The inputs of a search from files."""

import numpy as np
import pytest
import torch
from spaces import WHOLE

from paretopress.compression.designs import sample_design
from paretopress.compression.tally import CPU
from paretopress.dataset.split import Split, save_split
from paretopress.networks.build import build_for
from paretopress.networks.moves import Moves
from paretopress.networks.weights import save_weights
from paretopress.search.targets import load_target, other_devices

GPU = torch.device("cuda", 0)


@pytest.mark.parametrize(
    ("text", "on_cpu", "on_gpu"),
    [
        ("evaluation,seconds\n1,2.0\n", [], ["the CPU"]),
        ("evaluation,device\n1,\n2,\n", [], ["the CPU"]),
        ("evaluation,device\n1,A GPU\n2,B GPU\n", ["A GPU", "B GPU"], []),
    ],
)
def test_a_sample_of_another_kind_of_device_is_told(tmp_path, text, on_cpu, on_gpu):
    timings = tmp_path / "timings.csv"
    timings.write_text(text, encoding="utf-8")
    assert (other_devices(timings, CPU), other_devices(timings, GPU)) == (on_cpu, on_gpu)


@pytest.mark.parametrize(
    "keep", [(), ("features.0", "classifier.*"), ("features.2*", "classifier.6")]
)
def test_the_size_of_a_design_is_known_before_it_is_evaluated_whatever_is_kept(tmp_path, keep):
    images = torch.randint(0, 256, (4, 3, 32, 32), dtype=torch.uint8)
    split = Split(images, torch.arange(4) % 2, ("a", "b"))
    slim = {"name": "vgg16_slim", "width_divisor": 32}
    network = build_for(slim, split)
    for parameter in network.parameters():  # no zeros, which a trained network rarely has
        parameter.data.normal_()
    save_weights(network, tmp_path / "weights.safetensors")
    save_split(split, tmp_path / "images.safetensors")
    target = load_target(
        tmp_path / "weights.safetensors",
        tmp_path / "images.safetensors",
        slim,
        WHOLE,
        1,
        4,
        0.5,
        Moves(keep),
    )
    rng = np.random.default_rng(1)
    for _ in range(8):
        _, plan = target.canonical(sample_design(WHOLE, rng))
        assert target.known_size(plan) == pytest.approx(
            target.evaluate(plan).nonzero_rate, abs=1e-12
        )
