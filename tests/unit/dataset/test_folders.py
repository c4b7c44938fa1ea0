"""Folders as people have them: names of splits, what systems leave, links, and what is said of it."""

import os
import shutil
import zipfile
from pathlib import Path

import pytest
import torch
from PIL import Image

from paretopress.config.image_folders import layout
from paretopress.dataset.builders import DATASETS
from paretopress.dataset.facts import Dataset, facts_json, notes
from paretopress.errors import UserError
from paretopress.jobs.digests import content_digest, folder_digest

SETTINGS = {
    "image_size": 32,
    "validation_fraction": 0.5,
    "split_seed": 0,
    "mean": [0.0] * 3,
    "std": [1.0] * 3,
}
SHADES = {"a": 60, "b": 180}


def folder_of(place: Path, train: str = "train", test: str = "test", **more: str) -> Path:
    """Four images of each class in train, one in every other split."""
    for split, count in ((train, 4), (test, 1), *((name, 1) for name in more.values())):
        for name, shade in SHADES.items():
            (place / split / name).mkdir(parents=True)
            for number in range(count):
                image = Image.new("RGB", (32, 32), (shade, number, 0))
                image.save(place / split / name / f"{number}.png")
    return place


def read(path: Path, **settings: object) -> Dataset:
    return DATASETS["folder"](path=str(path), **SETTINGS | settings)


def sizes(dataset: Dataset) -> dict[str, int]:
    return {name: len(split) for name, split in dataset.splits.items()}


def test_a_folder_without_anything_to_say_of_it(tmp_path):
    facts = read(folder_of(tmp_path)).facts
    assert notes(facts) == []
    assert facts.validation_from == "train"
    assert facts.splits["train"].images_by_class == {"a": 2, "b": 2}
    assert facts.splits["validation"].images_by_class == {"a": 2, "b": 2}
    assert facts.splits["test"].formats == {"PNG": 2}


@pytest.mark.parametrize("name", ["val", "valid", "validation", "VAL", "Validation"])
@pytest.mark.parametrize("train", ["train", "Train", "training"])
@pytest.mark.parametrize("test", ["test", "TEST", "Testing"])
def test_the_names_of_splits(tmp_path, train, name, test):
    dataset = read(folder_of(tmp_path, train, test, validation=name))
    assert sizes(dataset) == {"train": 8, "validation": 2, "test": 2}
    assert dataset.facts.validation_from == "folder"
    assert notes(dataset.facts) == []


@pytest.mark.parametrize("pair", [("val", "validation"), ("val", "VAL"), ("valid", "val")])
def test_two_folders_of_one_split_are_refused(tmp_path, pair):
    folder_of(tmp_path, first=pair[0], second=pair[1])
    if len(list(tmp_path.iterdir())) < 4:
        pytest.skip("a file system that knows one of the two names")
    with pytest.raises(UserError, match="are both the split validation by their names"):
        read(tmp_path)


@pytest.mark.parametrize("name", ["dev", "extra", "unlabelled", "test2", "val2017"])
def test_what_is_no_split_is_said(tmp_path, name):
    folder_of(tmp_path, more=name)
    (tmp_path / "labels.csv").write_text("x", encoding="utf-8")
    (tmp_path / "train" / "labels.csv").write_text("x", encoding="utf-8")
    for number in range(3):
        shutil.copy(tmp_path / "test" / "a" / "0.png", tmp_path / "test" / f"{number}.PNG")
    dataset = read(tmp_path)
    assert sizes(dataset)["validation"] == 4
    assert dataset.facts.left_out == {
        f"{name}/": 1,
        "labels.csv": 1,
        "train/labels.csv": 1,
        "test/*.png": 3,
    }
    (note,) = notes(dataset.facts)
    assert note.startswith("Not read, since they are no split, no class and no image of a class: ")
    for part in (f"{name}/", "labels.csv", "3 x test/*.png", "train/labels.csv"):
        assert part in note


