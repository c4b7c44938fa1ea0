"""Whether results can be written at all, asked before the first job."""

import os
from pathlib import Path

from .errors import UserError


def require_writable(folder: Path) -> None:
    """Raises UserError where a file or folder could not be made in `folder`, in one of its folders, or where `folder` is to be made."""
    there = next(path for path in (folder, *folder.absolute().parents) if path.is_dir())
    for path in (there, *(folder.glob("*/") if there == folder else ())):
        if not os.access(path, os.W_OK | os.X_OK):
            raise UserError(
                f"{path}: no results can be written there, the folder or its file system is read-only for you. "
                "Make it writable, or work in another folder; what is finished is kept."
            )
