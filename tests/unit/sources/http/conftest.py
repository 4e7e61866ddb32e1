"""A loopback server that misbehaves as told, and remembers what it was asked."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from strokecast.sources.http.downloads import Limits


def _content(size: int, seed: int = 0) -> bytes:
    """Bytes that differ at every place, so that a wrong offset shows."""
    return b"".join(hashlib.sha256(f"{seed}/{block}".encode()).digest() for block in range(size // 32 + 1))[
        :size
    ]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.server.asked.append((self.path, dict(self.headers)))  # type: ignore[attr-defined]
        count = sum(path == self.path for path, _ in self.server.asked)  # type: ignore[attr-defined]
        behave = self.server.behaviours.get(self.path, _status(404))  # type: ignore[attr-defined]
        try:
            behave(self, count)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def log_message(self, *args: Any) -> None:
        pass


def _status(code: int) -> Callable[[Any, int], None]:
    def behave(handler: Any, count: int) -> None:
        handler.send_response(code)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    return behave


class Server:
    """What a test says about a path, and what the server was asked: (path, headers) in order."""

    def __init__(self, httpd: ThreadingHTTPServer) -> None:
        self._httpd = httpd
        httpd.asked = []  # type: ignore[attr-defined]
        httpd.behaviours = {}  # type: ignore[attr-defined]
        self.asked: list[tuple[str, dict[str, str]]] = httpd.asked  # type: ignore[attr-defined]
        self.base = f"http://127.0.0.1:{httpd.server_port}"

    def on(self, path: str, behave: Callable[[Any, int], None]) -> str:
        self._httpd.behaviours[path] = behave  # type: ignore[attr-defined]
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
        """Serve `data`.

        `cut_at(n)` is the byte (of the file) after which the n-th answer ends, by a cut connection
        or, with `stall`, by silence for so many seconds. `pause`: seconds before each 16 KiB.
        The first `fails` answers are HTTP 500.
        """

        def behave(handler: Any, count: int) -> None:
            if count <= fails:
                _status(500)(handler, count)
                return
            asked = handler.headers
            if conditional and etag and asked.get("If-None-Match") == etag:
                handler.send_response(304)
                handler.end_headers()
                return
            begin = 0
            if ranges and asked.get("Range") and asked.get("If-Range", etag) == etag:
                begin = int(asked["Range"].removeprefix("bytes=").removesuffix("-"))
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

        return self.on(path, behave)


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
    return _content


@pytest.fixture
def hasty() -> Limits:
    """Short pauses and timeouts, one file at a time."""
    return Limits(connect_timeout=1.0, read_timeout=0.5, connects=1, tries=4, backoff=0.02, workers=1)


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
