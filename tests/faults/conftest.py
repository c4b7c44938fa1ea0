"""The server of the jobs, their inputs, and what they give where nobody disturbs them."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch

from faults.jobs import CLASSES, HERE, IMAGES, INITIAL_DESIGNS, JobServer, Workplace
from paretopress.dataset.split import Split, save_split
from paretopress.networks.build import build_network
from paretopress.networks.weights import save_weights


@pytest.fixture(scope="session")
def namespace() -> list[str]:
    """The command before a command that may mount file systems which nobody else sees; empty where the system allows none."""
    for command in (["unshare", "--mount"], ["unshare", "--user", "--map-root-user", "--mount"]):
        if (
            shutil.which("unshare")
            and subprocess.run(
                [*command, "mount", "-t", "tmpfs", "tmpfs", "/mnt"], check=False
            ).returncode
            == 0
        ):
            return command
    return []


@pytest.fixture
def _mounts(namespace) -> None:
    required = os.environ.get("CI") and not os.environ.get("GITHUB_ACTIONS")
    if not namespace and not required:
        pytest.skip("no file system can be mounted here, not even in a namespace of its own")
    assert namespace, "this test needs a mount namespace"


@pytest.fixture(scope="session")
def server(namespace) -> Iterator[JobServer]:
    server = JobServer(namespace)
    yield server
    server.close()


@pytest.fixture(scope="session")
def inputs(server, tmp_path_factory) -> Path:
    """A folder with what the jobs read: images, a network, its weights and metrics, its initial sample."""
    folder = tmp_path_factory.mktemp("inputs") / "inputs"
    folder.mkdir()
    shutil.copy(HERE / "counted_network.py", folder)
    torch.manual_seed(0)
    images = torch.randint(256, (IMAGES, 3, 8, 8), dtype=torch.uint8)
    labels = torch.arange(IMAGES) % CLASSES
    save_split(Split(images, labels, tuple("abcd")), folder / "images.safetensors")
    network = {
        "name": "file",
        "path": str(folder / "counted_network.py"),
        "function": "build_network",
        "arguments": {},
    }
    save_weights(build_network(network, CLASSES), folder / "dense.safetensors")
    (folder / "metrics.json").write_text(
        json.dumps(
            {
                "accuracy": {"validation": 0.5, "test": 0.5},
                "images": {"validation": IMAGES, "test": IMAGES},
                "most_frequent_class": {"validation": 0.25, "test": 0.25},
                "nonzero_rate": 1.0,
            }
        )
    )
    first = Workplace(server, folder.parent / "first", folder)
    first.complete(INITIAL_DESIGNS)
    for name in ("designs.csv", "designs.timings.csv"):
        shutil.copy(first.folder / "results" / "study" / name, folder / name)
    return folder


@pytest.fixture
def workplace(server, inputs, tmp_path) -> Callable[..., Workplace]:
    """Makes workplaces: call it for a fresh one, or with another one for a copy of it."""
    made: list[Workplace] = []

    def make(other: Workplace | None = None) -> Workplace:
        made.append(
            Workplace(
                server, tmp_path / f"workplace-{len(made)}", other.folder if other else inputs
            )
        )
        return made[-1]

    return make
