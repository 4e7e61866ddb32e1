"""The `.bin` format: records one after another, little-endian, without separators.

    key_id u64 | countrycode 2s | recognized i8 | timestamp u32 | n_strokes u16
    and per stroke: n_points u16 | x u8 [n_points] | y u8 [n_points]

Drawings are simplified (0 ... 255); `timestamp` is in s since 1970; the file name is the class.
Nothing marks the start of a record, so one damaged byte may shift all later records. Reading stops
at a record whose country code or recognized flag is impossible.
Source: https://github.com/googlecreativelab/quickdraw-dataset, examples/binary_file_parser.py
"""

from __future__ import annotations

import struct
from collections import deque
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

import numpy as np

from strokecast.common import file_types
from strokecast.common.errors import UserError
from strokecast.common.files import check_regular, open_binary
from strokecast.sources.formats.records import MAX_POINTS, Drawing, Reject, RejectedError, check_sizes

_HEAD = struct.Struct("<Q2sbIH")
_COUNT = struct.Struct("<H")


class _EndOfFileError(Exception):
    """The file ends inside a record."""


def read(path: Path) -> Iterator[Drawing | Reject]:
    """Yield a `Drawing` or a `Reject` per record, in the order of the file.

    If the file ends inside a record, that record is the last reject (`cut`); its detail names the
    byte at which the record starts.

    Raises:
        UserError: if the file does not exist, or a record's head is impossible; names the byte offset.
    """
    with open_binary(path) as file:
        number = 0
        while True:
            number += 1
            start = file.tell()
            head = file.read(_HEAD.size)
            if not head:
                return
            try:
                yield _parse_record(file, head, number, path, start)
            except RejectedError as error:
                yield Reject(path.name, "record", number, error.kind, error.detail, error.key_id)
            except _EndOfFileError:
                detail = f"the file ends inside the record that starts at byte {start:,}"
                yield Reject(path.name, "record", number, "cut", detail)
                return


def check(path: Path) -> None:
    """Read all records without keeping them.

    Raises:
        UserError: if the file is empty, damaged or truncated; names the byte offset.
    """
    try:
        last = deque(read(path), maxlen=1)
    except UserError as error:
        check_regular(path)
        raise file_types.explain(error, path, "a .bin file of drawings") from None
    if not last:
        raise UserError("is empty", location=str(path), allowed=".bin records", fix="fetch it again")
    if isinstance(last[0], Reject) and last[0].kind == "cut":
        truncated = UserError(f"is truncated: {last[0].detail}", location=str(path), fix="fetch it again")
        raise file_types.explain(truncated, path, "a .bin file of drawings")


def _parse_record(file: IO[bytes], head: bytes, number: int, path: Path, start: int) -> Drawing:
    if len(head) < _HEAD.size:
        raise _EndOfFileError
    key_id, country, recognized, seconds, n_strokes = _HEAD.unpack(head)
    if recognized not in (0, 1):
        raise _damaged(path, number, start, f"recognized is {recognized}, not 0 or 1")
    if not (country.strip(b"\0 ").isalnum() or not country.strip(b"\0 ")):
        raise _damaged(path, number, start, f"the country is {country!r}, not two letters")
    strokes, n_points, points_left = [], [], MAX_POINTS
    for _ in range(n_strokes):
        xy = _read_stroke(file)
        n_points.append(len(xy) // 2)
        points_left -= n_points[-1]
        if points_left >= 0:  # `check_sizes` rejects longer drawings: skip their points
            strokes.append(xy)
    try:
        check_sizes(n_points)
    except RejectedError as error:
        error.key_id = key_id
        raise
    return Drawing(
        number,
        key_id,
        "",
        country.strip(b"\0 ").decode("ascii"),
        datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC"),
        bool(recognized),
        tuple(np.frombuffer(xy, dtype=np.uint8).reshape(2, -1).astype(np.float64) for xy in strokes),
    )


def _read_stroke(file: IO[bytes]) -> bytes:
    """The bytes of one stroke: all x, then all y."""
    count = file.read(_COUNT.size)
    if len(count) < _COUNT.size:
        raise _EndOfFileError
    size = 2 * _COUNT.unpack(count)[0]
    xy = file.read(size)
    if len(xy) < size:
        raise _EndOfFileError
    return xy


def _damaged(path: Path, number: int, start: int, problem: str) -> UserError:
    return UserError(
        f"is damaged or not a .bin file: {problem}; later records cannot be located",
        location=f"{path}, record {number} at byte {start:,}",
        allowed="records of key_id, country, recognized, timestamp and strokes",
        fix="fetch it again",
    )
