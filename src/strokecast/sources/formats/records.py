"""What every parser gives: a drawing, or a reject that says where and why.

A parser turns each line or record into exactly one of the two, so that drawings and rejects
together are what was read. A file that cannot be read on (its framing is lost) is a `UserError`.
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
MAX_CLOCK = 1e15  # ms either way; clocks that count from 1970 are at 2e12

Kind = Literal[
    "not_text",  # the line is no UTF-8
    "not_json",
    "not_finite",  # NaN or infinite
    "missing_key",
    "bad_value",  # a value of the wrong type or out of its range
    "bad_shape",  # the strokes are not laid out as the format says
    "empty",  # no stroke, or a stroke without points
    "too_big",  # more bytes, strokes, points or ink than any drawing has
    "no_extent",  # all points are the same: nothing to scale
    "cut",  # the file ends inside the record
    "bad_checksum",
    "other_class",  # the file belongs to another class
    "not_recognized",  # left out by the option recognized_only
    "duplicate_key",  # the key_id stands further up
]


@dataclass(frozen=True, slots=True)
class Drawing:
    """One drawing of ndjson or binary.

    Attributes:
        number: line or record of the file, from 1.
        key_id: unsigned 64-bit number, unique over all drawings.
        word: the class; "" in formats that do not carry it.
        countrycode: two letters (ISO 3166-1), "ZZ" or "" where unknown.
        timestamp: when it was drawn, as the file has it ("2017-03-08 21:12:07.26604 UTC").
        recognized: whether the game recognised it.
        strokes: a float64 array [axes, n_points] a stroke; the axes are x, y and in raw files the
            time in ms since the first point. y grows downwards.
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
    """One line or record that is no usable drawing.

    Attributes:
        file: name of the file.
        unit: "line" or "record".
        number: which one, from 1.
        kind: the reason as one word.
        detail: the reason as a sentence.
        key_id: where it could be read.
    """

    file: str
    unit: Literal["line", "record"]
    number: int
    kind: Kind
    detail: str
    key_id: int | None = None

    @property
    def id(self) -> str:
        """`<file>:<number>`, which names it among all that was read."""
        return f"{self.file}:{self.number}"

    def __str__(self) -> str:
        return f"{self.file}, {self.unit} {self.number}: {self.detail}"


class RefusedError(Exception):
    """Why one line or record is no drawing; parsers turn it into a `Reject`."""

    def __init__(self, kind: Kind, detail: str, key_id: int | None = None) -> None:
        super().__init__(detail)
        self.kind: Kind = kind
        self.detail = detail
        self.key_id = key_id


def check_sizes(n_points: Sequence[int]) -> None:
    """Refuse a drawing by the numbers of points of its strokes.

    Raises:
        RefusedError: without a stroke, with an empty one, or with more than any drawing has.
    """
    if not n_points:
        raise RefusedError("empty", "the drawing has no stroke")
    if len(n_points) > MAX_STROKES:
        raise RefusedError("too_big", f"{len(n_points):,} strokes, more than {MAX_STROKES:,}")
    if 0 in n_points:
        raise RefusedError("empty", f"stroke {n_points.index(0) + 1} has no point")
    if sum(n_points) > MAX_POINTS:
        raise RefusedError("too_big", f"{sum(n_points):,} points, more than {MAX_POINTS:,}")
