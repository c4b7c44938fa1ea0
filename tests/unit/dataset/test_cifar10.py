"""CIFAR-10 from its archive and from its folder, and nothing read of what has another checksum."""

import hashlib
import pickle
import shutil
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import torch
from small_cifar10 import CLASSES, pack, write_batches
from torch import Tensor

from paretopress.dataset.builders import DATASETS
from paretopress.dataset.cifar10 import BatchReader
from paretopress.errors import UserError
from paretopress.torchvision_operators import torchvision

SETTINGS = {
    "image_size": 32,
    "validation_fraction": 0.2,
    "split_seed": 0,
    "mean": [0.0] * 3,
    "std": [1.0] * 3,
}


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> tuple[Path, Path, dict]:
    """The folder that holds cifar-10-batches-py, the archive of it, and what is in each file."""
    folder = tmp_path_factory.mktemp("cifar10")
    contents = write_batches(folder)
    return folder, pack(folder), contents


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def read(path: Path, checksum: str = "0" * 64, **settings):
    return DATASETS["cifar10"](path=str(path), checksum=checksum, **SETTINGS | settings).splits


def images_of(contents: dict, *names: str) -> dict[bytes, int]:
    """{the pixels of an image, channel after channel: its label}"""
    pairs = [
        (row.tobytes(), label)
        for name in names
        for row, label in zip(contents[name]["data"], contents[name]["labels"], strict=True)
    ]
    return dict(pairs)


def pixels(images: Tensor, labels: Tensor) -> dict[bytes, int]:
    return {
        image.numpy().tobytes(): int(label) for image, label in zip(images, labels, strict=True)
    }


@pytest.fixture
def known_sums(made, monkeypatch) -> None:
    """torchvision, told that the small files are the official ones."""

    def md5(name: str) -> str:
        return hashlib.md5((made[0] / "cifar-10-batches-py" / name).read_bytes()).hexdigest()

    official = torchvision.datasets.CIFAR10
    for attribute in ("train_list", "test_list"):
        monkeypatch.setattr(
            official, attribute, [[name, md5(name)] for name, _ in getattr(official, attribute)]
        )
    monkeypatch.setattr(official, "meta", official.meta | {"md5": md5("batches.meta")})


def test_an_archive_gives_the_official_test_images_and_holds_out_of_the_others(made):
    _, archive, contents = made
    splits = read(archive, sha256(archive))
    assert {name: len(split) for name, split in splits.items()} == {
        "train": 80,
        "validation": 20,
        "test": 20,
    }
    for split in splits.values():
        assert split.classes == tuple(CLASSES)
        assert len(set(torch.bincount(split.labels).tolist())) == 1
    assert pixels(splits["test"].images, splits["test"].labels) == images_of(contents, "test_batch")
    train, validation = (
        pixels(splits[name].images, splits[name].labels) for name in ("train", "validation")
    )
    assert train | validation == images_of(
        contents, *(f"data_batch_{number}" for number in range(1, 6))
    )
    again, other = read(archive, sha256(archive)), read(archive, sha256(archive), split_seed=1)
    assert torch.equal(again["validation"].images, splits["validation"].images)
    assert not torch.equal(other["validation"].images, splits["validation"].images)


def test_images_are_resized_where_another_size_is_asked_for(made):
    _, archive, contents = made
    split = read(archive, sha256(archive), image_size=64)["test"]
    assert split.images.shape == (20, 3, 64, 64)
    small = contents["test_batch"]["data"].reshape(20, 3, 32, 32)
    assert np.allclose(split.images.float().mean(dim=(2, 3)), small.mean(axis=(2, 3)), atol=2)


def test_an_archive_with_another_checksum_is_refused_unread(made, tmp_path, monkeypatch):
    damaged = bytearray(made[1].read_bytes())
    damaged[-1] ^= 1
    archive = tmp_path / "cifar-10-python.tar.gz"
    archive.write_bytes(bytes(damaged))
    monkeypatch.setattr(BatchReader, "load", lambda *_, **__: pytest.fail("a pickle was read"))
    with pytest.raises(UserError) as error:
        read(archive, sha256(made[1]))
    for part in (str(archive), sha256(archive), sha256(made[1]), "dataset.checksum"):
        assert part in str(error.value)


def test_an_archive_of_something_else_is_named(tmp_path):
    (tmp_path / "other" / "cifar-10-batches-py").mkdir(parents=True)
    (tmp_path / "other" / "cifar-10-batches-py" / "readme.html").write_text("x", encoding="utf-8")
    archive = pack(tmp_path / "other")
    with pytest.raises(
        UserError,
        match=r"cifar-10-python\.tar\.gz: not CIFAR-10.*data_batch_1, .*batches\.meta missing",
    ):
        read(archive, sha256(archive))


@pytest.mark.usefixtures("known_sums")
@pytest.mark.parametrize("inside", ["", "cifar-10-batches-py"])
def test_a_folder_is_the_same_as_its_archive(made, inside):
    folder, archive, _ = made
    splits = read(folder / inside)
    for name, split in read(archive, sha256(archive)).items():
        assert torch.equal(split.images, splits[name].images)
        assert torch.equal(split.labels, splits[name].labels)


