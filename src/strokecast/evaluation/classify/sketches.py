"""The test split of tasks with classes, in the order of its files.

Shapes: N test sketches, n points of one sketch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from strokecast.common.errors import UserError
from strokecast.features.records import reading

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class SketchSplit:
    """The sketches of a split.

    Attributes:
        ids: N ids.
        labels: int64 [N], class indices.
        lengths: int64 [N], points after cropping.
    """

    ids: Sequence[str]
    labels: Ints
    lengths: Ints


@dataclass(frozen=True)
class SketchAttention:
    """Attention weights of a network on one test sketch.

    Attributes:
        row: index of the sketch in the test split.
        strokes: float32 [n, 3], (dx, dy, pen_lift).
        weights: float32 [n]; they sum to 1.
    """

    row: int
    strokes: NDArray[np.float32]
    weights: NDArray[np.float32]


def read_test_split(processed: Path, spec: Mapping[str, Any]) -> SketchSplit:
    """Read the test sketches of `data/processed/<task>`.

    Raises:
        UserError: if the split is empty.
    """
    ids: list[str] = []
    labels, lengths = [], []
    for inputs, label, key in reading.batches(processed, spec, "test", 1024, ["length"]):
        ids += [value.decode() for value in key.numpy().tolist()]
        labels.append(label.numpy())
        lengths.append(inputs["length"].numpy())
    if not ids:
        raise UserError("the test split has no sketches", location=str(processed))
    return SketchSplit(ids, np.concatenate(labels).astype(np.int64), np.concatenate(lengths).astype(np.int64))


def check_order(ids: Sequence[str], test: SketchSplit) -> None:
    """Check that predictions are in the order of the test split.

    Raises:
        RuntimeError: if they are not.
    """
    if list(ids) != list(test.ids):
        raise RuntimeError("the test records were read in two different orders")


def median_examples(test: SketchSplit) -> list[int]:
    """One row per class: the sketch of median length (the lower median; the first of equals)."""
    rows = []
    for label in np.unique(test.labels):
        members = np.flatnonzero(test.labels == label)
        order = np.argsort(test.lengths[members], kind="stable")
        rows.append(int(members[order[(len(members) - 1) // 2]]))
    return rows


def read_drawings(path: Path, test: SketchSplit, rows: Ints) -> list[NDArray[np.float32]]:
    """Some drawings of a split as their points, cropped as in its records.

    Args:
        path: the validated drawings of the split, a parquet file with `id` and `points`.
        test: the split.
        rows: int64 [R], indices in the split.

    Returns:
        R drawings, float32 [n, 3], (dx, dy, pen_lift) in the units of the source.

    Raises:
        RuntimeError: if the file lacks one of them.
    """
    import pyarrow.parquet as pq

    wanted = {test.ids[row]: row for row in rows.tolist()}
    drawings: dict[int, NDArray[np.float32]] = {}
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(4096, columns=["id", "points"]):
            points = batch.column("points")
            for at, key in enumerate(batch.column("id").to_pylist()):
                if (row := wanted.get(key)) is not None:
                    values = np.asarray(points[at].values, np.float32).reshape(-1, 3)
                    drawings[row] = values[: test.lengths[row]]
    if len(drawings) != len(wanted):
        raise RuntimeError(f"{path} lacks drawings of the records")
    return [drawings[row] for row in rows.tolist()]
