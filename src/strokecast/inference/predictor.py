"""Predictions from a trained model's folder on raw input, prepared exactly as in preprocessing.

Shapes: N drawings of n points each, T a length bucket's bound, K classes.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from strokecast.common.errors import UserError
from strokecast.common.files import read_json
from strokecast.features.sketches import strokes
from strokecast.inference import networks
from strokecast.models.common import probabilities

BATCH = 256  # drawings a forward pass
TIMES = "times"  # column for networks that read time

Chances = Callable[[dict[str, NDArray[Any]]], NDArray[np.float64]]


class Predictor(Protocol):
    """What `load` returns."""

    def predict(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Predictions for raw input."""
        ...


def load(folder: Path) -> Predictor:
    """The model in `folder` (model.keras, model.npz or model.json, and spec.json), ready for raw input.

    Raises:
        UserError: if a file is missing or unreadable.
    """
    try:
        spec = read_json(folder / "spec.json")
    except FileNotFoundError:
        raise UserError("no such file", where=str(folder / "spec.json"), fix="run `dvc repro`") from None
    if spec["task"] == "classify":
        from strokecast.models.common import estimators

        if (folder / estimators.FILE).is_file():
            fitted = estimators.load(folder)
            return DrawingClassifier(lambda given: fitted.predict(given["strokes"], given["length"]), spec)
        network = networks.load_network(folder)
        return DrawingClassifier(_Softmax(network), spec, "time" in networks.signature(network))
    if spec["task"] == "draw":
        from strokecast.inference import drawing

        return drawing.Drawer(networks.load_network(folder), spec)
    if spec["task"] == "watch":
        from strokecast.inference.video import VideoClassifier

        network = networks.load_network(folder)
        return VideoClassifier(_Softmax(network), spec, networks.signature(network))
    from strokecast.inference.forecasting import SeriesForecaster

    return SeriesForecaster(folder, spec)


class DrawingClassifier:
    """Classes of drawings given as raw pen movements.

    Args:
        chances: {"strokes": float32 [B, T, 3], "length": int32 [B]} → probabilities float64 [B, K].
        spec: of the data it was trained on.
        timed: `chances` also wants {"time": float32 [B, T]}.
    """

    def __init__(self, chances: Chances, spec: Mapping[str, Any], timed: bool = False) -> None:
        self.classes: list[str] = spec["classes"]
        self._spec = spec
        self._chances = chances
        self._timed = timed

    def predict(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Classify drawings.

        Args:
            frame: column `strokes`; each cell a list or array [n >= 1, 3] of (dx, dy, pen_lift)
                in the source's own units, n as it comes. For a network that reads time, also column
                `times`; each cell [n], ms since the drawing began. Other columns are passed over.

        Returns:
            Columns `label`, `probability` (of that label) and `probabilities` (list of K floats
            in the order of `classes`); the index of `frame`.

        Raises:
            UserError: if the column is missing or a cell is no drawing; names the row.
        """
        if "strokes" not in frame.columns:
            raise UserError(
                "has no column 'strokes'", where="input", allowed="strokes: lists of [dx, dy, pen_lift]"
            )
        drawings = [_drawing(cell, row) for row, cell in enumerate(frame["strokes"])]
        times = None
        if self._timed:
            if TIMES not in frame.columns:
                raise UserError(
                    f"has no column {TIMES!r}, and this network reads time",
                    where="input",
                    allowed=f"{TIMES}: lists of ms since the drawing began, one a point",
                )
            pairs = zip(frame[TIMES], drawings, strict=True)
            times = [_times(cell, len(points), row) for row, (cell, points) in enumerate(pairs)]
        chances = self._probabilities(drawings, times)
        best = chances.argmax(axis=1) if len(chances) else np.zeros(0, np.int64)
        return pd.DataFrame(
            {
                "label": [self.classes[k] for k in best],
                "probability": chances[np.arange(len(best)), best].astype(np.float64),
                "probabilities": pd.Series(
                    [row.tolist() for row in chances], index=frame.index, dtype=object
                ),
            },
            index=frame.index,
        )

    def _probabilities(
        self, drawings: Sequence[NDArray[np.float64]], times: Sequence[NDArray[np.float64]] | None
    ) -> NDArray[np.float64]:
        """float64 [N, K]; drawings of one length bucket are looked at together."""
        chances = np.zeros((len(drawings), len(self.classes)))
        groups: dict[int, list[int]] = {}
        for at, points in enumerate(drawings):
            groups.setdefault(strokes.bucket(len(points), self._spec["bounds"]), []).append(at)
        for bound, members in groups.items():
            for start in range(0, len(members), BATCH):
                part = members[start : start + BATCH]
                ready = [strokes.prepare(drawings[at], self._spec["scale"], bound) for at in part]
                inputs = {
                    "strokes": np.stack([padded for padded, _ in ready]),  # [B, T, 3]
                    "length": np.array([length for _, length in ready], np.int32),  # [B]
                }
                if times is not None:
                    inputs["time"] = np.stack([strokes.clock(times[at], bound) for at in part])  # [B, T]
                chances[part] = self._chances(inputs)
        return chances


class _Softmax:
    """A classifying network as a function from inputs to probabilities."""

    def __init__(self, network: Any) -> None:
        self._run = networks.forward(network)

    def __call__(self, inputs: dict[str, NDArray[Any]]) -> NDArray[np.float64]:
        return probabilities.softmax(self._run(inputs).numpy())  # [B, K]


def _drawing(cell: Any, row: int) -> NDArray[np.float64]:
    where = f"input row {row}"
    allowed = "a list of at least one [dx, dy, pen_lift]"
    try:
        points = np.array([list(point) for point in cell], dtype=np.float64)
    except (TypeError, ValueError):
        raise UserError("is no drawing", where=where, allowed=allowed) from None
    if points.ndim != 2 or points.shape[1] != strokes.CHANNELS or len(points) == 0:
        raise UserError(f"has shape {list(points.shape)}", where=where, allowed=allowed)
    if not np.isfinite(points).all():
        raise UserError("holds a value that is not finite", where=where, allowed="finite numbers")
    if not np.isin(points[:, 2], (0, 1)).all():
        raise UserError(
            "has a pen_lift other than 0 or 1", where=where, allowed="0, or 1 at the end of a stroke"
        )
    return points


def _times(cell: Any, count: int, row: int) -> NDArray[np.float64]:
    where, allowed = f"input row {row}, {TIMES}", f"{count} finite numbers, one a point"
    try:
        times = np.array(list(cell), dtype=np.float64)
    except (TypeError, ValueError):
        raise UserError("is no list of numbers", where=where, allowed=allowed) from None
    if times.shape != (count,):
        raise UserError(f"has shape {list(times.shape)}", where=where, allowed=allowed)
    if not np.isfinite(times).all():
        raise UserError("holds a value that is not finite", where=where, allowed=allowed)
    return times
