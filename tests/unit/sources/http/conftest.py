"""A local server whose misbehaviour a test chooses, and which records its requests."""

from __future__ import annotations

import gzip
import hashlib
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from strokecast.sources.http import downloads
from strokecast.sources.http.downloads import DownloadOptions, DownloadRequest
from strokecast.sources.local import FileInfo

ALTERNATIVES = "alternatives: a mirror, a folder, or another source"


def _content(size: int, seed: int = 0) -> bytes:
    """Bytes without repetitions, so that a wrong offset is detected."""
    return b"".join(hashlib.sha256(f"{seed}/{block}".encode()).digest() for block in range(size // 32 + 1))[
        :size
    ]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.server.requests.append((self.path, dict(self.headers)))  # type: ignore[attr-defined]
        count = sum(path == self.path for path, _ in self.server.requests)  # type: ignore[attr-defined]
        respond = self.server.responders.get(self.path, _status(404))  # type: ignore[attr-defined]
        try:
            respond(self, count)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def log_message(self, *args: Any) -> None:
        pass


def _status(code: int) -> Callable[[Any, int], None]:
    def respond(handler: Any, count: int) -> None:
        handler.send_response(code)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    return respond


class Server:
    """Responses per path, and the requests so far: (path, headers) in order."""

    def __init__(self, httpd: ThreadingHTTPServer) -> None:
        self._httpd = httpd
        httpd.requests = []  # type: ignore[attr-defined]
        httpd.responders = {}  # type: ignore[attr-defined]
        self.requests: list[tuple[str, dict[str, str]]] = httpd.requests  # type: ignore[attr-defined]
        self.base = f"http://127.0.0.1:{httpd.server_port}"

    def on(self, path: str, respond: Callable[[Any, int], None]) -> str:
        self._httpd.responders[path] = respond  # type: ignore[attr-defined]
        return self.base + path

    def status(self, path: str, code: int) -> str:
        return self.on(path, _status(code))

    def serve(
        self,
        path: str,
        data: bytes,
        *,
        ranges: bool = True,
        etag: str | None = '"v1"',
        conditional: bool = True,
        cut_at: Callable[[int], int | None] = lambda count: None,
        stall: float = 0.0,
        pause: float = 0.0,
        fails: int = 0,
    ) -> str:
        """Serve `data` and return its address.

        Args:
            path: of the file.
            data: its content.
            ranges: whether the header `Range` is supported.
            etag: of the file; None: no ETag.
            conditional: whether `If-None-Match` is supported.
            cut_at: `cut_at(n)` is the byte of the file at which the n-th response ends.
            stall: seconds of silence before a response that ends early closes the connection.
            pause: seconds before each 16 KiB.
            fails: number of responses with HTTP 500 before the first good one.
        """

        def respond(handler: Any, count: int) -> None:
            if count <= fails:
                _status(500)(handler, count)
                return
            headers = handler.headers
            if conditional and etag and headers.get("If-None-Match") == etag:
                handler.send_response(304)
                handler.end_headers()
                return
            begin = 0
            if ranges and headers.get("Range") and headers.get("If-Range", etag) == etag:
                begin = int(headers["Range"].removeprefix("bytes=").removesuffix("-"))
            if begin >= len(data) and begin:
                handler.send_response(416)
                handler.send_header("Content-Range", f"bytes */{len(data)}")
                handler.send_header("Content-Length", "0")
                handler.end_headers()
                return
            handler.send_response(206 if begin else 200)
            if begin:
                handler.send_header("Content-Range", f"bytes {begin}-{len(data) - 1}/{len(data)}")
            if etag:
                handler.send_header("ETag", etag)
            handler.send_header("Content-Length", str(len(data) - begin))
            handler.end_headers()
            end = cut_at(count - fails)
            body = data[begin:end]
            for start in range(0, len(body), 1 << 14):
                time.sleep(pause)
                handler.wfile.write(body[start : start + (1 << 14)])
                handler.wfile.flush()
            if end is not None and end < len(data):
                time.sleep(stall)
                handler.close_connection = True

        return self.on(path, respond)

    def stream(self, path: str, data: bytes, encoding: str = "identity") -> str:
        """Serve `data` without a length: until the connection closes, in chunks, or compressed (once per "gzip")."""

        body = data
        if encoding == "chunked":
            blocks = [data[start : start + (1 << 14)] for start in range(0, len(data), 1 << 14)]
            body = b"".join(b"%x\r\n%s\r\n" % (len(block), block) for block in [*blocks, b""])
        for _ in range(encoding.count("gzip")):
            body = gzip.compress(body)

        def respond(handler: Any, count: int) -> None:
            handler.send_response(200)
            if encoding != "identity":
                name = "Transfer-Encoding" if encoding == "chunked" else "Content-Encoding"
                handler.send_header(name, encoding)
            handler.send_header("Connection", "close")
            handler.end_headers()
            handler.wfile.write(body)
            handler.close_connection = True

        return self.on(path, respond)

    def trickle(self, path: str, part: str) -> str:
        """Serve one byte per 50 ms: of the headers, or of a body with ("length") or without ("identity") a length."""

        def respond(handler: Any, count: int) -> None:
            if part == "headers":
                handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Filler: ")
            else:
                handler.send_response(200)
                handler.send_header("ETag", '"v1"')
                if part == "length":
                    handler.send_header("Content-Length", "1000000")
                handler.send_header("Connection", "close")
                handler.end_headers()
                handler.wfile.write(bytes(20_000))
            for _ in range(200):
                handler.wfile.write(b"x")
                handler.wfile.flush()
                time.sleep(0.05)

        return self.on(path, respond)


@pytest.fixture
def server() -> Iterator[Server]:
    httpd = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    httpd.daemon_threads = True
    httpd.block_on_close = False
    thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield Server(httpd)
    httpd.shutdown()
    httpd.server_close()


@pytest.fixture
def content() -> Callable[..., bytes]:
    """`content(size, seed)`: reproducible bytes."""
    return _content


@pytest.fixture
def info_of() -> Callable[[bytes], FileInfo]:
    """`info_of(data)`: size and sha256."""
    return lambda data: {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}


@pytest.fixture
def impatient() -> DownloadOptions:
    """Short pauses and timeouts, one file at a time."""
    return DownloadOptions(
        connect_timeout=1.0, read_timeout=0.5, connect_retries=1, max_attempts=4, backoff=0.02, max_workers=1
    )


@pytest.fixture
def fetch(tmp_path: Path, impatient: DownloadOptions) -> Callable[..., Path]:
    """`fetch(url, expected, options)`: downloads `cat.npz` into the cache `tmp_path`."""

    def fetch_one(url: str, expected: FileInfo | None = None, options: DownloadOptions = impatient) -> Path:
        [path] = downloads.fetch(
            [DownloadRequest(url, "cat.npz", expected)],
            source="quickdraw",
            alternatives=ALTERNATIVES,
            folder=tmp_path,
            options=options,
        )
        return path

    return fetch_one


@pytest.fixture
def fetch_error(fetch: Callable[..., Path]) -> Callable[..., str]:
    """`fetch_error(url, ...)`: the one-line error of `fetch`."""
    from strokecast.common.errors import UserError

    def error_of(*args: Any, **kwargs: Any) -> str:
        with pytest.raises(UserError) as error:
            fetch(*args, **kwargs)
        assert "\n" not in str(error.value)
        return str(error.value)

    return error_of


@pytest.fixture(autouse=True)
def _no_proxy(no_proxy: None) -> None:
    """No test uses a proxy of the environment."""
