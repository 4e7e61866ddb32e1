"""Several files: parallel downloads, the shared cache, disk space, hosts and proxies, other processes."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections import namedtuple
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from strokecast.common.disks import mount_point
from strokecast.common.errors import UserError
from strokecast.sources.http import downloads
from strokecast.sources.http.downloads import DownloadOptions, DownloadRequest, NotFoundError

SIZE = 300_000
Fetch = Callable[..., Path]
FetchError = Callable[..., str]
Content = Callable[..., bytes]
InfoOf = Callable[[bytes], Any]
Usage = namedtuple("Usage", "total used free")


def fetch_all(requests: list[DownloadRequest], folder: Path, options: DownloadOptions) -> list[Path]:
    return downloads.fetch(requests, source="quickdraw", alternatives="", folder=folder, options=options)


# ---------------------------------------------------------------- many files


def test_files_are_downloaded_in_parallel_and_returned_in_order(
    server: Any, content: Content, info_of: InfoOf, impatient: DownloadOptions, tmp_path: Path
) -> None:
    names = ["ant.npz", "ice cream.npz", "été.npz", "猫.npz", *(f"{n}.npz" for n in range(20))]
    data = {name: content(20_000 + index, index) for index, name in enumerate(names)}
    requests = [
        DownloadRequest(server.serve(f"/{index}", data[name], pause=0.05), name, info_of(data[name]))
        for index, name in enumerate(names)
    ]
    options = dataclasses.replace(impatient, max_workers=8)
    started = time.monotonic()
    cached = fetch_all(requests, tmp_path, options)
    assert time.monotonic() - started < 0.1 * len(names)  # 0.1 s per file if not parallel
    assert [path.name for path in cached] == names
    assert [path.read_bytes() for path in cached] == list(data.values())
    target = tmp_path / "raw"
    target.mkdir()
    assert [path.name for path in downloads.link_or_copy(cached, target)] == names
    assert {p.name: p.read_bytes() for p in target.iterdir()} == data
    n_requests = len(server.requests)
    downloads.evict(cached[3])
    assert fetch_all(requests, tmp_path, options) == cached
    assert len(server.requests) == n_requests + 1


def test_files_are_copied_if_linking_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_link(*args: object) -> None:
        raise OSError(18, "Invalid cross-device link")

    (tmp_path / "cat.npz").write_bytes(b"cat")
    (tmp_path / "raw").mkdir()
    monkeypatch.setattr(os, "link", no_link)
    [path] = downloads.link_or_copy([tmp_path / "cat.npz"], tmp_path / "raw")
    assert path.read_bytes() == b"cat"
    assert path.stat().st_nlink == 1


def test_a_missing_file_stops_the_download_and_complete_files_are_kept(
    server: Any, content: Content, info_of: InfoOf, impatient: DownloadOptions, tmp_path: Path
) -> None:
    data = content(SIZE)
    requests = [
        DownloadRequest(server.serve("/ant.npz", data), "ant.npz", info_of(data)),
        DownloadRequest(server.status("/bee.npz", 404), "bee.npz"),
    ]
    with pytest.raises(NotFoundError):
        fetch_all(requests, tmp_path, impatient)
    assert [path.name for path in tmp_path.rglob("*.npz")] == ["ant.npz"]


def test_nothing_is_printed_without_a_terminal(
    server: Any, content: Content, fetch: Fetch, capfd: pytest.CaptureFixture[str]
) -> None:
    fetch(server.serve("/cat.npz", content(SIZE)))
    assert capfd.readouterr() == ("", "")


# ---------------------------------------------------------------- hosts and proxies


def test_an_unreachable_host_gives_one_line_quickly(fetch_error: FetchError) -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        port = bound.getsockname()[1]
        url = f"http://user:secret@127.0.0.1:{port}/sketchrnn/cat.npz"
        started = time.monotonic()
        line = fetch_error(url, options=DownloadOptions())
    assert time.monotonic() - started < 5
    assert "source quickdraw: the host cannot be reached ([Errno 111] Connection refused)" in line
    assert f"http://127.0.0.1:{port}/sketchrnn/cat.npz" in line
    assert "alternatives: a mirror" in line
    assert "secret" not in line


def test_unknown_hosts_and_invalid_addresses_give_one_line(fetch: Fetch) -> None:
    with pytest.raises(UserError, match=r"the host cannot be reached \(.*(not known|Temporary)"):
        fetch("http://nowhere.invalid/cat.npz")
    with pytest.raises(UserError, match="the address is not valid"):
        fetch("http:///cat.npz")


def test_proxy_variables_are_honoured(
    server: Any, content: Content, fetch: Fetch, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = content(SIZE)
    url = "http://quickdraw.invalid/sketchrnn/cat.npz"
    server.serve(url, data)
    monkeypatch.setenv("http_proxy", server.base)
    assert fetch(url).read_bytes() == data
    assert server.requests[0][0] == url


def test_no_proxy_is_honoured_and_a_dead_proxy_gives_one_line(
    server: Any, content: Content, fetch: Fetch, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = content(SIZE)
    url = server.serve("/cat.npz", data)
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{bound.getsockname()[1]}")
        with pytest.raises(UserError, match="the proxy in the environment variables does not answer"):
            fetch(url)
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        assert fetch(url).read_bytes() == data


# ---------------------------------------------------------------- disk space


def test_too_little_disk_space_is_an_error_before_the_first_request(
    server: Any,
    content: Content,
    info_of: InfoOf,
    fetch_error: FetchError,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data = content(SIZE)
    url = server.serve("/cat.npz", data)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(10**6, 750_000, 250_000))
    line = fetch_error(url, info_of(data))
    assert (
        f"the download needs 300.0 kB; the file system {mount_point(tmp_path)} has 250.0 kB free, of which 50.0 kB stay free"
        in line
    )
    assert str(tmp_path) in line
    assert not server.requests


def test_the_disk_space_check_counts_parts_and_sizes_announced_by_the_server(
    server: Any,
    content: Content,
    info_of: InfoOf,
    fetch: Fetch,
    fetch_error: FetchError,
    impatient: DownloadOptions,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    data = content(SIZE)
    url = server.serve("/cat.npz", data, cut_at=lambda n: 200_000 if n <= 4 else None)
    fetch_error(url, info_of(data))  # leaves a part of 200,000 bytes
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(10**6, 800_000, 200_000))
    patient = dataclasses.replace(impatient, max_attempts=9)
    assert fetch(url, info_of(data), patient).read_bytes() == data
    dog = DownloadRequest(server.serve("/dog.npz", data), "dog.npz")  # of unknown size
    with pytest.raises(UserError, match="the download needs"):
        fetch_all([dog], tmp_path, impatient)
    assert not list(tmp_path.rglob("dog.npz"))


# ---------------------------------------------------------------- other processes


@pytest.mark.slow
def test_a_killed_download_is_resumed(server: Any, content: Content, fetch: Fetch, tmp_path: Path) -> None:
    data = content(2_000_000)
    url = server.serve("/cat.npz", data, pause=0.01)
    code = (
        "import sys; from pathlib import Path; from strokecast.sources.http import downloads as d;"
        "d.fetch([d.DownloadRequest(sys.argv[1], 'cat.npz')], source='q', alternatives='', folder=Path(sys.argv[2]))"
    )
    child = subprocess.Popen([sys.executable, "-c", code, url, str(tmp_path)])
    try:
        deadline = time.monotonic() + 20
        while sum(p.stat().st_size for p in tmp_path.rglob("*.part")) < 300_000:
            assert child.poll() is None, "ended before it could be killed"
            assert time.monotonic() < deadline, "nothing was downloaded"
            time.sleep(0.01)
    finally:
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
    [part] = tmp_path.rglob("*.part")
    part_bytes = part.stat().st_size
    assert data.startswith(part.read_bytes())
    assert 300_000 <= part_bytes < len(data)
    assert fetch(url).read_bytes() == data
    assert server.requests[-1][1]["Range"] == f"bytes={part_bytes}-"


@pytest.mark.slow
def test_two_processes_download_the_same_file_once(server: Any, content: Content, tmp_path: Path) -> None:
    data = content(1_000_000)
    url = server.serve("/cat.npz", data, pause=0.005)
    code = (
        "import sys, hashlib; from pathlib import Path; from strokecast.sources.http import downloads as d;"
        "r = d.DownloadRequest(sys.argv[1], 'cat.npz', {'bytes': 1000000, 'sha256': sys.argv[3]});"
        "[p] = d.fetch([r], source='q', alternatives='', folder=Path(sys.argv[2]));"
        "print(hashlib.sha256(p.read_bytes()).hexdigest())"
    )
    digest = hashlib.sha256(data).hexdigest()
    command = [sys.executable, "-c", code, url, str(tmp_path), digest]
    children = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    assert [child.communicate(timeout=60)[0].strip() for child in children] == [digest, digest]
    assert len(server.requests) == 1


@pytest.mark.slow
def test_importing_the_module_imports_no_http_library() -> None:
    code = "import sys, strokecast.sources.http.downloads; print({'requests', 'tqdm', 'urllib3'} & set(sys.modules))"
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert process.stdout.strip() == "set()"
