"""ndjson: real files, and the reject that each kind of bad line becomes."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from strokecast.common.errors import UserError
from strokecast.sources.formats import ndjson
from strokecast.sources.formats.records import Drawing, Reject, RejectedError

OK = [[[0, 9], [0, 9], [0, 9]]]


RAW_LINES: list[tuple[str, Any, str, str]] = [
    # name; fields of the line, bytes of the line, or (old, new) text; kind; detail
    ("blank", b"", "not_json", "the line is blank"),
    ("spaces", b"  \t", "not_json", "the line is blank"),
    ("words", b"hello", "not_json", "invalid JSON: Expecting value at character 1"),
    ("html", b"<html>", "not_json", "invalid JSON: Expecting value at character 1"),
    (
        "cut",
        b'{"word": "cat", "drawing": [[[1, 2',
        "not_json",
        "invalid JSON: Expecting ',' delimiter at character 35",
    ),
    ("two", b"{} {}", "not_json", "invalid JSON: Extra data at character 4"),
    ("deep", b"[" * 100_000, "not_json", "invalid JSON: nested too deeply"),
    ("latin-1", b'{"word": "caf\xe9"}', "not_text", "not UTF-8 at byte 14"),
    ("zeros", b"\0\0\0", "not_json", "invalid JSON: Expecting value at character 1"),
    ("list", b"[1, 2]", "bad_shape", "a list is not a JSON object"),
    ("number", b"7", "bad_shape", "7 is not a JSON object"),
    ("null", b"null", "bad_shape", "null is not a JSON object"),
    (
        "nan",
        {"drawing": [[[0, float("nan")], [0, 9], [0, 9]]]},
        "not_finite",
        "contains NaN, which is not a JSON number",
    ),
    (
        "infinity",
        {"drawing": [[[0, float("inf")], [0, 9], [0, 9]]]},
        "not_finite",
        "contains Infinity, which is not a JSON number",
    ),
    ("1e999", ("9]", "1e999]"), "not_finite", "a number is too large for a float"),
    ("400 digits", ("9]", "9" * 400 + "]"), "too_big", "a number exceeds the range of floats"),
    ("5,000 digits", ("9]", "9" * 5000 + "]"), "bad_value", "contains a number with too many digits"),
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
    ("word 7", {"word": 7}, "bad_value", "word is 7, not a string"),
    ("timestamp list", {"timestamp": [1]}, "bad_value", "timestamp is a list, not a string"),
    ("recognized 1", {"recognized": 1}, "bad_value", "recognized is 1, not true or false"),
    ("drawing text", {"drawing": "[[[0]]]"}, "bad_shape", 'drawing is "[[[0]]]", not a list of strokes'),
    ("drawing object", {"drawing": {}}, "bad_shape", "drawing is a JSON object, not a list of strokes"),
    ("no stroke", {"drawing": []}, "empty", "the drawing has no stroke"),
    ("empty stroke", {"drawing": [*OK, [[], [], []]]}, "empty", "stroke 2 has no point"),
    ("flat stroke", {"drawing": [[0, 1, 2]]}, "bad_shape", "stroke 1 is not a list of x, y, t"),
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
        'stroke 2: y contains "9", not a number',
    ),
    ("null point", {"drawing": [[[None], [0], [0]]]}, "bad_value", "stroke 1: x contains null, not a number"),
    ("true point", {"drawing": [[[0], [0], [True]]]}, "bad_value", "stroke 1: t contains true, not a number"),
    (
        "list point",
        {"drawing": [[[0], [[0]], [0]]]},
        "bad_value",
        "stroke 1: y contains a list, not a number",
    ),
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


def as_line(bad: Any, ndjson_line: Callable[..., bytes]) -> bytes:
    if isinstance(bad, bytes):
        return bad
    if isinstance(bad, tuple):
        return ndjson_line(drawing=OK).replace(bad[0].encode(), bad[1].encode(), 1)
    return ndjson_line(**bad)


@pytest.mark.parametrize(
    ("file", "count"),
    [
        ("raw/airplane", 23),
        ("raw/camouflage", 11),
        ("raw/cat", 25),
        ("raw/circle", 44),
        ("raw/t-shirt", 29),
        ("raw/The Eiffel Tower", 27),
        ("simplified/airplane", 25),
        ("simplified/camouflage", 25),
        ("simplified/circle", 25),
        ("simplified/crab", 25),
        ("simplified/face", 25),
        ("simplified/monkey", 1000),
        ("simplified/t-shirt", 25),
        ("simplified/The Eiffel Tower", 25),
    ],
)
def test_real_files_are_read_without_rejects(shared: Path, file: str, count: int) -> None:
    variant, word = file.split("/")
    items = list(ndjson.read(shared / "quickdraw/full" / f"{file}.ndjson", variant))
    drawings = [item for item in items if isinstance(item, Drawing)]
    assert len(items) == len(drawings) == count
    assert {drawing.word for drawing in drawings} == {word}
    assert len({drawing.key_id for drawing in drawings}) == count
    assert {len(stroke) for drawing in drawings for stroke in drawing.strokes} == {
        3 if variant == "raw" else 2
    }


def test_all_values_of_the_first_raw_airplane(shared: Path) -> None:
    path = shared / "quickdraw/full/raw/airplane.ndjson"
    drawing = next(ndjson.read(path, "raw"))
    assert isinstance(drawing, Drawing)
    assert (drawing.number, drawing.key_id) == (1, 5152802093400064)
    assert (drawing.countrycode, drawing.timestamp) == ("US", "2017-03-08 21:12:07.26604 UTC")
    assert drawing.recognized is True
    with path.open() as file:
        expected = json.loads(file.readline())["drawing"]
    assert [stroke.tolist() for stroke in drawing.strokes] == expected


@pytest.mark.parametrize(
    ("bad", "kind", "detail"), [case[1:] for case in RAW_LINES], ids=[c[0] for c in RAW_LINES]
)
def test_a_bad_raw_line_is_one_reject(
    tmp_path: Path, ndjson_line: Callable[..., bytes], bad: Any, kind: str, detail: str
) -> None:
    path = tmp_path / "cat.ndjson"
    path.write_bytes(ndjson_line() + b"\n" + as_line(bad, ndjson_line) + b"\r\n" + ndjson_line() + b"\n")
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
    tmp_path: Path, ndjson_line: Callable[..., bytes], drawing: Any, kind: str, detail: str
) -> None:
    path = tmp_path / "cat.ndjson"
    path.write_bytes(ndjson_line("simplified", drawing=drawing) + b"\n" + ndjson_line("simplified"))
    first, second = ndjson.read(path, "simplified")
    assert isinstance(first, Reject)
    assert (first.kind, str(first)) == (kind, f"cat.ndjson, line 1: {detail}")
    assert first.key_id == 5152802093400064
    assert isinstance(second, Drawing)


def test_a_byte_order_mark_and_a_numeric_key_id_are_accepted(
    tmp_path: Path, ndjson_line: Callable[..., bytes]
) -> None:
    path = tmp_path / "cat.ndjson"
    path.write_bytes(b"\xef\xbb\xbf" + ndjson_line(key_id=(1 << 64) - 1))
    (drawing,) = ndjson.read(path, "raw")
    assert isinstance(drawing, Drawing)
    assert drawing.key_id == (1 << 64) - 1


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "{path}: is empty; allowed: raw ndjson; fetch it again"),
        (
            b"<html>\nno such file",
            "{path}: is an HTML page, not raw ndjson; fetch the file itself, not the page that links to it",
        ),
        (
            b"no such file",
            "{path}: is not raw ndjson: line 1: invalid JSON: Expecting value at character 1; allowed: one JSON "
            "object per line, with the keys key_id, word, countrycode, timestamp, recognized, drawing",
        ),
    ],
)
def test_check_reports_files_without_drawings(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "cat.ndjson"
    path.write_bytes(content)
    with pytest.raises(UserError) as error:
        ndjson.check(path, "raw")
    assert str(error.value) == message.format(path=path)


def test_check_ignores_a_bad_first_line(tmp_path: Path, ndjson_line: Callable[..., bytes]) -> None:
    path = tmp_path / "cat.ndjson"
    path.write_bytes(b"oops\n" + ndjson_line())
    ndjson.check(path, "raw")


@pytest.mark.parametrize("name", ["none", "."])
def test_a_missing_file_or_a_folder_is_an_error(tmp_path: Path, name: str) -> None:
    with pytest.raises(UserError) as error:
        list(ndjson.read(tmp_path / name, "raw"))
    line = "no such file" if name == "none" else "is a folder; allowed: a regular file"
    assert str(error.value) == f"{tmp_path / name}: {line}"


def test_lines_are_counted_as_in_a_text_editor(tmp_path: Path, ndjson_line: Callable[..., bytes]) -> None:
    path = tmp_path / "cat.ndjson"
    long = b'{"word": "' + b"x" * (ndjson.MAX_LINE * 2) + b'"}'
    path.write_bytes(b"\n".join((b"1", long, ndjson_line(), b"", json.dumps(5).encode())))
    items = list(ndjson.read(path, "raw"))
    assert [item.number for item in items] == [1, 2, 3, 4, 5]
    assert [getattr(item, "kind", None) for item in items] == [
        "bad_shape",
        "too_big",
        None,
        "not_json",
        "bad_shape",
    ]


def test_a_huge_time_is_rejected(ndjson_line: Callable[..., bytes]) -> None:
    with pytest.raises(RejectedError, match="a time exceeds 1,000,000,000,000,000 ms"):
        ndjson.parse(ndjson_line(drawing=[[[0, 1], [0, 1], [0, 1e300]]]), "raw")
