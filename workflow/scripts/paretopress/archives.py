"""Image archives, unpacked so that no path leaves the target folder."""

import bz2
import gzip
import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

from .errors import UserError

ZIP = (".zip",)
TAR = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
COMPRESSIONS: dict[str, Callable[[Path], Any]] = {
    ".gz": gzip.GzipFile,
    ".tgz": gzip.GzipFile,
    ".bz2": bz2.BZ2File,
    ".xz": lzma.LZMAFile,
}
BLOCK = 2**20


def is_archive(path: Path) -> bool:
    return path.name.lower().endswith(ZIP + TAR)


def _leaves_folder(name: str) -> bool:
    path = PurePosixPath(name.replace("\\", "/"))
    return path.is_absolute() or ".." in path.parts or bool(PureWindowsPath(name).drive)


def _refuse(archive: Path, member: str, why: str) -> UserError:
    return UserError(
        f"{archive}: the member {member!r} {why}. Nothing was unpacked; "
        "an image archive holds plain files and folders only, such as train/cat/0001.jpg. Pack it again without that member."
    )


def _check_sum(archive: Path) -> None:
    """Reads a compressed archive to its end, where its checksum stands; tarfile stops before it and takes damaged files for whole."""
    if (compression := COMPRESSIONS.get(archive.suffix.lower())) is not None:
        with compression(archive) as stream:
            while stream.read(BLOCK):
                pass


def _extract_tar(archive: Path, folder: Path) -> None:
    _check_sum(archive)
    with tarfile.open(archive) as tar:
        members = tar.getmembers()
        for member in members:
            if _leaves_folder(member.name):
                raise _refuse(archive, member.name, "would be written outside the target folder")
            if not (member.isfile() or member.isdir()):
                raise _refuse(archive, member.name, "is a link or a device")
        # Sane modes and owners; Python before 3.11.4 has no such filter, and the checks above stand without it.
        tar.extraction_filter = getattr(tarfile, "data_filter", lambda member, path: member)
        tar.extractall(folder, members)


def _extract_zip(archive: Path, folder: Path) -> None:
    with zipfile.ZipFile(archive) as file:
        for member in file.infolist():
            if _leaves_folder(member.filename):
                raise _refuse(archive, member.filename, "would be written outside the target folder")
            if (member.external_attr >> 28) not in (0, 4, 8):  # Unix file types: none recorded, folder, plain file
                raise _refuse(archive, member.filename, "is a link or a device")
        if (damaged := file.testzip()) is not None:
            raise zipfile.BadZipFile(f"the member {damaged!r} is damaged")
        file.extractall(folder)


def extract(archive: Path, folder: Path) -> None:
    """Unpacks a tar or zip archive into `folder`.

    Every member is checked before the first is written, so that a refused archive leaves nothing behind.

    Raises UserError: a member would leave the folder or is no plain file or folder; the archive is damaged.
    """
    unpack = _extract_zip if archive.name.lower().endswith(ZIP) else _extract_tar
    try:
        unpack(archive, folder)
    except (tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError) as error:
        raise UserError(f"{archive}: cannot be unpacked ({error}). Fetch or pack the archive again.") from error
    except (RuntimeError, NotImplementedError) as error:
        raise UserError(f"{archive}: cannot be unpacked ({error}). Pack it without encryption, as .zip or .tar.gz.") from error
