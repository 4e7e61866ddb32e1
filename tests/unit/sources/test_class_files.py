"""The sources of class files: what they fetch and record, their errors, and changes of local folders."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from strokecast.common.errors import UserError
from strokecast.params import Cap, ClassFiles
from strokecast.sources import registry
from strokecast.sources.formats import reading
from strokecast.sources.http import downloads

N_CLASSES = {"quickdraw_raw": 6, "quickdraw_simplified": 8, "quickdraw_binary": 1}
N_DRAWINGS = {"quickdraw_raw": 159, "quickdraw_simplified": 1175, "quickdraw_binary": 1}


def source(name: str) -> ModuleType:
    return registry.get("sketches", name)


def fetch_error(name: str, options: ClassFiles, folder: Path) -> str:
    with pytest.raises(UserError) as error:
        source(name).fetch(options, folder)
    assert not (folder / "source.json").exists()
    return str(error.value)


# ---------------------------------------------------------------- local folders


@pytest.mark.parametrize("name", N_CLASSES)
def test_files_are_copied_byte_for_byte(shared: Path, raw_folder: Path, name: str) -> None:
    options = ClassFiles(base_url=str(shared / "quickdraw"))
    line = source(name).fetch(options, raw_folder)
    assert line.startswith(f"{name}: {N_CLASSES[name]} classes, ")
    record = json.loads((raw_folder / "source.json").read_text())
    layout = source(name).LAYOUT
    assert (record["source"], record["format"]) == (name, layout.file_format)
    assert len(record["classes"]) == len(record["files"]) == N_CLASSES[name]
    for file, info in record["files"].items():
        assert (raw_folder / file).read_bytes() == (shared / "quickdraw" / layout.folder / file).read_bytes()
        assert info["bytes"] == (raw_folder / file).stat().st_size
    assert sorted(p.name for p in raw_folder.iterdir()) == sorted([*record["files"], "source.json"])
    assert str(shared) not in (raw_folder / "source.json").read_text()
    assert sum(len(group.drawings) for group in reading.read(raw_folder)) == N_DRAWINGS[name]
    assert source(name).describe_change(options, record) is None


@pytest.mark.parametrize("scheme", ["", "file://"])
def test_the_base_url_may_be_the_folder_of_the_files(shared: Path, raw_folder: Path, scheme: str) -> None:
    options = ClassFiles(base_url=f"{scheme}{shared}/quickdraw/full/raw", classes=("The Eiffel Tower", "cat"))
    source("quickdraw_raw").fetch(options, raw_folder)
    assert json.loads((raw_folder / "source.json").read_text())["classes"] == ["The Eiffel Tower", "cat"]


def test_options_are_recorded_and_applied(shared: Path, raw_folder: Path) -> None:
    options = ClassFiles(
        base_url=str(shared / "quickdraw"),
        classes=("monkey",),
        recognized_only=True,
        valid_share=0.2,
        test_share=0.3,
        cap=Cap(train=50, test=20),
    )
    source("quickdraw_simplified").fetch(options, raw_folder)
    groups = list(reading.read(raw_folder))
    assert len(groups[0].drawings) == 50
    assert len(groups[2].drawings) == 20
    assert 130 < len(groups[1].drawings) < 230
    assert {reject.kind for reject in groups[0].rejects} == {"not_recognized"}


def test_shares_without_training_data_are_rejected() -> None:
    with pytest.raises(
        ValueError, match=r"the sum of valid_share \(0.[56]\) and test_share \(0.[45]\) should be below 1"
    ):
        ClassFiles(valid_share=0.6, test_share=0.4)


@pytest.mark.parametrize("name", N_CLASSES)
def test_bad_options_give_one_line(shared: Path, tmp_path: Path, raw_folder: Path, name: str) -> None:
    key = f"params.yaml: sketches.{name}"
    layout = source(name).LAYOUT
    base_url = str(shared / "quickdraw")
    missing = tmp_path / "missing"
    assert fetch_error(name, ClassFiles(base_url=str(missing)), raw_folder) == (
        f"{key}.base_url: no such folder {str(missing)!r}; allowed: a folder with "
        f"{layout.folder}/<class>{layout.suffix}, or with the files themselves"
    )
    missing.mkdir()
    assert fetch_error(name, ClassFiles(base_url=str(missing)), raw_folder) == (
        f"{key}: {missing} contains no <class>{layout.suffix}"
    )
    assert fetch_error(name, ClassFiles(base_url="ftp://x"), raw_folder) == (
        f"{key}.base_url: 'ftp://x' is not valid; allowed: an http(s) address, file:///..., or a local folder"
    )
    assert fetch_error(name, ClassFiles(base_url=base_url, classes=()), raw_folder) == (
        f"{key}.classes: the list is empty; allowed: all, or a list of classes"
    )
    assert fetch_error(name, ClassFiles(base_url=base_url, classes=("bed", "bed")), raw_folder) == (
        f"{key}.classes: 'bed' is listed twice"
    )
    assert fetch_error(name, ClassFiles(base_url=base_url, classes=("../bed",)), raw_folder) == (
        f"{key}.classes: '../bed' is not a class name; allowed: a name that does not start with a dot, and has no "
        "slash and no backslash"
    )
    line = fetch_error(name, ClassFiles(base_url=base_url, classes=("airplan",)), raw_folder)
    folder = shared / "quickdraw" / layout.folder
    assert line.startswith(
        f"{key}.classes: no file airplan{layout.suffix} in {folder}; allowed: the classes in this folder: "
    )


def test_a_file_of_another_format_is_an_error(shared: Path, tmp_path: Path, raw_folder: Path) -> None:
    folder = tmp_path / "full/raw"
    folder.mkdir(parents=True)
    shutil.copyfile(shared / "quickdraw/full/simplified/crab.ndjson", folder / "crab.ndjson")
    line = fetch_error("quickdraw_raw", ClassFiles(base_url=str(tmp_path)), raw_folder)
    assert line.startswith(
        f"{folder / 'crab.ndjson'}: is not raw ndjson: line 1: stroke 1 has 2 axes, as in simplified files, "
        "not 3 (x, y, t); allowed: "
    )


@pytest.mark.parametrize("name", ["quickdraw_raw", "quickdraw_binary"])
def test_changes_of_the_local_folder_are_described(
    shared: Path, tmp_path: Path, raw_folder: Path, name: str
) -> None:
    layout = source(name).LAYOUT
    copy = tmp_path / "copy"
    folder = copy / layout.folder
    shutil.copytree(shared / "quickdraw" / layout.folder, folder, copy_function=shutil.copyfile)
    folder.chmod(0o755)
    options = ClassFiles(base_url=str(copy))
    source(name).fetch(options, raw_folder)
    record = json.loads((raw_folder / "source.json").read_text())
    assert source(name).describe_change(options, record) is None
    path = folder / sorted(record["files"])[0]
    with path.open("ab") as file:
        file.write(b"\n")
    assert source(name).describe_change(options, record) == f"the size of {path} changed"
    path.write_bytes(path.read_bytes()[:-1])
    (folder / f"new{layout.suffix}").touch()
    assert source(name).describe_change(options, record) == f"{folder} has a new file new{layout.suffix}"
    assert source(name).describe_change(ClassFiles(base_url=str(tmp_path / "x")), record) is None


# ---------------------------------------------------------------- http


class QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, *args: Any) -> None:
        pass


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, no_proxy: None) -> None:
    """The downloads are cached in a project folder of the test."""
    monkeypatch.setenv("DVC_ROOT", str(tmp_path / "project"))


@pytest.fixture
def serve() -> Iterator[Callable[[Path], str]]:
    """`serve(folder)`: the address of a local server of this folder."""
    servers = []

    def start(folder: Path) -> str:
        handler = partial(QuietHandler, directory=str(folder))
        servers.append(ThreadingHTTPServer(("127.0.0.1", 0), handler))
        threading.Thread(target=servers[-1].serve_forever, args=(0.02,), daemon=True).start()
        return f"http://127.0.0.1:{servers[-1].server_port}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def test_files_of_a_mirror_are_downloaded(
    serve: Callable[[Path], str], shared: Path, raw_folder: Path
) -> None:
    base_url = serve(shared / "quickdraw") + "/"
    options = ClassFiles(base_url=base_url, classes=("The Eiffel Tower", "t-shirt"))
    source("quickdraw_simplified").fetch(options, raw_folder)
    path = raw_folder / "The Eiffel Tower.ndjson"
    assert path.read_bytes() == (shared / "quickdraw/full/simplified" / path.name).read_bytes()
    assert source("quickdraw_simplified").describe_change(options, {"files": {}, "classes": []}) is None


def test_a_missing_file_of_a_mirror_names_alternatives_or_similar_classes(
    serve: Callable[[Path], str], shared: Path, raw_folder: Path
) -> None:
    base_url = serve(shared / "quickdraw")
    key = "params.yaml: sketches.quickdraw_raw"
    alternatives = (
        "alternatives: set sketches.quickdraw_raw.base_url to a mirror or a local folder with "
        "full/raw/<class>.ndjson, or set sketches.source: quickdraw_sample"
    )
    options = ClassFiles(base_url=base_url, classes=("zebra",))
    assert fetch_error("quickdraw_raw", options, raw_folder) == (
        f"{key}: no such file {base_url}/full/raw/zebra.ndjson (HTTP 404); {alternatives}"
    )
    options = ClassFiles(base_url=base_url, classes=("zebr",))
    assert fetch_error("quickdraw_raw", options, raw_folder).startswith(
        f"{key}: no such file {base_url}/full/raw/zebr.ndjson (HTTP 404); did you mean 'zebra'"
    )


def test_an_unreachable_host_names_alternatives(raw_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        downloads, "DEFAULT_OPTIONS", downloads.DownloadOptions(max_attempts=1, connect_retries=0)
    )
    with ThreadingHTTPServer(("127.0.0.1", 0), QuietHandler) as closed:
        base_url = f"http://127.0.0.1:{closed.server_port}"
    line = fetch_error("quickdraw_binary", ClassFiles(base_url=base_url, classes=("bed",)), raw_folder)
    assert line.startswith(f"{base_url}/full/binary/bed.bin: source quickdraw_binary: ")
    assert line.endswith("with full/binary/<class>.bin, or set sketches.source: quickdraw_sample")


def test_an_unknown_class_is_an_error_before_any_request(raw_folder: Path) -> None:
    options = ClassFiles(base_url="https://storage.googleapis.com/quickdraw_dataset", classes=("kat",))
    assert fetch_error("quickdraw_raw", options, raw_folder).startswith(
        "params.yaml: sketches.quickdraw_raw.classes: unknown class 'kat'; allowed: the 345 "
    )


def test_a_web_page_instead_of_a_file_is_an_error_and_not_cached(
    serve: Callable[[Path], str], tmp_path: Path, raw_folder: Path, ndjson_line: Callable[..., bytes]
) -> None:
    folder = tmp_path / "www/full/raw"
    folder.mkdir(parents=True)
    (folder / "cat.ndjson").write_text("<html>please log in</html>\n")
    base_url = serve(tmp_path / "www")
    options = ClassFiles(base_url=base_url, classes=("cat",))
    line = fetch_error("quickdraw_raw", options, raw_folder)
    assert line.startswith(f"{base_url}/full/raw/cat.ndjson: is an HTML page, not raw ndjson; ")
    assert not list(raw_folder.iterdir())
    (folder / "cat.ndjson").write_bytes(ndjson_line() + b"\n")
    source("quickdraw_raw").fetch(options, raw_folder)
    assert next(group.ids for group in reading.read(raw_folder)) == ["cat/train/5152802093400064"]
