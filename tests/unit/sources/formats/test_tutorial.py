"""The TFRecords of the tutorial: real shards, bad records, bad folders."""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from strokecast.common import tfrecord
from strokecast.common.errors import UserError
from strokecast.sources.formats import tutorial
from strokecast.sources.formats.records import Reject

INK = {"ink": [0.5, 0.25, 0.0, -0.5, 0.25, 1.0], "shape": [2, 3], "class_index": [1]}


EXAMPLES: list[tuple[str, dict[str, Any], str, str]] = [
    ("no ink", {"ink": None}, "missing_key", "no feature 'ink'"),
    ("no shape", {"shape": None}, "missing_key", "no feature 'shape'"),
    ("no class", {"class_index": None}, "missing_key", "no feature 'class_index'"),
    (
        "class 3",
        {"class_index": [3]},
        "bad_value",
        "class_index is 3, outside 0 ... 2 (the lines of .classes)",
    ),
    (
        "class -1",
        {"class_index": [-1]},
        "bad_value",
        "class_index is -1, outside 0 ... 2 (the lines of .classes)",
    ),
    ("two classes", {"class_index": [0, 1]}, "bad_shape", "class_index is not a single whole number"),
    ("class 1.5", {"class_index": [1.5]}, "bad_shape", "class_index is not a single whole number"),
    ("no number", {"class_index": []}, "bad_shape", "class_index is not a single whole number"),
    ("shape 3, 2", {"shape": [3, 2]}, "bad_shape", "shape is [3, 2], not [n_points, 3]"),
    ("shape 6", {"shape": [6]}, "bad_shape", "shape is [6], not [n_points, 3]"),
    ("shape 3, 3", {"shape": [3, 3]}, "bad_shape", "ink has 6 values, not the 3 x 3 of its shape"),
    ("negative", {"shape": [-2, 3]}, "bad_shape", "ink has 6 values, not the -2 x 3 of its shape"),
    ("huge", {"shape": [1 << 62, 3]}, "bad_shape", f"ink has 6 values, not the {1 << 62:,} x 3 of its shape"),
    ("bytes", {"ink": [b"abc"]}, "bad_shape", "ink is not a list of floats"),
    ("ints", {"ink": [1, 2, 3, 4, 5, 6]}, "bad_shape", "ink is not a list of floats"),
    ("empty", {"ink": [], "shape": [0, 3]}, "empty", "the drawing has no point"),
]


@pytest.mark.slow
def test_real_shards_are_read_without_rejects(shared: Path) -> None:
    folder = shared / "quickdraw_tutorial"
    names = tutorial.read_classes(folder)
    assert len(names) == 15
    assert names[0] == "airplane"
    assert names[-1] == "television"
    counts: Counter[str] = Counter()
    per_class: Counter[int] = Counter()
    for set_name, paths in tutorial.list_shards(folder).items():
        for path in paths:
            for item in tutorial.read(path, len(names)):
                assert isinstance(item, tutorial.Ink), item
                counts[set_name] += 1
                per_class[item.class_index] += 1
                positions = np.cumsum(np.vstack(([0, 0], item.points[:, :2].astype(np.float64))), axis=0)
                extent = positions.max(axis=0) - positions.min(axis=0)
                assert np.all((np.abs(extent - 1) < 1e-4) | (extent == 0)), (path.name, item.number, extent)
                assert set(np.unique(item.points[:, 2])) <= {0.0, 1.0}
                assert item.points[-1, 2] == 1
    assert counts == {"training": 6000, "eval": 1500}
    assert set(per_class.values()) == {500}


@pytest.mark.parametrize(
    ("fields", "kind", "detail"), [c[1:] for c in EXAMPLES], ids=[c[0] for c in EXAMPLES]
)
def test_a_bad_example_is_one_reject(
    tmp_path: Path,
    example: Callable[[dict[str, list[Any]]], bytes],
    tfrecord_of: Callable[[bytes], bytes],
    fields: dict[str, Any],
    kind: str,
    detail: str,
) -> None:
    path = tmp_path / "training.tfrecord-00000-of-00001"
    good = tfrecord_of(example(INK))
    bad = {key: value for key, value in (INK | fields).items() if value is not None}
    path.write_bytes(good + tfrecord_of(example(bad)) + good)
    items = list(tutorial.read(path, 3))
    assert [type(item) for item in items] == [tutorial.Ink, Reject, tutorial.Ink]
    assert isinstance(items[1], Reject)
    assert (items[1].kind, str(items[1])) == (kind, f"{path.name}, record 2: {detail}")


def test_all_values_of_an_example(
    tmp_path: Path, example: Callable[[dict[str, list[Any]]], bytes], tfrecord_of: Callable[[bytes], bytes]
) -> None:
    path = tmp_path / "training.tfrecord-00000-of-00001"
    path.write_bytes(tfrecord_of(example(INK)))
    (ink,) = tutorial.read(path, 2)
    assert isinstance(ink, tutorial.Ink)
    assert (ink.number, ink.class_index, ink.points.dtype) == (1, 1, np.float32)
    assert ink.points.tolist() == [[0.5, 0.25, 0.0], [-0.5, 0.25, 1.0]]


def test_wrong_data_is_a_reject_and_the_next_record_is_read(
    tmp_path: Path, example: Callable[[dict[str, list[Any]]], bytes], tfrecord_of: Callable[[bytes], bytes]
) -> None:
    path = tmp_path / "training.tfrecord-00000-of-00001"
    good = tfrecord_of(example(INK))
    bad = bytearray(good)
    bad[30] ^= 1
    path.write_bytes(bytes(bad) + tfrecord_of(b"\xff\xff") + good)
    first, second, third = tutorial.read(path, 3)
    assert str(first) == f"{path.name}, record 1: wrong checksum of the record's data"
    assert str(second) == f"{path.name}, record 2: not a tf.train.Example"
    assert isinstance(third, tutorial.Ink)


