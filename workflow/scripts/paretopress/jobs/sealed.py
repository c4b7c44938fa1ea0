"""Recorded files: JSON with a digest of its content, so that a damaged one is noticed."""

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

# Raised by hand with each change of the form of a recorded file, and with each change in jobs/ that
# changes what a job computes: no other edit in jobs/ has anything made again.
FORMAT = 1
SEALED = re.compile(
    rb'\{"format": ([0-9]+), "sha256": "([0-9a-f]{64})", "content": (.*)\}\n', re.DOTALL
)


class Unreadable(Exception):
    """A recorded file that is not as it was written, or of another format; the message says which."""


class OtherFormat(Unreadable):
    """A whole recorded file of another format; content: what is in it."""

    def __init__(self, format_: int, content: dict[str, Any]) -> None:
        super().__init__(f"written in format {format_}, this version reads {FORMAT}")
        self.content = content


def _digest(format_: bytes, body: bytes) -> bytes:
    return hashlib.sha256(format_ + b" " + body).hexdigest().encode()


def sealed(content: Mapping[str, Any]) -> str:
    """The text of a recorded file: its format, the SHA-256 of format and content, the content."""
    body = json.dumps(content, indent=1)
    digest = _digest(str(FORMAT).encode(), body.encode()).decode()
    return f'{{"format": {FORMAT}, "sha256": "{digest}", "content": {body}}}\n'


def unsealed(text: bytes) -> dict[str, Any]:
    """The content of what `sealed` gave, byte for byte.

    Raises Unreadable for any other text; of those OtherFormat for what another version gave.
    """
    found = SEALED.fullmatch(text)
    if found is None or _digest(found[1], found[3]) != found[2]:
        raise Unreadable("damaged, its content is not what was written")
    content = json.loads(found[3])
    if int(found[1]) != FORMAT:
        raise OtherFormat(int(found[1]), content)
    return content
