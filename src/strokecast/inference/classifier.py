"""Classification of drawings given as raw pen movements, with inputs prepared as in preprocessing.

Shapes: N drawings of n points each, B drawings per batch, T padded length of a bucket, K classes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from strokecast.common.errors import UserError
from strokecast.common.limits import LARGEST_MOVE
from strokecast.features.records.spec import ClassifySpec, WatchSpec
from strokecast.features.sketches import strokes

BATCH = 256  # drawings per forward pass
TIMES = "times"  # input column for networks that read time

PredictProba = Callable[[dict[str, NDArray[Any]]], NDArray[np.float64]]
"""A model's inputs for a batch → probabilities float64 [B, K]."""


class DrawingClassifier:
    """Classifies drawings given as raw pen movements.

    Args:
        predict_proba: reads {"strokes": float32 [B, T, 3], "length": int32 [B]}.
        spec: of the data it was trained on.
        reads_time: whether `predict_proba` also reads {"time": float32 [B, T]}.
    """

    def __init__(
        self, predict_proba: PredictProba, spec: ClassifySpec | WatchSpec, reads_time: bool = False
    ) -> None:
        self.classes: list[str] = spec["classes"]
        self._spec: Any = spec
        self._predict_proba = predict_proba
        self._reads_time = reads_time

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
        if self._reads_time:
            if TIMES not in frame.columns:
                raise UserError(
                    f"has no column {TIMES!r}, and this network reads time",
                    location="input",
                    allowed=f"{TIMES}: lists of ms since the drawing began, one per point",
                )
            cells = zip(frame[TIMES], drawings, strict=True)
            times = [_parse_times(cell, len(points), row) for row, (cell, points) in enumerate(cells)]
        probabilities = self._probabilities(drawings, times)
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

    def _probabilities(
        self, drawings: Sequence[NDArray[np.float64]], times: Sequence[NDArray[np.float64]] | None
    ) -> NDArray[np.float64]:
        """float64 [N, K]; drawings of one length bucket are batched together."""
        probabilities = np.zeros((len(drawings), len(self.classes)))
        buckets: dict[int, list[int]] = {}
        for index, points in enumerate(drawings):
            boundary = strokes.bucket_boundary(len(points), self._spec["bucket_boundaries"])
            buckets.setdefault(boundary, []).append(index)
        for boundary, members in buckets.items():
            for start in range(0, len(members), BATCH):
                batch = members[start : start + BATCH]
                padded = [strokes.scale_and_pad(drawings[i], self._spec["scale"], boundary) for i in batch]
                inputs = {
                    "strokes": np.stack([points for points, _ in padded]),  # [B, T, 3]
                    "length": np.array([length for _, length in padded], np.int32),  # [B]
                }
                if times is not None:
                    inputs["time"] = np.stack(
                        [strokes.time_feature(times[i], boundary) for i in batch]
                    )  # [B, T]
                probabilities[batch] = self._predict_proba(inputs)
        return probabilities


def _parse_drawing(cell: Any, row: int) -> NDArray[np.float64]:
    location = f"input row {row}"
    allowed = "a list of at least one [dx, dy, pen_lift]"
    try:
        points = np.array([list(point) for point in cell], dtype=np.float64)
    except (TypeError, ValueError):
        raise UserError("is not a drawing", location=location, allowed=allowed) from None
    if points.ndim != 2 or points.shape[1] != strokes.CHANNELS or len(points) == 0:
        raise UserError(f"has shape {list(points.shape)}", location=location, allowed=allowed)
    if not np.isfinite(points).all():
        raise UserError("has a value that is not finite", location=location, allowed="finite numbers")
    if (largest := np.abs(points).max()) > LARGEST_MOVE:
        raise UserError(
            f"has a move of {largest:g}", location=location, allowed=f"moves of at most {LARGEST_MOVE:g}"
        )
    if not np.isin(points[:, 2], (0, 1)).all():
        raise UserError(
            "has a pen_lift other than 0 or 1", location=location, allowed="0, or 1 at the end of a stroke"
        )
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