@pytest.mark.parametrize("broken", ["length", "head", "data", "sum", "huge"])
def test_a_lost_record_boundary_stops_the_reading(
    tmp_path: Path,
    example: Callable[[dict[str, list[Any]]], bytes],
    tfrecord_of: Callable[[bytes], bytes],
    broken: str,
) -> None:
    path = tmp_path / "training.tfrecord-00000-of-00001"
    good = tfrecord_of(example(INK))
    location = f"{path}, record 2 at byte {len(good)}: "
    bad, line = {
        "length": (
            b"\x01" + good[1:],
            "wrong checksum of the record's length; the next record cannot be found; "
            "allowed: an uncompressed TFRecord file; fetch it again",
        ),
        "head": (good[:7], "the file ends inside this record; fetch it again"),
        "data": (good[:40], "the file ends inside this record; fetch it again"),
        "sum": (good[:-1], "the file ends inside this record; fetch it again"),
        "huge": (
            struct.pack("<Q", 1 << 60) + struct.pack("<I", tfrecord.masked_crc(struct.pack("<Q", 1 << 60))),
            f"a record of {1 << 60:,} bytes; allowed: at most 16,777,216 bytes",
        ),
    }[broken]
    path.write_bytes(good + bad)
    items = tutorial.read(path, 3)
    assert isinstance(next(items), tutorial.Ink)
    with pytest.raises(UserError) as error:
        next(items)
    assert str(error.value) == location + line
    with pytest.raises(UserError):
        tutorial.check(path)


def test_an_empty_shard(tmp_path: Path) -> None:
    path = tmp_path / "training.tfrecord-00000-of-00001"
    path.write_bytes(b"")
    with pytest.raises(UserError) as error:
        tutorial.check(path)
    assert str(error.value) == f"{path}: is empty; allowed: TFRecords; fetch it again"


def write_tutorial(folder: Path) -> None:
    for set_name in ("training", "eval"):
        (folder / f"{set_name}.tfrecord.classes").write_text("ant\nsea turtle\n")
        for index in range(2):
            (folder / f"{set_name}.tfrecord-{index:05d}-of-00002").write_bytes(b"")


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (
            lambda f: [p.unlink() for p in f.glob("eval.tfrecord-*")],
            "{folder}: no file eval.tfrecord-00000-of-...; allowed: training.tfrecord-*, eval.tfrecord-*, "
            "training.tfrecord.classes, eval.tfrecord.classes",
        ),
        (
            lambda f: (f / "training.tfrecord-00001-of-00002").unlink(),
            "{folder}: no file training.tfrecord-00001-of-00002; fetch it again",
        ),
        (
            lambda f: (f / "eval.tfrecord-00002-of-00003").touch(),
            "{folder}: eval.tfrecord-00002-of-00003 and the other shards differ in the number of shards",
        ),
        (
            lambda f: (f / "eval.tfrecord-00002-of-00002").touch(),
            "{folder}: the number of eval.tfrecord-00002-of-00002 exceeds the number of shards",
        ),
        (lambda f: (f / "eval.tfrecord.classes").unlink(), "{folder}/eval.tfrecord.classes: no such file"),
        (
            lambda f: (f / "training.tfrecord.classes").write_text("\n \n"),
            "{folder}/training.tfrecord.classes: names no class; allowed: one name per line",
        ),
        (
            lambda f: (f / "training.tfrecord.classes").write_bytes(b"\xff\xfe\xff"),
            "{folder}/training.tfrecord.classes: is not a list of class names; allowed: one name per line",
        ),
        (
            lambda f: (f / "training.tfrecord.classes").write_text("ant\n\nbee\n"),
            "{folder}/training.tfrecord.classes, line 2: '' is not a class name (it is empty); allowed: 1 to 200 bytes "
            "of text without line breaks, control or direction characters; rename it",
        ),
        (
            lambda f: (f / "training.tfrecord.classes").write_text("ant\n../bee\n"),
            "{folder}/training.tfrecord.classes, line 2: '../bee' is not a class name; allowed: a name without a slash",
        ),
        (
            lambda f: (f / "training.tfrecord.classes").write_text("ant\nbee\nant\n"),
            "{folder}/training.tfrecord.classes, line 3: 'ant' is listed twice",
        ),
        (
            lambda f: (f / "eval.tfrecord.classes").write_text("sea turtle\nant\n"),
            "{folder}: training.tfrecord.classes and eval.tfrecord.classes differ; "
            "take both sets from one run of the tutorial",
        ),
    ],
)
def test_a_bad_tutorial_folder(tmp_path: Path, damage: Callable[[Path], Any], message: str) -> None:
    write_tutorial(tmp_path)
    assert tutorial.read_classes(tmp_path) == ["ant", "sea turtle"]
    assert [len(paths) for paths in tutorial.list_shards(tmp_path).values()] == [2, 2]
    damage(tmp_path)
    with pytest.raises(UserError) as error:
        (tutorial.list_shards(tmp_path), tutorial.read_classes(tmp_path))
    assert str(error.value) == message.format(folder=tmp_path)


@pytest.mark.parametrize("name", ["none", "."])
def test_a_missing_file_or_a_folder_is_an_error(tmp_path: Path, name: str) -> None:
    with pytest.raises(UserError) as error:
        list(tfrecord.read(tmp_path / name))
    line = "no such file" if name == "none" else "is a folder; allowed: a regular file"
    assert str(error.value) == f"{tmp_path / name}: {line}"
