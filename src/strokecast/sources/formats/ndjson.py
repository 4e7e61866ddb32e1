"""Raw and simplified ndjson: one JSON object a line, one drawing an object.

Raw drawings are [[x], [y], [t]] a stroke in screen pixels and ms; simplified ones are [[x], [y]]
in a box of 0 ... 255, whole numbers.
Source: https://github.com/googlecreativelab/quickdraw-dataset
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Iterator
from itertools import accumulate, chain
from pathlib import Path
from typing import IO, Any, Literal, NoReturn

import numpy as np
from numpy.typing import NDArray

from strokecast.common.errors import UserError
from strokecast.common.files import open_binary
from strokecast.sources.formats.records import (
    MAX_CLOCK,
    MAX_COORDINATE,
    Drawing,
    Kind,
    RefusedError,
    Reject,
    check_sizes,
)

Form = Literal["raw", "simplified"]
AXES: dict[Form, tuple[str, ...]] = {"raw": ("x", "y", "t"), "simplified": ("x", "y")}
KEYS = ("key_id", "word", "countrycode", "timestamp", "recognized", "drawing")
MAX_LINE = 4 << 20  # bytes; the longest of 159 real raw lines has 23 kB
BOX = 255.0
_NUMBERS = {int, float}
_GLANCE = 20  # lines


def read(path: Path, form: Form) -> Iterator[Drawing | Reject]:
    """Yield a `Drawing` or a `Reject` for every line, in the order of the file.

    Lines are counted as text editors do: a newline at the end of the file begins no further line.
    One line at a time is held in memory, and of a line longer than `MAX_LINE` only its beginning.

    Args:
        path: the file, UTF-8.
        form: "raw" or "simplified".

    Raises:
        UserError: if there is no such file.
    """
    with open_binary(path) as file:
        for number, line in enumerate(_lines(file), start=1):
            try:
                yield parse(line, form, number)
            except RefusedError as refused:
                yield Reject(path.name, "line", number, refused.kind, refused.detail, refused.key_id)


def parse(line: bytes, form: Form, number: int = 1) -> Drawing:
    """Parse one line.

    Raises:
        RefusedError: if it is no drawing of that form.
    """
    if len(line) > MAX_LINE:
        raise RefusedError("too_big", f"longer than {MAX_LINE:,} bytes")
    fields = _object(line)
    for key in KEYS:
        if key not in fields:
            raise RefusedError("missing_key", f"no key {key!r}")
    key_id = _key_id(fields["key_id"])
    try:
        for key in ("word", "countrycode", "timestamp"):
            if not isinstance(fields[key], str):
                raise RefusedError("bad_value", f"{key} is {shown(fields[key])}, not a text")
        if not isinstance(fields["recognized"], bool):
            raise RefusedError("bad_value", f"recognized is {shown(fields['recognized'])}, not true or false")
        strokes = _strokes(fields["drawing"], form)
    except RefusedError as refused:
        refused.key_id = key_id
        raise
    return Drawing(
        number,
        key_id,
        fields["word"],
        fields["countrycode"],
        fields["timestamp"],
        fields["recognized"],
        strokes,
    )


def check(path: Path, form: Form) -> None:
    """A first glance: one of the first lines must be a drawing.

    Raises:
        UserError: if the file is empty, or begins with 20 lines none of which is one.
    """
    first: Reject | None = None
    for seen, item in enumerate(read(path, form), start=1):
        if isinstance(item, Drawing):
            return
        first = first or item
        if seen == _GLANCE:
            break
    if first is None:
        raise UserError("is empty", where=str(path), allowed=f"{form} ndjson", fix="fetch it again")
    raise UserError(
        f"is no {form} ndjson: line {first.number}: {first.detail}",
        where=str(path),
        allowed=f"a JSON object a line, with the keys {', '.join(KEYS)}",
    )


def _lines(file: IO[bytes]) -> Iterator[bytes]:
    while line := file.readline(MAX_LINE + 2):
        whole = line.endswith(b"\n")
        yield line.removesuffix(b"\n").removesuffix(b"\r")
        while not whole and (rest := file.readline(1 << 20)):
            whole = rest.endswith(b"\n")


def _object(line: bytes) -> dict[str, Any]:
    try:
        text = line.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise RefusedError("not_text", f"no UTF-8 at byte {error.start + 1}") from None
    if not text.strip():
        raise RefusedError("not_json", "the line is blank")
    try:
        value = json.loads(text, parse_constant=_constant)
    except json.JSONDecodeError as error:
        raise RefusedError("not_json", f"no valid JSON: {error.msg} at character {error.pos + 1}") from None
    except RecursionError:
        raise RefusedError("not_json", "no valid JSON: nested too deep") from None
    except ValueError:  # an integer of thousands of digits
        raise RefusedError("bad_value", "holds a number that is too long") from None
    if not isinstance(value, dict):
        raise RefusedError("bad_shape", f"{shown(value)} is no JSON object")
    return value


def _constant(name: str) -> NoReturn:
    raise RefusedError("not_finite", f"holds {name}, which is no JSON number")


def _key_id(value: Any) -> int:
    """`key_id` is a text of digits in the official files; a plain number will do."""
    if type(value) is str and value.isascii() and value.isdigit() and len(value) <= 20:
        value = int(value)
    if type(value) is not int or not 0 <= value < 1 << 64:
        raise RefusedError("bad_value", f"key_id is {shown(value)}, not an unsigned 64-bit number")
    return value


def _strokes(drawing: Any, form: Form) -> tuple[NDArray[np.float64], ...]:
    axes = AXES[form]
    if not isinstance(drawing, list):
        raise RefusedError("bad_shape", f"drawing is {shown(drawing)}, not a list of strokes")
    for place, stroke in enumerate(drawing, start=1):
        _check_layout(stroke, place, axes)
    n_points = [len(stroke[0]) for stroke in drawing]
    check_sizes(n_points)
    ends = list(accumulate(n_points))
    values = [list(chain.from_iterable(stroke[row] for stroke in drawing)) for row in range(len(axes))]
    for name, axis in zip(axes, values, strict=True):
        if not set(map(type, axis)) <= _NUMBERS:
            at = next(at for at, value in enumerate(axis) if type(value) not in _NUMBERS)
            what = f"stroke {bisect_right(ends, at) + 1}: {name} holds {shown(axis[at])}, not a number"
            raise RefusedError("bad_value", what)
    try:
        points = np.array(values, dtype=np.float64)  # [axes, all points]
    except OverflowError:
        raise RefusedError("too_big", "a number is beyond all floats") from None
    _check_values(points, ends, form)
    return tuple(points[:, end - count : end] for count, end in zip(n_points, ends, strict=True))


def _check_layout(stroke: Any, place: int, axes: tuple[str, ...]) -> None:
    if type(stroke) is not list or set(map(type, stroke)) - {list}:
        raise RefusedError("bad_shape", f"stroke {place} is no list of {', '.join(axes)}")
    if len(stroke) != len(axes):
        other = next((name for name, its in AXES.items() if len(its) == len(stroke)), None)
        hint = f", as in {other} files" if other else ""
        what = f"stroke {place} has {len(stroke)} axes{hint}, not {len(axes)} ({', '.join(axes)})"
        raise RefusedError("bad_shape", what)
    if len(set(map(len, stroke))) > 1:
        lengths = ", ".join(f"{len(axis):,} {name}" for name, axis in zip(axes, stroke, strict=True))
        raise RefusedError("bad_shape", f"stroke {place} has axes of unequal lengths: {lengths}")


def _check_values(points: NDArray[np.float64], ends: list[int], form: Form) -> None:
    if not np.isfinite(points).all():
        raise RefusedError("not_finite", "a number is too large for a float")
    xy = points[:2]
    if (np.abs(points[2:]) > MAX_CLOCK).any():
        raise RefusedError("too_big", f"a time is beyond {MAX_CLOCK:,.0f} ms")
    if form == "raw":
        wrong = np.abs(xy) > MAX_COORDINATE
        kind: Kind = "too_big"
        allowed = f"beyond {MAX_COORDINATE:,.0f}"
    else:
        wrong = (xy < 0) | (xy > BOX) | (xy != np.floor(xy))
        kind, allowed = "bad_value", f"not a whole number from 0 to {BOX:g}"
    if wrong.any():
        row, at = np.argwhere(wrong)[0]
        where = f"stroke {bisect_right(ends, at) + 1} has the coordinate {xy[row, at]:g}"
        raise RefusedError(kind, f"{where}, {allowed}")


def shown(value: Any) -> str:
    """A value of a JSON line for a message: short, printable ASCII."""
    if isinstance(value, list | dict):
        return f"a {'list' if isinstance(value, list) else 'JSON object'}"
    text = (
        json.dumps(value, ensure_ascii=True) if not isinstance(value, int) or abs(value) < 1 << 70 else "huge"
    )
    return text if len(text) <= 40 else text[:37] + "..."
