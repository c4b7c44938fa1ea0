"""Images and folders of images that mean harm, or are merely odd."""

import os
import struct
import unicodedata
import zipfile
import zlib
from pathlib import Path

import pytest
from PIL import Image

from paretopress.dataset.builders import DATASETS
from paretopress.dataset.split import load_split, save_split
from paretopress.errors import UserError

SETTINGS = {
    "image_size": 32,
    "validation_fraction": 0.5,
    "split_seed": 0,
    "mean": [0.0] * 3,
    "std": [1.0] * 3,
}


def folder_of(place: Path, *classes: str) -> Path:
    """Images of the classes: two in train/, one in test/."""
    for name in classes:
        for file in (f"train/{name}/1.png", f"train/{name}/2.png", f"test/{name}/1.png"):
            (place / file).parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (32, 32)).save(place / file)
    return place


def read(path: Path, **settings: object) -> dict:
    return DATASETS["folder"](path=str(path), **SETTINGS | settings).splits


def chunk(kind: bytes, content: bytes) -> bytes:
    return (
        struct.pack(">L", len(content))
        + kind
        + content
        + struct.pack(">L", zlib.crc32(kind + content))
    )


def png_that_claims(width: int, height: int) -> bytes:
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">LLBBBBB", width, height, 8, 2, 0, 0, 0))
        + chunk(b"IDAT", zlib.compress(b""))
        + chunk(b"IEND", b"")
    )


@pytest.mark.parametrize(("width", "height"), [(60_000, 60_000), (9_500, 9_500), (2**31 - 1, 1)])
def test_an_image_of_too_many_pixels_is_refused_unread(tmp_path, width, height):
    folder = folder_of(tmp_path, "a", "b")
    (folder / "train" / "a" / "2.png").write_bytes(png_that_claims(width, height))
    with pytest.raises(UserError, match=r"train/a/2\.png: the image cannot be read .*pixels"):
        read(folder)


def test_a_strip_that_would_be_scaled_to_too_many_pixels_is_refused(tmp_path):
    folder = folder_of(tmp_path, "a", "b")
    Image.new("L", (1, 500)).save(folder / "train" / "a" / "2.png")
    with pytest.raises(
        UserError,
        match=r"1 x 500 pixels; allowed are 89,478,485, also when scaled to a shorter side of 1024",
    ):
        read(folder, image_size=1024)
    assert len(read(folder)["test"]) == 2


def test_no_program_is_started_for_an_image(tmp_path, monkeypatch):
    """Pillow goes by what is in a file, and gives EPS to Ghostscript."""
    folder = folder_of(tmp_path / "images", "a", "b")
    (folder / "train" / "a" / "2.png").write_bytes(
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 32 32\n%%EndComments\nshowpage\n%%EOF\n"
    )
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "gs").write_text(f"#!/bin/sh\ntouch {tmp_path / 'started'}\n", encoding="utf-8")
    (programs / "gs").chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    with pytest.raises(UserError, match=r"train/a/2\.png: the image cannot be read"):
        read(folder)
    assert not (tmp_path / "started").exists()


def test_the_name_of_a_bad_image_cannot_break_the_message(tmp_path):
    folder = folder_of(tmp_path, "a", "b")
    (folder / "train" / "a" / "\x1b[31m\n.png").write_bytes(b"x")
    with pytest.raises(UserError) as error:
        read(folder)
    assert str(error.value).isprintable()


ODD = [
    "a b",
    "é",
    "\U0001f408",
    "<script>alert(1)<",
    "'\"",
    "-rf",
    "con",
    "=1+1",
    "{x}",
    "$HOME",
    "%s",
    "n" * 200,
    "a.b",
    "#",
    "~",
]


@pytest.mark.parametrize("packed", [False, True])
def test_classes_of_odd_names_are_classes(tmp_path, packed):
    source = folder_of(tmp_path / "images", *ODD)
    if packed:
        with zipfile.ZipFile(tmp_path / "images.zip", "w") as archive:
            for file in source.rglob("*.png"):
                archive.write(file, file.relative_to(source))
        source = tmp_path / "images.zip"
    test = read(source)["test"]
    save_split(test, tmp_path / "test.safetensors")
    assert load_split(tmp_path / "test.safetensors").classes == test.classes == tuple(sorted(ODD))


@pytest.mark.skipif(os.uname().sysname == "Darwin", reason="its file systems know no such names")
@pytest.mark.parametrize("name", [b"a\nb", b"\xff\xfe", b"\x1b[0m", b"\x7f"])
def test_a_class_without_a_printable_name_is_refused(tmp_path, name):
    folder = folder_of(tmp_path, "a", os.fsdecode(name))
    with pytest.raises(UserError, match=r"has no printable name") as error:
        read(folder)
    assert str(error.value).isprintable()


@pytest.mark.skipif(os.uname().sysname == "Darwin", reason="its file systems know no such names")
@pytest.mark.parametrize(
    "pair", [("Cat", "cat"), ("é", unicodedata.normalize("NFD", "é")), ("STRASSE", "straße")]
)
def test_classes_that_are_one_folder_elsewhere_are_refused(tmp_path, pair):
    with pytest.raises(UserError, match=r"one folder on other machines"):
        read(folder_of(tmp_path, *pair))
