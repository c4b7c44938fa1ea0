"""Archives that mean harm: refused with a reason, or unpacked without it; nothing is written beside their folder."""

import bz2
import gzip
import io
import lzma
import shutil
import struct
import tarfile
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from paretopress.dataset import archives
from paretopress.dataset.archives import HARMLESS_BYTES, extract
from paretopress.errors import UserError

Member = tuple[tarfile.TarInfo, bytes]


def member(name: str, content: bytes = b"", **fields: object) -> Member:
    info = tarfile.TarInfo(name)
    for key, value in fields.items():
        setattr(info, key, value)
    return info, content


def tar_at(path: Path, *members: Member, mode: str = "w:gz") -> Path:
    with tarfile.open(path, mode) as tar:
        for info, content in members:
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return path


def zip_at(path: Path, *members: tuple[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members:
            file.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return path


def refusal(archive: Path) -> str:
    """Why the archive is refused; fails where anything was written, in its folder or beside it."""
    folder = archive.parent / "inside" / "target"
    folder.mkdir(parents=True)
    before = {path: path.stat().st_mtime_ns for path in archive.parent.rglob("*")}
    with pytest.raises(UserError) as error:
        extract(archive, folder)
    assert {path: path.stat().st_mtime_ns for path in archive.parent.rglob("*")} == before
    return str(error.value)


def unpacked(archive: Path) -> Path:
    folder = archive.parent / "inside" / "target"
    folder.mkdir(parents=True)
    extract(archive, folder)
    assert sorted(path.name for path in archive.parent.iterdir()) == ["inside", archive.name]
    return folder


@pytest.mark.parametrize(
    "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE]
)
@pytest.mark.parametrize("target", ["/etc/passwd", "../../x", "train/cat/2.png"])
def test_links_and_devices_in_a_tar_are_refused(tmp_path, kind, target):
    archive = tar_at(
        tmp_path / "x.tar.gz",
        member("train/cat/2.png", b"x"),
        member("train/cat/1.png", type=kind, linkname=target),
    )
    assert "'train/cat/1.png' is a link or a device" in refusal(archive)


@pytest.mark.parametrize(
    "name",
    [
        "../x",
        "a/../../x",
        "/x",
        "//x",
        "C:/x",
        "C:x",
        "..\\x",
        "a\\..\\..\\x",
        "\\\\host\\share\\x",
    ],
)
@pytest.mark.parametrize(
    "pack",
    [
        lambda path, name: tar_at(path, member(name, b"x")),
        lambda path, name: zip_at(path, (name, b"x")),
    ],
    ids=["tar", "zip"],
)
def test_no_name_leaves_the_folder(tmp_path, pack, name):
    suffix = ".zip" if "zip_at" in pack.__code__.co_names else ".tar.gz"
    assert "would be written outside" in refusal(pack(tmp_path / f"x{suffix}", name))


@pytest.mark.parametrize(
    ("names", "why"),
    [
        (["train/a.png", "train/a.png"], "appears in it twice"),
        (["train/a.png", "./train//a.png"], "appears in it twice"),
        (["train", "train/a.png"], "is a file and a folder at once"),
        (["train/a.png", "train"], "appears in it twice"),
        (["train/a.png", "train/a.png/b.png"], "is a file and a folder at once"),
    ],
)
@pytest.mark.parametrize("suffix", [".tar", ".zip"])
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_one_path_has_one_member(tmp_path, names, why, suffix):
    if suffix == ".zip":
        archive = zip_at(tmp_path / "x.zip", *((name, name.encode()) for name in names))
    else:
        archive = tar_at(
            tmp_path / "x.tar", *(member(name, name.encode()) for name in names), mode="w"
        )
    assert why in refusal(archive)


def test_modes_and_owners_of_members_are_not_taken_over(tmp_path):
    folder = unpacked(
        tar_at(
            tmp_path / "x.tar", member("run.png", b"x", mode=0o6777, uid=1234, gid=1234), mode="w"
        )
    )
    status = (folder / "run.png").stat()
    assert status.st_mode & 0o7022 == 0
    assert status.st_uid == folder.stat().st_uid


@pytest.mark.parametrize(
    "name",
    [
        "a\nb.png",
        " ",
        "-rf.png",
        "é.png",
        "e\u0301.png",
        "\U0001f408.png",
        "con.png",
        "a'b\".png",
        "<script>.png",
        "$(x).png",
    ],
)
@pytest.mark.parametrize("suffix", [".tar", ".zip"])
def test_odd_names_are_names(tmp_path, name, suffix):
    pack = {
        ".tar": lambda path: tar_at(path, member(f"train/{name}", b"x"), mode="w"),
        ".zip": lambda path: zip_at(path, (f"train/{name}", b"x")),
    }
    folder = unpacked(pack[suffix](tmp_path / f"x{suffix}"))
    assert [path.read_bytes() for path in folder.rglob("*") if path.is_file()] == [b"x"]


def test_a_name_too_long_for_a_file_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"x\.zip: cannot be unpacked"):
        unpacked(zip_at(tmp_path / "x.zip", ("n" * 300, b"x")))


ZEROS = bytes(2**20)
STREAMS: dict[str, Callable[[Path], io.IOBase]] = {
    ".tar.gz": partial(gzip.GzipFile, mode="wb", compresslevel=1),
    ".tar.bz2": partial(bz2.BZ2File, mode="wb", compresslevel=1),
    ".tar.xz": partial(lzma.LZMAFile, mode="wb", preset=0),
}


def bomb(path: Path, suffix: str) -> Path:
    """A tar file whose first member is of more bytes than HARMLESS_BYTES, all of them 0."""
    info = tarfile.TarInfo("train/cat/1.png")
    info.size = HARMLESS_BYTES + len(ZEROS)
    with STREAMS[suffix](path) as stream:
        stream.write(info.tobuf())
        for _ in range(info.size // len(ZEROS)):
            stream.write(ZEROS)
        stream.write(bytes(2 * tarfile.BLOCKSIZE))
    return path


@pytest.mark.parametrize("suffix", STREAMS)
def test_a_compressed_bomb_is_refused(tmp_path, suffix):
    assert "unpacks to far more than its own size. Allowed: 100 times its size" in refusal(
        bomb(tmp_path / f"x{suffix}", suffix)
    )


def test_a_bomb_under_another_name_is_refused(tmp_path):
    assert "unpacks to far more than its own size" in refusal(bomb(tmp_path / "x.tar", ".tar.gz"))


def test_a_bomb_without_a_tar_in_it_is_refused(tmp_path):
    with gzip.GzipFile(tmp_path / "x.tgz", "wb", compresslevel=1) as stream:
        for _ in range(HARMLESS_BYTES // len(ZEROS) + 1):
            stream.write(ZEROS)
    assert "unpacks to far more than its own size" in refusal(tmp_path / "x.tgz")


def test_a_zip_bomb_is_refused_by_its_headers(tmp_path):
    archive = zip_at(tmp_path / "x.zip", *((f"{number}.png", 20 * ZEROS) for number in range(6)))
    assert "unpacks to far more than its own size" in refusal(archive)


def test_a_zip_whose_headers_lie_is_refused(tmp_path):
    archive = zip_at(tmp_path / "x.zip", ("train/1.png", 40 * ZEROS))
    content = archive.read_bytes()
    archive.write_bytes(content.replace(struct.pack("<L", 40 * len(ZEROS)), struct.pack("<L", 9)))
    assert "cannot be unpacked" in refusal(archive)
    assert sum(path.stat().st_size for path in tmp_path.rglob("*.png")) == 0


def test_members_of_a_zip_that_share_their_bytes_are_refused(tmp_path):
    archive = zip_at(tmp_path / "x.zip", ("train/1.png", bytes(range(256)) * 99))
    with zipfile.ZipFile(archive, "a") as file:
        first = file.infolist()[0]
        for number in range(
            2, 9
        ):  # entries of the directory alone, all of the first member's bytes
            other = zipfile.ZipInfo(f"train/{number}.png")
            for key in ("header_offset", "compress_size", "file_size", "CRC", "compress_type"):
                setattr(other, key, getattr(first, key))
            file.filelist.append(other)
            file._didModify = True
    assert "its members overlap" in refusal(archive)


def test_an_encrypted_zip_is_refused(tmp_path):
    archive = zip_at(tmp_path / "x.zip", ("train/1.png", b"x"))
    content = bytearray(archive.read_bytes())
    content[6] |= 1
    content[content.index(b"PK\x01\x02") + 8] |= 1
    archive.write_bytes(bytes(content))
    assert "Pack it without encryption" in refusal(archive)


def test_a_sparse_member_counts_as_large_as_it_says(tmp_path):
    info, content = member("train/1.png", b"x" * 512)
    info.pax_headers = {
        "GNU.sparse.map": "0,512",
        "GNU.sparse.size": str(2**40),
        "GNU.sparse.name": "train/1.png",
    }
    assert "unpacks to far more than its own size" in refusal(
        tar_at(tmp_path / "x.tar", (info, content), mode="w")
    )


def test_too_many_members_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(archives, "MOST_MEMBERS", 5)
    archive = tar_at(tmp_path / "x.tar.gz", *(member(f"{number}.png") for number in range(6)))
    assert "more than 5 members" in refusal(archive)


def test_what_does_not_fit_on_the_disk_is_refused(tmp_path, monkeypatch):
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=99))
    assert "unpacks to 100 bytes, and" in refusal(
        tar_at(tmp_path / "x.tar", member("1.png", bytes(100)), mode="w")
    )


def test_images_that_pack_well_are_taken(tmp_path):
    """A set of drawings packs to a thousandth; under HARMLESS_BYTES nobody minds."""
    folder = unpacked(
        zip_at(tmp_path / "x.zip", *((f"{number}.bmp", ZEROS) for number in range(20)))
    )
    assert len(list(folder.iterdir())) == 20


def test_a_member_that_ends_before_its_size_is_refused(tmp_path):
    """A directory in which method, sizes and checksum of a member are 0: what is read then is nothing, whose checksum is 0."""
    archive = zip_at(tmp_path / "x.zip", ("train/1.png", b"x" * 99))
    content = bytearray(archive.read_bytes())
    entry = content.index(b"PK\x01\x02")
    content[entry + 10 : entry + 24] = bytes(14)
    archive.write_bytes(bytes(content))
    assert "has 0 bytes, and its header says 99" in refusal(archive)
