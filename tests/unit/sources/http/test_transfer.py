"""One file from a server that misbehaves: resuming, retries, verification, the cache."""

from __future__ import annotations

import dataclasses
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from strokecast.sources.http.downloads import DownloadOptions, NotFoundError

SIZE = 300_000
Fetch = Callable[..., Path]
FetchError = Callable[..., str]
Content = Callable[..., bytes]
InfoOf = Callable[[bytes], Any]


def complete_files(folder: Path) -> list[str]:
    return [path.name for path in folder.rglob("*.npz")]


def range_start(headers: dict[str, str]) -> int:
    match = re.fullmatch(r"bytes=(\d+)-", headers["Range"])
    assert match
    return int(match[1])


# ---------------------------------------------------------------- the cache


def test_a_verified_file_is_used_again_without_a_request(
    server: Any, content: Content, info_of: InfoOf, fetch: Fetch, tmp_path: Path
) -> None:
    data = content(SIZE)
    url = server.serve("/cat.npz", data)
    for _ in range(2):
        assert fetch(url, info_of(data)).read_bytes() == data
    assert len(server.requests) == 1
    assert complete_files(tmp_path) == ["cat.npz"]
    assert sorted(p.name for p in tmp_path.rglob("*") if p.is_file()) == [".lock", "cat.npz", "cat.npz.json"]


def test_a_damaged_cached_file_is_downloaded_again(
    server: Any, content: Content, info_of: InfoOf, fetch: Fetch
) -> None:
    data = content(SIZE)
    url = server.serve("/cat.npz", data)
    path = fetch(url, info_of(data))
    path.write_bytes(data[:-1] + b"?")
    assert fetch(url, info_of(data)).read_bytes() == data
    assert len(server.requests) == 2


def test_a_file_without_a_digest_is_used_again_only_while_it_is_current(
    server: Any, content: Content, fetch: Fetch
) -> None:
    old, new = content(SIZE, 1), content(SIZE, 2)
    url = server.serve("/cat.npz", old, etag='"old"')
    assert fetch(url).read_bytes() == old
    assert fetch(url).read_bytes() == old
    assert server.requests[1][1]["If-None-Match"] == '"old"'
    server.serve("/cat.npz", new, etag='"new"')
    assert fetch(url).read_bytes() == new


def test_a_server_without_conditional_requests_is_not_read_again(
    server: Any, content: Content, fetch: Fetch
) -> None:
    url = server.serve("/cat.npz", content(SIZE), conditional=False)
    first = fetch(url)
    modified = first.stat().st_mtime_ns
    assert fetch(url).stat().st_mtime_ns == modified
    assert len(server.requests) == 2


# ---------------------------------------------------------------- retries


def test_a_missing_file_is_an_error_with_its_status(server: Any, fetch: Fetch) -> None:
    with pytest.raises(NotFoundError) as error:
        fetch(server.status("/cat.npz", 404))
    assert error.value.status == 404
    assert error.value.request.name == "cat.npz"
    assert len(server.requests) == 1


def test_a_server_that_fails_twice_is_retried(server: Any, content: Content, fetch: Fetch) -> None:
    data = content(SIZE)
    assert fetch(server.serve("/cat.npz", data, fails=2)).read_bytes() == data
    assert len(server.requests) == 3


def test_a_server_that_always_fails_gives_one_line(
    server: Any, fetch_error: FetchError, impatient: DownloadOptions
) -> None:
    line = fetch_error(server.status("/cat.npz", 500))
    assert "source quickdraw: the server answered HTTP 500" in line
    assert server.base in line
    assert "alternatives: a mirror" in line
    assert len(server.requests) == impatient.max_attempts


def test_new_bytes_reset_the_count_of_attempts(
    server: Any, content: Content, fetch: Fetch, impatient: DownloadOptions
) -> None:
    data = content(SIZE)
    url = server.serve("/cat.npz", data, cut_at=lambda n: 30_000 * n)
    assert fetch(url).read_bytes() == data
    assert len(server.requests) == 10 > impatient.max_attempts


def test_a_server_that_always_stops_at_the_same_byte_gives_one_line(
    server: Any, content: Content, fetch_error: FetchError, impatient: DownloadOptions, tmp_path: Path
) -> None:
    url = server.serve("/cat.npz", content(SIZE), cut_at=lambda n: 100_000)
    assert "the connection was closed early" in fetch_error(url)
    assert not complete_files(tmp_path)
    assert len(server.requests) <= impatient.max_attempts + 2


def test_a_stalled_body_ends_with_the_read_timeout_and_is_resumed(
    server: Any, content: Content, fetch: Fetch
) -> None:
    data = content(SIZE)
    url = server.serve("/cat.npz", data, cut_at=lambda n: 150_000 if n == 1 else None, stall=20)
    started = time.monotonic()
    assert fetch(url).read_bytes() == data
    assert time.monotonic() - started < 5
    assert range_start(server.requests[1][1]) > 130_000


def test_a_body_that_always_stalls_gives_one_line(
    server: Any, content: Content, fetch_error: FetchError, impatient: DownloadOptions
) -> None:
    options = dataclasses.replace(impatient, read_timeout=0.2, max_attempts=2)
    url = server.serve("/cat.npz", content(SIZE), cut_at=lambda n: 0, stall=20)
    started = time.monotonic()
    assert "(timeout)" in fetch_error(url, options=options)
    assert time.monotonic() - started < 5


