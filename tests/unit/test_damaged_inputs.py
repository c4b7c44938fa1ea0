"""Files that the user gives, damaged: what the format itself can tell is told, and a SHA-256 in the config tells the rest."""

import gzip
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from cases import cases
from damage import POSITIONS, flipped, truncated
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFile
from torch import nn

from paretopress.config.evaluation_tables import EvaluationTable
from paretopress.config.networks import Network
from paretopress.dataset.builders import DATASETS
from paretopress.errors import UserError
from paretopress.jobs.digests import check_digest, file_digest
from paretopress.networks.weights import load_weights, save_weights
from paretopress.runs.imported import read_evaluations

DATASET = {
    "image_size": 32,
    "validation_fraction": 0.5,
    "split_seed": 0,
    "mean": [0.0] * 3,
    "std": [1.0] * 3,
}
many = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    deadline=None,
    max_examples=cases(100),
)


def built() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(4, 5))


def states_equal(first: nn.Module, second: nn.Module) -> bool:
    return all(
        torch.equal(value, second.state_dict()[key]) for key, value in first.state_dict().items()
    )


def attempt(read: Callable[[], Any]) -> Any:
    """What is read, or the message of the refusal."""
    try:
        return read()
    except UserError as error:
        return str(error)


@given(position=POSITIONS)
@many
def test_a_flipped_bit_in_a_pytorch_file_is_noticed_or_changes_nothing(tmp_path, position):
    path, network, given_network = tmp_path / "w.pt", built(), built()
    torch.save(given_network.state_dict(), path)
    path.write_bytes(flipped(path.read_bytes(), position))
    nn.init.zeros_(network[0].weight)
    refusal = attempt(lambda: load_weights(network, path))
    assert str(path) in refusal if refusal else states_equal(network, given_network)


@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
@given(position=POSITIONS)
@settings(many, max_examples=cases(20))
def test_truncated_weights_are_named(tmp_path, suffix, position):
    path = tmp_path / f"w{suffix}"
    (
        save_weights(built(), path)
        if suffix == ".safetensors"
        else torch.save(built().state_dict(), path)
    )
    path.write_bytes(truncated(path.read_bytes(), position))
    with pytest.raises(UserError, match=f"w{suffix}"):
        load_weights(built(), path)


@pytest.mark.parametrize("number", [float("nan"), float("inf"), 1e300])
@pytest.mark.parametrize("key", ["3.weight", "1.running_var"])
def test_numbers_that_are_not_finite_are_refused_with_their_tensor(tmp_path, number, key):
    state = built().state_dict()
    state[key] = state[key].double()
    state[key].view(-1)[1] = number
    torch.save(state, tmp_path / "w.pt")
    with pytest.raises(UserError, match=rf"(?s)not finite.*{key}: 1 of {state[key].numel()}"):
        load_weights(built(), tmp_path / "w.pt")


def test_a_mask_of_the_network_may_hold_infinity(tmp_path):
    network = built()
    network.register_buffer("mask", torch.tensor([0.0, float("-inf")]))
    save_weights(network, tmp_path / "w.safetensors")
    load_weights(network, tmp_path / "w.safetensors")


def test_a_file_of_another_digest_is_refused_with_both(tmp_path):
    path = tmp_path / "w.safetensors"
    save_weights(built(), path)
    check_digest(path, None, "networks.a.checksum")
    check_digest(path, known := file_digest(path), "networks.a.checksum")
    path.write_bytes(flipped(path.read_bytes(), 8 * path.stat().st_size - 1))
    load_weights(built(), path)  # the format has nothing to notice it by
    with pytest.raises(UserError) as error:
        check_digest(path, known, "networks.a.checksum")
    for part in (str(path), known, file_digest(path), "networks.a.checksum"):
        assert part in str(error.value)