@pytest.mark.parametrize(
    ("splits", "said"),
    [
        (["train"], "no folder test/ in it (found: train/)"),
        (["test"], "no folder train/ in it (found: test/)"),
        (["train", "val"], "no folder test/ in it (found: train/, val/)"),
        (["cat", "dog"], "no folders train/ and test/ in it (found: cat/, dog/)"),
        ([], "no folders train/ and test/ in it (found: no folder)"),
    ],
)
def test_a_missing_split_is_named_beside_what_is_there(tmp_path, splits, said):
    for split in splits:
        for name in SHADES:
            (tmp_path / split / name).mkdir(parents=True)
    with pytest.raises(UserError) as error:
        layout(tmp_path)
    assert str(error.value).startswith(said)
    assert "These names are taken for splits: train, training, validation" in str(error.value)


def test_a_thousand_classes_without_splits_are_not_all_named(tmp_path):
    for number in range(1000):
        (tmp_path / str(number)).mkdir()
    with pytest.raises(UserError, match=r"found: 0/, .*, and 990 more\)"):
        layout(tmp_path)


def test_images_below_the_folder_of_their_class_are_read_and_said(tmp_path):
    folder_of(tmp_path)
    shutil.copytree(tmp_path / "test" / "a", tmp_path / "test" / "a" / "more" / "still")
    dataset = read(tmp_path)
    assert dataset.facts.splits["test"].images_by_class == {"a": 2, "b": 1}
    assert notes(dataset.facts) == [
        "Images in folders below that of their class, which count as images of the class: 1."
    ]


FILES = [
    "._0.png", ".hidden.png", ".DS_Store", "Thumbs.db", "thumbs.DB", "desktop.ini", "Icon\r", ".gitkeep",
]  # fmt: skip
FOLDERS = [
    ".ipynb_checkpoints", "__MACOSX", "@eaDir", "$RECYCLE.BIN", ".thumbnails", "lost+found",
    "System Volume Information", "#recycle", ".Trash-1000",
]  # fmt: skip


def litter(place: Path) -> None:
    """What systems leave, at every level. What is in their folders would be an image."""
    image = (place / "test" / "a" / "0.png").read_bytes()
    for level in (place, place / "train", place / "train" / "a", place / "test" / "b"):
        for name in FILES:
            (level / name).write_bytes(image)
        for name in FOLDERS:
            (level / name / "deeper").mkdir(parents=True)
            (level / name / "deeper" / "0-checkpoint.png").write_bytes(image)
            (level / name / "0-checkpoint.png").write_bytes(image)


@pytest.mark.parametrize("packed", [False, True])
def test_what_systems_leave_is_passed_over_at_any_depth_and_counted(tmp_path, packed):
    place = folder_of(tmp_path / "images")
    clean = read(place)
    litter(place)
    source = place
    if packed:
        source = tmp_path / "images.zip"
        with zipfile.ZipFile(source, "w") as archive:
            for file in place.rglob("*"):
                archive.write(file, file.relative_to(tmp_path))
            archive.writestr("__MACOSX/images/train/a/._0.png", b"\0\5\x16\7")
    dataset = read(source)
    for name, split in dataset.splits.items():
        assert torch.equal(split.images, clean.splits[name].images)
    assert dataset.facts.splits == clean.facts.splits
    assert dataset.facts.left_out == {}
    assert dataset.facts.passed_over == {
        "._*": 4, ".*": 12, ".DS_Store": 4, "Thumbs.db": 8, "desktop.ini": 4, "Icon": 4,
        ".ipynb_checkpoints": 4, "__MACOSX": 4 + packed, "@eaDir": 4, "$RECYCLE.BIN": 4,
        ".thumbnails": 4, "lost+found": 4, "System Volume Information": 4, "#recycle": 4,
    }  # fmt: skip
    (note,) = notes(dataset.facts)
    assert note.startswith("Passed over, since systems and tools leave them in folders: ")


def test_what_systems_leave_changes_no_digest(tmp_path):
    folder_of(tmp_path)
    before = folder_digest(str(tmp_path)), content_digest(tmp_path)
    litter(tmp_path)
    assert (folder_digest(str(tmp_path)), content_digest(tmp_path)) == before


