"""Select the drawings of the gallery: rejected ones, or the most extreme ones if none is rejected."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pandas as pd

MAX_DRAWINGS = 24
_EXTREMES = (  # feature, whether the largest values are shown, caption
    ("n_points", True, "most points"),
    ("n_points", False, "fewest points"),
    ("max_abs_delta", True, "longest movement"),
    ("n_strokes", True, "most strokes"),
    ("aspect", True, "widest"),
    ("aspect", False, "tallest"),
)


class GallerySelector:
    """Selects rejected drawings, each set of reasons in turn, or extreme drawings if none is rejected.

    Memory holds `MAX_DRAWINGS` positions per set of reasons and per extreme.
    """

    def __init__(self) -> None:
        self._rejected: dict[tuple[str, ...], list[int]] = {}
        self._extremes = [(np.zeros(0, dtype=np.int64), np.zeros(0)) for _ in _EXTREMES]

    def add_rejected(self, reasons: Sequence[str], positions: NDArray[np.int64]) -> None:
        """Add drawings that fail the same rules; positions ascend from call to call."""
        if "empty" not in reasons:
            selected = self._rejected.setdefault(tuple(reasons), [])
            selected += positions[: MAX_DRAWINGS - len(selected)].tolist()

    def add_features(self, start: int, frame: pd.DataFrame) -> None:
        """Add the features of the drawings from position `start`."""
        for index, (column, largest, _) in enumerate(_EXTREMES):
            positions, values = self._extremes[index]
            positions = np.concatenate([positions, start + np.arange(len(frame))])
            values = np.concatenate([values, frame[column].to_numpy(dtype=np.float64)])
            order = np.argsort(-values if largest else values, kind="stable")[:MAX_DRAWINGS]
            self._extremes[index] = positions[order], values[order]

    def selection(self) -> dict[int, str]:
        """Position → caption, positions ascending."""
        captions: dict[int, str] = {}
        for turn in range(MAX_DRAWINGS):
            for reasons, rejected in self._rejected.items():
                if turn < len(rejected) and len(captions) < MAX_DRAWINGS:
                    captions[rejected[turn]] = ", ".join(reasons)
        if not captions:
            per_extreme = MAX_DRAWINGS // len(_EXTREMES)
            for (_, _, caption), (positions, values) in zip(_EXTREMES, self._extremes, strict=True):
                for position, value in zip(positions.tolist(), values.tolist(), strict=True):
                    n_selected = sum(caption in other for other in captions.values())
                    if position not in captions and n_selected < per_extreme:
                        captions[position] = f"{caption}: {value:.4g}"
        return dict(sorted(captions.items()))
