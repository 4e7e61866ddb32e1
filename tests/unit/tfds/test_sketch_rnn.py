"""`tfds.load("sketch_rnn")`: splits, labels, sources, errors, and configs with equal names."""

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
from strokecast.params.sources import TEN_CLASSES
from strokecast.sources.formats import npz
from strokecast.sources.http import downloads

ROOT = Path(__file__).resolve().parents[3]
UNUSUAL = ("ice cream", "été", "猫")


def _load(config, split="train", **kwargs):
    return tfds.load("sketch_rnn", split=split, with_info=True, builder_kwargs={"config": config}, **kwargs)


def _first_dx_by_class(dataset, info) -> dict[str, set[float]]:
    """Class name → dx of the first point of each of its drawings, which identifies them."""
    result: dict[str, set[float]] = {}
    for row in tfds.as_numpy(dataset):
        label = info.features["label"].int2str(row["label"])
        result.setdefault(label, set()).add(float(row["ink"][0, 0]))
    return result


def test_chosen_classes_with_spaces_and_letters_of_any_script(project, write_classes, tmp_path):
    folder = write_classes(tmp_path / "mirror", ["ant", *UNUSUAL])
    config = sketches.config(classes=["猫", "ice cream", "été"], base_url=str(folder))
    dataset, info = _load(config, "test")
    assert info.features["label"].names == ["猫", "ice cream", "été"]
    assert _first_dx_by_class(dataset, info) == {
        "ice cream": {1200, 1201, 1202},
        "été": {2200, 2201, 2202},
        "猫": {3200, 3201, 3202},
    }
    assert {name: split.num_examples for name, split in info.splits.items()} == {
        "train": 12,
        "validation": 6,
        "test": 9,
    }
    builder = tfds.builder(f"sketch_rnn/{config.name}")
    assert builder.info.features["label"].names == ["猫", "ice cream", "été"]
    assert Path(builder.data_dir).is_relative_to(project / ".strokecast" / "tfds")


def test_every_point_of_every_drawing_is_kept(project, write_classes, tmp_path):
    folder = write_classes(tmp_path / "mirror", ["ant"])
    dataset, _ = _load(sketches.config(base_url=str(folder)), "validation", as_supervised=True)
    expected = npz.read_class(folder / "sketchrnn" / "ant.npz")["valid"]
    by_length = {len(ink): ink for ink, _ in tfds.as_numpy(dataset)}
    assert len(by_length) == len(expected)
    for drawing in expected:
        assert by_length[len(drawing)].dtype == np.float32
        np.testing.assert_array_equal(by_length[len(drawing)], drawing)


def test_an_equal_name_with_other_classes_does_not_return_the_old_data(project, write_classes, tmp_path):
    """TFDS finds prepared data by the name of the config: without the hash, labels would be swapped."""
    folder = str(write_classes(tmp_path / "mirror", ["ant", "pig"]))
    names = set()
    for classes in (["ant", "pig"], ["pig", "ant"], ["pig"]):
        config = sketches.config(classes=classes, base_url=folder, name="mine")
        assert config.name.startswith("mine-")
        names.add(config.name)
        assert _first_dx_by_class(*_load(config)) == {
            label: {1000 * ["ant", "pig"].index(label) + index for index in range(4)} for label in classes
        }
    assert len(names) == 3


def test_changed_files_or_another_cap_are_prepared_again(project, write_classes, tmp_path):
    folder = write_classes(tmp_path / "mirror", ["ant"])
    old = sketches.config(base_url=str(folder))
    capped = sketches.config(base_url=str(folder), cap={"train": 2})
    assert _first_dx_by_class(*_load(old)) == {"ant": {0, 1, 2, 3}}
    dataset, info = _load(capped)
    assert _first_dx_by_class(dataset, info) == {"ant": {0, 1}}
    assert info.splits["test"].num_examples == 3
    write_classes(folder, ["ant"], seed=1)
    new = sketches.config(base_url=str(folder))
    assert _first_dx_by_class(*_load(new)) == {"ant": {-10_000, -9_999, -9_998, -9_997}}
    with pytest.raises(UserError, match="the files changed after this config was created"):
        _load(old, data_dir=str(tmp_path / "elsewhere"))
    assert not list((tmp_path / "elsewhere").rglob("*.tfrecord*"))


def test_a_moved_folder_is_read_from_its_new_path(project, write_classes, tmp_path):
    first, second = (
        sketches.config(base_url=str(write_classes(tmp_path / name, ["ant"]))) for name in ("a", "b")
    )
    assert first.name == second.name
    shutil.rmtree(tmp_path / "a")
    assert _first_dx_by_class(*_load(second)) == {"ant": {0, 1, 2, 3}}


def test_the_default_over_http_is_ten_classes_in_the_download_cache(
    project, write_classes, tmp_path, monkeypatch
):
    folder = write_classes(tmp_path / "mirror", [*TEN_CLASSES, "zebra"])
    handler = functools.partial(SimpleHTTPRequestHandler, directory=str(folder))
    with mock.patch.object(SimpleHTTPRequestHandler, "log_message"):
        server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        monkeypatch.setenv("STROKECAST_QUICKDRAW_URL", f"http://127.0.0.1:{server.server_port}")
        dataset, info = tfds.load("sketch_rnn", split="train", with_info=True)
        server.shutdown()
        server.server_close()
    assert info.features["label"].names == list(TEN_CLASSES)
    assert set(_first_dx_by_class(dataset, info)) == set(TEN_CLASSES)
    cached = {path.name for path in (project / ".strokecast" / "downloads").rglob("*.npz")}
    assert cached == {f"{label}.npz" for label in TEN_CLASSES}


