"""Damage as disks, copies and people do it to files."""

import os
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path

from hypothesis import strategies as st


def flipped(content: bytes, position: int) -> bytes:
    """With one bit changed; position: of the bit, taken modulo their number."""
    changed = bytearray(content)
    position %= 8 * len(content)
    changed[position // 8] ^= 1 << position % 8
    return bytes(changed)


def truncated(content: bytes, position: int) -> bytes:
    return content[: position % len(content)]


def extended(content: bytes, position: int) -> bytes:
    return content + bytes([position % 256])


DAMAGES: dict[str, Callable[[bytes, int], bytes]] = {
    "flipped": flipped,
    "truncated": truncated,
    "extended": extended,
}
POSITIONS = st.integers(0, 2**32)


def damaged(content: bytes, kind: str, position: int) -> bytes:
    """Another content than `content`; an empty one can only be extended."""
    return DAMAGES[kind if content else "extended"](content, position)


@contextmanager
def replaced(path: Path, content: bytes):
    """Another content in a file of the same time, as a disk would have it and Snakemake would not see; put back at the end."""
    before, status = path.read_bytes(), path.stat()
    try:
        path.write_bytes(content)
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
        yield
    finally:
        path.write_bytes(before)
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
