"""Classes of drawings that a network watches being drawn: frames are rendered here, as in preprocessing.

Shapes: N drawings, B of a batch, K classes.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from strokecast.features.records import reading
from strokecast.features.sketches import frames
from strokecast.inference.predictor import Chances, DrawingClassifier

BATCH = 64  # drawings a forward pass


class VideoClassifier(DrawingClassifier):
    """As `DrawingClassifier`: takes raw pen movements, and their times where frames go by time.

    Args:
        chances: the network's inputs (see `reading.parse_videos`) → probabilities float64 [B, K].
        spec: of the data it was trained on; says how frames are made.
        inputs: names of the network's inputs.
    """

    def __init__(self, chances: Chances, spec: Mapping[str, Any], inputs: Collection[str]) -> None:
        super().__init__(chances, spec, spec["by"] == "time")
        self._layout = frames.Layout.of(spec)
        self._inputs = tuple(inputs)

    def _probabilities(
        self, drawings: Sequence[NDArray[np.float64]], times: Sequence[NDArray[np.float64]] | None
    ) -> NDArray[np.float64]:
        """float64 [N, K]."""
        chances = np.zeros((len(drawings), len(self.classes)))
        for start in range(0, len(drawings), BATCH):
            part = slice(start, start + BATCH)
            ends = np.cumsum([len(points) for points in drawings[part]])
            spans = np.stack([np.append(0, ends[:-1]), ends], axis=1)
            points = np.concatenate(drawings[part]).astype(np.float32)  # as the pipeline holds them
            clock = None if times is None else np.concatenate(times[part])
            videos, tracks = frames.videos(points, spans, self._layout, clock)
            made: dict[str, Any] = {"frames": videos, "track": tracks}
            if "motion" in self._inputs:
                made["motion"] = reading.motion(videos).numpy()
            chances[part] = self._chances({name: made[name] for name in self._inputs})
        return chances
