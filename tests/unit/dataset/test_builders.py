"""Datasets: the digits, folders and archives of images, and everything that can be wrong with them."""

import io
import shutil
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from paretopress.dataset.builders import DATASETS
from paretopress.dataset.split import Split, batches, load_split, save_split
from paretopress.errors import UserError
from paretopress.jobs.digests import folder_digest

SETTINGS = {
    "image_size": 32,
    "validation_fraction": 0.25,
    "split_seed": 0,
    "mean": [0.0] * 3,
    "std": [1.0] * 3,
}
COLORS = {"blue": (0, 0, 255), "green": (0, 255, 0), "red": (255, 0, 0)}


@pytest.fixture
def images(tmp_path) -> Path:
    """train/ and test/ of three classes, each image of its class's colour and of another size."""
    for split, count in (("train", 8), ("test", 3)):
        for name, color in COLORS.items():
            folder = tmp_path / "images" / split / name
            folder.mkdir(parents=True)
            for number in range(count):
                Image.new("RGB", (40 + number, 36), color).save(folder / f"{number}.png")
    return tmp_path / "images"


def read(path: Path, **settings):
    return DATASETS["folder"](path=str(path), **SETTINGS | settings).splits


def packed(images: Path, suffix: str) -> Path:
    formats = {".tar.gz": "gztar", ".tar": "tar", ".zip": "zip", ".tar.xz": "xztar"}
    return Path(shutil.make_archive(str(images.parent / "packed"), formats[suffix], images))


def test_a_folder_gives_three_splits_with_every_class_in_proportion(images):
    splits = read(images)
    assert {name: len(split) for name, split in splits.items()} == {
        "train": 18,
        "validation": 6,
        "test": 9,
    }
    for split in splits.values():
        assert split.classes == ("blue", "green", "red")
        assert len(set(torch.bincount(split.labels).tolist())) == 1
        assert split.images.shape[1:] == (3, 32, 32)
        assert all(
            tuple(image[:, 5, 5].tolist()) == COLORS[split.classes[label]]
            for image, label in zip(split.images, split.labels, strict=True)
        )


@pytest.mark.parametrize("suffix", [".tar", ".tar.gz", ".tar.xz", ".zip"])
def test_an_archive_is_the_same_as_its_folder(images, suffix):
    for name, split in read(packed(images, suffix)).items():
        assert torch.equal(split.images, read(images)[name].images)


def test_an_archive_of_a_single_folder_is_opened_too(images):
    archive = Path(
        shutil.make_archive(str(images.parent / "wrapped"), "gztar", images.parent, "images")
    )
    assert len(read(archive)["test"]) == 9


def test_an_own_validation_split_is_used(images):
    shutil.copytree(images / "test", images / "validation")
    splits = read(images)
    assert {name: len(split) for name, split in splits.items()} == {
        "train": 24,
        "validation": 9,
        "test": 9,
    }


def test_an_unreadable_image_is_named(images):
    (images / "train" / "red" / "3.png").write_bytes(b"no image")
    with pytest.raises(UserError, match=r"train/red/3\.png: the image cannot be read"):
        read(images)


