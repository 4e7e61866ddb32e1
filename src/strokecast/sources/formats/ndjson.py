"""Raw and simplified ndjson: one JSON object per line, one drawing per object.

Strokes of raw drawings are [[x], [y], [t]] in screen pixels and ms. Strokes of simplified drawings
are [[x], [y]], whole numbers in a box of 0 ... 255.
Source: https://github.com/googlecreativelab/quickdraw-dataset
"""

from __future__ import annotations

import json
import unicodedata
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from itertools import accumulate, chain
from pathlib import Path
from typing import IO, Any, Literal, NoReturn

import numpy as np
from numpy.typing import NDArray

from strokecast.common import file_types
from strokecast.common.errors import UserError
from strokecast.common.files import open_binary
from strokecast.sources.formats.records import (
    MAX_COORDINATE,
    MAX_TIME_MS,
    Drawing,
    Reject,
    RejectedError,
    RejectKind,
    check_sizes,
)

Variant = Literal["raw", "simplified"]
AXES: dict[Variant, tuple[str, ...]] = {"raw": ("x", "y", "t"), "simplified": ("x", "y")}
KEYS = ("key_id", "word", "countrycode", "timestamp", "recognized", "drawing")
MAX_LINE = 4 << 20  # bytes; the longest of 159 real raw lines has 23 kB
BOX = 255.0
_NUMBERS = {int, float}
_CHECKED_LINES = 20


def read(path: Path, variant: Variant) -> Iterator[Drawing | Reject]:
    """Yield a `Drawing` or a `Reject` per line, in the order of the file.

    Lines are counted as in text editors: a newline at the end of the file does not start another
    line. Memory holds one line; of a line longer than `MAX_LINE` it holds only the beginning.

    Args:
        path: the file, UTF-8.
        variant: "raw" or "simplified".

    Raises:
        UserError: if the file does not exist.
    """
    with open_binary(path) as file:
        for number, line in enumerate(read_lines(file), start=1):
            try:
                yield parse(line, variant, number)
            except RejectedError as error:
                yield Reject(path.name, "line", number, error.kind, error.detail, error.key_id)


def parse(line: bytes, variant: Variant, number: int = 1) -> Drawing:
    """Parse one line.

    Raises:
        RejectedError: if it is not a drawing of this variant.
    """
    return to_drawing(_parse_object(line), variant, number)


def to_drawing(fields: Mapping[str, Any], variant: Variant, number: int) -> Drawing:
    """The drawing with these fields; `word` is in composed Unicode form (NFC).

    Raises:
        RejectedError: if they are not those of a drawing of this variant.
    """
    for key in KEYS:
        if key not in fields:
            raise RejectedError("missing_key", f"no key {key!r}")
    key_id = _parse_key_id(fields["key_id"])
    try:
        for key in ("word", "countrycode", "timestamp"):
            if not isinstance(fields[key], str):
                raise RejectedError("bad_value", f"{key} is {format_value(fields[key])}, not a string")
        if not isinstance(fields["recognized"], bool):
            value = format_value(fields["recognized"])
            raise RejectedError("bad_value", f"recognized is {value}, not true or false")
        strokes = _parse_strokes(fields["drawing"], variant)
    except RejectedError as error:
        error.key_id = key_id
        raise
    return Drawing(
        number,
        key_id,
        unicodedata.normalize("NFC", fields["word"]),
        fields["countrycode"],
        fields["timestamp"],
        fields["recognized"],
        strokes,
    )


def check(path: Path, variant: Variant, label: str = "") -> None:
    """Check that one of the first 20 lines is a drawing, of the class `label` if it is given.

    Raises:
        UserError: if the file is empty, or none of these lines is such a drawing.
    """
    expected = f"{variant} ndjson"
    first: Reject | None = None
    other = ""
    for count, item in enumerate(read(path, variant), start=1):
        if isinstance(item, Drawing):
            if not (label and item.word) or item.word == label:
                return
            other = other or item.word
        elif first is None:
            first = item
            if count == 1 and (file_type := file_types.recognize(path)):
                raise UserError(f"is {file_type.name}, not {expected}", location=str(path), fix=file_type.fix)
        if count == _CHECKED_LINES:
            break
    if other:
        raise UserError(
            f"contains drawings of {other!r}, not of {label!r}",
            location=str(path),
            fix=f"call the file {other}.ndjson",
        )
    if first is None:
        raise UserError("is empty", location=str(path), allowed=expected, fix="fetch it again")
    raise UserError(
        f"is not {expected}: line {first.number}: {first.detail}",
        location=str(path),
        allowed=f"one JSON object per line, with the keys {', '.join(KEYS)}",
    )


def read_lines(file: IO[bytes]) -> Iterator[bytes]:
    """Yield the lines without their ends; of a line longer than `MAX_LINE` its first `MAX_LINE + 2` bytes."""
    while line := file.readline(MAX_LINE + 2):
        complete = line.endswith(b"\n")
        yield line.removesuffix(b"\n").removesuffix(b"\r")
        while not complete and (rest := file.readline(1 << 20)):
            complete = rest.endswith(b"\n")


