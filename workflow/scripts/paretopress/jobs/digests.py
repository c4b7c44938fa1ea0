"""Digests of what a rule depends on and Snakemake cannot see."""

import hashlib
import os
from pathlib import Path

from ..errors import UserError


def file_digest(path: Path) -> str:
    """SHA-256 of a file, in lower-case hexadecimal digits."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_digest(path: Path, expected: str | None, key: str) -> None:
    """Holds a file of the user against the SHA-256 that the config gives under `key`, in lower case; None: it gives none.

    Raises UserError: the file has another one, or cannot be read.
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
            f"{path}: its SHA-256 is {found}, not {expected} ({key}), so that nothing in it is read. Fetch the file again; set {key} only "
            "where you know that the file is another one and trust whom it is from."
        )


def content_digest(path: Path) -> str:
    """SHA-256 of a file, or of the names and contents of all files in a folder."""
    if not path.is_dir():
        return file_digest(path)
    digest = hashlib.sha256()
    for file in sorted(file for file in path.rglob("*") if file.is_file()):
        digest.update(os.fsencode(f"{file.relative_to(path)}\0{file_digest(file)}\n"))
    return digest.hexdigest()


def folder_digest(path: str | None) -> str:
    """Changes with any file of a folder that is added, removed or edited (by name, size and time); "" without a folder."""
    if not path or not Path(path).is_dir():
        return ""
    root = Path(path)
    digest = hashlib.sha256()
    for file in sorted(file for file in root.rglob("*") if file.is_file()):
        status = file.stat()
        digest.update(
            os.fsencode(f"{file.relative_to(root)}\0{status.st_size}\0{status.st_mtime_ns}\n")
        )
    return digest.hexdigest()