def test_a_truncated_image_is_named(images):
    Image.effect_noise((64, 64), 80).save(images / "test" / "blue" / "1.png")
    content = (images / "test" / "blue" / "1.png").read_bytes()
    (images / "test" / "blue" / "1.png").write_bytes(content[: len(content) // 2])
    with pytest.raises(UserError, match=r"test/blue/1\.png: the image cannot be read"):
        read(images)


def test_a_class_in_one_split_only_is_named(images):
    shutil.copytree(images / "train" / "red", images / "train" / "yellow")
    with pytest.raises(UserError, match=r"the class 'yellow' stands in train but not in test"):
        read(images)


def test_a_class_without_images_is_named(images):
    for image in (images / "test" / "green").iterdir():
        image.unlink()
    with pytest.raises(UserError, match=r"green"):
        read(images)


def test_another_layout_is_explained(tmp_path):
    (tmp_path / "pictures").mkdir()
    with pytest.raises(
        UserError, match=r"no folders train/ and test/.*pictures.*SPLIT/CLASS/IMAGE"
    ):
        read(tmp_path)


@pytest.mark.parametrize(
    ("name", "why"), [("nowhere", "no such file or folder"), ("text.rar", "not an image archive")]
)
def test_what_is_no_dataset_is_refused(tmp_path, name, why):
    if "." in name:
        (tmp_path / name).write_text("x", encoding="utf-8")
    with pytest.raises(UserError, match=why):
        read(tmp_path / name)


def test_a_damaged_archive_is_named(images):
    archive = packed(images, ".tar.gz")
    archive.write_bytes(archive.read_bytes()[:900])
    with pytest.raises(UserError, match=r"packed\.tar\.gz: cannot be unpacked"):
        read(archive)


@pytest.mark.parametrize("suffix", [".tar.gz", ".tar.xz", ".zip"])
def test_no_damage_to_an_archive_goes_unnoticed(images, suffix):
    archive = packed(images, suffix)
    content = archive.read_bytes()
    for position in range(len(content) // 20, len(content), len(content) // 7):
        damaged = bytearray(content)
        damaged[position] ^= 0x55
        archive.write_bytes(bytes(damaged))
        try:
            splits = read(archive)
        except UserError:
            continue
        for name, split in read(
            images
        ).items():  # a byte that carries nothing, such as a time of a member
            assert torch.equal(split.images, splits[name].images)


def test_hidden_folders_are_no_classes(images):
    shutil.copytree(images / "train" / "red", images / "train" / ".ipynb_checkpoints")
    splits = read(images)
    assert splits["train"].classes == splits["test"].classes == ("blue", "green", "red")
    assert torch.bincount(splits["train"].labels).tolist() == [6, 6, 6]


def test_too_few_images_to_hold_out_are_explained(images):
    with pytest.raises(
        UserError, match=r"each class needs one in both parts. Change dataset.validation_fraction"
    ):
        read(images, validation_fraction=0.05)


def test_a_changed_image_changes_the_digest_of_its_folder(images):
    before = folder_digest(str(images))
    assert folder_digest(str(images)) == before
    (images / "train" / "red" / "9.png").write_bytes(b"new")
    assert folder_digest(str(images)) != before
    assert folder_digest(str(images / "nowhere")) == folder_digest(None) == folder_digest("") == ""


def unsafe_tar(path: Path, member: tarfile.TarInfo) -> Path:
    with tarfile.open(path, "w:gz") as tar:
        content = b"x" if member.isfile() else b""
        member.size = len(content)
        tar.addfile(member, io.BytesIO(content))
    return path


def link(name: str, target: str, kind: bytes) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, target
    return member


@pytest.mark.parametrize(
    "member",
    [
        tarfile.TarInfo("../escaped.txt"),
        tarfile.TarInfo("train/../../escaped.txt"),
        tarfile.TarInfo("/tmp/escaped-from-an-archive.txt"),
        link("train", "/etc", tarfile.SYMTYPE),
        link("train/cat/1.png", "../../../escaped.txt", tarfile.LNKTYPE),
        link("train/pipe", "", tarfile.FIFOTYPE),
    ],
    ids=lambda member: member.name + member.linkname,
)
def test_no_path_of_a_tar_leaves_its_folder(tmp_path, member):
    with pytest.raises(UserError, match=r"would be written outside|is a link or a device"):
        read(unsafe_tar(tmp_path / "unsafe.tar.gz", member))
    assert [path.name for path in tmp_path.rglob("*")] == ["unsafe.tar.gz"]
    assert not Path("/tmp/escaped-from-an-archive.txt").exists()


@pytest.mark.parametrize(
    "name", ["../escaped.txt", "/escaped.txt", "train\\..\\..\\escaped.txt", "C:/escaped.txt"]
)
def test_no_path_of_a_zip_leaves_its_folder(tmp_path, name):
    with zipfile.ZipFile(tmp_path / "unsafe.zip", "w") as file:
        member = zipfile.ZipInfo("placeholder")
        member.filename = name
        file.writestr(member, "x")
    with pytest.raises(UserError, match="would be written outside the target folder"):
        read(tmp_path / "unsafe.zip")
    assert [path.name for path in tmp_path.rglob("*")] == ["unsafe.zip"]


def test_a_link_in_a_zip_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "unsafe.zip", "w") as file:
        member = zipfile.ZipInfo("train")
        member.create_system, member.external_attr = 3, 0o120777 << 16
        file.writestr(member, "/etc")
    with pytest.raises(UserError, match="is a link or a device"):
        read(tmp_path / "unsafe.zip")


def test_the_digits_are_all_there_in_disjoint_splits():
    splits = DATASETS["digits"](test_fraction=0.2, **SETTINGS | {"validation_fraction": 0.2}).splits
    assert {name: len(split) for name, split in splits.items()} == {
        "train": 1077,
        "validation": 360,
        "test": 360,
    }
    assert splits["train"].images.shape[1:] == (3, 32, 32)
    assert splits["train"].images.max() == 255
    for split in splits.values():
        assert torch.bincount(split.labels).float().std() < 2


def test_a_split_reads_back_as_it_was_written(tmp_path):
    split = Split(
        torch.randint(0, 256, (5, 3, 8, 8), dtype=torch.uint8),
        torch.arange(5),
        tuple("abcde"),
        (0.1, 0.2, 0.3),
        (0.5, 0.6, 0.7),
    )
    save_split(split, tmp_path / "s.safetensors")
    other = load_split(tmp_path / "s.safetensors")
    assert torch.equal(split.images, other.images)
    assert (split.classes, split.mean, split.std) == (other.classes, other.mean, other.std)


def test_batches_are_normalised_by_channel_in_order():
    split = Split(
        torch.full((5, 3, 2, 2), 255, dtype=torch.uint8),
        torch.arange(5),
        tuple("abcde"),
        (0.5, 0.0, 0.25),
        (0.5, 2.0, 0.25),
    )
    inputs, labels = zip(*batches(split, 2), strict=True)
    assert [len(part) for part in inputs] == [2, 2, 1]
    assert torch.cat(labels).tolist() == list(range(5))
    assert np.allclose(inputs[0][0, :, 0, 0], [1.0, 0.5, 3.0])


def test_images_of_a_single_class_are_refused(images):
    for split in ("train", "test"):
        for name in ("blue", "green"):
            shutil.rmtree(images / split / name)
    with pytest.raises(
        UserError,
        match=r"fewer than two classes found. A class is a folder of images: train/CLASS/IMAGE\.",
    ):
        read(images)
