"""TFRecords of drawings → batches in numpy, for what is fitted without TensorFlow.

The groups, their files and so the order of the drawings are those of `features/reading.py`.

Shapes: B drawings of a batch, T the bound of their length bucket.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from strokecast import tfrecord
from strokecast.errors import UserError
from strokecast.features import reading

_FIX = "run `dvc repro preprocess@classify`"


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
        records = itertools.chain.from_iterable(_records(Path(name)) for name in group.files)
        while part := list(itertools.islice(records, batch)):
            yield _together(part, group.bound, f"{folder}/{split}")


def _records(path: Path) -> Iterator[dict[str, tfrecord.Feature]]:
    for number, data in tfrecord.read(path, _FIX):
        where = f"{path}, record {number}"
        if data is None:
            raise UserError("wrong checksum of the record's data", where=where, fix=_FIX)
        try:
            yield tfrecord.parse_example(data)
        except ValueError as error:
            raise UserError(str(error), where=where, fix=_FIX) from None


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
        raise UserError("a record is laid out otherwise", where=where, allowed=told, fix=_FIX) from None
