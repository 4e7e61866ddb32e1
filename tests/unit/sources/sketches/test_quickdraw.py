"""quickdraw: local folders and http, what is checked, and what is said when it goes wrong."""

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
from strokecast.sources.formats import npz
from strokecast.sources.http import downloads
from strokecast.sources.local import facts
from strokecast.sources.sketches import quickdraw

Settings = Callable[..., Params]
RAW = paths.RAW / "sketches"


def at(settings: Settings, base_url: Path | str, classes: Any = "all", **options: Any) -> Params:
    return settings(
        sketches={
            "source": "quickdraw",
            "quickdraw": {"base_url": str(base_url), "classes": classes, **options},
        }
    )


def error(settings: Params) -> str:
    with pytest.raises(UserError) as caught:
        registry.download("sketches", settings)
    line = str(caught.value)
    assert "\n" not in line
    assert not RAW.exists()
    assert not list(paths.RAW.glob(".*"))
    return line


# ---------------------------------------------------------------- the table of official files


def test_the_official_table_holds_the_published_facts(shared: Path) -> None:
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


def test_all_of_a_local_folder_is_copied_verbatim(project: Path, settings: Settings, mirror: Path) -> None:
    (mirror / "sketchrnn" / "cat.full.npz").write_bytes(b"the same drawings again")
    line = registry.download("sketches", at(settings, mirror))
    record = json.loads((RAW / "source.json").read_text())
    assert record["classes"] == ["The Eiffel Tower", "cat", "coffee cup"]
    for label in record["classes"]:
        assert (RAW / f"{label}.npz").read_bytes() == (mirror / "sketchrnn" / f"{label}.npz").read_bytes()
        assert record["files"][f"{label}.npz"] == facts(RAW / f"{label}.npz")
    assert "3 classes" in line
    assert record["licence"] == "CC BY 4.0"
    assert str(mirror) not in json.dumps(record)