def decode(line: bytes) -> str:
    """The text of one line that is not blank.

    Raises:
        RejectedError: if it is blank, longer than `MAX_LINE`, or not UTF-8.
    """
    if len(line) > MAX_LINE:
        raise RejectedError("too_big", f"longer than {MAX_LINE:,} bytes")
    try:
        text = line.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise RejectedError("not_text", f"not UTF-8 at byte {error.start + 1}") from None
    if not text.strip():
        raise RejectedError("not_json", "the line is blank")
    return text


def parse_json(text: str) -> Any:
    """The value of a JSON text.

    Raises:
        RejectedError: if it is not JSON, or contains a number that JSON or Python cannot represent.
    """
    try:
        return json.loads(text, parse_constant=_reject_constant)
    except json.JSONDecodeError as error:
        raise RejectedError("not_json", f"invalid JSON: {error.msg} at character {error.pos + 1}") from None
    except RecursionError:
        raise RejectedError("not_json", "invalid JSON: nested too deeply") from None
    except ValueError:  # an integer of thousands of digits
        raise RejectedError("bad_value", "contains a number with too many digits") from None


def _parse_object(line: bytes) -> dict[str, Any]:
    value = parse_json(decode(line))
    if not isinstance(value, dict):
        raise RejectedError("bad_shape", f"{format_value(value)} is not a JSON object")
    return value


def _reject_constant(name: str) -> NoReturn:
    raise RejectedError("not_finite", f"contains {name}, which is not a JSON number")


def _parse_key_id(value: Any) -> int:
    """`key_id` is a string of digits in the official files; a plain number is accepted too."""
    if type(value) is str and value.isascii() and value.isdigit() and len(value) <= 20:
        value = int(value)
    if type(value) is not int or not 0 <= value < 1 << 64:
        raise RejectedError("bad_value", f"key_id is {format_value(value)}, not an unsigned 64-bit number")
    return value


def _parse_strokes(drawing: Any, variant: Variant) -> tuple[NDArray[np.float64], ...]:
    axes = AXES[variant]
    if not isinstance(drawing, list):
        raise RejectedError("bad_shape", f"drawing is {format_value(drawing)}, not a list of strokes")
    for number, stroke in enumerate(drawing, start=1):
        _check_layout(stroke, number, axes)
    n_points = [len(stroke[0]) for stroke in drawing]
    check_sizes(n_points)
    ends = list(accumulate(n_points))
    values = [list(chain.from_iterable(stroke[row] for stroke in drawing)) for row in range(len(axes))]
    for name, axis in zip(axes, values, strict=True):
        if not set(map(type, axis)) <= _NUMBERS:
            index = next(i for i, value in enumerate(axis) if type(value) not in _NUMBERS)
            number = bisect_right(ends, index) + 1
            detail = f"stroke {number}: {name} contains {format_value(axis[index])}, not a number"
            raise RejectedError("bad_value", detail)
    try:
        points = np.array(values, dtype=np.float64)  # [axes, all points]
    except OverflowError:
        raise RejectedError("too_big", "a number exceeds the range of floats") from None
    _check_values(points, ends, variant)
    return tuple(points[:, end - count : end] for count, end in zip(n_points, ends, strict=True))


def _check_layout(stroke: Any, number: int, axes: tuple[str, ...]) -> None:
    if type(stroke) is not list or set(map(type, stroke)) - {list}:
        raise RejectedError("bad_shape", f"stroke {number} is not a list of {', '.join(axes)}")
    if len(stroke) != len(axes):
        other = next((variant for variant, names in AXES.items() if len(names) == len(stroke)), None)
        hint = f", as in {other} files" if other else ""
        detail = f"stroke {number} has {len(stroke)} axes{hint}, not {len(axes)} ({', '.join(axes)})"
        raise RejectedError("bad_shape", detail)
    if len(set(map(len, stroke))) > 1:
        lengths = ", ".join(f"{len(axis):,} {name}" for name, axis in zip(axes, stroke, strict=True))
        raise RejectedError("bad_shape", f"stroke {number} has axes of unequal lengths: {lengths}")


def _check_values(points: NDArray[np.float64], ends: list[int], variant: Variant) -> None:
    if not np.isfinite(points).all():
        raise RejectedError("not_finite", "a number is too large for a float")
    xy = points[:2]
    if (np.abs(points[2:]) > MAX_TIME_MS).any():
        raise RejectedError("too_big", f"a time exceeds {MAX_TIME_MS:,.0f} ms")
    if variant == "raw":
        wrong = np.abs(xy) > MAX_COORDINATE
        kind: RejectKind = "too_big"
        problem = f"beyond {MAX_COORDINATE:,.0f}"
    else:
        wrong = (xy < 0) | (xy > BOX) | (xy != np.floor(xy))
        kind, problem = "bad_value", f"not a whole number from 0 to {BOX:g}"
    if wrong.any():
        row, index = np.argwhere(wrong)[0]
        number = bisect_right(ends, index) + 1
        raise RejectedError(kind, f"stroke {number} has the coordinate {xy[row, index]:g}, {problem}")


def format_value(value: Any) -> str:
    """A JSON value for a message: at most 40 characters, printable ASCII."""
    if isinstance(value, list | dict):
        return f"a {'list' if isinstance(value, list) else 'JSON object'}"
    text = (
        json.dumps(value, ensure_ascii=True) if not isinstance(value, int) or abs(value) < 1 << 70 else "huge"
    )
    return text if len(text) <= 40 else text[:37] + "..."
