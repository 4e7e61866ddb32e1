"""What parsers yield: a `Drawing`, or a `Reject` with its place and reason.

A parser yields exactly one of the two per line or record, so drawings and rejects together are
everything that was read. A file whose record boundaries are lost raises `UserError`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

MAX_POINTS = 100_000  # points of one drawing; the longest of 159 real raw ones has 938
MAX_STROKES = 10_000
MAX_COORDINATE = 1e6  # pixels
MAX_TIME_MS = 1e15  # absolute value; clocks that count from 1970 are at 2e12

RejectKind = Literal[
    "not_text",  # the line is not UTF-8
    "not_json",
    "not_finite",  # NaN or infinite
    "missing_key",
    "bad_value",  # a value of the wrong type or out of range
    "bad_shape",  # the strokes do not have the layout of the format
    "empty",  # no stroke, or a stroke without points
    "too_big",  # exceeds a limit on bytes, strokes, points or stroke length
    "no_extent",  # all points are equal, so the drawing cannot be scaled
    "cut",  # the file ends inside the record
    "bad_checksum",
    "other_class",  # the drawing belongs to another class than the file
    "not_recognized",  # excluded by the option recognized_only
    "duplicate_key",  # an earlier drawing has the same key_id
]


@dataclass(frozen=True, slots=True)
class Drawing:
    """One drawing of an ndjson or binary file.

    Attributes:
        number: line or record of the file, from 1.
        key_id: unsigned 64-bit number, unique over all drawings.
        word: the class; "" in formats without it.
        countrycode: two letters (ISO 3166-1); "ZZ" or "" if unknown.
        timestamp: when it was drawn, as in the file ("2017-03-08 21:12:07.26604 UTC").
        recognized: whether the game recognised it.
        strokes: float64 [axes, n_points] per stroke. The axes are x, y (downwards) and, in raw files,
            the time in ms since the first point.
    """

    number: int
    key_id: int
    word: str
    countrycode: str
    timestamp: str
    recognized: bool
    strokes: tuple[NDArray[np.float64], ...]


@dataclass(frozen=True, slots=True)
class Reject:
    """One line or record that is not a usable drawing.

    Attributes:
        file: name of the file.
        unit: "line" or "record".
        number: of the line or record, from 1.
        kind: the reason as a keyword.
        detail: the reason as a sentence.
        key_id: of the drawing; None if it could not be read.
    """

    file: str
    unit: Literal["line", "record"]
    number: int
    kind: RejectKind
    detail: str
    key_id: int | None = None

    @property
    def id(self) -> str:
        """`<file>:<number>`, unique among all lines and records of a source."""
        return f"{self.file}:{self.number}"

    def __str__(self) -> str:
        return f"{self.file}, {self.unit} {self.number}: {self.detail}"


class RejectedError(Exception):
    """The reason why a line or record is not a usable drawing. Parsers turn it into a `Reject`."""

    def __init__(self, kind: RejectKind, detail: str, key_id: int | None = None) -> None:
        super().__init__(detail)
        self.kind: RejectKind = kind
        self.detail = detail
        self.key_id = key_id


def check_sizes(n_points: Sequence[int]) -> None:
    """Check the numbers of points of a drawing's strokes.

    Raises:
        RejectedError: if there is no stroke, an empty stroke, or more strokes or points than allowed.
    """
    if not n_points:
        raise RejectedError("empty", "the drawing has no stroke")
    if len(n_points) > MAX_STROKES:
        raise RejectedError("too_big", f"{len(n_points):,} strokes, more than {MAX_STROKES:,}")
    if 0 in n_points:
        raise RejectedError("empty", f"stroke {n_points.index(0) + 1} has no point")
    if sum(n_points) > MAX_POINTS:
        raise RejectedError("too_big", f"{sum(n_points):,} points, more than {MAX_POINTS:,}")
