"""Classification of raw drawings by video networks; frames are rendered as in preprocessing.

Shapes: N drawings, B drawings per batch, K classes.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from strokecast.features.records import reading
from strokecast.features.records.spec import WatchSpec
from strokecast.features.sketches import frames
from strokecast.inference.class_probabilities import PredictProba
from strokecast.inference.classifier import DrawingClassifier, concatenate

BATCH = 64  # drawings per forward pass


class VideoClassifier(DrawingClassifier):
    """A `DrawingClassifier` that renders each drawing as a video; needs `times` if frames divide the time.

    Args:
        predict_proba: reads those of the inputs of `reading.video_parser` that `inputs` names.
        spec: of the data it was trained on; defines how frames are rendered.
        inputs: names of the network's inputs.
    """

    def __init__(self, predict_proba: PredictProba, spec: WatchSpec, inputs: Collection[str]) -> None:
        super().__init__(predict_proba, spec, reads_time=spec["by"] == "time")
        self._layout = frames.Layout.from_spec(spec)
        self._inputs = tuple(inputs)

    def predict_proba(
        self, drawings: Sequence[NDArray[Any]], times: Sequence[NDArray[Any]] | None = None
    ) -> NDArray[np.float64]:
        """As `DrawingClassifier.predict_proba`; drawings of about the same length are rendered together."""
        probabilities = np.zeros((len(drawings), len(self.classes)))
        order = np.argsort([len(points) for points in drawings], kind="stable")
        for start in range(0, len(drawings), BATCH):
            batch = order[start : start + BATCH]
            points, spans = concatenate([drawings[i] for i in batch])
            point_times = None if times is None else np.concatenate([times[i] for i in batch])
            videos, tracks = frames.render_videos(points, spans, self._layout, point_times)
            inputs: dict[str, Any] = {"frames": videos, "track": tracks}
            if "motion" in self._inputs:
                inputs["motion"] = reading.motion(videos).numpy()
            probabilities[batch] = self._run({name: inputs[name] for name in self._inputs})
        return probabilities
