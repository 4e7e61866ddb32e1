"""Video networks on raw drawings: frames as in preprocessing, with the layout of the spec."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from strokecast.common.errors import UserError
from strokecast.features.records import reading
from strokecast.features.sketches import frames
from strokecast.inference import networks, predictor, video
from strokecast.models.common import probabilities

DRAWINGS = [
    [[30, 0, 0], [0, 30, 0], [-30, 0, 1]],
    [[5, 5, 0]] * 30 + [[1, 1, 1]],
    [[0, 0, 1]],
]


@pytest.mark.parametrize("name", ["frame_average", "cnn_rnn_strokes", "two_stream"])
def test_raw_drawings_are_classified_as_their_rendered_videos(
    make_model: Callable[[str, str], Path], name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make_model("watch", name)
    spec = json.loads((folder / "spec.json").read_text())
    monkeypatch.setattr(video, "BATCH", 2)
    predictions = predictor.load(folder).predict(pd.DataFrame({"strokes": DRAWINGS}, index=[7, 8, 9]))
    points = np.concatenate([np.array(drawing, np.float32) for drawing in DRAWINGS])
    ends = np.cumsum([len(drawing) for drawing in DRAWINGS])
    spans = np.stack([np.append(0, ends[:-1]), ends], axis=1)
    videos, tracks = frames.render_videos(points, spans, frames.Layout.from_spec(spec))
    features = {"frames": videos, "track": tracks, "motion": reading.motion(videos).numpy()}
    network = networks.load_network(folder)
    inputs = {key: features[key] for key in networks.input_signature(network)}
    expected = probabilities.softmax(network(inputs, training=False).numpy())
    np.testing.assert_allclose(np.stack(predictions["probabilities"]), expected, atol=1e-6)
    assert list(predictions.index) == [7, 8, 9]
    assert predictions["label"].isin(spec["classes"]).all()


def test_frames_that_divide_the_time_need_times(make_model: Callable[[str, str], Path]) -> None:
    folder = make_model("watch", "frame_average")
    spec = json.loads((folder / "spec.json").read_text())
    (folder / "spec.json").write_text(json.dumps({**spec, "by": "time"}))
    model = predictor.load(folder)
    with pytest.raises(UserError, match="has no column 'times'"):
        model.predict(pd.DataFrame({"strokes": DRAWINGS[:1]}))
    slow, fast = (
        model.predict(pd.DataFrame({"strokes": DRAWINGS[:1], "times": [times]}))["probabilities"][0]
        for times in ([10, 20, 9000], [3000, 6000, 9000])
    )
    assert not np.allclose(slow, fast, atol=1e-7)
