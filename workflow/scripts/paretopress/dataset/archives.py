"""Unpack image archives safely.

No member may leave the target folder. An archive may not unpack to more than an archive of images
can hold.
"""

import bz2
import gzip
import lzma
import shutil
import tarfile
import zipfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import IO, Any

from ..config.image_folders import ZIP
from ..errors import UserError

# The first bytes of compressed files (RFC 1952, the manual of bzip2, the .xz file format). They
# decide, since a file name can be wrong.
COMPRESSIONS: dict[bytes, Callable[[IO[bytes]], Any]] = {
    b"\x1f\x8b": lambda file: gzip.GzipFile(fileobj=file),
    b"BZh": bz2.BZ2File,
    b"\xfd7zXZ\x00": lzma.LZMAFile,
}
BYTES_AT_ONCE = 2**20
# Apache POI's ZipSecureFile uses the same ratio to recognise an archive bomb. An archive hardly
# shrinks images that are compressed, but it does shrink tables of equal pixels. So small archives
# may exceed the ratio: 100 MiB do no harm.
MOST_TIMES_ITS_SIZE = 100
HARMLESS_BYTES = 100 * 2**20
# The largest set that networks of this kind are trained on is that of ImageNet's challenge of 2012.
# It has 1,431,167 images (Russakovsky et al. 2015).
MOST_MEMBERS = 2_000_000


@dataclass(frozen=True)
class _Member:
    """A member of an archive, as its header describes it.

    Attributes:
        name: Path in the archive.
        size: Unpacked size in bytes.
        folder: Whether the member is a folder.
        plain: Whether the member is neither a link nor a device.
    """

    name: str
    size: int
    folder: bool
    plain: bool


def _leaves_folder(name: str) -> bool:
    path = PurePosixPath(name.replace("\\", "/"))
    return path.is_absolute() or ".." in path.parts or bool(PureWindowsPath(name).drive)


def _parts(name: str) -> tuple[str, ...]:
    return PurePosixPath(name.replace("\\", "/")).parts


def _refuse_member(archive: Path, member: str, why: str) -> UserError:
    return UserError(
        f"{archive}: the member {member!r} {why}. Nothing was unpacked; "
        "an image archive holds plain files and folders only, such as train/cat/0001.jpg. "
        "Pack it again without that member."
    )


def _refuse_size(archive: Path, what: str, allowed: str) -> UserError:
    return UserError(
        f"{archive}: {what}. Allowed: {allowed}. Nothing was unpacked. "
        "Where you trust the archive, unpack it yourself and give the folder."
    )


def _most_bytes(archive: Path) -> int:
    return max(HARMLESS_BYTES, MOST_TIMES_ITS_SIZE * archive.stat().st_size)


def _check_bytes(archive: Path, size: int) -> None:
    if size > (most := _most_bytes(archive)):
        raise _refuse_size(
            archive,
            "it unpacks to far more than its own size",
            f"{MOST_TIMES_ITS_SIZE} times its size, here {most:,} bytes",
        )


def _check_space(archive: Path, size: int, folder: Path) -> None:
    if size > (free := shutil.disk_usage(folder).free):
        raise _refuse_size(
            archive,
            f"it unpacks to {size:,} bytes, and {folder.parent} has {free:,} bytes left",
            "an archive that fits there; the environment variable TMPDIR names another folder",
        )


def _checked(archive: Path, members: Iterable[_Member], folder: Path) -> None:
    """Raise UserError for a member or a total size that is not allowed.

    A member must stay in the folder, be a plain file or a folder, and have a place of its own.
    """
    files: set[tuple[str, ...]] = set()
    above: set[tuple[str, ...]] = set()
    size = 0
    for count, member in enumerate(members, start=1):
        if count > MOST_MEMBERS:
            raise _refuse_size(
                archive,
                f"it has more than {MOST_MEMBERS:,} members",
                f"at most {MOST_MEMBERS:,} files and folders",
            )
        if _leaves_folder(member.name):
            raise _refuse_member(archive, member.name, "would be written outside the target folder")
        if not member.plain:
            raise _refuse_member(archive, member.name, "is a link or a device")
        parts = _parts(member.name)
        if "\x00" in member.name or (not parts and not member.folder):
            raise _refuse_member(archive, member.name, "has a name that no file can have")
        if parts in files or (parts in above and not member.folder):
            raise _refuse_member(archive, member.name, "appears in it twice")
        above |= {parts[:length] for length in range(1, len(parts))} | (
            {parts} if member.folder else set()
        )
        if not member.folder:
            files.add(parts)
        size += member.size
        _check_bytes(archive, size)
    if mixed := files & above:
        raise _refuse_member(archive, "/".join(min(mixed)), "is a file and a folder at once")
    _check_space(archive, size, folder)


