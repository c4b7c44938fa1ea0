"""Digests of what a rule depends on and Snakemake cannot see."""

import hashlib
from pathlib import Path


def file_digest(path: Path) -> str:
    """SHA-256 of a file, in lower-case hexadecimal digits."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def folder_digest(path: str | None) -> str:
    """Changes with any file of a folder that is added, removed or edited (by name, size and time); "" without a folder."""
    if not path or not Path(path).is_dir():
        return ""
    root = Path(path)
    digest = hashlib.sha256()
    for file in sorted(file for file in root.rglob("*") if file.is_file()):
        status = file.stat()
        digest.update(f"{file.relative_to(root)}\0{status.st_size}\0{status.st_mtime_ns}\n".encode())
    return digest.hexdigest()
