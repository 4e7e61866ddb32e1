"""TFRecords → numpy, for models that are fitted without TensorFlow.

The record groups, their files and therefore the order of the drawings are those of `features.records.reading`.

Shapes: B drawings per batch, T padded length of their bucket; N windows of a split, W days of the past, C channels,
H days of the horizon, F features known of future days, D targets.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from strokecast.common import tfrecord
from strokecast.common.errors import UserError
from strokecast.features.records import reading
from strokecast.features.records.spec import ClassifySpec, ForecastSpec

_FIX = "run `dvc repro preprocess@{}`"


class DrawingBatch(NamedTuple):
    """A batch of drawings from one length bucket.

    Attributes:
        strokes: float32 [B, T, 3], (dx, dy, pen_lift), scaled, zero on padding.
        length: int64 [B], points.
        label: int64 [B], class numbers.
        ids: B drawing ids.
    """

    strokes: NDArray[np.float32]
    length: NDArray[np.int64]
    label: NDArray[np.int64]
    ids: list[str]


class WindowArrays(NamedTuple):
    """All windows of a split, in the order of its files.

    Attributes:
        past: float32 [N, W, C], transformed and scaled.
        future: float32 [N, H, F].
        target: float32 [N, H, D], transformed and scaled.
        origin: int64 [N], the first forecast day in days since 1970-01-01.
    """

    past: NDArray[np.float32]
    future: NDArray[np.float32]
    target: NDArray[np.float32]
    origin: NDArray[np.int64]


def batches(folder: Path, spec: ClassifySpec, split: str, batch_size: int = 1024) -> Iterator[DrawingBatch]:
    """One pass over a split in the order of its files, shortest drawings first.

    Args:
        folder: folder of the processed data.
        spec: its spec.json.
        split: "train", "valid" or "test".
        batch_size: maximum number of drawings per batch.

    Raises:
        UserError: if a file is missing or damaged, or its layout differs from `spec`; names the file.
    """
    for group in reading.groups(folder, spec, split):
        records = itertools.chain.from_iterable(_records(Path(name), "classify") for name in group.files)
        while batch := list(itertools.islice(records, batch_size)):
            yield _stack(batch, group.padded_length, f"{folder}/{split}")


def windows(folder: Path, spec: ForecastSpec, split: str) -> WindowArrays:
    """All windows of a split of a series.

    Args:
        folder: folder of the processed data.
        spec: its spec.json.
        split: "train", "valid" or "test".

    Raises:
        UserError: if a file is missing or damaged, or its layout differs from `spec`; names the file.
    """
    horizon = int(spec["horizon"])
    shapes = {
        "past": (int(spec["input_size"]), len(spec["channels"])),
        "future": (horizon, len(spec["future"])),
        "target": (horizon, len(spec["targets"])),
    }
    arrays: dict[str, list[NDArray[np.float32]]] = {name: [] for name in shapes}
    origins: list[Any] = []
    try:
        for file in spec["files"][split]:
            for record in _records(folder / file, "forecast"):
                for name, shape in shapes.items():
                    arrays[name].append(np.array(record.get(name, ()), np.float32).reshape(shape))
                origins.append(record["origin"][0])
    except (KeyError, IndexError, TypeError, ValueError):
        layout = ", ".join(f"{name} {list(shape)}" for name, shape in shapes.items())
        raise _wrong_layout(f"{folder}/{split}", f"{layout} and origin", "forecast") from None
    past, future, target = (np.stack(arrays[name]) for name in shapes)
    return WindowArrays(past, future, target, np.array(origins, np.int64))


def _records(path: Path, task: str) -> Iterator[dict[str, tfrecord.Feature]]:
    fix = _FIX.format(task)
    for number, data in tfrecord.read(path, fix):
        location = f"{path}, record {number}"
        if data is None:
            raise UserError("wrong checksum of the record's data", location=location, fix=fix)
        try:
            yield tfrecord.parse_example(data)
        except ValueError as error:
            raise UserError(str(error), location=location, fix=fix) from None


def _stack(records: list[dict[str, tfrecord.Feature]], padded_length: int, location: str) -> DrawingBatch:
    try:
        strokes = np.array([record["strokes"] for record in records], np.float32)
        length, label = (
            np.array([record[name][0] for record in records], np.int64) for name in ("length", "label")
        )
        ids = [bytes(record["id"][0]).decode() for record in records]  # type: ignore[arg-type]
        return DrawingBatch(strokes.reshape(len(records), padded_length, 3), length, label, ids)
    except (KeyError, IndexError, TypeError, ValueError):
        layout = f"a drawing of {padded_length} points with id, label and length"
        raise _wrong_layout(location, layout, "classify") from None


def _wrong_layout(location: str, layout: str, task: str) -> UserError:
    return UserError("a record has another layout", location=location, allowed=layout, fix=_FIX.format(task))
