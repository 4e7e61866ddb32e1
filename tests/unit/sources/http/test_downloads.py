"""The downloader against a server that misbehaves in every way we know of."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections import namedtuple
from pathlib import Path

import pytest

from strokecast.common.errors import UserError
from strokecast.sources.http import downloads
from strokecast.sources.http.downloads import NotThereError, Wanted

WAYS = "other ways: a mirror, a folder, or sketches.source: doodles"
SIZE = 300_000


def _known(data: bytes) -> dict[str, object]:
    return {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}


def _fetch(url, folder, limits, known=None, name="cat.npz"):
    [path] = downloads.fetch(
        [Wanted(url, name, known)], source="quickdraw", other_ways=WAYS, folder=folder, limits=limits
    )
    return path


def _line(error: pytest.ExceptionInfo[UserError]) -> str:
    line = str(error.value)
    assert "\n" not in line
    return line


def _whole_files(folder: Path) -> list[str]:
    return [p.name for p in folder.rglob("*.npz")]


def test_whole_file_and_no_second_request(server, content, hasty, tmp_path):
    data = content(SIZE)
    url = server.serve("/cat.npz", data)
    for _ in range(2):
        assert _fetch(url, tmp_path, hasty, _known(data)).read_bytes() == data
    assert len(server.asked) == 1
    assert _whole_files(tmp_path) == ["cat.npz"]
    assert sorted(p.name for p in tmp_path.rglob("*") if p.is_file()) == [".lock", "cat.npz", "cat.npz.json"]


def test_cached_file_that_rotted_is_fetched_anew(server, content, hasty, tmp_path):
    data = content(SIZE)
    url = server.serve("/cat.npz", data)
    path = _fetch(url, tmp_path, hasty, _known(data))
    path.write_bytes(data[:-1] + b"?")
    assert _fetch(url, tmp_path, hasty, _known(data)).read_bytes() == data
    assert len(server.asked) == 2


def test_404_is_told_with_its_status(server, hasty, tmp_path):
    with pytest.raises(NotThereError) as error:
        _fetch(server.status("/cat.npz", 404), tmp_path, hasty)
    assert error.value.status == 404
    assert error.value.wanted.name == "cat.npz"
    assert len(server.asked) == 1


def test_500_twice_then_200(server, content, hasty, tmp_path):
    data = content(SIZE)
    assert _fetch(server.serve("/cat.npz", data, fails=2), tmp_path, hasty).read_bytes() == data
    assert len(server.asked) == 3


def test_500_for_ever_is_one_line(server, hasty, tmp_path):
    with pytest.raises(UserError) as error:
        _fetch(server.status("/cat.npz", 500), tmp_path, hasty)
    line = _line(error)
    assert "source quickdraw: the server answered HTTP 500" in line
    assert server.base in line
    assert WAYS in line
    assert len(server.asked) == hasty.tries


def test_cut_connection_goes_on_from_the_last_byte(server, content, hasty, tmp_path):
    data = content(SIZE)
    url = server.serve("/cat.npz", data, cut_at=lambda n: [100_000, 200_000, None][min(n, 3) - 1])
    assert _fetch(url, tmp_path, hasty, _known(data)).read_bytes() == data
    headers = [headers for _, headers in server.asked]
    assert len(headers) == 3
    assert "Range" not in headers[0]
    for headers_again, upper in ((headers[1], 100_000), (headers[2], 200_000)):
        begin = int(re.fullmatch(r"bytes=(\d+)-", headers_again["Range"]).group(1))
        assert upper - (1 << 14) <= begin <= upper
        assert headers_again["If-Range"] == '"v1"'


def test_headway_renews_the_patience(server, content, hasty, tmp_path):
    data = content(SIZE)
    url = server.serve("/cat.npz", data, cut_at=lambda n: 30_000 * n)
    assert _fetch(url, tmp_path, hasty).read_bytes() == data
    assert len(server.asked) == 10 > hasty.tries


def test_a_server_that_always_cuts_at_one_place_is_given_up(server, content, hasty, tmp_path):
    url = server.serve("/cat.npz", content(SIZE), cut_at=lambda n: 100_000)
    with pytest.raises(UserError) as error:
        _fetch(url, tmp_path, hasty)
    assert "the connection was cut" in _line(error)
    assert not _whole_files(tmp_path)
    assert len(server.asked) <= hasty.tries + 2


def test_no_range_support_starts_over(server, content, hasty, tmp_path):
    data = content(SIZE)
    url = server.serve("/cat.npz", data, ranges=False, cut_at=lambda n: 150_000 if n == 1 else None)
    assert _fetch(url, tmp_path, hasty, _known(data)).read_bytes() == data
    assert "Range" in server.asked[1][1]


def test_file_that_changed_in_between_is_fetched_whole(server, content, hasty, tmp_path):
    old, new = content(SIZE, 1), content(SIZE, 2)
    url = server.serve("/cat.npz", old, etag='"old"', cut_at=lambda n: 150_000)
    with pytest.raises(UserError):
        _fetch(url, tmp_path, hasty)
    server.serve("/cat.npz", new, etag='"new"')
    assert _fetch(url, tmp_path, hasty).read_bytes() == new
    assert server.asked[-1][1]["If-Range"] == '"old"'


def test_without_etag_the_length_decides(server, content, hasty, tmp_path):
    old, new = content(SIZE, 1), content(SIZE + 5, 2)
    url = server.serve("/cat.npz", old, etag=None, cut_at=lambda n: 150_000)
    with pytest.raises(UserError):
        _fetch(url, tmp_path, hasty)
    server.serve("/cat.npz", new, etag=None)
    assert _fetch(url, tmp_path, hasty).read_bytes() == new
    assert "Range" in server.asked[-2][1]
    assert "Range" not in server.asked[-1][1]


def test_part_that_holds_all_bytes_is_put_in_place(server, content, hasty, tmp_path):
    data = content(SIZE)
    url = server.serve("/cat.npz", data, cut_at=lambda n: 150_000)
    with pytest.raises(UserError):
        _fetch(url, tmp_path, hasty)
    [part] = tmp_path.rglob("*.part")
    part.write_bytes(data)  # killed between the last byte and the rename
    assert _fetch(url, tmp_path, hasty).read_bytes() == data


@pytest.mark.parametrize("same_size", [True, False])
def test_wrong_bytes_are_one_line_and_not_in_place(server, content, hasty, tmp_path, same_size):
    known = _known(content(SIZE, 1))
    url = server.serve("/cat.npz", content(SIZE if same_size else SIZE - 9, 2))
    with pytest.raises(UserError) as error:
        _fetch(url, tmp_path, hasty, known)
    assert ("sha256 differs" if same_size else "299,991 bytes, not the 300,000") in _line(error)
    assert len(server.asked) == (2 if same_size else 1)
    assert not _whole_files(tmp_path)
    assert not list(tmp_path.rglob("*.part"))


def test_a_rotten_part_is_thrown_away_and_fetched_whole(server, content, hasty, tmp_path):
    data = content(SIZE)
    url = server.serve("/cat.npz", data, cut_at=lambda n: 150_000 if n <= 4 else None)
    with pytest.raises(UserError):
        _fetch(url, tmp_path, hasty, _known(data))
    [part] = tmp_path.rglob("*.part")
    part.write_bytes(b"x" * part.stat().st_size)
    server.serve("/cat.npz", data)
    assert _fetch(url, tmp_path, hasty, _known(data)).read_bytes() == data


def test_stalled_body_ends_by_the_read_timeout_and_is_resumed(server, content, hasty, tmp_path):
    data = content(SIZE)
    url = server.serve("/cat.npz", data, cut_at=lambda n: 150_000 if n == 1 else None, stall=20)
    started = time.monotonic()
    assert _fetch(url, tmp_path, hasty).read_bytes() == data
    assert time.monotonic() - started < 5
    assert int(server.asked[1][1]["Range"].removeprefix("bytes=").removesuffix("-")) > 130_000


def test_a_body_that_stalls_for_ever_is_one_line(server, content, hasty, tmp_path):
    limits = dataclasses.replace(hasty, read_timeout=0.2, tries=2)
    url = server.serve("/cat.npz", content(SIZE), cut_at=lambda n: 0, stall=20)
    started = time.monotonic()
    with pytest.raises(UserError) as error:
        _fetch(url, tmp_path, limits)
    assert "no answer in time" in _line(error)
    assert time.monotonic() - started < 5


def test_file_without_a_digest_is_used_again_only_while_it_is_current(server, content, hasty, tmp_path):
    old, new = content(SIZE, 1), content(SIZE, 2)
    url = server.serve("/cat.npz", old, etag='"old"')
    assert _fetch(url, tmp_path, hasty).read_bytes() == old
    assert _fetch(url, tmp_path, hasty).read_bytes() == old
    assert server.asked[1][1]["If-None-Match"] == '"old"'
    server.serve("/cat.npz", new, etag='"new"')
    assert _fetch(url, tmp_path, hasty).read_bytes() == new


def test_a_server_that_ignores_the_question_is_not_read_again(server, content, hasty, tmp_path):
    sent = []
    url = server.serve("/cat.npz", content(SIZE), conditional=False, cut_at=lambda n: sent.append(n))
    first = _fetch(url, tmp_path, hasty)
    stamp = first.stat().st_mtime_ns
    assert _fetch(url, tmp_path, hasty).stat().st_mtime_ns == stamp
    assert len(server.asked) == 2


def test_many_files_in_parallel_in_their_order(server, content, hasty, tmp_path):
    names = ["ant.npz", "ice cream.npz", "été.npz", "猫.npz", *(f"{n}.npz" for n in range(20))]
    data = {name: content(20_000 + index, index) for index, name in enumerate(names)}
    wanted = []
    for index, name in enumerate(names):
        url = server.serve(f"/{index}", data[name], pause=0.05)
        wanted.append(Wanted(url, name, _known(data[name])))
    limits = dataclasses.replace(hasty, workers=8)
    started = time.monotonic()
    found = downloads.fetch(wanted, source="quickdraw", other_ways=WAYS, folder=tmp_path, limits=limits)
    assert time.monotonic() - started < 0.1 * len(names)  # one after another it takes 0.1 s each
    assert [path.name for path in found] == names
    assert [path.read_bytes() for path in found] == list(data.values())
    target = tmp_path / "raw"
    target.mkdir()
    assert [path.name for path in downloads.put(found, target)] == names
    assert {p.name: p.read_bytes() for p in target.iterdir()} == data
    asked = len(server.asked)
    downloads.forget(found[3])
    again = downloads.fetch(wanted, source="quickdraw", other_ways=WAYS, folder=tmp_path, limits=limits)
    assert again == found
    assert len(server.asked) == asked + 1


def test_put_copies_where_links_fail(tmp_path, monkeypatch):
    def no_link(*args: object) -> None:
        raise OSError(18, "Invalid cross-device link")

    (tmp_path / "cat.npz").write_bytes(b"cat")
    (tmp_path / "raw").mkdir()
    monkeypatch.setattr(os, "link", no_link)
    [path] = downloads.put([tmp_path / "cat.npz"], tmp_path / "raw")
    assert path.read_bytes() == b"cat"
    assert path.stat().st_nlink == 1


def test_one_missing_file_ends_the_run_and_the_others_are_kept(server, content, hasty, tmp_path):
    data = content(SIZE)
    wanted = [
        Wanted(server.serve("/ant.npz", data), "ant.npz", _known(data)),
        Wanted(server.status("/bee.npz", 404), "bee.npz"),
    ]
    with pytest.raises(NotThereError):
        downloads.fetch(wanted, source="quickdraw", other_ways=WAYS, folder=tmp_path, limits=hasty)
    assert _whole_files(tmp_path) == ["ant.npz"]


def test_unreachable_host_is_one_quick_line(hasty, tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        url = f"http://user:secret@127.0.0.1:{port}/sketchrnn/cat.npz"
        started = time.monotonic()
        with pytest.raises(UserError) as error:
            _fetch(url, tmp_path, downloads.Limits())
    assert time.monotonic() - started < 5
    line = _line(error)
    assert "source quickdraw: the host cannot be reached ([Errno 111] Connection refused)" in line
    assert f"http://127.0.0.1:{port}/sketchrnn/cat.npz" in line
    assert WAYS in line
    assert "secret" not in line


def test_unknown_host_and_unusable_address_are_one_line(hasty, tmp_path):
    with pytest.raises(UserError, match=r"the host cannot be reached \(.*(not known|Temporary)"):
        _fetch("http://nowhere.invalid/cat.npz", tmp_path, hasty)
    with pytest.raises(UserError, match="no usable address"):
        _fetch("http:///cat.npz", tmp_path, hasty)


def test_redirects_without_end_are_one_line(server, hasty, tmp_path):
    def again(handler, count):
        handler.send_response(302)
        handler.send_header("Location", "/cat.npz")
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    with pytest.raises(UserError, match="redirects without end"):
        _fetch(server.on("/cat.npz", again), tmp_path, hasty)


def test_proxy_variables_are_honoured(server, content, hasty, tmp_path, monkeypatch):
    data = content(SIZE)
    server.serve("http://quickdraw.invalid/sketchrnn/cat.npz", data)
    monkeypatch.setenv("http_proxy", server.base)
    found = _fetch("http://quickdraw.invalid/sketchrnn/cat.npz", tmp_path, hasty)
    assert found.read_bytes() == data
    assert server.asked[0][0] == "http://quickdraw.invalid/sketchrnn/cat.npz"


def test_no_proxy_is_honoured_and_a_dead_proxy_is_one_line(server, content, hasty, tmp_path, monkeypatch):
    data = content(SIZE)
    url = server.serve("/cat.npz", data)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{taken.getsockname()[1]}")
        with pytest.raises(UserError, match="the proxy that the environment names does not answer"):
            _fetch(url, tmp_path, hasty)
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        assert _fetch(url, tmp_path, hasty).read_bytes() == data


Usage = namedtuple("Usage", "total used free")


def test_too_little_room_is_told_before_a_byte_is_asked_for(server, content, hasty, tmp_path, monkeypatch):
    data = content(SIZE)
    url = server.serve("/cat.npz", data)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(10**9, 10**9 - 200_000, 200_000))
    with pytest.raises(UserError) as error:
        _fetch(url, tmp_path, hasty, _known(data))
    line = _line(error)
    assert "0.3 MB are still to come, 0.2 MB are free" in line
    assert str(tmp_path) in line
    assert not server.asked


def test_too_little_room_counts_what_is_there_and_sizes_told_late(
    server, content, hasty, tmp_path, monkeypatch
):
    data = content(SIZE)
    url = server.serve("/cat.npz", data, cut_at=lambda n: 200_000 if n <= 4 else None)
    with pytest.raises(UserError):
        _fetch(url, tmp_path, hasty, _known(data))  # leaves 200,000 bytes
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage(10**9, 10**9 - 150_000, 150_000))
    assert _fetch(url, tmp_path, dataclasses.replace(hasty, tries=9), _known(data)).read_bytes() == data
    with pytest.raises(UserError, match="are still to come"):
        _fetch(server.serve("/dog.npz", data), tmp_path, hasty)  # size unknown beforehand
    assert not list(tmp_path.rglob("dog.npz"))


def test_killed_download_goes_on_and_ends_with_the_same_bytes(server, content, hasty, tmp_path):
    data = content(2_000_000)
    url = server.serve("/cat.npz", data, pause=0.01)
    code = (
        "import sys; from pathlib import Path; from strokecast.sources import downloads as d;"
        "d.fetch([d.Wanted(sys.argv[1], 'cat.npz')], source='q', other_ways='', folder=Path(sys.argv[2]))"
    )
    child = subprocess.Popen([sys.executable, "-c", code, url, str(tmp_path)])
    try:
        deadline = time.monotonic() + 20
        while sum(p.stat().st_size for p in tmp_path.rglob("*.part")) < 300_000:
            assert child.poll() is None, "ended before it could be killed"
            assert time.monotonic() < deadline, "nothing came"
            time.sleep(0.01)
    finally:
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
    [part] = tmp_path.rglob("*.part")
    kept = part.stat().st_size
    assert data.startswith(part.read_bytes())
    assert 300_000 <= kept < len(data)
    assert _fetch(url, tmp_path, hasty).read_bytes() == data
    assert server.asked[-1][1]["Range"] == f"bytes={kept}-"


def test_two_processes_that_want_one_file_fetch_it_once(server, content, tmp_path):
    data = content(1_000_000)
    url = server.serve("/cat.npz", data, pause=0.005)
    code = (
        "import sys, hashlib; from pathlib import Path; from strokecast.sources import downloads as d;"
        "k = {'bytes': 1000000, 'sha256': sys.argv[3]};"
        "[p] = d.fetch([d.Wanted(sys.argv[1], 'cat.npz', k)], source='q', other_ways='', folder=Path(sys.argv[2]));"
        "print(hashlib.sha256(p.read_bytes()).hexdigest())"
    )
    digest = hashlib.sha256(data).hexdigest()
    command = [sys.executable, "-c", code, url, str(tmp_path), digest]
    children = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    assert [child.communicate(timeout=60)[0].strip() for child in children] == [digest, digest]
    assert len(server.asked) == 1


def test_quiet_without_a_terminal_and_importing_pulls_nothing_in(server, content, hasty, tmp_path, capfd):
    _fetch(server.serve("/cat.npz", content(SIZE)), tmp_path, hasty)
    assert capfd.readouterr() == ("", "")
    code = "import sys, strokecast.sources.http.downloads; print({'requests', 'tqdm', 'urllib3'} & set(sys.modules))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "set()"


def test_a_server_that_goes_on_from_somewhere_else_is_not_believed(server, content, hasty, tmp_path):
    data = content(SIZE)
    url = server.serve("/cat.npz", data, cut_at=lambda n: 150_000)
    with pytest.raises(UserError):
        _fetch(url, tmp_path, hasty)

    def elsewhere(handler, count):
        asked = handler.headers.get("Range")
        begin = int(asked.removeprefix("bytes=").removesuffix("-")) if asked else 0
        handler.send_response(206 if begin else 200)
        if begin:
            handler.send_header("Content-Range", f"bytes 0-{SIZE - begin - 1}/{SIZE}")
        handler.send_header("ETag", '"v1"')
        handler.send_header("Content-Length", str(SIZE - begin))
        handler.end_headers()
        handler.wfile.write(data[: SIZE - begin])

    server.on("/cat.npz", elsewhere)
    assert _fetch(url, tmp_path, hasty).read_bytes() == data