def _check_stream(archive: Path, stream: IO[bytes]) -> None:
    """Read a compressed archive to its end and count its bytes.

    Its checksum stands at the end. tarfile stops before it and would accept damaged files. The
    count is that of the bytes read, because headers can lie.
    """
    size = 0
    while block := stream.read(BYTES_AT_ONCE):
        size += len(block)
        _check_bytes(archive, size)
    stream.seek(0)


@contextmanager
def _decompressed(archive: Path) -> Iterator[IO[bytes]]:
    """The bytes of the tar file in the archive, checked where it is compressed."""
    with open(archive, "rb") as file:
        begin = file.read(max(map(len, COMPRESSIONS)))
        file.seek(0)
        compression = next(
            (opened for magic, opened in COMPRESSIONS.items() if begin.startswith(magic)), None
        )
        if compression is None:
            yield file
            return
        with compression(file) as stream:
            _check_stream(archive, stream)
            yield stream


def _extract_tar(archive: Path, folder: Path) -> None:
    with _decompressed(archive) as stream, tarfile.open(fileobj=stream, mode="r:") as tar:
        described = (
            _Member(member.name, member.size, member.isdir(), member.isfile() or member.isdir())
            for member in tar
        )
        _checked(archive, described, folder)
        # The filter sets safe modes and owners. Python before 3.11.4 has none. The checks above
        # do not need it.
        tar.extraction_filter = getattr(tarfile, "data_filter", lambda member, path: member)
        tar.extractall(folder)


def _check_zip(file: zipfile.ZipFile) -> None:
    """Read every member to its end, where zipfile compares its checksum.

    zipfile takes a size of 0 in a damaged header for the end, so sizes are compared too.
    """
    for member in file.infolist():
        with file.open(member) as stream:
            size = 0
            while block := stream.read(BYTES_AT_ONCE):  # zipfile reads no more than the header says
                size += len(block)
        if size != member.file_size:
            raise zipfile.BadZipFile(
                f"the member {member.filename!r} has {size} bytes, "
                f"and its header says {member.file_size}"
            )


def _extract_zip(archive: Path, folder: Path) -> None:
    with zipfile.ZipFile(archive) as file:
        members = file.infolist()
        # Unix file types: none recorded, folder, plain file.
        described = (
            _Member(
                member.orig_filename,
                member.file_size,
                member.filename.endswith("/"),
                member.external_attr >> 28 in (0, 4, 8),
            )
            for member in members
        )
        _checked(archive, described, folder)
        if sum(member.compress_size for member in members) > archive.stat().st_size:
            raise _refuse_size(
                archive,
                "its members overlap",
                "an archive in which each member has its own bytes",
            )
        _check_zip(file)
        file.extractall(folder)


def extract(archive: Path, folder: Path) -> None:
    """Unpack a tar or zip archive.

    All members are checked before the first one is written. So a refused archive leaves nothing
    behind.

    Args:
        archive: Path of the archive. Its ending decides between zip and tar.
        folder: Existing folder for the content.

    Raises:
        UserError: A member would leave the folder, appears twice, or is no plain file or folder.
            Or the archive is damaged. Or its content exceeds MOST_TIMES_ITS_SIZE, MOST_MEMBERS
            or the free space of the disk.
    """
    unpack = _extract_zip if archive.name.lower().endswith(ZIP) else _extract_tar
    try:
        unpack(archive, folder)
    except UserError:
        raise
    except (RuntimeError, NotImplementedError) as error:
        raise UserError(
            f"{archive}: cannot be unpacked ({error}). "
            "Pack it without encryption, as .zip or .tar.gz."
        ) from error
    except Exception as error:  # on damaged bytes Python's readers raise almost anything
        raise UserError(
            f"{archive}: cannot be unpacked ({error}). Fetch or pack the archive again."
        ) from error
