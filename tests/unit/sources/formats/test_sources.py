"""The five sources: what they fetch, what they record, and what they say when they cannot."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from strokecast.common.errors import UserError
from strokecast.sources import registry
from strokecast.sources.formats import reading
from strokecast.sources.http import downloads

NAMES = ("quickdraw_raw", "quickdraw_simplified", "quickdraw_binary", "tutorial_tfrecord", "npz_folder")
CLASS_FILES = {"quickdraw_raw": 6, "quickdraw_simplified": 8, "quickdraw_binary": 1}


@dataclass(frozen=True)
class Cap:
    train: int | None = None
    valid: int | None = None
    test: int | None = None

    def model_dump(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Settings:
    base_url: str = ""
    folder: str = ""
    classes: str | tuple[str, ...] = "all"
    recognized_only: bool = False
    drop_duplicates: bool = True
    valid_share: float = 0.1
    test_share: float = 0.1
    cap: Cap = field(default_factory=Cap)


def source(name: str) -> ModuleType:
    return registry.get("sketches", name)


@pytest.fixture
def target(tmp_path: Path) -> Path:
    folder = tmp_path / "raw"
    folder.mkdir()
    return folder


def test_the_registry_finds_them() -> None:
    assert set(NAMES) < set(registry.names("sketches"))
    for name in NAMES:
        assert callable(source(name).fetch)
        assert callable(source(name).changed)


@pytest.mark.parametrize(("name", "count"), CLASS_FILES.items())
def test_class_files_are_copied_verbatim(shared: Path, target: Path, name: str, count: int) -> None:
    settings = Settings(base_url=str(shared / "quickdraw"))
    line = source(name).fetch(settings, target)
    assert line.startswith(f"{name}: {count} classes, ")
    record = json.loads((target / "source.json").read_text())
    layout = source(name).LAYOUT
    assert (record["source"], record["format"]) == (name, layout.form)
    assert len(record["classes"]) == len(record["files"]) == count
    for file, facts in record["files"].items():
        assert (target / file).read_bytes() == (shared / "quickdraw" / layout.folder / file).read_bytes()
        assert facts["bytes"] == (target / file).stat().st_size
    assert sorted(p.name for p in target.iterdir()) == sorted([*record["files"], "source.json"])
    assert str(shared) not in (target / "source.json").read_text()
    assert sum(len(group.drawings) for group in reading.read(target)) == {6: 159, 8: 1175, 1: 1}[count]
    assert source(name).changed(settings, record) is None


@pytest.mark.parametrize("scheme", ["", "file://"])
def test_a_folder_of_the_files_themselves_will_do(shared: Path, target: Path, scheme: str) -> None:
    settings = Settings(base_url=f"{scheme}{shared}/quickdraw/full/raw", classes=("The Eiffel Tower", "cat"))
    source("quickdraw_raw").fetch(settings, target)
    assert json.loads((target / "source.json").read_text())["classes"] == ["The Eiffel Tower", "cat"]


def test_options_are_recorded_and_obeyed(shared: Path, target: Path) -> None:
    settings = Settings(
        base_url=str(shared / "quickdraw"),
        classes=("monkey",),
        recognized_only=True,
        valid_share=0.2,
        test_share=0.3,
        cap=Cap(train=50, test=20),
    )
    source("quickdraw_simplified").fetch(settings, target)
    groups = list(reading.read(target))
    assert len(groups[0].drawings) == 50
    assert len(groups[2].drawings) == 20
    assert 130 < len(groups[1].drawings) < 230
    assert {reject.kind for reject in groups[0].rejects} == {"not_recognized"}


def test_the_tutorial_is_copied_verbatim(shared: Path, target: Path) -> None:
    settings = Settings(folder=str(shared / "quickdraw_tutorial"))
    assert source("tutorial_tfrecord").fetch(settings, target) == "tutorial_tfrecord: 15 classes, 4.8 MB"
    record = json.loads((target / "source.json").read_text())
    assert (record["format"], len(record["classes"]), len(record["files"])) == ("tutorial", 15, 6)
    for file in record["files"]:
        assert (target / file).read_bytes() == (shared / "quickdraw_tutorial" / file).read_bytes()
    assert sum(len(group.drawings) for group in reading.read(target)) == 7500
    assert source("tutorial_tfrecord").changed(settings, record) is None


def test_a_folder_of_npz(shared: Path, tmp_path: Path, target: Path) -> None:
    at = tmp_path / "mine"
    at.mkdir()
    shutil.copyfile(shared / "quickdraw/sketchrnn/ant.npz", at / "ant.npz")
    shutil.copyfile(shared / "quickdraw/sketchrnn/ant.npz", at / "ant.full.npz")
    shutil.copyfile(shared / "sketchrnn_py2/short_kanji.npz", at / "short_kanji.npz")
    settings = Settings(folder=str(at))
    assert source("npz_folder").fetch(settings, target).startswith("npz_folder: 2 classes, ")
    counts = [(group.label, group.split, len(group.drawings)) for group in reading.read(target)]
    assert counts == [
        ("ant", "train", 650),
        ("ant", "valid", 50),
        ("ant", "test", 100),
        ("short_kanji", "train", 10_000),
        ("short_kanji", "valid", 600),
        ("short_kanji", "test", 500),
    ]


def refusal(name: str, settings: Settings, target: Path) -> str:
    with pytest.raises(UserError) as error:
        source(name).fetch(settings, target)
    assert not (target / "source.json").exists()
    return str(error.value)


@pytest.mark.parametrize("name", CLASS_FILES)
def test_what_class_files_refuse(shared: Path, tmp_path: Path, target: Path, name: str) -> None:
    key = f"params.yaml: sketches.{name}"
    layout = source(name).LAYOUT
    good = Settings(base_url=str(shared / "quickdraw"))
    none = tmp_path / "none"
    assert refusal(name, replace(good, base_url=str(none)), target) == (
        f"{key}.base_url: no such folder {str(none)!r}; allowed: a folder with "
        f"{layout.folder}/<class>{layout.suffix}, or with the files themselves"
    )
    none.mkdir()
    assert refusal(name, replace(good, base_url=str(none)), target) == (
        f"{key}: {none} holds no <class>{layout.suffix}"
    )
    assert refusal(name, replace(good, base_url="ftp://x"), target) == (
        f"{key}.base_url: 'ftp://x' will not do; allowed: an http(s) address, file:///..., or a local folder"
    )
    assert refusal(name, replace(good, valid_share=0.6, test_share=0.4), target) == (
        f"{key}: valid_share 0.6 and test_share 0.4 leave no training data; allowed: together below 1"
    )
    assert refusal(name, replace(good, classes=()), target) == (
        f"{key}.classes: the list is empty; allowed: all, or a list of classes"
    )
    assert refusal(name, replace(good, classes=("bed", "bed")), target) == (
        f"{key}.classes: 'bed' stands there twice"
    )
    assert refusal(name, replace(good, classes=("../bed",)), target) == (
        f"{key}.classes: '../bed' is no class name"
    )
    line = refusal(name, replace(good, classes=("airplan",)), target)
    folder = shared / "quickdraw" / layout.folder
    assert line.startswith(
        f"{key}.classes: no file airplan{layout.suffix} in {folder}; allowed: what is there: "
    )


def test_what_the_tutorial_refuses(shared: Path, tmp_path: Path, target: Path) -> None:
    key = "params.yaml: sketches.tutorial_tfrecord"
    good = Settings(folder=str(shared / "quickdraw_tutorial"))
    assert refusal("tutorial_tfrecord", replace(good, folder="nowhere"), target) == (
        f"{key}.folder: no such folder 'nowhere'"
    )
    line = refusal("tutorial_tfrecord", replace(good, classes=("kat",)), target)
    assert line.startswith(f"{key}.classes: unknown class 'kat'; allowed: airplane, bicycle, ")
    at = tmp_path / "copy"
    shutil.copytree(shared / "quickdraw_tutorial", at, copy_function=shutil.copyfile)
    at.chmod(0o755)
    path = at / "training.tfrecord-00001-of-00002"
    path.write_bytes(path.read_bytes()[:-3])
    line = refusal("tutorial_tfrecord", replace(good, folder=str(at)), target)
    assert line.startswith(f"{path}, record 3000 at byte ")
    assert line.endswith(": the file ends inside this record; fetch it again")


def test_what_a_folder_of_npz_refuses(shared: Path, tmp_path: Path, target: Path) -> None:
    key = "params.yaml: sketches.npz_folder"
    assert (
        refusal("npz_folder", Settings(folder="nowhere"), target) == f"{key}.folder: no such folder 'nowhere'"
    )
    assert (
        refusal("npz_folder", Settings(folder=str(tmp_path)), target)
        == f"{key}: {tmp_path} holds no <class>.npz"
    )
    at = shared / "quickdraw/sketchrnn"
    line = refusal("npz_folder", Settings(folder=str(at), classes=("ants",)), target)
    assert line.startswith(f"{key}.classes: no file ants.npz in {at}; allowed: what is there: airplane, ")
    assert "; did you mean 'ant'" in line
    (tmp_path / "bad.npz").write_bytes(b"PK\x03\x04 but no zip")
    line = refusal("npz_folder", Settings(folder=str(tmp_path)), target)
    assert line.startswith(f"{tmp_path / 'bad.npz'}: is damaged or no Sketch-RNN npz: ")


def test_a_file_of_another_format_is_refused_at_once(shared: Path, tmp_path: Path, target: Path) -> None:
    at = tmp_path / "full/raw"
    at.mkdir(parents=True)
    shutil.copyfile(shared / "quickdraw/full/simplified/crab.ndjson", at / "crab.ndjson")
    line = refusal("quickdraw_raw", Settings(base_url=str(tmp_path)), target)
    assert line.startswith(
        f"{at / 'crab.ndjson'}: is no raw ndjson: line 1: stroke 1 has 2 axes, as in simplified files, "
        "not 3 (x, y, t); allowed: "
    )


@pytest.mark.parametrize(
    ("name", "place", "files"),
    [
        ("quickdraw_raw", "quickdraw", "full/raw"),
        ("quickdraw_binary", "quickdraw", "full/binary"),
        ("tutorial_tfrecord", "quickdraw_tutorial", "."),
        ("npz_folder", "sketchrnn_py2", "."),
    ],
)
def test_a_changed_local_folder_is_noticed(
    shared: Path, tmp_path: Path, target: Path, name: str, place: str, files: str
) -> None:
    at = tmp_path / "copy"
    shutil.copytree(shared / place, at, copy_function=shutil.copyfile)
    for folder in (at, *(p for p in at.rglob("*") if p.is_dir())):
        folder.chmod(0o755)
    settings = Settings(base_url=str(at), folder=str(at))
    source(name).fetch(settings, target)
    record = json.loads((target / "source.json").read_text())
    assert source(name).changed(settings, record) is None
    path = (at / files).resolve() / sorted(record["files"])[0]
    with path.open("ab") as file:
        file.write(b"\n")
    assert source(name).changed(settings, record) == f"{path} changed its size"
    path.write_bytes(path.read_bytes()[:-1])
    added = path.with_name(
        "training.tfrecord-00002-of-00003" if name == "tutorial_tfrecord" else f"new{path.suffix}"
    )
    added.touch()
    assert source(name).changed(settings, record) == f"{added.parent} got a new file {added.name}"
    assert (
        source(name).changed(Settings(base_url=str(tmp_path / "x"), folder=str(tmp_path / "x")), record)
        is None
    )


# ---------------------------------------------------------------- http


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Downloads are kept in a project of the test's own."""
    monkeypatch.setenv("DVC_ROOT", str(tmp_path / "project"))


