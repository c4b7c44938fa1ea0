"""The script for a machine with a GPU, in its smallest size on the CPU."""

import pytest
import torch
from benchmarks import gpu

from paretopress.config.validation import read_study


@pytest.fixture(autouse=True)
def _threads_as_before():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


def test_all_of_it_runs_on_the_cpu(capsys):
    sizes = "--count 4 --cpu-images 2 --designs 1 --cpu-designs 1 --batch-size 2 --no-study"
    assert gpu.main(["--device", "cpu", "--networks", "vgg16_slim", *sizes.split()]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 1 + len(gpu.KINDS)
    assert all("twice the same bytes" in line for line in lines[1:])
    assert all("another class for 0 of 2 images" in line for line in lines[1:])


def test_its_study_is_one(capsys):
    study = read_study(dict(gpu.study_config("cuda")), [])
    assert study.evaluation.device == "cuda"


def test_without_a_gpu_it_says_so(monkeypatch, capsys):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert gpu.main([]) == 1
    assert "finds no CUDA device on this machine" in capsys.readouterr().out
