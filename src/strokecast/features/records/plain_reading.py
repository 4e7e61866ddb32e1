"""TFRecords → numpy, for what is fitted without TensorFlow: batches of drawings, all windows of a series.

The groups, their files and so the order of the drawings are those of `features/reading.py`.

Shapes: B drawings of a batch, T the bound of their length bucket; N windows of a split, W days of past, C channels,
H days of horizon, F features known of the days to come, D targets.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from strokecast.common import tfrecord
from strokecast.common.errors import UserError
from strokecast.features.records import reading

_FIX = "run `dvc repro preprocess@{}`"


class Drawings(NamedTuple):
    """A batch of one length bucket.

    Attributes:
        strokes: float32 [B, T, 3], (dx, dy, pen_lift), scaled, zero on padding.
        length: int64 [B], points.
        label: int64 [B], class numbers.
        ids: B names.
    """

    strokes: NDArray[np.float32]
    length: NDArray[np.int64]
    label: NDArray[np.int64]
    ids: list[str]


class Windows(NamedTuple):
    """All windows of a split, in the order of its files.

    Attributes:
        past: float32 [N, W, C], transformed and scaled.
        future: float32 [N, H, F].
        target: float32 [N, H, D], transformed and scaled.
        origin: int64 [N], the first forecast day, in days since 1970-01-01.
    """

    past: NDArray[np.float32]
    future: NDArray[np.float32]
    target: NDArray[np.float32]
    origin: NDArray[np.int64]


def batches(folder: Path, spec: Mapping[str, Any], split: str, batch: int = 1024) -> Iterator[Drawings]:
    """One pass over a split in the order of its files, shortest drawings first.

    Args:
        folder: of the processed data.
        spec: its spec.json, of the task classify.
        split: "train", "valid" or "test".
        batch: drawings a batch, at most.

    Raises:
        UserError: names the file, if it is missing or damaged, or not laid out as `spec` says.
    """
    for group in reading.groups(folder, spec, split):
        records = itertools.chain.from_iterable(_records(Path(name), "classify") for name in group.files)
        while part := list(itertools.islice(records, batch)):
            yield _together(part, group.bound, f"{folder}/{split}")


def windows(folder: Path, spec: Mapping[str, Any], split: str) -> Windows:
    """All windows of a split of a series.

    Args:
        folder: of the processed data.
        spec: its spec.json, of the task forecast.
        split: "train", "valid" or "test".

    Raises:
        UserError: names the file, if it is missing or damaged, or not laid out as `spec` says.
    """
    horizon = int(spec["horizon"])
    shapes = {
        "past": (int(spec["window"]), len(spec["channels"])),
        "future": (horizon, len(spec["future"])),
        "target": (horizon, len(spec["targets"])),
    }
    parts: dict[str, list[NDArray[np.float32]]] = {name: [] for name in shapes}
    origins: list[Any] = []
    try:
        for name in spec["files"][split]:
            for row in _records(folder / name, "forecast"):
                for part, shape in shapes.items():
                    parts[part].append(np.array(row.get(part, ()), np.float32).reshape(shape))
                origins.append(row["origin"][0])
    except (KeyError, IndexError, TypeError, ValueError):
        told = ", ".join(f"{name} {list(shape)}" for name, shape in shapes.items())
        raise _other_layout(f"{folder}/{split}", f"{told} and origin", "forecast") from None
    past, future, target = (np.stack(parts[name]) for name in shapes)
    return Windows(past, future, target, np.array(origins, np.int64))


def _records(path: Path, task: str) -> Iterator[dict[str, tfrecord.Feature]]:
    fix = _FIX.format(task)
    for number, data in tfrecord.read(path, fix):
        where = f"{path}, record {number}"
        if data is None:
            raise UserError("wrong checksum of the record's data", where=where, fix=fix)
        try:
            yield tfrecord.parse_example(data)
        except ValueError as error:
            raise UserError(str(error), where=where, fix=fix) from None


def _together(part: list[dict[str, tfrecord.Feature]], bound: int, where: str) -> Drawings:
    try:
        strokes = np.array([record["strokes"] for record in part], np.float32)
        length, label = (
            np.array([record[name][0] for record in part], np.int64) for name in ("length", "label")
        )
        ids = [bytes(record["id"][0]).decode() for record in part]  # type: ignore[arg-type]
        return Drawings(strokes.reshape(len(part), bound, 3), length, label, ids)
    except (KeyError, IndexError, TypeError, ValueError):
        told = f"a drawing of {bound} points with id, label and length"
        raise _other_layout(where, told, "classify") from None


def _other_layout(where: str, allowed: str, task: str) -> UserError:
    return UserError("a record is laid out otherwise", where=where, allowed=allowed, fix=_FIX.format(task))
