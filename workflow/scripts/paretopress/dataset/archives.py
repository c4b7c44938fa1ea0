"""Image archives, unpacked so that no path leaves the target folder and no more comes out than an archive of images can hold."""

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

from ..errors import UserError

ZIP = (".zip",)
TAR = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
# What compressed files begin with (RFC 1952, the manual of bzip2, the .xz file format): a name can say something else.
COMPRESSIONS: dict[bytes, Callable[[IO[bytes]], Any]] = {
    b"\x1f\x8b": lambda file: gzip.GzipFile(fileobj=file),
    b"BZh": bz2.BZ2File,
    b"\xfd7zXZ\x00": lzma.LZMAFile,
}
BYTES_AT_ONCE = 2**20
# Apache POI's ZipSecureFile takes an archive for a bomb from the same ratio on. Compressed images hardly get smaller in an archive,
# tables of equal pixels do; the first 100 MiB harm nobody.
MOST_TIMES_ITS_SIZE = 100
HARMLESS_BYTES = 100 * 2**20
# ImageNet's challenge of 2012, the largest set that networks of this kind are trained on, has 1,431,167 images (Russakovsky et al. 2015).
MOST_MEMBERS = 2_000_000


def is_archive(path: Path) -> bool:
    return path.name.lower().endswith(ZIP + TAR)


@dataclass(frozen=True)
class _Member:
    """A member as its header has it. size: bytes when unpacked; plain: neither a link nor a device."""

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
        "an image archive holds plain files and folders only, such as train/cat/0001.jpg. Pack it again without that member."
    )


def _refuse_size(archive: Path, what: str, allowed: str) -> UserError:
    return UserError(
        f"{archive}: {what}. Allowed: {allowed}. Nothing was unpacked. Where you trust the archive, unpack it yourself and give the folder."
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
    """Raises UserError: a member that would leave the folder, is no plain file, or stands where another one does; too much of it all."""
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
            raise _refuse_member(archive, member.name, "stands in it twice")
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
    """Reads a compressed archive to its end, where its checksum stands; tarfile stops before it and takes damaged files for whole.

    The bytes are counted as they come, since headers can lie.
    """
    size = 0
    while block := stream.read(BYTES_AT_ONCE):
        size += len(block)
        _check_bytes(archive, size)
    stream.seek(0)


@contextmanager
def _decompressed(archive: Path) -> Iterator[IO[bytes]]:
    """The bytes of the tar file that is in the archive, checked where it is compressed."""
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
        # Sane modes and owners; Python before 3.11.4 has no such filter, and the checks above stand without it.
        tar.extraction_filter = getattr(tarfile, "data_filter", lambda member, path: member)
        tar.extractall(folder)


def _check_zip(file: zipfile.ZipFile) -> None:
    """Reads every member to its end, where zipfile compares its checksum; a size of 0 in a damaged header it takes for the end."""
    for member in file.infolist():
        with file.open(member) as stream:
            size = 0
            while block := stream.read(BYTES_AT_ONCE):  # zipfile reads no more than the header says
                size += len(block)
        if size != member.file_size:
            raise zipfile.BadZipFile(
                f"the member {member.filename!r} has {size} bytes, and its header says {member.file_size}"
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
                "its members lie over one another",
                "an archive in which each member has its own bytes",
            )
        _check_zip(file)
        file.extractall(folder)


def extract(archive: Path, folder: Path) -> None:
    """Unpacks a tar or zip archive into `folder`, which is there.

    Every member is checked before the first is written, so that a refused archive leaves nothing behind.

    Raises UserError: a member would leave the folder, is no plain file or folder or stands in it twice; the archive is damaged, or more
    would come out of it than MOST_TIMES_ITS_SIZE, MOST_MEMBERS or the disk allow.
    """
    unpack = _extract_zip if archive.name.lower().endswith(ZIP) else _extract_tar
    try:
        unpack(archive, folder)
    except UserError:
        raise
    except (RuntimeError, NotImplementedError) as error:
        raise UserError(
            f"{archive}: cannot be unpacked ({error}). Pack it without encryption, as .zip or .tar.gz."
        ) from error
    except Exception as error:  # on damaged bytes Python's readers raise almost anything
        raise UserError(
            f"{archive}: cannot be unpacked ({error}). Fetch or pack the archive again."
        ) from error
