"""Archives of any bytes and of any members: unpacked into their folder as they were packed, or refused; nothing is written elsewhere."""

import io
import tarfile
import tempfile
import zipfile
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paretopress.dataset.archives import extract
from paretopress.errors import UserError

FILES = {
    f"{split}/{name}/{number}.png": bytes([number]) * 40 * number
    for split in ("train", "test")
    for name in "ab"
    for number in range(4)
}
TAR_MODES = {".tar": "w", ".tar.gz": "w:gz", ".tar.bz2": "w:bz2", ".tar.xz": "w:xz"}
Contents = dict[str, bytes]


def tar_of(members: list[tuple[tarfile.TarInfo, bytes]], suffix: str) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode=TAR_MODES[suffix]) as tar:
        for member, content in members:
            member.size = len(content) if member.isreg() else 0
            tar.addfile(member, io.BytesIO(content))
    return file.getvalue()


def zip_of(contents: Contents, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, content in contents.items():
            member = zipfile.ZipInfo("x")
            member.filename = name  # as it is: the constructor cuts it at a NUL
            archive.writestr(member, content, method)
    return file.getvalue()


PACKED = {
    suffix: tar_of([(tarfile.TarInfo(name), content) for name, content in FILES.items()], suffix)
    for suffix in TAR_MODES
}
PACKED[".zip"] = zip_of(FILES)


def unpacked(content: bytes, suffix: str) -> Contents | None:
    """What comes out of an archive of these bytes; None where it is refused. Fails where anything is written beside its folder."""
    with tempfile.TemporaryDirectory() as place:
        archive, target = Path(place) / f"x{suffix}", Path(place) / "inside" / "target"
        target.mkdir(parents=True)
        archive.write_bytes(content)
        try:
            extract(archive, target)
        except UserError as error:
            if archive.name not in str(error):
                raise
            return None
        finally:
            assert sorted(
                path.name for path in Path(place).rglob("*") if target not in path.parents
            ) == ["inside", "target", archive.name]
        found = list(target.rglob("*"))
        assert all(
            (path.is_file() or path.is_dir())
            and not path.is_symlink()
            and not path.stat().st_mode & 0o7000
            for path in found
        )
        return {
            str(path.relative_to(target)): path.read_bytes() for path in found if path.is_file()
        }


@given(st.sampled_from([*TAR_MODES, ".zip"]), st.data())
def test_damaged_archives_are_refused_or_come_out_the_same(suffix, data):
    content = bytearray(PACKED[suffix])
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(content) - 1))
        kind = data.draw(st.sampled_from(["flip", "cut", "splice", "zero"]))
        length = data.draw(st.integers(1, 40))
        if kind == "flip":
            content[place] ^= 1 << data.draw(st.integers(0, 7))
        elif kind == "cut":
            del content[place : place + length]
        elif kind == "splice":
            other = data.draw(st.integers(0, len(content)))
            content[place:place] = content[other : other + length]
        else:
            content[place : place + length] = bytes(length)
    found = unpacked(bytes(content), data.draw(st.sampled_from([suffix, *TAR_MODES, ".zip"])))
    if suffix != ".tar":  # which has no sum of what is in its files
        assert found in (None, FILES)


@given(
    st.binary(max_size=600),
    st.sampled_from([*TAR_MODES, ".zip"]),
    st.sampled_from([b"", b"\x1f\x8b\x08", b"BZh9", b"\xfd7zXZ\x00", b"PK\x03\x04"]),
)
def test_any_bytes_are_refused(content, suffix, begin):
    assert not unpacked(begin + content, suffix)


PARTS = st.sampled_from(
    [
        "a",
        "b",
        "A",
        "..",
        ".",
        "",
        "é",
        "e\u0301",
        " ",
        "\n",
        "\x00",
        "\\",
        "C:",
        "con",
        "-rf",
        "a\\..",
        "\udcff",
        "x" * 300,
        "<b>",
        "=1",
    ]
)
NAMES = st.builds(
    str.__add__,
    st.sampled_from(["", "/", "./", "../", "\\", "//", "C:/"]),
    st.lists(PARTS, min_size=1, max_size=4).map("/".join),
)


@st.composite
def hostile_tars(draw: st.DrawFn) -> list[tuple[tarfile.TarInfo, bytes]]:
    members = []
    for _ in range(draw(st.integers(1, 5))):
        member = tarfile.TarInfo(draw(NAMES))
        member.type = draw(
            st.sampled_from(
                [tarfile.REGTYPE] * 6
                + [
                    tarfile.DIRTYPE,
                    tarfile.SYMTYPE,
                    tarfile.LNKTYPE,
                    tarfile.CHRTYPE,
                    tarfile.FIFOTYPE,
                    tarfile.CONTTYPE,
                ]
            )
        )
        member.mode = draw(st.sampled_from([0o644, 0o7777, 0, 0o4755]))
        member.uid = draw(st.integers(0, 2**20))
        member.linkname = draw(NAMES)
        members.append((member, draw(st.binary(max_size=20))))
    return members


@given(hostile_tars(), st.sampled_from(list(TAR_MODES)))
def test_a_tar_of_any_members_stays_in_its_folder(members, suffix):
    packed = tar_of(members, suffix)
    found = unpacked(packed, suffix)
    plain = {
        str(PurePosixPath(member.name.split("\x00")[0])): content
        for member, content in members
        if member.isfile()
    }
    if any(
        member.issym()
        or member.islnk()
        or member.isdev()
        or ".." in member.name.replace("\\", "/").split("/")
        for member, _ in members
    ):
        # What follows a NUL in a name is not in the archive.
        assert found is None or any("\x00" in member.name for member, _ in members)
    assert found is None or found == plain


@pytest.mark.filterwarnings("ignore:Duplicate name")
@given(
    st.lists(st.tuples(NAMES, st.binary(max_size=20)), min_size=1, max_size=5),
    st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED]),
)
def test_a_zip_of_any_members_stays_in_its_folder(members, method):
    contents = {name.replace("\udcff", ""): content for name, content in members}
    found = unpacked(zip_of(contents, method), ".zip")
    if found is not None:  # what is refused has a NUL in its name, or one name twice
        assert sorted(found.values()) == sorted(
            content for name, content in contents.items() if not name.endswith("/")
        )


def test_the_archives_are_what_they_are_taken_for():
    assert all(unpacked(content, suffix) == FILES for suffix, content in PACKED.items())
