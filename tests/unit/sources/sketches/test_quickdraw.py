"""The source `quickdraw`: local folders and http, checks, and one-line errors."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import numpy as np
import pytest

from strokecast.common import paths
from strokecast.common.errors import UserError
from strokecast.params import Params
from strokecast.sources import registry
from strokecast.sources.formats import reading, source_json
from strokecast.sources.http import downloads
from strokecast.sources.local import file_info
from strokecast.sources.sketches import quickdraw

Settings = Callable[..., Params]
RAW = paths.RAW / "sketches"


def quickdraw_settings(
    settings: Settings, base_url: Path | str, classes: Any = "all", **options: Any
) -> Params:
    return settings(
        sketches={
            "source": "quickdraw",
            "quickdraw": {"base_url": str(base_url), "classes": classes, **options},
        }
    )


def download_error(settings: Params) -> str:
    with pytest.raises(UserError) as caught:
        registry.download("sketches", settings)
    line = str(caught.value)
    assert "\n" not in line
    assert not RAW.exists()
    assert not list(paths.RAW.glob(".*"))
    return line


# ---------------------------------------------------------------- the table of official files


def test_the_table_of_official_files_equals_the_published_one(shared: Path) -> None:
    import csv

    with (shared / "quickdraw" / "official_sketchrnn_files.csv").open() as file:
        published = {
            row["path"].removeprefix("sketchrnn/").removesuffix(".npz"): {
                "bytes": int(row["bytes"]),
                "sha256": row["sha256"],
            }
            for row in csv.DictReader(file)
        }
    assert quickdraw.official_files() == published
    assert len(published) == 345


# ---------------------------------------------------------------- a local folder


def test_all_files_of_a_local_folder_are_copied_byte_for_byte(
    project: Path, settings: Settings, mirror: Path
) -> None:
    (mirror / "sketchrnn" / "cat.full.npz").write_bytes(b"the same drawings again")
    line = registry.download("sketches", quickdraw_settings(settings, mirror))
    record = json.loads((RAW / "source.json").read_text())
    assert record["classes"] == ["The Eiffel Tower", "cat", "coffee cup"]
    for label in record["classes"]:
        assert (RAW / f"{label}.npz").read_bytes() == (mirror / "sketchrnn" / f"{label}.npz").read_bytes()
        assert record["files"][f"{label}.npz"] == file_info(RAW / f"{label}.npz")
    assert "3 classes" in line
    assert record["licence"] == "CC BY 4.0"
    assert str(mirror) not in json.dumps(record)


@pytest.mark.parametrize("kind", ["relative", "file", "home"])
def test_a_local_folder_may_be_relative_a_file_url_or_below_home(
    project: Path, settings: Settings, mirror: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setenv("HOME", str(mirror.parent))
    base_url = {"relative": "../mirror", "file": mirror.as_uri() + "/", "home": "~/mirror"}[kind]
    registry.download("sketches", quickdraw_settings(settings, base_url, ["coffee cup"]))
    assert sorted(p.name for p in RAW.iterdir()) == ["coffee cup.npz", "source.json"]


def test_file_urls_may_have_percent_encoded_characters(
    project: Path, settings: Settings, mirror: Path
) -> None:
    renamed = mirror.rename(mirror.with_name("my mirror 100%25"))
    registry.download("sketches", quickdraw_settings(settings, renamed.as_uri(), ["cat"]))
    assert (RAW / "cat.npz").is_file()


def test_the_order_of_the_list_is_kept_and_the_cap_is_applied_by_the_reader(
    project: Path, settings: Settings, mirror: Path
) -> None:
    registry.download(
        "sketches", quickdraw_settings(settings, mirror, ["coffee cup", "cat"], cap={"train": 2})
    )
    assert source_json.read(RAW, "sketches")["classes"] == ["coffee cup", "cat"]
    assert (RAW / "cat.npz").read_bytes() == (mirror / "sketchrnn" / "cat.npz").read_bytes()
    assert [len(group.drawings) for group in reading.read(RAW)] == [2, 2, 3, 2, 2, 3]


def test_a_real_folder(project: Path, settings: Settings, shared: Path) -> None:
    registry.download(
        "sketches",
        quickdraw_settings(settings, shared / "quickdraw", ["ice cream", "face"], cap={"train": 10}),
    )
    counts = [(group.label, group.split, len(group.drawings)) for group in reading.read(RAW)]
    assert counts[:3] == [("ice cream", "train", 10), ("ice cream", "valid", 50), ("ice cream", "test", 100)]


def test_a_missing_file_names_the_folder_and_its_classes(
    project: Path, settings: Settings, mirror: Path
) -> None:
    line = download_error(quickdraw_settings(settings, mirror, ["cat", "coffe cup"]))
    assert "coffe cup.npz" in line
    assert str(mirror / "sketchrnn") in line
    assert "The Eiffel Tower, cat, coffee cup" in line
    assert "did you mean 'coffee cup'" in line


def test_a_truncated_file_is_named(project: Path, settings: Settings, mirror: Path) -> None:
    path = mirror / "sketchrnn" / "cat.npz"
    path.write_bytes(path.read_bytes()[:-300])
    assert f"{path}: is damaged" in download_error(quickdraw_settings(settings, mirror))


def test_a_file_without_a_split_is_named(project: Path, settings: Settings, mirror: Path) -> None:
    np.savez(mirror / "sketchrnn" / "dog.npz", train=np.zeros((1, 2, 3)))
    assert "dog.npz: lacks the arrays valid, test" in download_error(
        quickdraw_settings(settings, mirror, ["dog"])
    )


@pytest.mark.parametrize(
    ("base_url", "classes", "message"),
    [
        ("nowhere", "all", "no such folder 'nowhere'; allowed: a folder with sketchrnn/"),
        ("ftp://host/x", "all", "'ftp://host/x' is not valid"),
        ("file://host/x", "all", "is not valid"),
        ("nowhere", [], "the list is empty"),
        ("nowhere", ["cat", "cat"], "'cat' is listed twice"),
        ("nowhere", ["../../etc/passwd"], "is not a class name"),
        ("nowhere", [""], "is not a class name"),
    ],
)
def test_bad_options_give_one_line(
    project: Path, settings: Settings, base_url: str, classes: Any, message: str
) -> None:
    assert message in download_error(quickdraw_settings(settings, base_url, classes))


def test_an_empty_folder_is_an_error(project: Path, settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "m" / "sketchrnn").mkdir(parents=True)
    assert "sketchrnn contains no <class>.npz" in download_error(quickdraw_settings(settings, tmp_path / "m"))


def test_stale_reports_a_changed_folder(project: Path, settings: Settings, mirror: Path) -> None:
    options = quickdraw_settings(settings, mirror)
    registry.download("sketches", options)
    assert registry.stale("sketches", options, RAW) is None
    folder = mirror / "sketchrnn"
    (folder / "dog.npz").write_bytes((folder / "cat.npz").read_bytes())
    assert "new file dog.npz" in str(registry.stale("sketches", options, RAW))
    assert registry.stale("sketches", quickdraw_settings(settings, mirror, ["cat"]), RAW) is None
    (folder / "cat.npz").write_bytes(b"x")
    assert "cat.npz changed since" in str(registry.stale("sketches", options, RAW))
    assert registry.stale("sketches", settings(), RAW) is None  # another source: quickdraw_sample
    assert registry.stale("sketches", quickdraw_settings(settings, "gone"), RAW) is None
    assert registry.stale("sketches", options, project / "no such folder") is None


# ---------------------------------------------------------------- http


class Server(ThreadingHTTPServer):
    """Serves `files`. A path first statuses with the statuses in `statuses`; -1 closes the connection early."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.files: dict[str, bytes] = {}
        self.statuses: dict[str, list[int]] = {}
        self.requests: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.requests.append(self.path)
        path = unquote(self.path)
        statuses = self.server.statuses.get(path)
        body = self.server.files.get(path)
        status = statuses.pop(0) if statuses else 200 if body is not None else 404
        cut = status == -1
        self.send_response(200 if cut else status)
        content = (body or b"") if status == 200 or cut else b""
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[: len(content) // 2] if cut else content)

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture
def server(mirror: Path, monkeypatch: pytest.MonkeyPatch, no_proxy: None) -> Iterator[Server]:
    monkeypatch.setattr(downloads, "DEFAULT_OPTIONS", downloads.DownloadOptions(max_attempts=4, backoff=0.01))
    served = Server()
    for path in (mirror / "sketchrnn").iterdir():
        served.files[f"/sketchrnn/{path.name}"] = path.read_bytes()
    thread = threading.Thread(target=served.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield served
    served.shutdown()
    served.server_close()
    thread.join()


def test_names_are_percent_encoded_and_files_downloaded_byte_for_byte(
    project: Path, settings: Settings, server: Server
) -> None:
    registry.download("sketches", quickdraw_settings(settings, server.url + "/", ["The Eiffel Tower", "cat"]))
    assert sorted(server.requests) == ["/sketchrnn/The%20Eiffel%20Tower.npz", "/sketchrnn/cat.npz"]
    assert (RAW / "The Eiffel Tower.npz").read_bytes() == server.files["/sketchrnn/The Eiffel Tower.npz"]


@pytest.mark.parametrize("statuses", [[500, 500], [503, 429], [-1], [-1, 502, -1]])
def test_failed_requests_are_retried(
    project: Path, settings: Settings, server: Server, statuses: list[int]
) -> None:
    server.statuses["/sketchrnn/cat.npz"] = list(statuses)
    registry.download("sketches", quickdraw_settings(settings, server.url, ["cat"]))
    assert (RAW / "cat.npz").read_bytes() == server.files["/sketchrnn/cat.npz"]
    assert len(server.requests) == len(statuses) + 1


def test_a_failing_server_gives_one_line(project: Path, settings: Settings, server: Server) -> None:
    server.statuses["/sketchrnn/cat.npz"] = [500] * 99
    line = download_error(quickdraw_settings(settings, server.url, ["cat"]))
    assert f"{server.url}/sketchrnn/cat.npz: source quickdraw: the server answered HTTP 500" in line
    assert len(server.requests) == 4


def test_a_missing_file_is_an_error_without_retries(
    project: Path, settings: Settings, server: Server
) -> None:
    line = download_error(quickdraw_settings(settings, server.url, ["dog"]))
    assert f"no such file {server.url}/sketchrnn/dog.npz (HTTP 404)" in line
    assert len(server.requests) == 1
    line = download_error(quickdraw_settings(settings, server.url, ["airplan"]))
    assert "unknown class 'airplan'" in line
    assert "did you mean 'airplane'" in line


def test_a_web_page_instead_of_a_file_is_an_error(project: Path, settings: Settings, server: Server) -> None:
    server.files["/sketchrnn/cat.npz"] = b"<html>log in first</html>"
    line = download_error(quickdraw_settings(settings, server.url, ["cat"]))
    assert f"{server.url}/sketchrnn/cat.npz: is an HTML page, not a Sketch-RNN npz" in line


def test_an_unreachable_host_names_the_alternatives(
    project: Path, settings: Settings, server: Server
) -> None:
    server.shutdown()
    server.server_close()
    line = download_error(quickdraw_settings(settings, server.url, ["cat"]))
    assert "source quickdraw: the host cannot be reached" in line
    assert server.url in line
    assert "base_url" in line
    assert "sketches.source: quickdraw_sample" in line


def test_official_files_are_checked_against_their_sizes_and_digests(
    project: Path, settings: Settings, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quickdraw, "OFFICIAL", server.url)
    body = server.files["/sketchrnn/cat.npz"]
    line = download_error(quickdraw_settings(settings, server.url, ["cat"]))
    assert (
        f"received {len(body):,} bytes, expected the {quickdraw.official_files()['cat']['bytes']:,}" in line
    )

    table = quickdraw.official_files()
    table["cat"] = {"bytes": len(body), "sha256": "0" * 64}
    monkeypatch.setattr(quickdraw, "official_files", lambda: table)
    assert "the sha256 differs" in download_error(quickdraw_settings(settings, server.url, ["cat"]))
    good = project.parent / "good.npz"
    good.write_bytes(body)
    table["cat"] = file_info(good)
    registry.download("sketches", quickdraw_settings(settings, server.url, ["cat"]))
    assert (RAW / "cat.npz").read_bytes() == body


def test_an_unknown_official_class_is_an_error_before_any_request(
    project: Path, settings: Settings, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quickdraw, "OFFICIAL", server.url)
    line = download_error(quickdraw_settings(settings, server.url, ["cat", "eiffel tower"]))
    assert "did you mean 'The Eiffel Tower'" in line
    assert len(line) < 300
    assert not server.requests
