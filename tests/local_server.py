"""A real HTTP server on this machine that answers as badly as servers do."""

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Answer = Callable[[BaseHTTPRequestHandler], None]


def whole(content: bytes) -> Answer:
    """The file, or the part of it that is asked for."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        asked = re.fullmatch(r"bytes=(\d+)-", request.headers.get("Range", ""))
        begin = int(asked.group(1)) if asked else 0
        if begin >= len(content):
            return status(416)(request)
        request.send_response(206 if asked else 200)
        if asked:
            request.send_header("Content-Range", f"bytes {begin}-{len(content) - 1}/{len(content)}")
        request.send_header("Content-Length", str(len(content) - begin))
        request.end_headers()
        request.wfile.write(content[begin:])
        return None

    return answer


def without_ranges(content: bytes) -> Answer:
    """The file from its beginning, whatever is asked."""
    return cut(content, len(content))


def cut(content: bytes, at: int) -> Answer:
    """The head of the file, with the length of the whole; then the connection is closed."""
    return silent(content, at, until=None)


def silent(content: bytes, at: int, until: threading.Event | None) -> Answer:
    """The head of the file, then nothing before the event."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.send_header("Content-Length", str(len(content)))
        request.end_headers()
        request.wfile.write(content[:at])
        request.wfile.flush()
        if until is not None:
            until.wait()

    return answer


def status(code: int) -> Answer:
    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(code)
        request.send_header("Content-Length", "0")
        request.end_headers()

    return answer


def gzip_encoded(content: bytes) -> Answer:
    """A .gz file that the server declares as an encoding of what is in it."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.send_header("Content-Encoding", "gzip")
        request.send_header("Content-Length", str(len(content)))
        request.end_headers()
        request.wfile.write(content)

    return answer


class Server:
    """Answers by path: each request takes the next of its path's answers, the last one for ever; any other path is missing.

    requests: (path, Range header) of each request, in order.
    """

    def __init__(
        self, port: int, answers: dict[str, list[Answer]], requests: list[tuple[str, str | None]]
    ) -> None:
        self._port, self.answers, self.requests = port, answers, requests

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self._port}/{path}"


@contextmanager
def serving(answers: dict[str, list[Answer]]) -> Iterator[Server]:
    requests: list[tuple[str, str | None]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.lstrip("/")
            known = answers.get(path, [status(404)])
            before = sum(path == earlier for earlier, _ in requests)
            requests.append((path, self.headers.get("Range")))
            known[min(before, len(known) - 1)](self)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield Server(server.server_address[1], answers, requests)
        finally:
            server.shutdown()
            thread.join()