@pytest.mark.parametrize("form", ["relative", "file", "home"])
def test_the_ways_to_name_a_local_folder(
    project: Path, settings: Settings, mirror: Path, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    monkeypatch.setenv("HOME", str(mirror.parent))
    named = {"relative": "../mirror", "file": mirror.as_uri() + "/", "home": "~/mirror"}[form]
    registry.download("sketches", at(settings, named, ["coffee cup"]))
    assert sorted(p.name for p in RAW.iterdir()) == ["coffee cup.npz", "source.json"]


def test_file_urls_with_quoted_spaces(project: Path, settings: Settings, mirror: Path) -> None:
    moved = mirror.rename(mirror.with_name("my mirror 100%25"))
    registry.download("sketches", at(settings, moved.as_uri(), ["cat"]))
    assert (RAW / "cat.npz").is_file()


def test_the_order_of_the_list_is_kept_and_the_cap_only_recorded(
    project: Path, settings: Settings, mirror: Path
) -> None:
    registry.download("sketches", at(settings, mirror, ["coffee cup", "cat"], cap={"train": 2}))
    assert npz.read_source(RAW)["classes"] == ["coffee cup", "cat"]
    assert (RAW / "cat.npz").read_bytes() == (mirror / "sketchrnn" / "cat.npz").read_bytes()
    assert [len(d) for _, _, d in npz.read_drawings(RAW)] == [2, 2, 3, 2, 2, 3]


def test_the_real_folder(project: Path, settings: Settings, shared: Path) -> None:
    registry.download(
        "sketches", at(settings, shared / "quickdraw", ["ice cream", "face"], cap={"train": 10})
    )
    found = [(label, split, len(items)) for label, split, items in npz.read_drawings(RAW)]
    assert found[:3] == [("ice cream", "train", 10), ("ice cream", "valid", 50), ("ice cream", "test", 100)]


def test_a_missing_file_names_file_folder_and_what_is_there(
    project: Path, settings: Settings, mirror: Path
) -> None:
    line = error(at(settings, mirror, ["cat", "coffe cup"]))
    assert "coffe cup.npz" in line
    assert str(mirror / "sketchrnn") in line
    assert "The Eiffel Tower, cat, coffee cup" in line
    assert "did you mean 'coffee cup'" in line


def test_a_truncated_file_is_named(project: Path, settings: Settings, mirror: Path) -> None:
    path = mirror / "sketchrnn" / "cat.npz"
    path.write_bytes(path.read_bytes()[:-300])
    assert f"{path}: is damaged" in error(at(settings, mirror))


def test_a_file_without_a_split_is_named(project: Path, settings: Settings, mirror: Path) -> None:
    np.savez(mirror / "sketchrnn" / "dog.npz", train=np.zeros((1, 2, 3)))
    assert "dog.npz: lacks the arrays valid, test" in error(at(settings, mirror, ["dog"]))


@pytest.mark.parametrize(
    ("base_url", "classes", "words"),
    [
        ("nowhere", "all", "'nowhere' has no folder sketchrnn"),
        ("ftp://host/x", "all", "'ftp://host/x' will not do"),
        ("file://host/x", "all", "will not do"),
        ("nowhere", [], "the list is empty"),
        ("nowhere", ["cat", "cat"], "'cat' stands there twice"),
        ("nowhere", ["../../etc/passwd"], "is no class name"),
        ("nowhere", [""], "is no class name"),
    ],
)
def test_bad_options(project: Path, settings: Settings, base_url: str, classes: Any, words: str) -> None:
    assert words in error(at(settings, base_url, classes))


def test_an_empty_folder(project: Path, settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "m" / "sketchrnn").mkdir(parents=True)
    assert "holds no sketchrnn/<class>.npz" in error(at(settings, tmp_path / "m"))


def test_stale_tells_a_changed_folder(project: Path, settings: Settings, mirror: Path) -> None:
    options = at(settings, mirror)
    registry.download("sketches", options)
    assert registry.stale("sketches", options, RAW) is None
    folder = mirror / "sketchrnn"
    (folder / "dog.npz").write_bytes((folder / "cat.npz").read_bytes())
    assert "new file dog.npz" in str(registry.stale("sketches", options, RAW))
    assert registry.stale("sketches", at(settings, mirror, ["cat"]), RAW) is None
    (folder / "cat.npz").write_bytes(b"x")
    assert "cat.npz changed its size" in str(registry.stale("sketches", options, RAW))
    assert registry.stale("sketches", settings(), RAW) is None  # another source: doodles
    assert registry.stale("sketches", at(settings, "gone"), RAW) is None
    assert registry.stale("sketches", options, project / "no such folder") is None


# ---------------------------------------------------------------- http


class Server(ThreadingHTTPServer):
    """Serves `files`; each path first answers what `answers` still holds for it."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.files: dict[str, bytes] = {}
        self.answers: dict[str, list[int]] = {}
        self.asked: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        path = unquote(self.path)
        waiting = self.server.answers.get(path)
        body = self.server.files.get(path)
        status = waiting.pop(0) if waiting else 200 if body is not None else 404
        cut = status == -1  # promises the whole file and breaks off
        self.send_response(200 if cut else status)
        content = (body or b"") if status == 200 or cut else b""
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[: len(content) // 2] if cut else content)

    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture
def server(mirror: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setattr(downloads, "LIMITS", downloads.Limits(tries=4, backoff=0.01))
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    served = Server()
    for path in (mirror / "sketchrnn").iterdir():
        served.files[f"/sketchrnn/{path.name}"] = path.read_bytes()
    thread = threading.Thread(target=served.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield served
    served.shutdown()
    served.server_close()
    thread.join()


def test_http_quotes_names_and_keeps_the_bytes(project: Path, settings: Settings, server: Server) -> None:
    registry.download("sketches", at(settings, server.url + "/", ["The Eiffel Tower", "cat"]))
    assert sorted(server.asked) == ["/sketchrnn/The%20Eiffel%20Tower.npz", "/sketchrnn/cat.npz"]
    assert (RAW / "The Eiffel Tower.npz").read_bytes() == server.files["/sketchrnn/The Eiffel Tower.npz"]


@pytest.mark.parametrize("answers", [[500, 500], [503, 429], [-1], [-1, 502, -1]])
def test_http_tries_again(project: Path, settings: Settings, server: Server, answers: list[int]) -> None:
    server.answers["/sketchrnn/cat.npz"] = list(answers)
    registry.download("sketches", at(settings, server.url, ["cat"]))
    assert (RAW / "cat.npz").read_bytes() == server.files["/sketchrnn/cat.npz"]
    assert len(server.asked) == len(answers) + 1


def test_http_gives_up_in_one_line(project: Path, settings: Settings, server: Server) -> None:
    server.answers["/sketchrnn/cat.npz"] = [500] * 99
    line = error(at(settings, server.url, ["cat"]))
    assert f"{server.url}/sketchrnn/cat.npz: source quickdraw: the server answered HTTP 500" in line
    assert len(server.asked) == 4


def test_http_404_is_told_at_once(project: Path, settings: Settings, server: Server) -> None:
    line = error(at(settings, server.url, ["dog"]))
    assert f"no such file {server.url}/sketchrnn/dog.npz (HTTP 404)" in line
    assert len(server.asked) == 1
    line = error(at(settings, server.url, ["airplan"]))
    assert "unknown class 'airplan'" in line
    assert "did you mean 'airplane'" in line


def test_http_that_sends_something_else_is_told(project: Path, settings: Settings, server: Server) -> None:
    server.files["/sketchrnn/cat.npz"] = b"<html>log in first</html>"
    line = error(at(settings, server.url, ["cat"]))
    assert f"{server.url}/sketchrnn/cat.npz: is damaged or no Sketch-RNN npz" in line


def test_a_host_that_is_not_there_names_the_other_ways(
    project: Path, settings: Settings, server: Server
) -> None:
    server.shutdown()
    server.server_close()
    line = error(at(settings, server.url, ["cat"]))
    assert "source quickdraw: the host cannot be reached" in line
    assert server.url in line
    assert "base_url" in line
    assert "sketches.source: doodles" in line


def test_official_files_are_checked_against_their_digests(
    project: Path, settings: Settings, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quickdraw, "OFFICIAL", server.url)
    body = server.files["/sketchrnn/cat.npz"]
    line = error(at(settings, server.url, ["cat"]))
    assert f"got {len(body):,} bytes, not the {quickdraw.official_files()['cat']['bytes']:,}" in line

    table = quickdraw.official_files()
    table["cat"] = {"bytes": len(body), "sha256": "0" * 64}
    monkeypatch.setattr(quickdraw, "official_files", lambda: table)
    assert "its sha256 differs" in error(at(settings, server.url, ["cat"]))
    good = project.parent / "good.npz"
    good.write_bytes(body)
    table["cat"] = facts(good)
    registry.download("sketches", at(settings, server.url, ["cat"]))
    assert (RAW / "cat.npz").read_bytes() == body


def test_an_unknown_official_class_is_told_before_anything_is_fetched(
    project: Path, settings: Settings, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quickdraw, "OFFICIAL", server.url)
    line = error(at(settings, server.url, ["cat", "eiffel tower"]))
    assert "did you mean 'The Eiffel Tower'" in line
    assert len(line) < 300
    assert not server.asked