def test_default_and_all_of_a_local_folder_are_its_classes(project, write_classes, tmp_path, monkeypatch):
    folder = write_classes(tmp_path / "mirror", ["pig", "ant"])
    monkeypatch.setenv("STROKECAST_QUICKDRAW_URL", str(folder))
    for name in ("sketch_rnn", "sketch_rnn/all", "sketch_rnn/default"):
        assert tfds.builder(name).builder_config.classes == ("ant", "pig")
    assert tfds.builder("sketch_rnn").builder_config.name.startswith("all-")


def test_an_unreachable_host_is_one_quick_line_and_leaves_nothing(project):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        started = time.monotonic()
        with pytest.raises(UserError) as error:
            _load(sketches.config(["ant"], base_url=url))
    assert time.monotonic() - started < 10
    message = str(error.value)
    assert "\n" not in message
    for words in ("source quickdraw", f"{url}/sketchrnn/ant.npz", "STROKECAST_QUICKDRAW_URL", "doodles"):
        assert words in message
    assert not list(project.rglob("*.tfrecord*"))


def test_too_little_disk_space_is_one_line(project, write_classes, tmp_path, monkeypatch):
    folder = write_classes(tmp_path / "mirror", ["ant"])
    npz_bytes = (folder / "sketchrnn" / "ant.npz").stat().st_size
    usage = shutil.disk_usage(tmp_path)._replace(free=3 * npz_bytes)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    with pytest.raises(UserError, match="the prepared data needs about") as error:
        _load(sketches.config(base_url=str(folder)))
    assert str(project) in str(error.value)
    assert not list(project.rglob("*.tfrecord*"))
    _load(sketches.config(base_url=str(folder), cap=1))


def test_damaged_and_malicious_files_are_refused(project, write_classes, tmp_path):
    folder = write_classes(tmp_path / "mirror", ["ant"])
    path = folder / "sketchrnn" / "ant.npz"
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(UserError, match=r"ant\.npz: is damaged"):
        _load(sketches.config(base_url=str(folder)))

    class Malicious:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "executed"),)

    np.savez(path, train=np.array([Malicious()], dtype=object), valid=[], test=[])
    with pytest.raises(UserError, match=r"ant\.npz: is not safe to read"):
        _load(sketches.config(base_url=str(folder)))
    assert not (tmp_path / "executed").exists()


class SketchRnnTest(tfds.testing.DatasetBuilderTestCase):
    """TFDS's own checks, on official addresses with fake files in place of downloads."""

    DATASET_CLASS = sketches.SketchRnn
    SPLITS = {"train": 8, "validation": 4, "test": 6}  # noqa: RUF012 (required by TFDS)

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
    def _fake_downloads(self, write_classes):
        folder = write_classes(Path(self._folder.name), ["ice cream", "crab"]) / "sketchrnn"

        def fetch(requests, **kwargs):
            for request in requests:
                checksum = sketches.SketchRnn.url_infos[request.url]
                assert request.expected == {"bytes": int(checksum.size), "sha256": checksum.checksum}
                self._add_url(request.url)
            return [folder / request.name for request in requests]

        with mock.patch.object(downloads, "fetch", fetch):
            yield


EXAMPLE = re.compile(r"```python\n(.*?)```", re.DOTALL)
CHECKS = """
print({name: split.num_examples for name, split in info.splits.items()})
print(ink.dtype.name, int(label.numpy().min()) >= 0, sys.argv[1])
print(tfds.builder(f"sketch_rnn/{sys.argv[1]}").info.features["label"].names)
"""


@pytest.mark.slow
def test_the_documented_example_runs_in_a_fresh_process(project, write_classes, tmp_path, quickdraw_mirror):
    """Class names, counts and a batch of the real mirror. A config prepared by another process is found by
    name. No request leaves the machine: the proxy gets none."""
    prepared = sketches.config(base_url=str(write_classes(tmp_path / "mirror", UNUSUAL)))
    _load(prepared)
    example = EXAMPLE.search((ROOT / "docs" / "data.md").read_text(encoding="utf-8")).group(1)
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        address = f"http://127.0.0.1:{proxy.getsockname()[1]}"
        run = subprocess.run(
            [sys.executable, "-c", f"import sys\n{example}{CHECKS}", prepared.name],
            capture_output=True,
            text=True,
            timeout=300,
            env=os.environ
            | {"STROKECAST_QUICKDRAW_URL": str(quickdraw_mirror), "PYTHONIOENCODING": "utf-8"}
            | {"http_proxy": address, "https_proxy": address, "HTTPS_PROXY": address},
        )
        proxy.settimeout(0.1)
        with pytest.raises(TimeoutError):
            proxy.accept()
    assert run.returncode == 0, run.stderr[-2000:]
    names, shapes, counts, batch, prepared_names = run.stdout.splitlines()[-5:]
    assert ast.literal_eval(names) == sorted(p.stem for p in (quickdraw_mirror / "sketchrnn").glob("*.npz"))
    assert len(ast.literal_eval(names)) == 20
    assert re.fullmatch(r"\(32, \d+, 3\) \(32,\)", shapes)
    assert ast.literal_eval(counts) == {"train": 20 * 650, "validation": 20 * 50, "test": 20 * 100}
    assert batch == f"float32 True {prepared.name}"
    assert ast.literal_eval(prepared_names) == sorted(UNUSUAL)
