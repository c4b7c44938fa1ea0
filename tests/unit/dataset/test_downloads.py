"""Downloads from a real local server: what it gets wrong is survived or named, and what came is never fetched again."""

import gzip
import hashlib
import logging
import os
import random
import socket
import threading
from pathlib import Path

import pytest
from local_server import cut, gzip_encoded, serving, silent, status, whole, without_ranges

from paretopress.dataset.downloads import Wanted, fetch
from paretopress.errors import UserError

CONTENT = random.Random(0).randbytes(400_000)
WANTED = Wanted("images.tar.gz", 400_000, hashlib.sha256(CONTENT).hexdigest(), key="dataset.path")
CUT = 250_000


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "*")


class Downloader:
    """fetch() into a folder of its own, with the pauses that it asked for instead of real ones."""

    def __init__(self, folder: Path) -> None:
        self.target, self.store = folder / "downloads" / WANTED.name, folder / "store"
        self.pauses: list[float] = []

    def __call__(self, *urls: str, wanted: Wanted = WANTED, timeout: float = 30) -> bytes:
        log = logging.getLogger("test of downloads")
        fetch(
            wanted,
            urls,
            self.target,
            self.store,
            log,
            pauses=(1, 2),
            wait=self.pauses.append,
            timeout=timeout,
        )
        return self.target.read_bytes()

    def failure(self, *urls: str, timeout: float = 30) -> str:
        with pytest.raises(UserError) as error:
            self(*urls, timeout=timeout)
        assert not self.target.exists()
        return str(error.value)


@pytest.fixture
def download(tmp_path) -> Downloader:
    return Downloader(tmp_path)


@pytest.fixture
def closed_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def test_a_file_is_fetched_from_the_first_address(download):
    with serving({"a": [whole(CONTENT)], "b": [whole(CONTENT)]}) as server:
        assert download(server.url("a"), server.url("b")) == CONTENT
        assert server.requests == [("a", None)]
    assert [path.name for path in download.target.parent.iterdir()] == [WANTED.name]


def test_a_missing_file_is_taken_from_the_next_address_at_once(download):
    with serving({"b": [whole(CONTENT)]}) as server:
        assert download(server.url("a"), server.url("b")) == CONTENT
    assert download.pauses == []


def test_a_cut_transfer_is_continued_where_it_was_cut(download):
    with serving({"a": [cut(CONTENT, CUT), whole(CONTENT)]}) as server:
        assert download(server.url("a")) == CONTENT
        assert server.requests == [("a", None), ("a", f"bytes={CUT}-")]
    assert download.pauses == [1]


def test_a_cut_transfer_is_continued_from_the_next_address(download):
    with serving({"a": [cut(CONTENT, CUT)], "b": [whole(CONTENT)]}) as server:
        assert download(server.url("a"), server.url("b")) == CONTENT
        assert server.requests == [("a", None), ("b", f"bytes={CUT}-")]
    assert download.pauses == []


def test_a_cut_transfer_is_continued_by_the_next_job(download):
    with serving({"a": [cut(CONTENT, CUT), status(404), whole(CONTENT)]}) as server:
        message = download.failure(server.url("a"))
        assert f"The 0.2 MB received so far are kept in {download.store}" in message
        assert download(server.url("a")) == CONTENT
        assert server.requests[-1] == ("a", f"bytes={CUT}-")


def test_a_server_that_cannot_continue_sends_the_file_again(download):
    with serving({"a": [cut(CONTENT, CUT), without_ranges(CONTENT)]}) as server:
        assert download(server.url("a")) == CONTENT


def test_a_part_longer_than_the_file_is_dropped(download):
    download.store.mkdir()
    (download.store / f"{WANTED.checksum}.part").write_bytes(CONTENT + b"more")
    with serving({"a": [whole(CONTENT)]}) as server:
        assert download(server.url("a")) == CONTENT


def test_a_damaged_part_is_fetched_again_from_its_beginning(download):
    download.store.mkdir()
    (download.store / f"{WANTED.checksum}.part").write_bytes(bytes(CUT))
    with serving({"a": [whole(CONTENT)]}) as server:
        assert download(server.url("a")) == CONTENT
        assert server.requests == [("a", f"bytes={CUT}-"), ("a", None)]


