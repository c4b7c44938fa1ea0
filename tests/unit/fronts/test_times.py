"""How the networks of a front are timed: what runs, in which order, and what is made of the seconds."""

import platform

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from paretopress.compression.plans import Plan
from paretopress.dataset.split import Split
from paretopress.fronts import times as inference
from paretopress.fronts.remade import DENSE_PLAN, FrontDesign
from paretopress.fronts.times import forward_seconds, inference_table, interleaved, time_design
from paretopress.jobs.machine import machine_load, processor_name
from paretopress.networks.mapped import mapped_network
from paretopress.networks.weights import save_weights

DESIGNS = [
    FrontDesign("a", Plan((), True), 0.2, 0.1, 0.8),
    FrontDesign("b", Plan((), False), 0.4, 0.3, 0.9),
    FrontDesign("dense", DENSE_PLAN, 1.0, 1.0, 0.95),
]
SPLIT = Split(
    torch.arange(5 * 3 * 8 * 8, dtype=torch.uint8).view(5, 3, 8, 8),
    torch.zeros(5, dtype=torch.int64),
    ("x", "y", "z"),
)


class Recorder(nn.Module):
    """Keeps what it is given."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[torch.Tensor] = []

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        assert not self.training
        self.seen.append(images)
        return images


@pytest.mark.parametrize("warm_up", [0, 1, 4])
def test_every_image_goes_through_once_after_the_warm_up(warm_up):
    network = Recorder()
    forward_seconds(network, SPLIT, 2, warm_up)
    assert [len(images) for images in network.seen] == [2] * warm_up + [2, 2, 1]
    assert torch.equal(torch.cat(network.seen[warm_up:]), SPLIT.images.float() / 255)


def test_only_the_forward_passes_after_the_warm_up_are_timed(monkeypatch):
    clock = [0.0]

    class Slow(nn.Module):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            clock[0] += 1
            return images

    def slow_batches(split: Split, size: int):
        for batch in original(split, size):
            clock[0] += 100
            yield batch

    original = inference.batches
    monkeypatch.setattr(inference, "batches", slow_batches)
    monkeypatch.setattr(inference, "perf_counter", lambda: clock[0])
    assert forward_seconds(Slow(), SPLIT, 2, warm_up=3) == 3


def test_the_compressed_network_is_timed(small_network, monkeypatch, tmp_path):
    save_weights(small_network, tmp_path / "weights.safetensors")
    network = mapped_network(small_network, tmp_path / "weights.safetensors")
    timed = []
    monkeypatch.setattr(
        inference, "forward_seconds", lambda network, *arguments: timed.append(network) or 1.5
    )
    assert time_design(network, Plan((("0.weight", 50),), True), SPLIT, 2, 0) == 1.5
    assert int((timed[0][0].weight == 0).sum()) == 50
    assert not isinstance(timed[0][5], nn.Linear)


def test_each_repeat_has_every_design_once_in_an_order_of_its_own():
    many = [FrontDesign(str(number), DENSE_PLAN, 1.0, 1.0, 0.9) for number in range(8)]
    order = [(repeat, design.design_id) for repeat, design in interleaved(many, 5)]
    passes = [
        [design_id for repeat, design_id in order if repeat == number] for number in range(1, 6)
    ]
    assert [repeat for repeat, _ in order] == sorted(repeat for repeat, _ in order)
    assert all(sorted(one) == [design.design_id for design in many] for one in passes)
    assert len({tuple(one) for one in passes}) == 5
    assert order == [(repeat, design.design_id) for repeat, design in interleaved(many, 5)], (
        "the same in every run"
    )


def test_the_table_holds_medians_quartiles_and_the_ratio_to_the_dense_network():
    seconds = {"a": [1.0, 2.0, 3.0, 4.0, 50.0], "b": [3.0] * 5, "dense": [6.0, 5.0, 7.0, 6.0, 6.0]}
    passes = pd.DataFrame(
        [
            {"design_id": name, "repeat": index, "seconds": value}
            for name, row in seconds.items()
            for index, value in enumerate(row)
        ]
    )
    conditions = {
        "threads": 1,
        "batch_size": 2,
        "repeats": 5,
        "warm_up": 1,
        "images": 30,
        "processor": "P",
        "machine_load": 0.5,
    }
    table = inference_table(DESIGNS, passes, conditions).set_index("design_id")
    assert table["median_seconds"].to_dict() == {"a": 3.0, "b": 3.0, "dense": 6.0}
    assert (table.loc["a", "lower_quartile_seconds"], table.loc["a", "upper_quartile_seconds"]) == (
        2.0,
        4.0,
    )
    assert table["relative_to_dense"].to_dict() == {"a": 0.5, "b": 0.5, "dense": 1.0}
    assert table["images_per_second"].to_dict() == {"a": 10.0, "b": 10.0, "dense": 5.0}
    assert table["quantization"].tolist() == [1, 0, 0]


def test_the_processor_has_a_name_and_the_load_is_counted_in_cores():
    assert processor_name().strip()
    assert np.isfinite(machine_load())
    if platform.system() == "Linux" and platform.machine() == "x86_64":
        assert processor_name() != platform.machine()
