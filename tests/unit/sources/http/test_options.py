"""The limits of downloads: size, speed, free space. A server that exceeds them gives one line and leaves no useless part."""

from __future__ import annotations

import dataclasses
import errno
import re
import shutil
import time
from collections import namedtuple
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from strokecast.common.disks import mount_point
from strokecast.sources.http import downloads, transfer
from strokecast.sources.http.options import DownloadOptions, DownloadRequest

SIZE = 300_000
Fetch = Callable[..., Path]
FetchError = Callable[..., str]
Content = Callable[..., bytes]
InfoOf = Callable[[bytes], Any]
Usage = namedtuple("Usage", "total used free")


def test_a_download_leaves_a_reserve_of_free_space(
    server: Any, content: Content, fetch_error: FetchError, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transfer, "SPACE_CHECK_BYTES", 100_000)
    free = [10**9]

    def disk_usage(path: Path) -> Usage:
        free[0] = 10**9 - sum(p.stat().st_size for p in tmp_path.rglob("*.part")) * 4_000
        return Usage(10**10, 0, free[0])

    monkeypatch.setattr(shutil, "disk_usage", disk_usage)
    line = fetch_error(server.stream("/cat.npz", content(SIZE)))
    assert re.search(r"has [\d.]+ [GM]B free, of which 500\.0 MB stay free; free some space", line)
    assert not list(tmp_path.rglob("cat.npz*"))


# ---------------------------------------------------------------- bodies without end


@pytest.mark.parametrize("encoding", ["identity", "chunked", "gzip", "gzip, gzip"])
def test_a_body_without_length_stops_at_the_ceiling_and_leaves_nothing(
    server: Any, fetch_error: FetchError, impatient: DownloadOptions, tmp_path: Path, encoding: str
) -> None:
    url = server.stream("/cat.npz", bytes(4_000_000), encoding=encoding)
    line = fetch_error(url, None, dataclasses.replace(impatient, max_file_bytes=1_000_000))
    assert line == (
        f"{url}: source quickdraw: the file has more than 1.0 MB, the largest that is downloaded; if it may be that "
        "large, raise max_file_megabytes of the source in params.yaml"
    )
    assert not list(tmp_path.rglob("cat.npz*"))


@pytest.mark.parametrize("status", [302, 404, 500, 503])
def test_the_endless_body_of_another_status_is_not_read(
    server: Any, fetch_error: FetchError, impatient: DownloadOptions, tmp_path: Path, status: int
) -> None:
    sent = [0]

    def respond(handler: Any, count: int) -> None:
        handler.send_response(status)
        handler.send_header("Location", "/cat.npz")
        handler.send_header("Connection", "close")
        handler.end_headers()
        while sent[0] < 200_000_000:
            sent[0] += handler.wfile.write(bytes(1_000_000))

    url = server.on("/cat.npz", respond)
    expected = {302: "the server redirects in a loop", 404: "HTTP 404"}.get(status, f"answered HTTP {status}")
    if status == 404:
        with pytest.raises(downloads.NotFoundError, match=expected):
            downloads.fetch(
                [DownloadRequest(url, "cat.npz")],
                source="q",
                alternatives="",
                folder=tmp_path / "cache",
                options=impatient,
            )
    else:
        assert expected in fetch_error(url)
    assert sent[0] < 200_000_000


def test_an_announced_length_above_the_ceiling_is_refused_before_the_body(
    server: Any, content: Content, fetch_error: FetchError, impatient: DownloadOptions
) -> None:
    url = server.serve("/cat.npz", content(SIZE), stall=60, cut_at=lambda n: 0)
    assert "more than 100.0 kB" in fetch_error(
        url, None, dataclasses.replace(impatient, max_file_bytes=100_000)
    )


def test_a_body_longer_than_the_official_file_is_refused(
    server: Any, content: Content, info_of: InfoOf, fetch_error: FetchError, tmp_path: Path
) -> None:
    url = server.stream("/cat.npz", content(SIZE))
    assert "received more than the 100,000 bytes of the official file" in fetch_error(
        url, info_of(content(SIZE)[:100_000])
    )
    assert not list(tmp_path.rglob("cat.npz*"))


def test_a_body_without_length_is_downloaded(server: Any, content: Content, fetch: Fetch) -> None:
    for encoding in ("identity", "chunked", "gzip"):
        url = server.stream(f"/{encoding}.npz", content(SIZE), encoding=encoding)
        assert fetch(url).read_bytes() == content(SIZE)


@pytest.mark.parametrize("encoding", ["identity", "length", "headers"])
def test_a_trickling_server_is_bounded_in_time(
    server: Any,
    fetch_error: FetchError,
    impatient: DownloadOptions,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    encoding: str,
) -> None:
    monkeypatch.setattr(downloads, "_STOP_SECONDS", 0.3)
    url = server.trickle("/cat.npz", encoding)
    options = dataclasses.replace(impatient, stall_seconds=0.3, max_attempts=1000)
    started = time.monotonic()
    line = fetch_error(url, None, options)
    assert time.monotonic() - started < 5
    assert re.search(
        r"source quickdraw: the server sent \d+ bytes in the last 0\.3 seconds; alternatives: ", line
    )
    assert [path.name for path in tmp_path.rglob("cat.npz.part")] == (
        ["cat.npz.part"] * (encoding == "length")
    )


def test_a_server_that_sends_a_little_per_connection_is_bounded_in_time(
    server: Any, content: Content, fetch_error: FetchError, impatient: DownloadOptions
) -> None:
    url = server.serve("/cat.npz", content(SIZE), cut_at=lambda n: n)
    options = dataclasses.replace(impatient, stall_seconds=0.3, max_attempts=1000)
    assert "bytes in the last 0.3 seconds" in fetch_error(url, None, options)


def test_a_full_disk_is_one_line_with_the_file_system(
    server: Any, content: Content, fetch_error: FetchError, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class FullFile:
        def __init__(self, file: Any) -> None:
            self.file = file

        def __enter__(self) -> Any:
            return self

        def __exit__(self, *args: object) -> None:
            self.file.close()

        def write(self, data: bytes) -> None:
            if self.file.tell() > 100_000:
                raise OSError(errno.ENOSPC, "No space left on device")
            self.file.write(data)

    opened = Path.open

    def open_full(path: Path, mode: str = "r", *args: Any, **kwargs: Any) -> Any:
        file = opened(path, mode, *args, **kwargs)
        return FullFile(file) if mode == "ab" else file

    monkeypatch.setattr(Path, "open", open_full)
    line = fetch_error(server.stream("/cat.npz", content(SIZE)))
    assert f": the disk is full: file system {mount_point(tmp_path)} (" in line
    assert not list(tmp_path.rglob("cat.npz*"))
    fetch_error(server.serve("/dog.npz", content(SIZE)))
    assert [path.stat().st_size > 90_000 for path in tmp_path.rglob("*.part")] == [True]  # can be resumed