def test_a_redirect_loop_gives_one_line(server: Any, fetch_error: FetchError) -> None:
    def redirect(handler: Any, count: int) -> None:
        handler.send_response(302)
        handler.send_header("Location", "/cat.npz")
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    assert "redirects in a loop" in fetch_error(server.on("/cat.npz", redirect))


# ---------------------------------------------------------------- resuming


def test_a_cut_connection_is_resumed_at_the_last_byte(
    server: Any, content: Content, info_of: InfoOf, fetch: Fetch
) -> None:
    data = content(SIZE)
    url = server.serve("/cat.npz", data, cut_at=lambda n: [100_000, 200_000, None][min(n, 3) - 1])
    assert fetch(url, info_of(data)).read_bytes() == data
    headers = [headers for _, headers in server.requests]
    assert len(headers) == 3
    assert "Range" not in headers[0]
    for resumed, cut in ((headers[1], 100_000), (headers[2], 200_000)):
        assert cut - (1 << 14) <= range_start(resumed) <= cut
        assert resumed["If-Range"] == '"v1"'


def test_a_server_without_ranges_is_read_from_the_start(
    server: Any, content: Content, info_of: InfoOf, fetch: Fetch
) -> None:
    data = content(SIZE)
    url = server.serve("/cat.npz", data, ranges=False, cut_at=lambda n: 150_000 if n == 1 else None)
    assert fetch(url, info_of(data)).read_bytes() == data
    assert "Range" in server.requests[1][1]


def test_a_file_that_changed_is_not_resumed(
    server: Any, content: Content, fetch: Fetch, fetch_error: FetchError
) -> None:
    old, new = content(SIZE, 1), content(SIZE, 2)
    url = server.serve("/cat.npz", old, etag='"old"', cut_at=lambda n: 150_000)
    fetch_error(url)
    server.serve("/cat.npz", new, etag='"new"')
    assert fetch(url).read_bytes() == new
    assert server.requests[-1][1]["If-Range"] == '"old"'


def test_without_an_etag_a_new_length_prevents_resuming(
    server: Any, content: Content, fetch: Fetch, fetch_error: FetchError
) -> None:
    old, new = content(SIZE, 1), content(SIZE + 5, 2)
    url = server.serve("/cat.npz", old, etag=None, cut_at=lambda n: 150_000)
    fetch_error(url)
    server.serve("/cat.npz", new, etag=None)
    assert fetch(url).read_bytes() == new
    assert "Range" in server.requests[-2][1]
    assert "Range" not in server.requests[-1][1]


def test_a_complete_part_is_renamed(
    server: Any, content: Content, fetch: Fetch, fetch_error: FetchError, tmp_path: Path
) -> None:
    data = content(SIZE)
    url = server.serve("/cat.npz", data, cut_at=lambda n: 150_000)
    fetch_error(url)
    [part] = tmp_path.rglob("*.part")
    part.write_bytes(data)  # as if killed between the last byte and the rename
    assert fetch(url).read_bytes() == data


def test_a_response_from_another_byte_than_requested_is_discarded(
    server: Any, content: Content, fetch: Fetch, fetch_error: FetchError
) -> None:
    data = content(SIZE)
    url = server.serve("/cat.npz", data, cut_at=lambda n: 150_000)
    fetch_error(url)

    def from_the_start(handler: Any, count: int) -> None:
        begin = range_start(handler.headers) if handler.headers.get("Range") else 0
        handler.send_response(206 if begin else 200)
        if begin:
            handler.send_header("Content-Range", f"bytes 0-{SIZE - begin - 1}/{SIZE}")
        handler.send_header("ETag", '"v1"')
        handler.send_header("Content-Length", str(SIZE - begin))
        handler.end_headers()
        handler.wfile.write(data[: SIZE - begin])

    server.on("/cat.npz", from_the_start)
    assert fetch(url).read_bytes() == data


# ---------------------------------------------------------------- verification


@pytest.mark.parametrize("same_size", [True, False])
def test_wrong_content_gives_one_line_and_is_not_kept(
    server: Any, content: Content, info_of: InfoOf, fetch_error: FetchError, tmp_path: Path, same_size: bool
) -> None:
    expected = info_of(content(SIZE, 1))
    url = server.serve("/cat.npz", content(SIZE if same_size else SIZE - 9, 2))
    line = fetch_error(url, expected)
    assert ("the sha256 differs" if same_size else "received 299,991 bytes, expected the 300,000") in line
    assert len(server.requests) == (2 if same_size else 1)
    assert not complete_files(tmp_path)
    assert not list(tmp_path.rglob("*.part"))


def test_a_damaged_part_is_discarded_and_the_file_downloaded_from_the_start(
    server: Any, content: Content, info_of: InfoOf, fetch: Fetch, fetch_error: FetchError, tmp_path: Path
) -> None:
    data = content(SIZE)
    url = server.serve("/cat.npz", data, cut_at=lambda n: 150_000 if n <= 4 else None)
    fetch_error(url, info_of(data))
    [part] = tmp_path.rglob("*.part")
    part.write_bytes(b"x" * part.stat().st_size)
    server.serve("/cat.npz", data)
    assert fetch(url, info_of(data)).read_bytes() == data
