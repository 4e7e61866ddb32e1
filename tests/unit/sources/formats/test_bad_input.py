"""Bad input, and the very line that each gives."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from strokecast.common import tfrecord
from strokecast.common.errors import UserError
from strokecast.sources.formats import binary, ndjson, simplify, tutorial
from strokecast.sources.formats.records import Drawing, RefusedError, Reject

OK = [[[0, 9], [0, 9], [0, 9]]]

RAW_LINES: list[tuple[str, Any, str, str]] = [
    # name, fields of the line or its very bytes, kind, detail
    ("blank", b"", "not_json", "the line is blank"),
    ("spaces", b"  \t", "not_json", "the line is blank"),
    ("words", b"hello", "not_json", "no valid JSON: Expecting value at character 1"),
    ("html", b"<html>", "not_json", "no valid JSON: Expecting value at character 1"),
    (
        "cut",
        b'{"word": "cat", "drawing": [[[1, 2',
        "not_json",
        "no valid JSON: Expecting ',' delimiter at character 35",
    ),
    ("two", b"{} {}", "not_json", "no valid JSON: Extra data at character 4"),
    ("deep", b"[" * 100_000, "not_json", "no valid JSON: nested too deep"),
    ("latin-1", b'{"word": "caf\xe9"}', "not_text", "no UTF-8 at byte 14"),
    ("zeros", b"\0\0\0", "not_json", "no valid JSON: Expecting value at character 1"),
    ("list", b"[1, 2]", "bad_shape", "a list is no JSON object"),
    ("number", b"7", "bad_shape", "7 is no JSON object"),
    ("null", b"null", "bad_shape", "null is no JSON object"),
    (
        "nan",
        {"drawing": [[[0, float("nan")], [0, 9], [0, 9]]]},
        "not_finite",
        "holds NaN, which is no JSON number",
    ),
    (
        "infinity",
        {"drawing": [[[0, float("inf")], [0, 9], [0, 9]]]},
        "not_finite",
        "holds Infinity, which is no JSON number",
    ),
    ("1e999", ("9]", "1e999]"), "not_finite", "a number is too large for a float"),
    ("400 digits", ("9]", "9" * 400 + "]"), "too_big", "a number is beyond all floats"),
    ("5,000 digits", ("9]", "9" * 5000 + "]"), "bad_value", "holds a number that is too long"),
    ("no key_id", {"key_id": None}, "missing_key", "no key 'key_id'"),
    ("no word", {"word": None}, "missing_key", "no key 'word'"),
    ("no country", {"countrycode": None}, "missing_key", "no key 'countrycode'"),
    ("no timestamp", {"timestamp": None}, "missing_key", "no key 'timestamp'"),
    ("no recognized", {"recognized": None}, "missing_key", "no key 'recognized'"),
    ("no drawing", {"drawing": None}, "missing_key", "no key 'drawing'"),
    ("key_id of letters", {"key_id": "x1"}, "bad_value", 'key_id is "x1", not an unsigned 64-bit number'),
    ("negative key_id", {"key_id": -1}, "bad_value", "key_id is -1, not an unsigned 64-bit number"),
    (
        "key_id of 65 bits",
        {"key_id": str(1 << 64)},
        "bad_value",
        "key_id is 18446744073709551616, not an unsigned 64-bit number",
    ),
    ("key_id true", {"key_id": True}, "bad_value", "key_id is true, not an unsigned 64-bit number"),
    ("key_id 1.5", {"key_id": 1.5}, "bad_value", "key_id is 1.5, not an unsigned 64-bit number"),
    ("word 7", {"word": 7}, "bad_value", "word is 7, not a text"),
    ("timestamp list", {"timestamp": [1]}, "bad_value", "timestamp is a list, not a text"),
    ("recognized 1", {"recognized": 1}, "bad_value", "recognized is 1, not true or false"),
    ("drawing text", {"drawing": "[[[0]]]"}, "bad_shape", 'drawing is "[[[0]]]", not a list of strokes'),
    ("drawing object", {"drawing": {}}, "bad_shape", "drawing is a JSON object, not a list of strokes"),
    ("no stroke", {"drawing": []}, "empty", "the drawing has no stroke"),
    ("empty stroke", {"drawing": [*OK, [[], [], []]]}, "empty", "stroke 2 has no point"),
    ("flat stroke", {"drawing": [[0, 1, 2]]}, "bad_shape", "stroke 1 is no list of x, y, t"),
    (
        "simplified",
        {"drawing": [[[0, 9], [0, 9]]]},
        "bad_shape",
        "stroke 1 has 2 axes, as in simplified files, not 3 (x, y, t)",
    ),
    ("four axes", {"drawing": [[[0]] * 4]}, "bad_shape", "stroke 1 has 4 axes, not 3 (x, y, t)"),
    (
        "ragged",
        {"drawing": [*OK, [[0, 1, 2], [0, 1], [0, 1, 2]]]},
        "bad_shape",
        "stroke 2 has axes of unequal lengths: 3 x, 2 y, 3 t",
    ),
    (
        "text point",
        {"drawing": [*OK, [[0, 1], [0, "9"], [0, 1]]]},
        "bad_value",
        'stroke 2: y holds "9", not a number',
    ),
    ("null point", {"drawing": [[[None], [0], [0]]]}, "bad_value", "stroke 1: x holds null, not a number"),
    ("true point", {"drawing": [[[0], [0], [True]]]}, "bad_value", "stroke 1: t holds true, not a number"),
    ("list point", {"drawing": [[[0], [[0]], [0]]]}, "bad_value", "stroke 1: y holds a list, not a number"),
    (
        "far away",
        {"drawing": [*OK, [[0, -2e6], [0, 9], [0, 9]]]},
        "too_big",
        "stroke 2 has the coordinate -2e+06, beyond 1,000,000",
    ),
    (
        "200,000 points",
        {"drawing": [[[0] * 200_000] * 3]},
        "too_big",
        "200,000 points, more than 100,000",
    ),
    ("20,000 strokes", {"drawing": [[[0]] * 3] * 20_000}, "too_big", "20,000 strokes, more than 10,000"),
    ("5 MB", b" " * (5 << 20) + b"{}", "too_big", "longer than 4,194,304 bytes"),
]

SIMPLIFIED_LINES = [
    (
        "raw",
        [[[0, 9], [0, 9], [0, 9]]],
        "bad_shape",
        "stroke 1 has 3 axes, as in raw files, not 2 (x, y)",
    ),
    (
        "256",
        [[[0, 9], [0, 256]]],
        "bad_value",
        "stroke 1 has the coordinate 256, not a whole number from 0 to 255",
    ),
    (
        "-1",
        [[[0], [0]], [[5, -1], [0, 9]]],
        "bad_value",
        "stroke 2 has the coordinate -1, not a whole number from 0 to 255",
    ),
    (
        "0.5",
        [[[0.5, 9], [0, 9]]],
        "bad_value",
        "stroke 1 has the coordinate 0.5, not a whole number from 0 to 255",
    ),
]


def as_line(bad: Any, line: Callable[..., bytes]) -> bytes:
    if isinstance(bad, bytes):
        return bad
    if isinstance(bad, tuple):
        return line(drawing=OK).replace(bad[0].encode(), bad[1].encode(), 1)
    return line(**bad)


@pytest.mark.parametrize(
    ("bad", "kind", "detail"), [case[1:] for case in RAW_LINES], ids=[c[0] for c in RAW_LINES]
)
def test_a_bad_raw_line_is_one_reject(
    tmp_path: Path, line: Callable[..., bytes], bad: Any, kind: str, detail: str
) -> None:
    path = tmp_path / "cat.ndjson"
    path.write_bytes(line() + b"\n" + as_line(bad, line) + b"\r\n" + line() + b"\n")
    items = list(ndjson.read(path, "raw"))
    assert [type(item) for item in items] == [Drawing, Reject, Drawing]
    assert isinstance(items[1], Reject)
    assert items[1].kind == kind
    assert str(items[1]) == f"cat.ndjson, line 2: {detail}"
    assert "\n" not in str(items[1])


@pytest.mark.parametrize(
    ("drawing", "kind", "detail"),
    [case[1:] for case in SIMPLIFIED_LINES],
    ids=[c[0] for c in SIMPLIFIED_LINES],
)
def test_a_bad_simplified_line_is_one_reject(
    tmp_path: Path, line: Callable[..., bytes], drawing: Any, kind: str, detail: str
) -> None:
    path = tmp_path / "cat.ndjson"
    path.write_bytes(line("simplified", drawing=drawing) + b"\n" + line("simplified"))
    first, second = ndjson.read(path, "simplified")
    assert isinstance(first, Reject)
    assert (first.kind, str(first)) == (kind, f"cat.ndjson, line 1: {detail}")
    assert first.key_id == 5152802093400064
    assert isinstance(second, Drawing)


def test_a_byte_order_mark_and_a_numeric_key_id_will_do(tmp_path: Path, line: Callable[..., bytes]) -> None:
    path = tmp_path / "cat.ndjson"
    path.write_bytes(b"\xef\xbb\xbf" + line(key_id=(1 << 64) - 1))
    (drawing,) = ndjson.read(path, "raw")
    assert isinstance(drawing, Drawing)
    assert drawing.key_id == (1 << 64) - 1


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "{path}: is empty; allowed: raw ndjson; fetch it again"),
        (
            b"<html>\nno such file",
            "{path}: is no raw ndjson: line 1: no valid JSON: Expecting value at character 1; allowed: a JSON object "
            "a line, with the keys key_id, word, countrycode, timestamp, recognized, drawing",
        ),
    ],
)
def test_the_first_glance_at_ndjson(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "cat.ndjson"
    path.write_bytes(content)
    with pytest.raises(UserError) as error:
        ndjson.check(path, "raw")
    assert str(error.value) == message.format(path=path)


def test_the_first_glance_passes_over_a_bad_first_line(tmp_path: Path, line: Callable[..., bytes]) -> None:
    path = tmp_path / "cat.ndjson"
    path.write_bytes(b"oops\n" + line())
    ndjson.check(path, "raw")


@pytest.mark.parametrize(
    "read",
    [lambda p: list(ndjson.read(p, "raw")), lambda p: list(binary.read(p)), lambda p: list(tfrecord.read(p))],
)
def test_no_such_file(tmp_path: Path, read: Callable[[Path], Any]) -> None:
    for path in (tmp_path / "none", tmp_path):
        with pytest.raises(UserError) as error:
            read(path)
        assert str(error.value) == f"{path}: no such file"


# ---------------------------------------------------------------- .bin


@pytest.mark.parametrize("kept", [1, 8, 16, 17, 18, 19, 22, 25, 30, 32])
def test_a_cut_binary_file_rejects_its_last_record(
    tmp_path: Path, binary_record: Callable[..., bytes], kept: int
) -> None:
    record = binary_record()
    assert len(record) == 17 + 2 + 6 + 2 + 4 + 2 - 2
    path = tmp_path / "cat.bin"
    path.write_bytes(record + record[: min(kept, len(record) - 1)])
    items = list(binary.read(path))
    assert [type(item) for item in items] == [Drawing, Reject]
    assert str(items[1]) == "cat.bin, record 2: the file ends inside the record that starts at byte 31"
    with pytest.raises(UserError) as error:
        binary.check(path)
    assert str(error.value) == (
        f"{path}: is cut: the file ends inside the record that starts at byte 31; fetch it again"
    )


@pytest.mark.parametrize(
    ("fields", "kind", "detail"),
    [
        ({"strokes": ()}, "empty", "the drawing has no stroke"),
        ({"strokes": (((1, 1),), ())}, "empty", "stroke 2 has no point"),
        ({"strokes": (((0, 0),) * 60_000,) * 2}, "too_big", "120,000 points, more than 100,000"),
        ({"strokes": (((0, 0),),) * 20_000}, "too_big", "20,000 strokes, more than 10,000"),
    ],
)
def test_a_bad_binary_record_is_one_reject(
    tmp_path: Path, binary_record: Callable[..., bytes], fields: Any, kind: str, detail: str
) -> None:
    path = tmp_path / "cat.bin"
    path.write_bytes(binary_record() + binary_record(key_id=8, **fields) + binary_record())
    items = list(binary.read(path))
    assert [type(item) for item in items] == [Drawing, Reject, Drawing]
    assert isinstance(items[1], Reject)
    assert (items[1].kind, items[1].key_id) == (kind, 8)
    assert str(items[1]) == f"cat.bin, record 2: {detail}"
    binary.check(path)


@pytest.mark.parametrize(
    ("fields", "what"),
    [
        ({"recognized": 77}, "recognized is 77, not 0 or 1"),
        ({"recognized": -1}, "recognized is -1, not 0 or 1"),
        ({"country": b"\x8f!"}, r"the country is b'\x8f!', not two letters"),
    ],
)
def test_a_binary_head_that_cannot_be_true_stops(
    tmp_path: Path, binary_record: Callable[..., bytes], fields: Any, what: str
) -> None:
    path = tmp_path / "cat.bin"
    path.write_bytes(binary_record() + binary_record(**fields) + binary_record())
    reading = binary.read(path)
    assert isinstance(next(reading), Drawing)
    with pytest.raises(UserError) as error:
        next(reading)
    assert str(error.value) == (
        f"{path}, record 2 at byte 31: is damaged or no .bin file: {what}; what follows cannot be told apart; "
        "allowed: records of key_id, country, recognized, timestamp and strokes; fetch it again"
    )


def test_an_empty_binary_file(tmp_path: Path) -> None:
    path = tmp_path / "cat.bin"
    path.write_bytes(b"")
    assert list(binary.read(path)) == []
    with pytest.raises(UserError) as error:
        binary.check(path)
    assert str(error.value) == f"{path}: is empty; allowed: .bin records; fetch it again"


# ---------------------------------------------------------------- the tutorial's TFRecords

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
    ("two classes", {"class_index": [0, 1]}, "bad_shape", "class_index is not one whole number"),
    ("class 1.5", {"class_index": [1.5]}, "bad_shape", "class_index is not one whole number"),
    ("no number", {"class_index": []}, "bad_shape", "class_index is not one whole number"),
    ("shape 3, 2", {"shape": [3, 2]}, "bad_shape", "shape is [3, 2], not [n_points, 3]"),
    ("shape 6", {"shape": [6]}, "bad_shape", "shape is [6], not [n_points, 3]"),
    ("shape 3, 3", {"shape": [3, 3]}, "bad_shape", "ink has 6 values, not the 3 x 3 of its shape"),
    ("negative", {"shape": [-2, 3]}, "bad_shape", "ink has 6 values, not the -2 x 3 of its shape"),
    ("huge", {"shape": [1 << 62, 3]}, "bad_shape", f"ink has 6 values, not the {1 << 62:,} x 3 of its shape"),
    ("bytes", {"ink": [b"abc"]}, "bad_shape", "ink holds no floats"),
    ("ints", {"ink": [1, 2, 3, 4, 5, 6]}, "bad_shape", "ink holds no floats"),
    ("empty", {"ink": [], "shape": [0, 3]}, "empty", "the drawing has no point"),
]


@pytest.mark.parametrize(
    ("fields", "kind", "detail"), [c[1:] for c in EXAMPLES], ids=[c[0] for c in EXAMPLES]
)
def test_a_bad_example_is_one_reject(
    tmp_path: Path,
    example: Callable[[dict[str, list[Any]]], bytes],
    framed: Callable[[bytes], bytes],
    fields: dict[str, Any],
    kind: str,
    detail: str,
) -> None:
    path = tmp_path / "training.tfrecord-00000-of-00001"
    good = framed(example(INK))
    bad = {key: value for key, value in (INK | fields).items() if value is not None}
    path.write_bytes(good + framed(example(bad)) + good)
    items = list(tutorial.read(path, 3))
    assert [type(item) for item in items] == [tutorial.Ink, Reject, tutorial.Ink]
    assert isinstance(items[1], Reject)
    assert (items[1].kind, str(items[1])) == (kind, f"{path.name}, record 2: {detail}")


def test_a_good_example_value_by_value(
    tmp_path: Path, example: Callable[[dict[str, list[Any]]], bytes], framed: Callable[[bytes], bytes]
) -> None:
    path = tmp_path / "training.tfrecord-00000-of-00001"
    path.write_bytes(framed(example(INK)))
    (ink,) = tutorial.read(path, 2)
    assert isinstance(ink, tutorial.Ink)
    assert (ink.number, ink.class_index, ink.points.dtype) == (1, 1, np.float32)
    assert ink.points.tolist() == [[0.5, 0.25, 0.0], [-0.5, 0.25, 1.0]]


def test_wrong_data_is_a_reject_and_the_next_record_is_read(
    tmp_path: Path, example: Callable[[dict[str, list[Any]]], bytes], framed: Callable[[bytes], bytes]
) -> None:
    path = tmp_path / "training.tfrecord-00000-of-00001"
    good = framed(example(INK))
    bad = bytearray(good)
    bad[30] ^= 1
    path.write_bytes(bytes(bad) + framed(b"\xff\xff") + good)
    first, second, third = tutorial.read(path, 3)
    assert str(first) == f"{path.name}, record 1: wrong checksum of the record's data"
    assert str(second) == f"{path.name}, record 2: no tf.train.Example"
    assert isinstance(third, tutorial.Ink)


@pytest.mark.parametrize("broken", ["length", "head", "data", "sum", "huge"])
def test_a_shard_that_cannot_be_read_on_stops(
    tmp_path: Path,
    example: Callable[[dict[str, list[Any]]], bytes],
    framed: Callable[[bytes], bytes],
    broken: str,
) -> None:
    path = tmp_path / "training.tfrecord-00000-of-00001"
    good = framed(example(INK))
    where = f"{path}, record 2 at byte {len(good)}: "
    bad, line = {
        "length": (
            b"\x01" + good[1:],
            "wrong checksum of the record's length; what follows cannot be told apart; "
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
    reading = tutorial.read(path, 3)
    assert isinstance(next(reading), tutorial.Ink)
    with pytest.raises(UserError) as error:
        next(reading)
    assert str(error.value) == where + line
    with pytest.raises(UserError):
        tutorial.check(path)


def test_an_empty_shard(tmp_path: Path) -> None:
    path = tmp_path / "training.tfrecord-00000-of-00001"
    path.write_bytes(b"")
    with pytest.raises(UserError) as error:
        tutorial.check(path)
    assert str(error.value) == f"{path}: is empty; allowed: TFRecords; fetch it again"


def a_tutorial(folder: Path) -> None:
    for its_set in ("training", "eval"):
        (folder / f"{its_set}.tfrecord.classes").write_text("ant\nsea turtle\n")
        for index in range(2):
            (folder / f"{its_set}.tfrecord-{index:05d}-of-00002").write_bytes(b"")


@pytest.mark.parametrize(
    ("spoil", "message"),
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
            "{folder}: eval.tfrecord-00002-of-00003 and its neighbours disagree on how many shards there are",
        ),
        (
            lambda f: (f / "eval.tfrecord-00002-of-00002").touch(),
            "{folder}: eval.tfrecord-00002-of-00002 goes beyond its own number of shards",
        ),
        (lambda f: (f / "eval.tfrecord.classes").unlink(), "{folder}/eval.tfrecord.classes: no such file"),
        (
            lambda f: (f / "training.tfrecord.classes").write_text("\n \n"),
            "{folder}/training.tfrecord.classes: names no class; allowed: one name a line",
        ),
        (
            lambda f: (f / "training.tfrecord.classes").write_bytes(b"\xff\xfe\xff"),
            "{folder}/training.tfrecord.classes: is no list of class names; allowed: one name a line",
        ),
        (
            lambda f: (f / "training.tfrecord.classes").write_text("ant\n\nbee\n"),
            "{folder}/training.tfrecord.classes, line 2: '' is no class name",
        ),
        (
            lambda f: (f / "training.tfrecord.classes").write_text("ant\n../bee\n"),
            "{folder}/training.tfrecord.classes, line 2: '../bee' is no class name",
        ),
        (
            lambda f: (f / "training.tfrecord.classes").write_text("ant\nbee\nant\n"),
            "{folder}/training.tfrecord.classes, line 3: 'ant' stands there twice",
        ),
        (
            lambda f: (f / "eval.tfrecord.classes").write_text("sea turtle\nant\n"),
            "{folder}: training.tfrecord.classes and eval.tfrecord.classes differ; "
            "take both sets from one run of the tutorial",
        ),
    ],
)
def test_a_bad_tutorial_folder(tmp_path: Path, spoil: Callable[[Path], Any], message: str) -> None:
    a_tutorial(tmp_path)
    assert tutorial.classes(tmp_path) == ["ant", "sea turtle"]
    assert [len(paths) for paths in tutorial.shards(tmp_path).values()] == [2, 2]
    spoil(tmp_path)
    with pytest.raises(UserError) as error:
        (tutorial.shards(tmp_path), tutorial.classes(tmp_path))
    assert str(error.value) == message.format(folder=tmp_path)


# ---------------------------------------------------------------- conversion


@pytest.mark.parametrize(
    ("strokes", "kind", "detail"),
    [
        ([[[7.0], [7.0]]], "no_extent", "all its points are one and the same"),
        ([[[7.0, 7.0], [1.0, 1.0]], [[7.0], [1.0]]], "no_extent", "all its points are one and the same"),
        (
            [[[0.0, 1.0] * 200, [0.0, 0.0] * 200]],
            "too_big",
            "its strokes are 101,745 px long in a box of 255 px, more than 50,000",
        ),
    ],
)
def test_what_cannot_be_simplified(strokes: Any, kind: str, detail: str) -> None:
    with pytest.raises(RefusedError) as error:
        simplify.simplify([np.array(stroke) for stroke in strokes])
    assert (error.value.kind, error.value.detail) == (kind, detail)


def test_line_numbers_are_those_of_an_editor(tmp_path: Path, line: Callable[..., bytes]) -> None:
    path = tmp_path / "cat.ndjson"
    long = b'{"word": "' + b"x" * (ndjson.MAX_LINE * 2) + b'"}'
    path.write_bytes(b"\n".join((b"1", long, line(), b"", json.dumps(5).encode())))
    items = list(ndjson.read(path, "raw"))
    assert [item.number for item in items] == [1, 2, 3, 4, 5]
    assert [getattr(item, "kind", None) for item in items] == [
        "bad_shape",
        "too_big",
        None,
        "not_json",
        "bad_shape",
    ]
