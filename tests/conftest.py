"""Fixtures that more than one test file uses."""

import fcntl
import gc
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from cases import EVERY_TEST, PROFILE, cases
from hypothesis import HealthCheck, settings
from paths import SHARED
from spaces import WHOLE
from torch import nn

from paretopress.compression.designs import SearchSpace
from paretopress.compression.evaluation import Measurement
from paretopress.compression.layers import layout_of
from paretopress.search.archive import Target

if TYPE_CHECKING:
    from project import Project


# The same few cases each time, but in `make fuzz`. A test that is given a file system by pytest makes a folder of its own for each case.
QUIET = {
    "deadline": None,
    "suppress_health_check": [HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
}
for profile in ("few", "more"):
    settings.register_profile(
        profile, max_examples=cases(80), derandomize=True, database=None, **QUIET
    )
settings.register_profile("many", max_examples=1000, print_blob=True, **QUIET)
settings.load_profile(PROFILE)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What takes longest begins first, so that of several workers none is left with it in the end."""
    if not EVERY_TEST:
        left_out = [item for item in items if item.get_closest_marker("thorough")]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]
    items.sort(
        key=lambda item: [item.get_closest_marker(name) is None for name in ("slurm", "slow")]
    )


def pytest_collection_finish() -> None:
    """What is loaded by now stays: a collection, as statsmodels makes at each Holm adjustment, passes it over."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """With `-n auto`: one worker more than there are cores, since the one with SLURM's queue mostly waits."""
    asked = os.environ.get("PYTEST_XDIST_AUTO_NUM_WORKERS")
    if asked:
        return int(asked)
    here = getattr(os, "sched_getaffinity", None)  # Linux alone
    return (len(here(0)) if here else os.cpu_count() or 1) + 1


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Data for development, beside the repository; not part of the project. A CI that has it beside its clone must use it."""
    required = os.environ.get("CI") and not os.environ.get("GITHUB_ACTIONS")
    if not SHARED.is_dir() and not required:
        pytest.skip("the development data is not beside this checkout")
    return SHARED


@pytest.fixture(scope="session")
def finished(tmp_path_factory) -> "Iterator[Project]":
    """The tiny study, complete; a test that changes it puts it back, or works on a copy.

    The first worker that needs it makes it, each works on a copy of its own.
    """
    from project import Project  # which itself imports this file

    own = tmp_path_factory.getbasetemp()
    of_all_workers = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own
    made = of_all_workers / "finished" / "complete"
    with open(of_all_workers / "finished.lock", "w") as lock:
        fcntl.lockf(lock, fcntl.LOCK_EX)
        if not made.is_dir():
            project = Project(made.with_name("making"))
            project.complete(2)
            project.folder.rename(made)
    project = Project.copy(made, tmp_path_factory.mktemp("finished"))
    yield project
    assert project.to_do() == [], "the tests put back what they change"


@pytest.fixture
def project(finished) -> "Iterator[Project]":
    """The finished project; what a test edits is put back."""
    from project import restored

    with restored(finished.folder):
        yield finished


@pytest.fixture
def small_network() -> nn.Module:
    """Two convolutions, one of them without bias, and two Linear layers."""
    torch.manual_seed(0)
    network = nn.Sequential(
        nn.Conv2d(3, 4, 3, bias=False),
        nn.ReLU(),
        nn.Conv2d(4, 6, 3),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(6, 8),
        nn.Linear(8, 3),
    )
    for module in network:
        if getattr(module, "bias", None) is not None:
            nn.init.normal_(module.bias)
    return network.eval()


@pytest.fixture
def space() -> SearchSpace:
    return WHOLE


@pytest.fixture
def synthetic_target(small_network, space) -> Target:
    """A target that costs nothing: accuracy falls as more entries are set to zero, steeply for convolutions."""
    layout = layout_of(small_network)
    sizes = {
        f"{layer.name}.{tensor}": getattr(layer, tensor)
        for layer in layout.linear + layout.conv
        for tensor in ("weight", "bias")
    }
    conv = {layer.name for layer in layout.conv}

    def evaluate(plan) -> Measurement:
        loss = sum(
            zeros / sizes[name] * (0.3 if name.split(".")[0] in conv else 0.05)
            for name, zeros in plan.zeros
        )
        rate = 1 - sum(zeros for _, zeros in plan.zeros) / sum(sizes.values())
        return Measurement(
            rate, float(np.clip(0.95 - loss**1.5 - 0.01 * plan.quantized, 0, 1)), 0.0
        )

    return Target(space, layout, 1, evaluate, threshold=0.85)
