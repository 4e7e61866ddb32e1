"""`tfds.load("sketch_rnn")`: configs, splits, labels, sources, and the trap of the reused name."""

from __future__ import annotations

import ast
import functools
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
import tensorflow_datasets as tfds

import strokecast.datasets as sketches
from strokecast.common.errors import UserError
from strokecast.sources.formats import npz
from strokecast.sources.http import downloads
from strokecast.sources.sketches import quickdraw
from strokecast.tfds import checksums
from strokecast.tfds.configs import TEN

ROOT = Path(__file__).resolve().parents[3]
MIRROR = ROOT / "../shared/data/quickdraw"
ODD = ("ice cream", "été", "猫")


def _load(config, split="train", **kwargs):
    return tfds.load("sketch_rnn", split=split, with_info=True, builder_kwargs={"config": config}, **kwargs)


def _labelled(drawings, info) -> dict[str, set[float]]:
    """By class name: the first dx of each drawing."""
    found: dict[str, set[float]] = {}
    for row in tfds.as_numpy(drawings):
        found.setdefault(info.features["label"].int2str(row["label"]), set()).add(float(row["ink"][0, 0]))
    return found


def test_chosen_classes_with_spaces_and_letters_of_any_script(project, write, tmp_path):
    folder = write(tmp_path / "mirror", ["ant", *ODD])
    config = sketches.config(classes=["猫", "ice cream", "été"], base_url=str(folder))
    drawings, info = _load(config, "test")
    assert info.features["label"].names == ["猫", "ice cream", "été"]
    assert _labelled(drawings, info) == {
        "ice cream": {1200, 1201, 1202},
        "été": {2200, 2201, 2202},
        "猫": {3200, 3201, 3202},
    }
    assert {name: split.num_examples for name, split in info.splits.items()} == {
        "train": 12,
        "validation": 6,
        "test": 9,
    }
    again = tfds.builder(f"sketch_rnn/{config.name}")
    assert again.info.features["label"].names == ["猫", "ice cream", "été"]
    assert Path(again.data_dir).is_relative_to(project / ".strokecast" / "tfds")


def test_every_point_of_every_drawing_arrives(project, write, tmp_path):
    folder = write(tmp_path / "mirror", ["ant"])
    drawings, _ = _load(sketches.config(base_url=str(folder)), "validation", as_supervised=True)
    expected = npz.read_class(folder / "sketchrnn" / "ant.npz")["valid"]
    got = {len(ink): ink for ink, _ in tfds.as_numpy(drawings)}
    assert len(got) == len(expected)
    for drawing in expected:
        assert got[len(drawing)].dtype == np.float32
        np.testing.assert_array_equal(got[len(drawing)], drawing)


def test_same_name_with_other_classes_is_not_served_the_old_data(project, write, tmp_path):
    """TFDS finds prepared data by the config's name: without the hash the labels would be swapped."""
    folder = str(write(tmp_path / "mirror", ["ant", "pig"]))
    seen = {}
    for classes in (["ant", "pig"], ["pig", "ant"], ["pig"]):
        config = sketches.config(classes=classes, base_url=folder, name="mine")
        assert config.name.startswith("mine-")
        seen[config.name] = _labelled(*_load(config))
        assert set(seen[config.name]) == set(classes)
        for label, firsts in seen[config.name].items():
            assert firsts == {1000 * ["ant", "pig"].index(label) + index for index in range(4)}
    assert len(seen) == 3


def test_same_classes_from_files_that_changed_or_with_another_cap_are_prepared_anew(project, write, tmp_path):
    folder = write(tmp_path / "mirror", ["ant"])
    old = sketches.config(base_url=str(folder))
    capped = sketches.config(base_url=str(folder), cap={"train": 2})
    assert _labelled(*_load(old)) == {"ant": {0, 1, 2, 3}}
    drawings, info = _load(capped)
    assert _labelled(drawings, info) == {"ant": {0, 1}}
    assert info.splits["test"].num_examples == 3
    write(folder, ["ant"], seed=1)
    new = sketches.config(base_url=str(folder))
    assert _labelled(*_load(new)) == {"ant": {-10_000, -9_999, -9_998, -9_997}}
    with pytest.raises(UserError, match="the files changed since this config was made"):
        _load(old, data_dir=str(tmp_path / "elsewhere"))
    assert not list((tmp_path / "elsewhere").rglob("*.tfrecord*"))


def test_a_folder_elsewhere_with_the_same_files_is_the_same_config(project, write, tmp_path):
    first, second = (sketches.config(base_url=str(write(tmp_path / place, ["ant"]))) for place in ("a", "b"))
    assert first.name == second.name
    shutil.rmtree(tmp_path / "a")
    assert _labelled(*_load(second)) == {"ant": {0, 1, 2, 3}}