def linked(place: Path, *names: str) -> Path:
    """The folder, with parts of it elsewhere and a link in their place. Returns the elsewhere."""
    elsewhere = place.parent / "elsewhere"
    for number, name in enumerate(names):
        (elsewhere / str(number)).parent.mkdir(exist_ok=True)
        (place / name).rename(elsewhere / str(number))
        (place / name).symlink_to(elsewhere / str(number))
    return elsewhere


@pytest.mark.parametrize(
    "names", [["train"], ["train/a", "test/b"], ["train/a/1.png"], ["train", "test"]]
)
def test_links_are_followed_and_what_is_behind_them_is_watched(tmp_path, names):
    place = folder_of(tmp_path / "images")
    plain = read(place).splits["train"].images
    linked(place, *names)
    assert torch.equal(read(place).splits["train"].images, plain)
    digests = [(folder_digest(str(place)), content_digest(place))]
    behind = place / "train" / "a" / "1.png"
    Image.new("RGB", (32, 32), "red").save(behind)
    digests.append((folder_digest(str(place)), content_digest(place)))
    if len(names) == 1 and names[0] == "train":
        Image.new("RGB", (32, 32), "blue").save(behind.with_name("9.png"))
        digests.append((folder_digest(str(place)), content_digest(place)))
    assert len({one for one, _ in digests}) == len({two for _, two in digests}) == len(digests)


@pytest.mark.parametrize(
    ("link", "target"),
    [
        ("train/a/loop", "."),
        ("train/a/loop", "loop"),
        ("train/a/loop", "../../.."),
        ("train/a/loop", ".."),
        ("train/a/loop", "/"),
        ("test/b/other", "../../train/a/back"),
        ("train/a/deep/loop", "../../a"),
    ],
)
def test_a_link_in_circles_is_refused_by_name(tmp_path, link, target):
    place = folder_of(tmp_path / "images")
    (place / "train/a/back").symlink_to(place / "test/b") if "back" in target else None
    (place / link).parent.mkdir(exist_ok=True)
    (place / link).symlink_to(target)
    for look in (read, lambda path: folder_digest(str(path)), content_digest):
        with pytest.raises(UserError, match=r"/(loop|back|other): a link that leads in circles"):
            look(place)


def test_one_folder_that_is_linked_twice_is_read_twice_and_said(tmp_path):
    place = folder_of(tmp_path / "images", validation="val")
    for name, target in (("test", "train"), ("val/b", "../train/b")):
        shutil.rmtree(place / name)
        (place / name).symlink_to(target)
    dataset = read(place)
    assert sizes(dataset) == {"train": 8, "validation": 5, "test": 8}
    assert notes(dataset.facts) == [
        "test/ and train/ are the same folder: all its images are in both.",
        "val/b/ and train/b/ are the same folder: all its images are in both.",
    ]


def test_a_link_to_nothing_is_named(tmp_path):
    place = folder_of(tmp_path / "images")
    before = folder_digest(str(place))
    (place / "train" / "a" / "9.png").symlink_to("gone.png")
    with pytest.raises(
        UserError,
        match=r"train/a/9\.png: the image cannot be read \(a link to gone\.png, which is not there",
    ):
        read(place)
    assert folder_digest(str(place)) != before


@pytest.mark.parametrize("name", ["train", "train/a", "validation"])
def test_a_split_or_class_that_links_to_nothing_is_named(tmp_path, name):
    place = folder_of(tmp_path / "images")
    shutil.rmtree(place / name, ignore_errors=True)
    (place / name).symlink_to(tmp_path / "unplugged")
    with pytest.raises(UserError, match=rf"{name}: a link to .*unplugged, which is not there"):
        read(place)


def test_a_pipe_among_images_is_named_and_not_read(tmp_path):
    place = folder_of(tmp_path)
    os.mkfifo(place / "train" / "a" / "9.png")
    with pytest.raises(
        UserError, match=r"train/a/9\.png: the image cannot be read \(it is no file"
    ):
        read(place)
    assert folder_digest(str(place))
    assert content_digest(place)


