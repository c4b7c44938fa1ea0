"""Download one file from the first of several addresses that delivers it whole.

The bytes of a cut transfer are kept, and the next attempt continues from them. requests does the
transfers. pooch, the usual library for such files, takes only one address and starts again from
nothing after a cut. It also retries a missing file or an unknown host as often as a busy one.
"""

import logging
import os
import re
import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

import requests
from tqdm import tqdm
from urllib3 import exceptions as transport

from ..errors import UserError
from ..jobs.digests import file_digest
from ..jobs.logs import duration

PAUSES = (5.0, 20.0, 60.0)  # seconds before the second, third and fourth round over all addresses
TIMEOUT = 30.0  # seconds without a byte
# Seconds. A firewall that drops everything shall not delay a study for long.
CONNECT_TIMEOUT = 10.0
BYTES_AT_ONCE = 2**16
LOGGED = 2**23  # bytes between two lines of the log

# Causes of requests' errors, special cases first: the cause, its description, and whether it may
# pass within a minute. A host that does not exist is no reason to wait.
TROUBLES: tuple[tuple[type[Exception], str, bool], ...] = (
    (
        transport.NameResolutionError,
        "the name of the host cannot be resolved; no network, or no such host",
        False,
    ),
    (
        transport.NewConnectionError,
        "no connection: the host refuses it or cannot be reached",
        False,
    ),
    (transport.ConnectTimeoutError, "no connection: the host does not answer", False),
    (transport.ProxyError, "no connection through the proxy", False),
    (transport.ReadTimeoutError, "the host went silent", True),
    (transport.ProtocolError, "the connection was cut", True),
)
PASSING_STATUS = {
    HTTPStatus.REQUEST_TIMEOUT,
    HTTPStatus.TOO_MANY_REQUESTS,
    HTTPStatus.INTERNAL_SERVER_ERROR,
    HTTPStatus.BAD_GATEWAY,
    HTTPStatus.SERVICE_UNAVAILABLE,
    HTTPStatus.GATEWAY_TIMEOUT,
}


@dataclass(frozen=True)
class Wanted:
    """A file to download.

    Attributes:
        name: File name, for messages.
        size: Approximate size in bytes, for messages.
        checksum: SHA-256.
        key: Key of the config that takes a local copy, such as "dataset.path".
    """

    name: str
    size: int
    checksum: str
    key: str


class _Failed(Exception):
    """An address did not deliver the file. `passing` tells whether it may do so later."""

    def __init__(self, what: str, *, passing: bool) -> None:
        super().__init__(what)
        self.passing = passing


def _causes(error: BaseException) -> Iterator[BaseException]:
    """`error` and the errors in it: requests wraps urllib3's errors, and urllib3 wraps its own."""
    inner: object = error
    while isinstance(inner, BaseException):
        yield inner
        reason = getattr(inner, "reason", None)
        inner = reason if isinstance(reason, BaseException) else next(iter(inner.args), None)


def _failed(error: Exception) -> _Failed:
    for cause in _causes(error):
        for kind, words, passing in TROUBLES:
            if isinstance(cause, kind):
                return _Failed(f"{words} ({cause.__cause__ or cause})", passing=passing)
    return _Failed(f"{type(error).__name__}: {error}", passing=False)


def _megabytes(size: int) -> str:
    return f"{size / 1e6:.1f} MB"


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _ask(url: str, offset: int, timeout: float) -> requests.Response:
    """Request the file from byte `offset` on, without reading its content yet."""
    # Identity: a server that compresses would send other bytes, and another number of them.
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={offset}-"} if offset else {})
    try:
        return requests.get(
            url, headers=headers, stream=True, timeout=(min(timeout, CONNECT_TIMEOUT), timeout)
        )
    except requests.RequestException as error:
        raise _failed(error) from error


def _begin(response: requests.Response) -> int | None:
    """The position in the file at which the content begins.

    None where the server has nothing from the requested byte on.
    """
    status = response.status_code
    if status == HTTPStatus.OK:
        return 0
    if status == HTTPStatus.PARTIAL_CONTENT:
        said = re.match(r"bytes (\d+)-", response.headers.get("Content-Range", ""))
        return int(said.group(1)) if said else None
    if status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
        return None
    raise _Failed(f"HTTP {status} {response.reason}", passing=status in PASSING_STATUS)


def _open(url: str, offset: int, timeout: float) -> tuple[requests.Response, int]:
    """An answer that begins at byte `offset`, or at 0 if the server cannot continue there."""
    for asked in dict.fromkeys((offset, 0)):
        response = _ask(url, asked, timeout)
        try:
            begin = _begin(response)
        except _Failed:
            response.close()
            raise
        if begin in (asked, 0):
            return response, begin or 0
        response.close()
    raise _Failed("it sends another part of the file than the one asked for", passing=False)


