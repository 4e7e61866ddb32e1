"""CSV of Kaggle's Quick, Draw! Doodle Recognition Challenge: one simplified drawing per row.

The columns are countrycode, drawing, key_id, recognized, timestamp and word, in any order. `drawing` is the JSON of
simplified ndjson, [[x], [y]] per stroke; `word` is the class. No cell contains a line break.
Source: https://www.kaggle.com/c/quickdraw-doodle-recognition/data
"""

from __future__ import annotations

import csv
import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

from strokecast.common import file_types
from strokecast.common.errors import UserError
from strokecast.common.files import open_binary
from strokecast.sources.formats import ndjson
from strokecast.sources.formats.records import Drawing, Reject, RejectedError

COLUMNS = ("countrycode", "drawing", "key_id", "recognized", "timestamp", "word")
_EXPECTED = "CSV of Kaggle drawings"
_RECOGNIZED = {"True": True, "False": False}
_MISSING = {
    "countrycode": "",
    "recognized": "True",
    "timestamp": "",
    "word": "",
}  # of columns that a file lacks
_CHECKED_LINES = 20


def read(path: Path, required: Sequence[str] = COLUMNS) -> Iterator[Drawing | Reject]:
    """Yield a `Drawing` or a `Reject` per line after the header, in the order of the file.

    Args:
        path: the file.
        required: columns that the header must have, `key_id` and `drawing` among them. The test files of the
            competition have no `word`, for example: drawings then have the class "".

    Raises:
        UserError: if the file does not exist, or its header lacks a column.
    """
    with open_binary(path) as file:
        header, lines = _read_header(file, path, required)
        for number, line in enumerate(lines, start=2):
            try:
                yield _parse(line, header, number)
            except RejectedError as error:
                yield Reject(path.name, "line", number, error.kind, error.detail, error.key_id)


def read_words(path: Path) -> list[str]:
    """The classes of a file, in the order of their first drawing; lines that cannot be split are skipped.

    Raises:
        UserError: as `read`.
    """
    words: dict[str, None] = {}
    with open_binary(path) as file:
        header, lines = _read_header(file, path)
        column = header.index("word")
        for line in lines:
            try:
                cells = _split(line)
            except RejectedError:
                continue
            if len(cells) == len(header) and cells[column]:
                words[cells[column]] = None
    return list(dict.fromkeys(unicodedata.normalize("NFC", word) for word in words))


def check(path: Path) -> None:
    """Check that one of the first 20 lines after the header is a drawing.

    Raises:
        UserError: if the file is empty, has another header, or none of these lines is a drawing.
    """
    first: Reject | None = None
    for count, item in enumerate(read(path), start=1):
        if isinstance(item, Drawing):
            return
        first = first or item
        if count == _CHECKED_LINES:
            break
    if first is None:
        raise UserError("has no row", location=str(path), allowed=_EXPECTED)
    raise UserError(f"is not {_EXPECTED}: line {first.number}: {first.detail}", location=str(path))


def _read_header(
    file: IO[bytes], path: Path, required: Sequence[str] = COLUMNS
) -> tuple[list[str], Iterator[bytes]]:
    """The names of the columns, and the lines after them."""
    lines = ndjson.read_lines(file)
    try:
        header = [name.strip() for name in _split(next(lines, b""))]
        missing = [name for name in required if name not in header]
        if not missing and len(set(header)) == len(header):
            return header, lines
        problem = f"lacks the column{'s' if len(missing) > 1 else ''} {', '.join(missing)}"
        if not missing:
            problem = "repeats a column in its header"
        elif "word" in missing and "drawing" in header:
            problem += ", as the competition's test files do (train_simplified has the classes)"
    except RejectedError as error:
        problem = f"is not {_EXPECTED}: line 1: {error.detail}"
    header_error = UserError(problem, location=str(path), allowed=f"a header with {', '.join(required)}")
    raise file_types.explain(header_error, path, _EXPECTED)


def _split(line: bytes) -> list[str]:
    """The cells of one line."""
    text = ndjson.decode(line)
    limit = csv.field_size_limit(ndjson.MAX_LINE)
    try:
        return next(csv.reader([text], strict=True))
    except csv.Error as error:
        raise RejectedError("bad_shape", f"invalid CSV: {error}") from None
    finally:
        csv.field_size_limit(limit)


def _parse(line: bytes, header: list[str], number: int) -> Drawing:
    cells = _split(line)
    if len(cells) != len(header):
        raise RejectedError("bad_shape", f"{len(cells)} cells, not the {len(header)} of the header")
    fields: dict[str, object] = {**_MISSING, **dict(zip(header, cells, strict=True))}
    if "word" in header and not fields["word"]:
        raise RejectedError("bad_value", "word is empty")
    recognized = str(fields["recognized"])
    if recognized not in _RECOGNIZED:
        value = ndjson.format_value(recognized)
        raise RejectedError("bad_value", f"recognized is {value}, not True or False")
    fields["recognized"] = _RECOGNIZED[recognized]
    fields["drawing"] = ndjson.parse_json(str(fields["drawing"]))
    return ndjson.to_drawing(fields, "simplified", number)
