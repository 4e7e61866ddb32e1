"""Validated drawings cut into chunks of row groups, and the pure functions that work on one chunk.

A chunk is a range of adjacent row groups of one split's parquet file. `chunk_stats` counts what it holds. From the
statistics of all chunks, a task derives an `EncodingPlan`. `encode` returns the bytes that a chunk appends to each
TFRecord file. Chunks can therefore be processed in any order, in other processes and on other machines.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from strokecast.features.records import arrow, writing
from strokecast.features.records.scaling import Moments, stroke_moments
from strokecast.features.sketches import strokes

TIMES = "times"  # column of sources that record the time of each point
MIN_CHUNK_DRAWINGS = 8_192  # drawings per chunk, at least; padded to 200 points they take 20 MB
ENCODE_BLOCK = 2_048  # drawings encoded at once; their arrays fit into a CPU cache


@dataclass(frozen=True)
class RowGroupChunk:
    """Adjacent row groups of one file.

    Attributes:
        index: position among all chunks.
        split: "train", "valid" or "test".
        path: the parquet file.
        groups: first row group, and the one after the last.
        rows: first row within these groups, and the one after the last; None: all rows.
        max_points: drawings with more points are skipped; None: none are.
    """

    index: int
    split: str
    path: str
    groups: tuple[int, int]
    rows: tuple[int, int] | None = None
    max_points: int | None = None


class ChunkStats(NamedTuple):
    """Statistics of one chunk; only numbers and text, so that they can be stored as JSON.

    Attributes:
        labels: class → number of drawings, in the order of their first occurrence.
        lengths: [number of points, number of drawings] pairs, rising.
        moments: of dx and dy; zero except for training chunks, because scales are fitted on train only.
    """

    labels: dict[str, int]
    lengths: list[list[int]]
    moments: Moments


@dataclass(frozen=True)
class EncodingPlan:
    """What all chunks share.

    Attributes:
        classes: class names, in the order of their numbers.
        scale: divisor of dx and dy.
        time: whether records hold the time of each point.
        bucket_boundaries: padded length of each bucket in points, rising.
        files: split → bucket boundary → TFRecord files, filled round robin.
    """

    classes: tuple[str, ...]
    scale: float
    time: bool
    bucket_boundaries: tuple[int, ...]
    files: Mapping[str, Mapping[int, Sequence[str]]]


class EncodingTask(NamedTuple):
    """A chunk to encode.

    Attributes:
        chunk: the chunk.
        offsets: bucket boundary → number of drawings of its split and bucket in earlier chunks.
        plan: what all chunks share.
    """

    chunk: RowGroupChunk
    offsets: Mapping[int, int]
    plan: EncodingPlan


def split_into_chunks(paths: Mapping[str, Path], max_points: int | None = None) -> Iterator[RowGroupChunk]:
    """The chunks of the files of all splits; reads only their metadata.

    Args:
        paths: split → parquet file.
        max_points: see `RowGroupChunk`.
    """
    index = 0
    for split, path in paths.items():
        metadata = arrow.read_metadata(path)
        start = rows = 0
        for group in range(metadata.num_row_groups):
            rows += metadata.row_group(group).num_rows
            if rows >= MIN_CHUNK_DRAWINGS or group + 1 == metadata.num_row_groups:
                yield RowGroupChunk(index, split, str(path), (start, group + 1), max_points=max_points)
                index, start, rows = index + 1, group + 1, 0


def chunk_stats(chunk: RowGroupChunk) -> ChunkStats:
    """Count what a chunk holds."""
    table = _read(chunk, ["label", "length", *(["points"] if chunk.split == "train" else [])])
    lengths, counts = np.unique(
        arrow.to_numpy(table["length"].combine_chunks(), np.int32), return_counts=True
    )
    moments: Moments = (0, 0.0, 0.0)
    if chunk.split == "train":
        moments = stroke_moments(_points(table["points"].combine_chunks())[0])
    return ChunkStats(
        labels={count["values"]: count["counts"] for count in table["label"].value_counts().to_pylist()},
        lengths=[[int(length), int(count)] for length, count in zip(lengths, counts, strict=True)],
        moments=moments,
    )


def encode(task: EncodingTask) -> dict[str, bytes]:
    """TFRecord file → the bytes that the chunk appends to it, in the order of its drawings."""
    chunk, plan = task.chunk, task.plan
    drawings = read_drawings(chunk, plan.classes, plan.time)
    lengths = drawings.spans[:, 1] - drawings.spans[:, 0]
    buckets = strokes.bucket_indices(lengths, plan.bucket_boundaries)
    encoded: dict[str, bytes] = {}
    for bucket, boundary in enumerate(plan.bucket_boundaries):
        rows = np.flatnonzero(buckets == bucket)
        files = plan.files[chunk.split].get(boundary, ())
        records = _encode_rows(drawings, rows, boundary, plan.scale) if len(rows) else []
        encoded |= round_robin(records, files, task.offsets[boundary])
    return encoded


def round_robin(records: Sequence[bytes], files: Sequence[str], offset: int) -> dict[str, bytes]:
    """Distribute framed records over files in turn.

    Args:
        records: framed records.
        files: TFRecord files.
        offset: number of records that earlier chunks distributed over the same files.

    Returns:
        File → its records, joined; without files that get none.
    """
    shares = {name: records[(turn - offset) % len(files) :: len(files)] for turn, name in enumerate(files)}
    return {name: b"".join(share) for name, share in shares.items() if share}


class Drawings(NamedTuple):
    """The N drawings of a chunk.

    Attributes:
        ids: N drawing ids.
        labels: int64 [N], class numbers.
        points: float32 [P, 3], the points of all drawings; see `spans`.
        times: int32 [P], ms since the drawing began; None if they were not read.
        spans: int64 [N, 2], position in `points` of each drawing's first point and of the one after its last.
    """

    ids: list[bytes]
    labels: NDArray[np.int64]
    points: NDArray[np.float32]
    times: NDArray[np.int32] | None
    spans: NDArray[np.int64]


def read_drawings(chunk: RowGroupChunk, classes: Sequence[str], time: bool) -> Drawings:
    """The drawings of a chunk, with the times of their points if `time`."""
    table = _read(chunk, ["id", "label", "points", *([TIMES] if time else [])])
    points, edges = _points(table["points"].combine_chunks())
    numbers = {label: number for number, label in enumerate(classes)}
    return Drawings(
        [name.encode() for name in table["id"].to_pylist()],
        np.array([numbers[label] for label in table["label"].to_pylist()], dtype=np.int64),
        points,
        _times(table[TIMES].combine_chunks(), edges) if time else None,
        np.stack([edges[:-1], edges[1:]], axis=1),
    )


def _encode_rows(drawings: Drawings, rows: NDArray[np.int64], boundary: int, scale: float) -> list[bytes]:
    """The framed records of some drawings, all of one bucket."""
    records: list[bytes] = []
    for start in range(0, len(rows), ENCODE_BLOCK):
        block = rows[start : start + ENCODE_BLOCK]
        spans = drawings.spans[block]
        padded, lengths = strokes.scale_and_pad_many(drawings.points, spans, scale, boundary)
        features: dict[str, writing.Values] = {
            "id": [drawings.ids[row] for row in block.tolist()],
            "label": drawings.labels[block],
            "length": lengths,
            "strokes": padded,
        }
        if drawings.times is not None:
            features["time"] = strokes.time_features(drawings.times, spans, boundary)
        records += writing.serialize_examples(features)
    return records


def _read(chunk: RowGroupChunk, columns: list[str]) -> Any:
    with arrow.open_parquet(Path(chunk.path)) as file:
        read = columns if chunk.max_points is None else sorted({*columns, "length"})
        table = file.read_row_groups(list(range(*chunk.groups)), columns=read, use_threads=False)
    if chunk.rows is not None:
        table = table.slice(chunk.rows[0], chunk.rows[1] - chunk.rows[0])
    if chunk.max_points is None:
        return table
    lengths = arrow.to_numpy(table["length"].combine_chunks(), np.int32)
    return table.filter(pa.array(lengths <= chunk.max_points))


def _points(column: Any) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """The points of a list column, [P, 3], and the position of each drawing's first point, [N + 1]."""
    edges = arrow.to_numpy(column.offsets, np.int32).astype(np.int64) // strokes.CHANNELS
    return arrow.to_numpy(column.values, np.float32).reshape(-1, strokes.CHANNELS), edges


def _times(column: Any, edges: NDArray[np.int64]) -> NDArray[np.int32]:
    """The times of a list column, [P]; their positions must be those of the points."""
    values = arrow.to_numpy(column.values, np.int32)
    if not np.array_equal(arrow.to_numpy(column.offsets, np.int32), edges):
        raise ValueError("a drawing has more or fewer times than points")
    return values
