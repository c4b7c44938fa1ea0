"""Recorded files: JSON with a digest of its content, so that damage is noticed."""

import hashlib
import json
import re
from collections.abc import Collection, Mapping
from typing import Any

# Raise this number by hand with each change of the form of a recorded file, and with each change
# in jobs/ that changes a result. No other edit in jobs/ makes a job run again.
# Since format 2, random subsets of layers are drawn by another generator. The form is the same.
FORMAT = 2
EARLIER = (1,)  # formats of the same form
SEALED = re.compile(
    rb'\{"format": ([0-9]+), "sha256": "([0-9a-f]{64})", "content": (.*)\}\n', re.DOTALL
)


class Unreadable(Exception):
    """A recorded file is damaged or of another format; the message says which."""


class OtherFormat(Unreadable):
    """A recorded file is whole but of another format.

    Attributes:
        content: The content of the file.
    """

    def __init__(self, format_: int, content: dict[str, Any]) -> None:
        super().__init__(f"written in format {format_}, this version reads {FORMAT}")
        self.content = content


def _digest(format_: bytes, body: bytes) -> bytes:
    return hashlib.sha256(format_ + b" " + body).hexdigest().encode()


def sealed(content: Mapping[str, Any]) -> str:
    """Write plain data as the text of a recorded file.

    Args:
        content: The data, as JSON can hold it.

    Returns:
        The text: the format, the SHA-256 of format and content, and the content.
    """
    body = json.dumps(content, indent=1)
    digest = _digest(str(FORMAT).encode(), body.encode()).decode()
    return f'{{"format": {FORMAT}, "sha256": "{digest}", "content": {body}}}\n'


def unsealed(text: bytes, earlier: Collection[int] = ()) -> dict[str, Any]:
    """Read the content of a recorded file.

    Args:
        text: The bytes of the file, exactly as `sealed` made them.
        earlier: Formats that are read beside the present one.

    Returns:
        The content.

    Raises:
        OtherFormat: The file is whole, but another version of this program wrote it.
        Unreadable: The file is damaged.
    """
    found = SEALED.fullmatch(text)
    if found is None or _digest(found[1], found[3]) != found[2]:
        raise Unreadable("damaged, its content is not what was written")
    content = json.loads(found[3])
    if int(found[1]) not in (FORMAT, *earlier):
        raise OtherFormat(int(found[1]), content)
    return content