def test_every_class_without_images_is_named(tmp_path):
    place = folder_of(tmp_path)
    for name in SHADES:
        (place / "test" / name / "0.png").rename(place / "test" / name / ".0.png")
    with pytest.raises(UserError, match=r"no image in test/a/, nor in 1 other folders of classes"):
        read(place)


@pytest.mark.parametrize("own", [{}, {"validation": "val"}])
def test_a_few_images_of_each_class_are_those_of_the_whole_and_the_rest_is_counted(tmp_path, own):
    place = folder_of(tmp_path, **own)
    for number in range(4, 20):
        shutil.copy(place / "train" / "a" / "0.png", place / "train" / "a" / f"{number}.png")
    (place / "train" / "b" / "1.png").rename(place / "train" / "b" / "1.scan")
    whole, part = read(place), read(place, most=4)
    for name, split in part.splits.items():
        counts = torch.bincount(whole.splits[name].labels).clamp(max=2)
        assert torch.bincount(split.labels).tolist() == counts.tolist()
        every = {image.numpy().tobytes() for image in whole.splits[name].images}
        assert {image.numpy().tobytes() for image in split.images} <= every
        assert part.facts.splits[name].images == len(whole.splits[name])
        assert part.facts.splits[name].images_by_class == whole.facts.splits[name].images_by_class
        assert part.facts.splits[name].opened == len(split)
    assert part.facts.other_suffixes == whole.facts.other_suffixes == {".scan": 1}
    (place / "train" / "a" / "zzz.txt").write_text("no image", encoding="utf-8")
    with pytest.raises(UserError, match=r"train/a/zzz\.txt: the image cannot be read"):
        read(place, most=1)


def test_a_few_images_are_spread_evenly(tmp_path):
    place = folder_of(tmp_path, validation="val")
    for number in range(10):
        image = Image.new("RGB", (32, 32), (60, number, 0))
        image.save(place / "train" / "a" / f"{number}.png")
    split = read(place, most=10).splits["train"]
    assert split.images[split.labels == 0][:, 1, 0, 0].tolist() == [0, 2, 4, 7, 9]


@pytest.mark.skipif(os.uname().sysname == "Darwin", reason="its file systems know no such names")
def test_names_that_are_no_text_can_be_written_and_shown(tmp_path):
    place = folder_of(tmp_path)
    for name in (b"n\xe4me.csv", b"train/\x1b[31m.md", b"test/a/1.\xe4", b"test/a/2.\n"):
        shutil.copy(place / "test" / "a" / "0.png", place / os.fsdecode(name))
    facts = read(place).facts
    assert facts_json(facts).encode("utf-8").isascii()
    assert len(notes(facts)) == 2
    assert all(note.isprintable() for note in notes(facts))


@pytest.mark.parametrize("kind", ["digits", "folder"])
def test_the_facts_are_the_same_text_each_time_and_hold_their_notes(tmp_path, kind):
    more = {"test_fraction": 0.2, "validation_fraction": 0.2}
    settings = SETTINGS | (
        {"path": str(folder_of(tmp_path, more="extra"))} if kind == "folder" else more
    )
    first, second = (facts_json(DATASETS[kind](**settings).facts) for _ in range(2))
    assert first == second
    assert '"notes": [\n' in first
    assert '"validation_from": "' + {"digits": "source", "folder": "train"}[kind] in first


def test_the_digits_are_said_to_be_enlarged_grey_images():
    settings = SETTINGS | {"test_fraction": 0.2, "validation_fraction": 0.2, "most": 30}
    dataset = DATASETS["digits"](**settings)
    assert sizes(dataset) == {"train": 30, "validation": 30, "test": 30}
    assert dataset.facts.splits["train"].images == 1077
    assert notes(dataset.facts) == [
        "90 of 90 images are not RGB and were converted: 90 x L.",
        "90 of 90 images are smaller than what they are scaled to, and were enlarged.",
    ]
