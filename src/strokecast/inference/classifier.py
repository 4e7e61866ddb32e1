"""Classification of drawings given as raw pen movements, with inputs prepared as in preprocessing.

Shapes: N drawings of n points each, B drawings per batch, T padded length of a bucket, K classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from strokecast.common.errors import UserError
from strokecast.common.limits import LARGEST_MOVE
from strokecast.features.records.spec import ClassifySpec, WatchSpec
from strokecast.features.sketches import strokes
from strokecast.inference.class_probabilities import PredictProba

BATCH = 256  # drawings per forward pass
TIMES = "times"  # input column for networks that read time


class DrawingClassifier:
    """Classifies drawings given as raw pen movements.

    Args:
        predict_proba: reads {"strokes": float32 [B, T, 3], "length": int32 [B]}.
        spec: of the data it was trained on.
        reads_time: whether `predict_proba` also reads {"time": float32 [B, T]}.

    Attributes:
        classes: K names.
        reads_time: whether it needs the time of each point.
    """

    def __init__(
        self, predict_proba: PredictProba, spec: ClassifySpec | WatchSpec, reads_time: bool = False
    ) -> None:
        self.classes: list[str] = spec["classes"]
        self.reads_time = reads_time
        self._spec: Any = spec
        self._run = predict_proba

    def predict(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Classify drawings.

        Args:
            frame: column `strokes`; each cell a list or array [n >= 1, 3] of (dx, dy, pen_lift) in the source's own
                units, of any n. For a network that reads time also column `times`; each cell [n], ms since the drawing
                began. Other columns are ignored.

        Returns:
            Columns `label`, `probability` (of that label) and `probabilities` (list of K floats in the order of
            `classes`), with the index of `frame`.

        Raises:
            UserError: if a column is missing or a cell is not a drawing; names the row.
        """
        if "strokes" not in frame.columns:
            raise UserError(
                "has no column 'strokes'", location="input", allowed="strokes: lists of [dx, dy, pen_lift]"
            )
        drawings = [_parse_drawing(cell, row) for row, cell in enumerate(frame["strokes"])]
        times = None
        if self.reads_time:
            if TIMES not in frame.columns:
                raise UserError(
                    f"has no column {TIMES!r}, and this network reads time",
                    location="input",
                    allowed=f"{TIMES}: lists of ms since the drawing began, one per point",
                )
            cells = zip(frame[TIMES], drawings, strict=True)
            times = [_parse_times(cell, len(points), row) for row, (cell, points) in enumerate(cells)]
        probabilities = self.predict_proba(drawings, times)
        best = probabilities.argmax(axis=1) if len(probabilities) else np.zeros(0, np.int64)
        return pd.DataFrame(
            {
                "label": [self.classes[k] for k in best],
                "probability": probabilities[np.arange(len(best)), best].astype(np.float64),
                "probabilities": pd.Series(
                    [row.tolist() for row in probabilities], index=frame.index, dtype=object
                ),
            },
            index=frame.index,
        )

    def predict_proba(
        self, drawings: Sequence[NDArray[Any]], times: Sequence[NDArray[Any]] | None = None
    ) -> NDArray[np.float64]:
        """Probabilities of the classes; drawings of one length bucket are batched together.

        Args:
            drawings: N of [n, 3] = (dx, dy, pen_lift), for which `drawing_problem` finds nothing.
            times: [n] per drawing, ms since it began; needed if `reads_time`.

        Returns:
            float64 [N, K].
        """
        probabilities = np.zeros((len(drawings), len(self.classes)))
        boundaries = self._spec["bucket_boundaries"]
        buckets = strokes.bucket_indices(np.array([len(points) for points in drawings], np.int64), boundaries)
        for bucket in np.unique(buckets).tolist():
            members = np.flatnonzero(buckets == bucket)
            for start in range(0, len(members), BATCH):
                batch = members[start : start + BATCH]
                probabilities[batch] = self._run(self._inputs_of(batch, drawings, times, boundaries[bucket]))
        return probabilities

    def _inputs_of(
        self,
        batch: NDArray[np.int64],
        drawings: Sequence[NDArray[Any]],
        times: Sequence[NDArray[Any]] | None,
        padded_length: int,
    ) -> dict[str, NDArray[Any]]:
        """The network inputs of the drawings at the positions `batch`."""
        points, spans = concatenate([drawings[i] for i in batch])
        padded, lengths = strokes.scale_and_pad_many(points, spans, self._spec["scale"], padded_length)
        inputs: dict[str, NDArray[Any]] = {"strokes": padded, "length": lengths.astype(np.int32)}
        if self.reads_time and times is not None:
            point_times = np.concatenate([times[i] for i in batch])
            inputs["time"] = strokes.time_features(point_times, spans, padded_length)  # [B, T]
        return inputs


def concatenate(drawings: Sequence[NDArray[Any]]) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """The points of B drawings one after the other, float32 [P, 3], and their spans, int64 [B, 2]."""
    ends = np.cumsum([len(points) for points in drawings])
    spans = np.stack([np.append(0, ends[:-1]), ends], axis=1)
    return np.concatenate(drawings).astype(np.float32), spans  # float32: as in the validated data


def drawing_problem(points: NDArray[Any]) -> tuple[str, str] | None:
    """What is wrong with an array of points, and what is allowed instead; None if it is a drawing.

    Args:
        points: numbers of any shape and type.
    """
    if points.ndim != 2 or points.shape[1] != strokes.CHANNELS or len(points) == 0:
        return f"has shape {list(points.shape)}", "a list of at least one [dx, dy, pen_lift]"
    if not np.isfinite(points).all():
        return "has a value that is not finite", "finite numbers"
    if (largest := np.abs(points).max()) > LARGEST_MOVE:
        return f"has a move of {largest:g}", f"moves of at most {LARGEST_MOVE:g}"
    if not ((points[:, 2] == 0) | (points[:, 2] == 1)).all():
        return "has a pen_lift other than 0 or 1", "0, or 1 at the end of a stroke"
    return None


def _parse_drawing(cell: Any, row: int) -> NDArray[np.float64]:
    location = f"input row {row}"
    allowed = "a list of at least one [dx, dy, pen_lift]"
    try:
        points = np.array([list(point) for point in cell], dtype=np.float64)
    except (TypeError, ValueError):
        raise UserError("is not a drawing", location=location, allowed=allowed) from None
    if problem := drawing_problem(points):
        raise UserError(problem[0], location=location, allowed=problem[1])
    return points


def _parse_times(cell: Any, count: int, row: int) -> NDArray[np.float64]:
    location, allowed = f"input row {row}, {TIMES}", f"{count} finite numbers, one per point"
    try:
        times = np.array(list(cell), dtype=np.float64)
    except (TypeError, ValueError):
        raise UserError("is not a list of numbers", location=location, allowed=allowed) from None
    if times.shape != (count,):
        raise UserError(f"has shape {list(times.shape)}", location=location, allowed=allowed)
    if not np.isfinite(times).all():
        raise UserError("has a value that is not finite", location=location, allowed=allowed)
    if (largest := np.abs(times).max()) > LARGEST_MOVE:
        raise UserError(
            f"has a time of {largest:g} ms",
            location=location,
            allowed=f"times of at most {LARGEST_MOVE:g} ms",
        )
    return times