def test_names_of_web_configs_tell_classes_caps_and_sources_apart(project):
    names = [
        sketches.config().name,
        sketches.config(TEN).name,
        sketches.config(TEN[::-1]).name,
        sketches.config(TEN, cap=5).name,
        sketches.config(TEN, cap={"test": 5}).name,
        sketches.config(TEN, base_url="https://mirror.example/quickdraw").name,
        sketches.config(TEN[::-1], base_url="https://mirror.example/quickdraw").name,
        sketches.config(TEN, base_url="https://mirror.example/other").name,
    ]
    assert len(set(names)) == len(names)
    assert len(sketches.config().classes) == 345
    assert sketches.config(TEN).name == sketches.config(TEN, base_url=f"{quickdraw.OFFICIAL}/").name


def test_bare_name_over_http_means_ten_classes_fetched_by_our_downloader(
    project, write, tmp_path, monkeypatch
):
    folder = write(tmp_path / "mirror", [*TEN, "zebra"])
    handler = functools.partial(SimpleHTTPRequestHandler, directory=str(folder))
    with mock.patch.object(SimpleHTTPRequestHandler, "log_message"):
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        monkeypatch.setenv("STROKECAST_QUICKDRAW_URL", f"http://127.0.0.1:{server.server_port}")
        drawings, info = tfds.load("sketch_rnn", split="train", with_info=True)
        server.shutdown()
        server.server_close()
    assert info.features["label"].names == list(TEN)
    assert set(_labelled(drawings, info)) == set(TEN)
    fetched = {path.name for path in (project / ".strokecast" / "downloads").rglob("*.npz")}
    assert fetched == {f"{label}.npz" for label in TEN}


def test_default_and_all_of_a_local_folder_are_what_it_holds(project, write, tmp_path, monkeypatch):
    monkeypatch.setenv("STROKECAST_QUICKDRAW_URL", str(write(tmp_path / "mirror", ["pig", "ant"])))
    for name in ("sketch_rnn", "sketch_rnn/all", "sketch_rnn/default"):
        assert tfds.builder(name).builder_config.classes == ("ant", "pig")
    assert tfds.builder("sketch_rnn").builder_config.name.startswith("all-")


def test_unreachable_host_is_one_quick_line_and_leaves_nothing(project):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        started = time.monotonic()
        with pytest.raises(UserError) as error:
            _load(sketches.config(["ant"], base_url=url))
    assert time.monotonic() - started < 10
    line = str(error.value)
    assert "\n" not in line
    for part in ("source quickdraw", f"{url}/sketchrnn/ant.npz", "STROKECAST_QUICKDRAW_URL", "doodles"):
        assert part in line
    assert not list(project.rglob("*.tfrecord*"))


def test_too_little_room_for_the_prepared_data_is_one_line(project, write, tmp_path, monkeypatch):
    folder = write(tmp_path / "mirror", ["ant"])
    npz_bytes = (folder / "sketchrnn" / "ant.npz").stat().st_size
    usage = shutil.disk_usage(tmp_path)._replace(free=3 * npz_bytes)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    with pytest.raises(UserError, match="to be prepared") as error:
        _load(sketches.config(base_url=str(folder)))
    assert str(project) in str(error.value)
    assert not list(project.rglob("*.tfrecord*"))
    _load(sketches.config(base_url=str(folder), cap=1))


@pytest.mark.parametrize(
    ("wish", "line"),
    [
        ({"classes": ["unicorn"]}, "sketch_rnn.classes: no file unicorn.npz"),
        ({"classes": "cat"}, "sketch_rnn.classes: 'cat' is no list"),
        ({"classes": []}, "sketch_rnn.classes: the list is empty"),
        ({"classes": ["cat", "cat"]}, "sketch_rnn.classes: 'cat' stands there twice"),
        ({"classes": ["../cat"], "base_url": "http://x"}, "sketch_rnn.classes: '../cat' is no class name"),
        ({"classes": [" cat"], "base_url": "http://x"}, "sketch_rnn.classes: ' cat' is no class name"),
        ({"classes": ["a\nb"], "base_url": "http://x"}, "is no class name"),
        ({"base_url": "ftp://x"}, "sketch_rnn.base_url: 'ftp://x' will not do"),
        ({"base_url": "/nowhere/at/all"}, "sketch_rnn.base_url: no such folder '/nowhere/at/all'"),
        ({"cap": 0}, "sketch_rnn.cap: 0 will not do"),
        ({"cap": {"training": 5}}, "sketch_rnn.cap: {'training': 5} will not do"),
        ({"name": "a/b"}, "sketch_rnn: name: 'a/b' will not do"),
    ],
)
def test_bad_wishes_are_one_line(project, wish, line):
    with pytest.raises(UserError) as error:
        sketches.config(**wish)
    assert line in str(error.value)
    assert "\n" not in str(error.value)


