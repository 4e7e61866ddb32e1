"""The `.bin` format: one record after another, little-endian, without any mark between them.

    key_id u64 | countrycode 2s | recognized i8 | timestamp u32 | n_strokes u16
    and for each stroke: n_points u16 | x u8 [n_points] | y u8 [n_points]

Drawings are the simplified ones (0 ... 255); `timestamp` is in s since 1970. The class is the
file's name. Since nothing marks where a record starts, one damaged byte may shift all that
follows: a record whose country or recognized flag cannot be true ends the reading.
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

from strokecast.common.errors import UserError
from strokecast.common.files import open_binary
from strokecast.sources.formats.records import MAX_POINTS, Drawing, RefusedError, Reject, check_sizes

_HEAD = struct.Struct("<Q2sbIH")
_COUNT = struct.Struct("<H")


class _CutError(Exception):
    """The file ends inside a record."""


def read(path: Path) -> Iterator[Drawing | Reject]:
    """Yield a `Drawing` or a `Reject` for every record, in the order of the file.

    A record that the file ends in is the last reject (`cut`), which names the byte it starts at.

    Raises:
        UserError: names the byte offset, if a record's head cannot be true; no such file.
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
                yield _record(file, head, number, path, start)
            except RefusedError as refused:
                yield Reject(path.name, "record", number, refused.kind, refused.detail, refused.key_id)
            except _CutError:
                detail = f"the file ends inside the record that starts at byte {start:,}"
                yield Reject(path.name, "record", number, "cut", detail)
                return


def check(path: Path) -> None:
    """Walk over the records without keeping them.

    Raises:
        UserError: names the byte offset, if the file is empty, damaged or cut.
    """
    end = deque(read(path), maxlen=1)
    if not end:
        raise UserError("is empty", where=str(path), allowed=".bin records", fix="fetch it again")
    last = end[0]
    if isinstance(last, Reject) and last.kind == "cut":
        raise UserError(f"is cut: {last.detail}", where=str(path), fix="fetch it again")


def _record(file: IO[bytes], head: bytes, number: int, path: Path, start: int) -> Drawing:
    if len(head) < _HEAD.size:
        raise _CutError
    key_id, country, recognized, seconds, n_strokes = _HEAD.unpack(head)
    if recognized not in (0, 1):
        raise _damaged(path, number, start, f"recognized is {recognized}, not 0 or 1")
    if not (country.strip(b"\0 ").isalnum() or not country.strip(b"\0 ")):
        raise _damaged(path, number, start, f"the country is {country!r}, not two letters")
    strokes, n_points, room = [], [], MAX_POINTS
    for _ in range(n_strokes):
        xy = _stroke(file)
        n_points.append(len(xy) // 2)
        room -= n_points[-1]
        if room >= 0:  # what is refused below is read over, not kept
            strokes.append(xy)
    try:
        check_sizes(n_points)
    except RefusedError as refused:
        refused.key_id = key_id
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


def _stroke(file: IO[bytes]) -> bytes:
    """The bytes of x and then y of one stroke."""
    count = file.read(_COUNT.size)
    if len(count) < _COUNT.size:
        raise _CutError
    size = 2 * _COUNT.unpack(count)[0]
    xy = file.read(size)
    if len(xy) < size:
        raise _CutError
    return xy


def _damaged(path: Path, number: int, start: int, what: str) -> UserError:
    return UserError(
        f"is damaged or no .bin file: {what}; what follows cannot be told apart",
        where=f"{path}, record {number} at byte {start:,}",
        allowed="records of key_id, country, recognized, timestamp and strokes",
        fix="fetch it again",
    )
