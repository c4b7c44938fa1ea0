"""The inputs of a search from files."""

import pytest
import torch

from paretopress.compression.tally import CPU
from paretopress.search.targets import other_devices

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