def test_another_checksum_is_named_and_the_next_address_asked(download):
    other = b"<html>Down for maintenance</html>"
    with serving({"a": [whole(other)], "b": [whole(CONTENT)]}) as server:
        message = download.failure(server.url("a"))
        assert (
            f"{server.url('a')}: the file it sent has another SHA-256, {hashlib.sha256(other).hexdigest()}"
            in message
        )
        assert list(download.store.iterdir()) == []
        assert download(server.url("a"), server.url("b")) == CONTENT
    assert download.pauses == []


def test_a_silent_server_is_left_for_the_next_one(download):
    end = threading.Event()
    try:
        with serving({"a": [silent(CONTENT, CUT, until=end)], "b": [whole(CONTENT)]}) as server:
            assert download(server.url("a"), server.url("b"), timeout=0.5) == CONTENT
            assert [path for path, _ in server.requests] == ["a", "b"]
            assert "went silent" in Downloader(download.store.parent / "other").failure(
                server.url("a"), timeout=0.1
            )
            end.set()
    finally:
        end.set()


def test_a_server_that_is_busy_is_tried_again_after_growing_pauses(download):
    with serving({"a": [status(503), status(503), whole(CONTENT)]}) as server:
        assert download(server.url("a")) == CONTENT
    assert download.pauses == [1, 2]


def test_only_troubles_that_may_pass_are_tried_again(download):
    with serving({"busy": [status(503)]}) as server:
        message = download.failure(server.url("missing"), server.url("busy"))
        assert [path for path, _ in server.requests] == ["missing", "busy", "busy", "busy"]
    assert "HTTP 404 Not Found" in message
    assert "HTTP 503 Service Unavailable" in message


def test_a_refused_connection_ends_without_a_pause(download, closed_port):
    url = f"http://127.0.0.1:{closed_port}/images.tar.gz"
    assert (
        f"{url}: no connection: the host refuses it or cannot be reached ([Errno"
        in download.failure(url)
    )
    assert download.pauses == []


def test_no_network_ends_without_a_pause_and_says_what_to_do(download, monkeypatch):
    def no_names(*_, **__):
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", no_names)
    urls = ["https://one.example/images.tar.gz", "https://two.example/images.tar.gz"]
    message = download.failure(*urls)
    for url in urls:
        assert f"{url}: the name of the host cannot be resolved" in message
    for part in (
        f"images.tar.gz (about 0 MB, SHA-256 {WANTED.checksum})",
        "set dataset.path",
        "--config 'dataset={path: ",
    ):
        assert part in message
    assert download.pauses == []


def test_a_file_that_was_fetched_once_is_not_fetched_again(download, closed_port):
    with serving({"a": [whole(CONTENT)]}) as server:
        download(server.url("a"))
    download.target.unlink()
    assert download(f"http://127.0.0.1:{closed_port}/a") == CONTENT


def test_a_file_system_without_hard_links_gets_a_copy(download, monkeypatch):
    def no_links(*_):
        raise PermissionError("no hard links here")

    monkeypatch.setattr(os, "link", no_links)
    with serving({"a": [whole(CONTENT)]}) as server:
        assert download(server.url("a")) == CONTENT
    assert download.target.stat().st_nlink == 1


def test_a_fetched_file_that_was_damaged_since_is_fetched_again(download):
    with serving({"a": [whole(CONTENT)]}) as server:
        download(server.url("a"))
        (download.store / WANTED.checksum).write_bytes(b"damaged")
        assert download(server.url("a")) == CONTENT


def test_a_job_that_died_before_its_last_step_fetches_nothing(download, closed_port):
    download.store.mkdir()
    (download.store / f"{WANTED.checksum}.part").write_bytes(CONTENT)
    assert download(f"http://127.0.0.1:{closed_port}/a") == CONTENT


def test_a_compressed_file_stays_compressed(download):
    content = gzip.compress(CONTENT)
    wanted = Wanted(
        "images.tar.gz", len(content), hashlib.sha256(content).hexdigest(), key="dataset.path"
    )
    with serving({"a": [gzip_encoded(content)]}) as server:
        assert download(server.url("a"), wanted=wanted) == content