def test_a_checksum_stands_beside_weights_only():
    with pytest.raises(ValueError, match="a checksum without weights"):
        Network.model_validate({"architecture": {"name": "vgg16_slim"}, "checksum": "0" * 64})


@pytest.fixture(scope="module")
def images(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("images")
    for split in ("train", "test"):
        for name, number in (("cat", 1), ("cat", 2), ("dog", 1), ("dog", 2)):
            (folder / split / name).mkdir(parents=True, exist_ok=True)
            pixels = (
                np.add.outer(np.arange(32) * number, np.arange(32) * 5)[..., None]
                .repeat(3, 2)
                .astype(np.uint8)
            )
            Image.fromarray(pixels).save(folder / split / name / f"{number}.png")
    return folder


@given(position=POSITIONS, damage=st.sampled_from([flipped, truncated]))
@many
def test_a_damaged_png_is_named_or_has_the_same_pixels(images, position, damage):
    path = images / "test" / "dog" / "1.png"
    content = path.read_bytes()
    pixels = np.asarray(Image.open(path))
    path.write_bytes(damage(content, position))
    read = attempt(
        lambda: (
            DATASETS["folder"](str(images), **DATASET)
            .splits["test"]
            .images[2]
            .permute(1, 2, 0)
            .numpy()
        )
    )
    path.write_bytes(content)
    assert "test/dog/1.png" in read if isinstance(read, str) else np.array_equal(read, pixels)


@given(position=POSITIONS)
@settings(many, max_examples=cases(20))
def test_a_truncated_jpeg_is_named(images, position):
    assert not ImageFile.LOAD_TRUNCATED_IMAGES
    path = images / "train" / "cat" / "3.jpg"
    try:
        Image.open(images / "train" / "cat" / "1.png").save(path)
        content = path.read_bytes()
        path.write_bytes(truncated(content, position))
        with pytest.raises(UserError, match=r"train/cat/3\.jpg: the image cannot be read"):
            DATASETS["folder"](str(images), **DATASET)
    finally:
        path.unlink()


def test_an_archive_without_a_checksum_of_its_own_has_that_of_the_config(images, tmp_path):

    archive = Path(shutil.make_archive(str(tmp_path / "images"), "tar", images))
    known = file_digest(archive)
    DATASETS["folder"](str(archive), checksum=known, **DATASET)
    with pytest.raises(UserError, match=r"images\.tar: its SHA-256 is .*dataset\.checksum"):
        DATASETS["folder"](str(archive), checksum="0" * 64, **DATASET)
    with pytest.raises(
        UserError, match=r"a folder, and dataset\.checksum is the SHA-256 of an archive"
    ):
        DATASETS["folder"](str(images), checksum=known, **DATASET)


TABLE = "network,method,seed,evaluation,accuracy,nonzero_rate\na,b,1,1,0.81,0.5\na,b,1,2,0.82,0.4\n"


@given(position=POSITIONS, damage=st.sampled_from([flipped, truncated]))
@many
def test_a_damaged_table_that_is_packed_or_has_a_checksum_is_named(tmp_path, position, damage):
    plain, packed = tmp_path / "mine.csv", tmp_path / "mine.csv.gz"
    plain.write_text(TABLE)
    packed.write_bytes(gzip.compress(TABLE.encode(), mtime=0))
    table = {"networks": {"a": {"threshold": 0.5}}}
    checked = EvaluationTable.model_validate(
        {**table, "path": str(plain), "checksum": file_digest(plain)}
    )
    whole = read_evaluations(checked)
    plain.write_bytes(damage(plain.read_bytes(), position))
    with pytest.raises(UserError, match=r"mine\.csv: its SHA-256 is"):
        read_evaluations(checked)
    before = packed.read_bytes()
    packed.write_bytes(damage(before, position))
    read = attempt(
        lambda: read_evaluations(EvaluationTable.model_validate({**table, "path": str(packed)}))
    )
    assert "mine.csv.gz" in read if isinstance(read, str) else read == whole