@pytest.fixture
def server(shared: Path) -> Iterator[str]:
    handler = partial(Quiet, directory=str(shared / "quickdraw"))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as served:
        thread = threading.Thread(target=served.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{served.server_port}"
        served.shutdown()


def test_a_mirror_over_http(server: str, shared: Path, target: Path) -> None:
    settings = Settings(base_url=server + "/", classes=("The Eiffel Tower", "t-shirt"))
    source("quickdraw_simplified").fetch(settings, target)
    path = target / "The Eiffel Tower.ndjson"
    assert path.read_bytes() == (shared / "quickdraw/full/simplified" / path.name).read_bytes()
    assert source("quickdraw_simplified").changed(settings, {"files": {}, "classes": []}) is None


def test_what_a_mirror_lacks(server: str, target: Path) -> None:
    key = "params.yaml: sketches.quickdraw_raw"
    ways = (
        "other ways: sketches.quickdraw_raw.base_url may name a mirror or a local folder with "
        "full/raw/<class>.ndjson, or set sketches.source: doodles"
    )
    assert refusal("quickdraw_raw", Settings(base_url=server, classes=("zebra",)), target) == (
        f"{key}: no such file {server}/full/raw/zebra.ndjson (HTTP 404); {ways}"
    )
    line = refusal("quickdraw_raw", Settings(base_url=server, classes=("zebr",)), target)
    assert line.startswith(
        f"{key}: no such file {server}/full/raw/zebr.ndjson (HTTP 404); did you mean 'zebra'"
    )


def test_a_dead_host(target: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(downloads, "LIMITS", downloads.Limits(tries=1, connects=0))
    with ThreadingHTTPServer(("127.0.0.1", 0), Quiet) as closed:
        port = closed.server_port
    line = refusal(
        "quickdraw_binary", Settings(base_url=f"http://127.0.0.1:{port}", classes=("bed",)), target
    )
    assert line.startswith(f"http://127.0.0.1:{port}/full/binary/bed.bin: source quickdraw_binary: ")
    assert line.endswith("with full/binary/<class>.bin, or set sketches.source: doodles")


def test_an_unknown_class_asks_no_official_server(target: Path) -> None:
    settings = Settings(base_url="https://storage.googleapis.com/quickdraw_dataset", classes=("kat",))
    line = refusal("quickdraw_raw", settings, target)
    assert line.startswith(
        "params.yaml: sketches.quickdraw_raw.classes: unknown class 'kat'; allowed: the 345 "
    )


def test_a_mirror_that_sends_a_page_is_refused_and_not_kept(tmp_path: Path, target: Path, line: Any) -> None:
    at = tmp_path / "www/full/raw"
    at.mkdir(parents=True)
    (at / "cat.ndjson").write_text("<html>please log in</html>\n")
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path / "www"))) as served:
        threading.Thread(target=served.serve_forever, daemon=True).start()
        base = f"http://127.0.0.1:{served.server_port}"
        told = refusal("quickdraw_raw", Settings(base_url=base, classes=("cat",)), target)
        assert told.startswith(f"{base}/full/raw/cat.ndjson: is no raw ndjson: line 1: no valid JSON: ")
        assert not list(target.iterdir())
        (at / "cat.ndjson").write_bytes(line() + b"\n")
        source("quickdraw_raw").fetch(Settings(base_url=base, classes=("cat",)), target)
        served.shutdown()
    assert next(group.ids for group in reading.read(target)) == ["cat/train/5152802093400064"]