def _transfer(url: str, part: Path, name: str, timeout: float, log: logging.Logger) -> bool:
    """Complete `part` and return whether earlier bytes were continued.

    Received bytes stay in `part` in any case.
    """
    response, begin = _open(url, _size(part), timeout)
    length = response.headers.get("Content-Length")
    total = begin + int(length) if length else None
    log.info("%s: %s", url, f"goes on at {_megabytes(begin)}" if begin else "begins")
    started, done = time.monotonic(), begin
    # disable=None shows a bar in a terminal and none in a file.
    bar = tqdm(total=total, initial=begin, desc=name, unit="B", unit_scale=True, disable=None)
    with response, bar, open(part, "ab" if begin else "wb") as file:
        try:
            # Raw bytes, since some servers declare a .tar.gz to be a compressed .tar. requests
            # would unpack it.
            for block in response.raw.stream(BYTES_AT_ONCE, decode_content=False):
                file.write(block)
                bar.update(len(block))
                done += len(block)
                if done // LOGGED > (done - len(block)) // LOGGED:
                    rate = (done - begin) / max(time.monotonic() - started, 1e-3)
                    left = (
                        f" of {_megabytes(total)}, {duration((total - done) / rate)} left"
                        if total
                        else ""
                    )
                    log.info("%s: %s%s, %s/s", name, _megabytes(done), left, _megabytes(int(rate)))
        except transport.HTTPError as error:
            failed = _failed(error)
            raise _Failed(f"{failed}, after {_megabytes(done)}", passing=True) from error
    return begin > 0


def _bring(url: str, wanted: Wanted, part: Path, timeout: float, log: logging.Logger) -> None:
    """Complete `part`, and remove it if its checksum is wrong."""
    continued = _transfer(url, part, wanted.name, timeout, log)
    if (found := file_digest(part)) == wanted.checksum:
        return
    part.unlink()
    if continued:
        log.warning(
            "%s: continued, the file has another SHA-256; once more from its beginning", url
        )
        _bring(url, wanted, part, timeout, log)
    else:
        raise _Failed(f"the file it sent has another SHA-256, {found}", passing=False)


def _place(source: Path, target: Path) -> None:
    """Make `target` a hard link to `source`, or a copy where there are no hard links."""
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name}.{os.getpid()}")
    temporary.unlink(missing_ok=True)
    try:
        os.link(source, temporary)
    except OSError:
        shutil.copyfile(source, temporary)
    os.replace(temporary, target)


def _refusal(wanted: Wanted, problems: dict[str, _Failed], part: Path) -> UserError:
    tried = "\n".join(f"  {url}: {problem}" for url, problem in problems.items())
    section, key = wanted.key.split(".")
    kept = (
        f"\nThe {_megabytes(_size(part))} received so far are kept in {part}; "
        "the next start continues from there."
        if _size(part)
        else ""
    )
    return UserError(
        f"{wanted.name} could not be downloaded from any address:\n{tried}\n"
        f"Start again later, name another address, or fetch {wanted.name} "
        f"(about {wanted.size / 1e6:.0f} MB, SHA-256 {wanted.checksum}) on "
        "a machine with network, put it where this machine can read it, "
        f"and set {wanted.key} to its path, in the config or with "
        f"--config '{section}={{{key}: /path/to/{wanted.name}}}'.{kept}"
    )


def fetch(
    wanted: Wanted,
    urls: Iterable[str],
    target: Path,
    store: Path,
    log: logging.Logger,
    *,
    pauses: Iterable[float] = PAUSES,
    wait: Callable[[float], None] = time.sleep,
    timeout: float = TIMEOUT,
) -> None:
    """Put the file with the wanted checksum at `target`, downloaded unless `store` has it.

    The addresses are tried in order, in several rounds. A later round tries only those whose
    failure may pass.

    Args:
        wanted: The file and its checksum.
        urls: Addresses of the file.
        target: Path for the file. Nothing is there after a failure.
        store: Folder that keeps whole and partial files between calls.
        log: Log for progress and failures.
        pauses: Seconds before each round after the first.
        wait: Function that waits for a number of seconds.
        timeout: Seconds without a byte after which a server counts as silent.

    Raises:
        UserError: No address delivers the file. The message has the failure of each.
    """
    whole, part = store / wanted.checksum, store / f"{wanted.checksum}.part"
    store.mkdir(parents=True, exist_ok=True)
    # A stored file may have been damaged since. A part may be whole because its job died then.
    for kept in (whole, part):
        if kept.exists() and file_digest(kept) == wanted.checksum:
            log.info("%s: was fetched before", wanted.name)
            os.replace(kept, whole)
            return _place(whole, target)
    problems: dict[str, _Failed] = {}
    waiting = list(urls)
    for pause in (0.0, *pauses):
        if pause:
            log.info("trying again in %s", duration(pause))
            wait(pause)
        for url in waiting:
            try:
                _bring(url, wanted, part, timeout, log)
            except _Failed as problem:
                problems[url] = problem
                log.warning("%s: %s", url, problem)
            else:
                log.info("%s: %s, SHA-256 as wanted", url, _megabytes(_size(part)))
                os.replace(part, whole)
                return _place(whole, target)
        waiting = [url for url in waiting if problems[url].passing]
        if not waiting:
            break
    raise _refusal(wanted, problems, part)
