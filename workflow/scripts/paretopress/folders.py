"""Look into folders that people give: links are followed, and what systems leave is passed over."""

import errno
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from .errors import UserError

# What systems and tools put into folders, in any case of letters. Everything else that they leave
# is hidden: its name begins with a dot.
LEFT_BEHIND = {
    name.casefold(): name.strip()
    for name in (
        ".DS_Store", ".ipynb_checkpoints", ".thumbnails",
        "__MACOSX", "Icon\r", "Network Trash Folder", "Temporary Items",  # macOS
        "Thumbs.db", "ehthumbs.db", "ehthumbs_vista.db", "desktop.ini", "$RECYCLE.BIN",
        "System Volume Information",  # Windows
        "@eaDir", "#recycle", "#snapshot", "@Recycle", "@Recently-Snapshot", "@__thumb",  # servers
        "Picasa.ini", "lost+found", "__pycache__",
    )
}  # fmt: skip
Kind = Literal["folder", "file", "left behind", "broken link", "special"]


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of a folder.

    Attributes:
        name: Its name.
        path: Its path, that of the folder first.
        kind: What it is, or what it leads to if it is a link. A special entry is none of the
            others, such as a pipe.
        link: Whether it is a symbolic link.
    """

    name: str
    path: str
    kind: Kind
    link: bool = False


def left_behind(name: str) -> str | None:
    """Tell whether a system or a tool has left an entry of this name.

    Args:
        name: The name of a file or folder.

    Returns:
        The name or the pattern (`._*`, `.*`) that it has; None for any other name.
    """
    hidden = next((f"{start}*" for start in ("._", ".") if name.startswith(start)), None)
    return LEFT_BEHIND.get(name.casefold(), hidden)


def shown(path: str | Path) -> str:
    """Show a path in a message, with escapes where it has characters that cannot be printed."""
    return str(path) if str(path).isprintable() else ascii(str(path))


def within(folder: str | Path, message: object) -> str:
    """A message with the paths in a folder as they are seen from there."""
    return str(message).replace(f"{shown(folder).rstrip('/')}/", "")


def _circle(path: str) -> UserError:
    return UserError(
        f"{shown(path)}: a link that leads in circles, to {shown(os.readlink(path))}, a folder that "
        "holds the link. Remove it."
    )


def _unreadable(path: str | Path, error: OSError) -> UserError:
    return UserError(
        f"{shown(path)}: cannot be read ({error.strerror}). Allow this user to read it, or remove "
        "it."
    )


def _kind(entry: os.DirEntry[str]) -> Kind:
    if left_behind(entry.name):
        return "left behind"
    try:
        if entry.is_dir():
            return "folder"
        if entry.is_file():
            return "file"
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise _circle(entry.path) from error
        raise _unreadable(entry.path, error) from error
    return "broken link" if entry.is_symlink() else "special"


def entries(folder: str | Path) -> list[Entry]:
    """List what a folder holds, sorted by name.

    Args:
        folder: The folder, or a link to it.

    Returns:
        Its entries.

    Raises:
        UserError: The folder cannot be read, or a link in it leads to itself.
    """
    try:
        with os.scandir(folder) as found:
            listed = [
                Entry(entry.name, entry.path, _kind(entry), entry.is_symlink()) for entry in found
            ]
    except OSError as error:
        raise _unreadable(folder, error) from error
    return sorted(listed, key=lambda entry: entry.name)


def walk(folder: str | Path) -> Iterator[Entry]:
    """List all that is not a folder, in a folder and in those below it, which links may lead to.

    Args:
        folder: The folder, or a link to it.

    Yields:
        The entries, in no order that counts. What systems leave is not looked into.

    Raises:
        UserError: A folder cannot be read, or a link leads in circles.
    """
    waiting: list[tuple[str, tuple[str, ...]]] = [(str(folder), (os.path.realpath(folder),))]
    while waiting:
        path, above = waiting.pop()
        for entry in entries(path):
            if entry.kind != "folder":
                yield entry
                continue
            real = os.path.realpath(entry.path) if entry.link else f"{above[-1]}/{entry.name}"
            if entry.link and any(f"{one}/".startswith(f"{real.rstrip('/')}/") for one in above):
                raise _circle(entry.path)
            waiting.append((entry.path, (*above, real)))
