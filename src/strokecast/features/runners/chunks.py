"""The work of `preprocess` on drawings, cut into units: pure functions of a few row groups each.

A unit is adjacent row groups of one split's parquet file. `look` tells what is in it; from all the
looks the task makes its plan; `encode` gives the bytes that the unit adds to each TFRecord file. So
a unit can be worked on anywhere, in any order: in this process, in another, on another machine.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from strokecast.features.records import arrow, writing
from strokecast.features.records.scaling import Moments, stroke_moments
from strokecast.features.sketches import strokes

TIMES = "times"  # the column of those sources that have time
UNIT = 8_192  # drawings of a unit, about: at 200 points 20 MB padded
BLOCK = 2_048  # drawings encoded together: what a processor's cache holds


@dataclass(frozen=True)
class Unit:
    """Row groups of one file.

    Attributes:
        index: position among all units.
        split: "train", "valid" or "test".
        path: the parquet file.
        groups: its row groups, from this one to before that one.
        rows: those of them that are meant, from this one to before that one; None: all.
        longest: points; drawings with more are passed over as if they were not there; None: none are.
    """

    index: int
    split: str
    path: str
    groups: tuple[int, int]
    rows: tuple[int, int] | None = None
    longest: int | None = None


class Look(NamedTuple):
    """What a unit holds; nothing but numbers and texts, so that it can travel as JSON.

    Attributes:
        labels: the classes in it, in the order in which they come, and the drawings of each.
        lengths: [number of points, drawings] pairs, rising.
        moments: of dx and dy, on train; nothing else may see other splits.
    """

    labels: dict[str, int]
    lengths: list[list[int]]
    moments: Moments


@dataclass(frozen=True)
class Plan:
    """What all units have in common.

    Attributes:
        classes: the classes, in the order of their numbers.
        scale: what dx and dy are divided by.
        time: whether the drawings carry time.
        bounds: the length buckets.
        files: split → bound → TFRecord files, filled in turn.
    """

    classes: tuple[str, ...]
    scale: float
    time: bool
    bounds: tuple[int, ...]
    files: Mapping[str, Mapping[int, Sequence[str]]]


class Task(NamedTuple):
    """A unit to encode.

    Attributes:
        unit: the unit.
        before: bound → drawings of its split and bucket in the units before it.
        plan: what all units have in common.
    """

    unit: Unit
    before: Mapping[int, int]
    plan: Plan


def cut(paths: Mapping[str, Path], longest: int | None = None) -> Iterator[Unit]:
    """The units of the files of all splits; reads nothing but their metadata. `longest`: see `Unit`."""
    index = 0
    for split, path in paths.items():
        metadata = pq.read_metadata(path)
        start = rows = 0
        for group in range(metadata.num_row_groups):
            rows += metadata.row_group(group).num_rows
            if rows >= UNIT or group + 1 == metadata.num_row_groups:
                yield Unit(index, split, str(path), (start, group + 1), longest=longest)
                index, start, rows = index + 1, group + 1, 0


def look(unit: Unit) -> Look:
    """See what a unit holds."""
    table = _read(unit, ["label", "length", *(["points"] if unit.split == "train" else [])])
    lengths, counts = np.unique(arrow.numbers(table["length"].combine_chunks(), np.int32), return_counts=True)
    moments: Moments = (0, 0.0, 0.0)
    if unit.split == "train":
        moments = stroke_moments(_points(table["points"].combine_chunks())[0])
    return Look(
        labels={count["values"]: count["counts"] for count in table["label"].value_counts().to_pylist()},
        lengths=[[int(length), int(count)] for length, count in zip(lengths, counts, strict=True)],
        moments=moments,
    )


def encode(task: Task) -> dict[str, bytes]:
    """TFRecord file → what the unit adds to it, in the order of its drawings."""
    unit, plan = task.unit, task.plan
    ids, labels, points, times, spans = read(unit, plan.classes, plan.time)
    buckets = strokes.buckets(spans[:, 1] - spans[:, 0], plan.bounds)
    made: dict[str, bytes] = {}
    for place, bound in enumerate(plan.bounds):
        rows = np.flatnonzero(buckets == place)
        files = plan.files[unit.split].get(bound, ())
        framed = _records(rows, bound, ids, labels, points, times, spans, plan.scale) if len(rows) else []
        made |= dealt(framed, files, task.before[bound])
    return made


def dealt(framed: Sequence[bytes], files: Sequence[str], before: int) -> dict[str, bytes]:
    """File → its part of some records, which go to the files in turn, after so many records before them."""
    mine = {name: framed[(turn - before) % len(files) :: len(files)] for turn, name in enumerate(files)}
    return {name: b"".join(part) for name, part in mine.items() if part}


class Drawings(NamedTuple):
    """The N drawings of a unit.

    Attributes:
        ids: N names.
        labels: int64 [N], class numbers.
        points: float32 [P, 3], the points of the drawings, wherever in it they stand.
        times: int32 [P], ms since the drawing began; None where they were not asked for.
        spans: int64 [N, 2], first point and the one after the last of each drawing.
    """

    ids: list[bytes]
    labels: NDArray[np.int64]
    points: NDArray[np.float32]
    times: NDArray[np.int32] | None
    spans: NDArray[np.int64]


def read(unit: Unit, classes: Sequence[str], time: bool) -> Drawings:
    """The drawings of a unit, with their times or without."""
    table = _read(unit, ["id", "label", "points", *([TIMES] if time else [])])
    points, edges = _points(table["points"].combine_chunks())
    number = {label: index for index, label in enumerate(classes)}
    return Drawings(
        [name.encode() for name in table["id"].to_pylist()],
        np.array([number[label] for label in table["label"].to_pylist()], dtype=np.int64),
        points,
        _times(table[TIMES].combine_chunks(), edges) if time else None,
        np.stack([edges[:-1], edges[1:]], axis=1),
    )


def _records(
    rows: NDArray[np.int64],
    bound: int,
    ids: Sequence[bytes],
    labels: NDArray[np.int64],
    points: NDArray[np.float32],
    times: NDArray[np.int32] | None,
    spans: NDArray[np.int64],
    scale: float,
) -> list[bytes]:
    """The framed records of some rows, all of one bucket."""
    framed: list[bytes] = []
    for start in range(0, len(rows), BLOCK):
        block = rows[start : start + BLOCK]
        padded, lengths = strokes.prepare_many(points, spans[block], scale, bound)
        clocks = None if times is None else strokes.clocks(times, spans[block], bound)
        names = [ids[row] for row in block.tolist()]
        features: dict[str, writing.Values] = {
            "id": names,
            "label": labels[block],
            "length": lengths,
            "strokes": padded,
        }
        if clocks is not None:
            features["time"] = clocks
        framed += writing.examples(features)
    return framed


def _read(unit: Unit, columns: list[str]) -> Any:
    with pq.ParquetFile(unit.path) as file:
        wanted = columns if unit.longest is None else sorted({*columns, "length"})
        table = file.read_row_groups(list(range(*unit.groups)), columns=wanted, use_threads=False)
    if unit.rows is not None:
        table = table.slice(unit.rows[0], unit.rows[1] - unit.rows[0])
    if unit.longest is None:
        return table
    return table.filter(pa.array(arrow.numbers(table["length"].combine_chunks(), np.int32) <= unit.longest))


def _points(column: Any) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """All points of a list column, [P, 3], and where each drawing starts and ends, [N + 1]."""
    edges = arrow.numbers(column.offsets, np.int32).astype(np.int64) // strokes.CHANNELS
    return arrow.numbers(column.values, np.float32).reshape(-1, strokes.CHANNELS), edges


def _times(column: Any, edges: NDArray[np.int64]) -> NDArray[np.int32]:
    """The times of all points of a list column, [P], which must stand where their points do."""
    values = arrow.numbers(column.values, np.int32)
    if not np.array_equal(arrow.numbers(column.offsets, np.int32), edges):
        raise ValueError("a drawing has more or fewer times than points")
    return values