def test_damaged_and_malicious_files_are_refused(project, write, tmp_path):
    folder = write(tmp_path / "mirror", ["ant"])
    path = folder / "sketchrnn" / "ant.npz"
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(UserError, match=r"ant\.npz: is damaged"):
        _load(sketches.config(base_url=str(folder)))

    class Evil:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "owned"),)

    np.savez(path, train=np.array([Evil()], dtype=object), valid=[], test=[])
    with pytest.raises(UserError, match=r"ant\.npz: is refused"):
        _load(sketches.config(base_url=str(folder)))
    assert not (tmp_path / "owned").exists()


def test_checksums_are_those_of_the_one_table():
    assert checksums.PATH.read_text(encoding="utf-8") == checksums.table(), (
        "run `python -m strokecast.tfds.checksums`"
    )
    infos = sketches.SketchRnn.url_infos  # as TFDS itself reads the file
    assert len(infos) == 345
    url = "https://storage.googleapis.com/quickdraw_dataset/sketchrnn/The%20Eiffel%20Tower.npz"
    assert infos[url].size == 8_353_942
    assert infos[url].filename == "The Eiffel Tower.npz"


@pytest.mark.skipif(not MIRROR.is_dir(), reason="no folder shared/data beside the repository")
def test_checksums_are_the_official_facts():
    import csv

    with (MIRROR / "official_sketchrnn_files.csv").open(encoding="utf-8", newline="") as file:
        facts = {row["path"]: (int(row["bytes"]), row["sha256"]) for row in csv.DictReader(file)}
    table = {
        f"sketchrnn/{info.filename}": (int(info.size), info.checksum)
        for info in sketches.SketchRnn.url_infos.values()
    }
    assert table == facts


class SketchRnnTest(tfds.testing.DatasetBuilderTestCase):
    """TFDS's own checks, on official addresses with fake files in the place of fetched ones."""

    DATASET_CLASS = sketches.SketchRnn
    SPLITS = {"train": 8, "validation": 4, "test": 6}  # noqa: RUF012 (TFDS reads it so)

    @classmethod
    def setUpClass(cls):
        cls._folder = tempfile.TemporaryDirectory()
        cls.EXAMPLE_DIR = cls._folder.name
        cls.BUILDER_CONFIG_NAMES_TO_TEST = [sketches.config(["ice cream", "crab"])]
        super().setUpClass()

    @classmethod
    def tearDownClass(cls):
        super().tearDownClass()
        cls._folder.cleanup()

    @pytest.fixture(autouse=True)
    def _fakes(self, write):
        folder = write(Path(self._folder.name), ["ice cream", "crab"]) / "sketchrnn"

        def fetch(wanted, **kwargs):
            for item in wanted:
                known = sketches.SketchRnn.url_infos[item.url]
                assert item.known == {"bytes": int(known.size), "sha256": known.checksum}
                self._add_url(item.url)
            return [folder / item.name for item in wanted]

        with mock.patch.object(downloads, "fetch", fetch):
            yield


EXAMPLE = re.compile(r"```python\n(.*?)```", re.DOTALL)
AFTER = """
print({name: split.num_examples for name, split in info.splits.items()})
print(ink.dtype.name, int(label.numpy().min()) >= 0, sys.argv[1])
print(tfds.builder(f"sketch_rnn/{sys.argv[1]}").info.features["label"].names)
"""


@pytest.mark.skipif(not MIRROR.is_dir(), reason="no folder shared/data beside the repository")
def test_the_example_in_a_fresh_process_on_the_mirror(project, write, tmp_path):
    """Class names, counts and a batch; a config prepared elsewhere is found by name; no bucket is asked."""
    prepared = sketches.config(base_url=str(write(tmp_path / "mirror", ODD)))
    _load(prepared)
    example = EXAMPLE.search((ROOT / "docs" / "data.md").read_text(encoding="utf-8")).group(1)
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        address = f"http://127.0.0.1:{proxy.getsockname()[1]}"
        run = subprocess.run(
            [sys.executable, "-c", f"import sys\n{example}{AFTER}", prepared.name],
            capture_output=True,
            text=True,
            timeout=300,
            env=os.environ
            | {"STROKECAST_QUICKDRAW_URL": str(MIRROR), "PYTHONIOENCODING": "utf-8"}
            | {"http_proxy": address, "https_proxy": address, "HTTPS_PROXY": address},
        )
        proxy.settimeout(0.1)
        with pytest.raises(TimeoutError):
            proxy.accept()
    assert run.returncode == 0, run.stderr[-2000:]
    names, shapes, counts, more, by_name = run.stdout.splitlines()[-5:]
    assert ast.literal_eval(names) == sorted(path.stem for path in (MIRROR / "sketchrnn").glob("*.npz"))
    assert len(ast.literal_eval(names)) == 20
    assert re.fullmatch(r"\(32, \d+, 3\) \(32,\)", shapes)
    assert ast.literal_eval(counts) == {"train": 20 * 650, "validation": 20 * 50, "test": 20 * 100}
    assert more == f"float32 True {prepared.name}"
    assert ast.literal_eval(by_name) == sorted(ODD)