@pytest.mark.usefixtures("known_sums")
@pytest.mark.parametrize("name", ["data_batch_3", "test_batch", "batches.meta"])
@pytest.mark.parametrize("damage", ["changed", "missing"])
def test_a_damaged_file_of_a_folder_is_named_and_nothing_read(
    made, tmp_path, monkeypatch, name, damage
):
    folder = Path(shutil.copytree(made[0] / "cifar-10-batches-py", tmp_path / "images"))
    (folder / name).unlink()
    if damage == "changed":
        (folder / name).write_bytes(b"cos\nsystem\n(S'true'\ntR.")
    monkeypatch.setattr(BatchReader, "load", lambda *_, **__: pytest.fail("a pickle was read"))
    with pytest.raises(
        UserError,
        match=rf"images: not CIFAR-10 in its format for Python: {name} missing or damaged",
    ):
        read(folder)


def test_a_folder_without_the_official_files_is_refused(made):
    with pytest.raises(UserError, match=r"data_batch_1, data_batch_2.* missing or damaged"):
        read(made[0])


def test_a_path_that_is_not_there_is_named(tmp_path):
    with pytest.raises(UserError, match="nowhere: no such file or folder"):
        read(tmp_path / "nowhere")


def as_python_2_wrote_it(pixels: np.ndarray, labels: list[int]) -> bytes:
    """The pickle of a batch as Python 2 and NumPy 1 wrote the official ones: texts as bytes, arrays named numpy.core.multiarray."""
    numbers = b"".join(b"K" + bytes([label]) for label in labels)
    shape = b"K" + bytes([len(pixels)]) + b"M" + (3072).to_bytes(2, "little") + b"\x86"
    array = (
        b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R(K\x01" + shape
    )
    array += b"cnumpy\ndtype\nU\x02u1K\x00K\x01\x87R(K\x03U\x01|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89"
    array += b"T" + pixels.size.to_bytes(4, "little") + pixels.tobytes() + b"tb"
    return b"\x80\x02}(U\x04data" + array + b"U\x06labels](" + numbers + b"eu."


def test_batches_of_python_2_are_read(made, tmp_path):
    shutil.copytree(made[0] / "cifar-10-batches-py", tmp_path / "cifar-10-batches-py")
    content = made[2]["test_batch"]
    (tmp_path / "cifar-10-batches-py" / "test_batch").write_bytes(
        as_python_2_wrote_it(content["data"], content["labels"])
    )
    archive = pack(tmp_path)
    test = read(archive, sha256(archive))["test"]
    assert pixels(test.images, test.labels) == images_of(made[2], "test_batch")


class Harmful:
    """Writes a file as soon as it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


@pytest.mark.parametrize("place", ["data_batch_2", "batches.meta"])
def test_code_in_an_archive_whose_checksum_was_given_is_not_run(made, tmp_path, place):
    folder = tmp_path / "cifar-10-batches-py"
    shutil.copytree(made[0] / "cifar-10-batches-py", folder)
    (folder / place).write_bytes(
        pickle.dumps(made[2][place] | {"labels": Harmful(tmp_path / "ran")})
    )
    archive = pack(tmp_path)
    with pytest.raises(
        UserError, match=rf"not CIFAR-10 .*{place} cannot be read .*which was not run"
    ):
        read(archive, sha256(archive))
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (
            {"data": np.zeros((3, 3072), np.uint8), "labels": [0, 1]},
            "no images of 32x32 pixels with a label each",
        ),
        ({"data": np.zeros((2, 3072), np.float32), "labels": [0, 1]}, "no images of 32x32"),
        (
            {"data": np.zeros((2, 3072), np.uint8), "labels": [0, 10]},
            "labels that are no number from 0 to 9",
        ),
        (
            {"data": np.zeros((2, 3072), np.uint8), "labels": [0, -1]},
            "labels that are no number from 0 to 9",
        ),
        ([1, 2], "test_batch cannot be read"),
    ],
)
def test_batches_of_something_else_are_refused(made, tmp_path, content, what):
    folder = tmp_path / "cifar-10-batches-py"
    shutil.copytree(made[0] / "cifar-10-batches-py", folder)
    (folder / "test_batch").write_bytes(pickle.dumps(content, protocol=2))
    archive = pack(tmp_path)
    with pytest.raises(UserError, match=what):
        read(archive, sha256(archive))


def test_a_few_bytes_cannot_ask_for_memory(made, tmp_path):
    folder = tmp_path / "cifar-10-batches-py"
    shutil.copytree(made[0] / "cifar-10-batches-py", folder)
    (folder / "test_batch").write_bytes(
        b"\x80\x02}r\xff\xff\xff\x01."
    )  # an object that is number 33,554,431
    archive = pack(tmp_path)
    tracemalloc.start()
    with pytest.raises(UserError, match="test_batch cannot be read"):
        read(archive, sha256(archive))
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 100 * 2**20


def test_its_facts_and_a_few_images_of_each_class(made):
    _, archive, _ = made
    settings = SETTINGS | {"image_size": 64, "resize": 72, "interpolation": "bicubic"}
    whole, part = (
        DATASETS["cifar10"](path=str(archive), checksum=sha256(archive), **settings, most=most)
        for most in (None, 1)
    )
    assert whole.facts.validation_from == "train"
    for name, split in whole.splits.items():
        facts = part.facts.splits[name]
        assert facts.images == len(split) == sum(facts.images_by_class.values())
        assert facts.opened == len(part.splits[name]) == len(set(split.labels.tolist()))
        assert facts.enlarged == facts.opened
