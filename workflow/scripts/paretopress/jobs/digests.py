"""Digests of the files and folders that jobs depend on."""

import hashlib
import os
from collections.abc import Callable
from pathlib import Path

from ..errors import UserError
from ..folders import walk


def file_digest(path: Path) -> str:
    """Compute the SHA-256 of a file, in lower-case hexadecimal digits."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_digest(path: Path, expected: str | None, key: str) -> None:
    """Compare a file of the user with the SHA-256 that the config gives for it.

    Args:
        path: The file.
        expected: The SHA-256 in lower-case hexadecimal digits. With None, nothing is compared.
        key: The key of the config that gives it, for messages.

    Raises:
        UserError: The file has another SHA-256, or it cannot be read.
    """
    if expected is None:
        return
    try:
        found = file_digest(path)
    except OSError as error:
        raise UserError(
            f"{path}: cannot be read ({error.strerror}). Give a file that can, or leave {key} out."
        ) from error
    if found != expected:
        raise UserError(
            f"{path}: its SHA-256 is {found}, not {expected} ({key}). Nothing in it is read. "
            f"Fetch the file again. Change {key} only if you know that the file is another one "
            "and trust its source."
        )


def _digest_of_folder(folder: Path, of_file: Callable[[str], object]) -> str:
    """The SHA-256 of the names in a folder, with what `of_file` says of each file."""
    digest = hashlib.sha256()
    for entry in sorted(walk(folder), key=lambda entry: entry.path):
        name = os.path.relpath(entry.path, folder)
        if entry.kind == "file":
            digest.update(os.fsencode(f"{name}\0{of_file(entry.path)}\n"))
        elif entry.kind != "left behind":
            digest.update(os.fsencode(f"{name}\0{entry.kind}\n"))
    return digest.hexdigest()


def content_digest(path: Path) -> str:
    """Compute the SHA-256 of a file, or of the names and contents of all files in a folder.

    Links are followed. What systems leave in a folder, such as hidden files, does not count.

    Args:
        path: The file or folder.

    Returns:
        The SHA-256 in lower-case hexadecimal digits.

    Raises:
        UserError: A folder cannot be read, or a link leads in circles.
    """
    if not path.is_dir():
        return file_digest(path)
    return _digest_of_folder(path, lambda file: file_digest(Path(file)))


def _state(file: str) -> str:
    status = os.stat(file)
    return f"{status.st_size}\0{status.st_mtime_ns}"


def folder_digest(path: str | None) -> str:
    """Compute a digest that changes if a file of a folder is added, removed or edited.

    It is quick, since it reads no file. Links are followed. What systems leave in a folder, such as
    hidden files, does not count.

    Args:
        path: The folder.

    Returns:
        The SHA-256 of the name, size and time of change of each file; "" if there is no folder.

    Raises:
        UserError: A folder cannot be read, or a link leads in circles.
    """
    if not path or not Path(path).is_dir():
        return ""
    return _digest_of_folder(Path(path), _state)
