"""Networks that read the time of each point, behind raw input."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from strokecast.common.errors import UserError
from strokecast.features.sketches import strokes
from strokecast.inference import predictor
from strokecast.tracking import pyfunc

POINTS = [[10, 0, 0], [0, 10, 0], [-10, 0, 1]]
TIMES = [100, 900, 950]


@pytest.fixture
def timed(tmp_path: Path, specs: dict[str, Any]) -> Path:
    """An untrained network that reads time."""
    from strokecast.models.common import registry

    architecture = registry.get("classify", "gru")
    config = architecture.testing.model_copy(update={"time": True})
    architecture.build(config, specs["classify"]).save(tmp_path / "model.keras")
    (tmp_path / "spec.json").write_text(json.dumps({**specs["classify"], "time": True}))
    return tmp_path


def test_times_are_prepared_as_in_preprocessing(timed: Path, specs: dict[str, Any]) -> None:
    import keras

    from strokecast.models.layers import custom_objects

    drawings = [POINTS, POINTS * 8]  # of two buckets
    times = [TIMES, list(range(0, 2_400, 100))]
    made = predictor.load(timed).predict(pd.DataFrame({"strokes": drawings, "times": times}))
    network = keras.models.load_model(timed / "model.keras", custom_objects=custom_objects(), compile=False)
    for points, when, chances in zip(drawings, times, made["probabilities"], strict=True):
        bound = 16 if len(points) == 3 else 32
        padded, length = strokes.scale_and_pad(np.array(points), specs["classify"]["scale"], bound)
        clock = strokes.time_feature(np.array(when), bound)
        inputs = {"strokes": padded[None], "length": np.array([length], np.int32), "time": clock[None]}
        logits = network(inputs).numpy()[0]
        np.testing.assert_allclose(chances, np.exp(logits) / np.exp(logits).sum(), atol=1e-5)


def test_time_changes_what_a_network_says(timed: Path) -> None:
    frame = pd.DataFrame({"strokes": [POINTS, POINTS], "times": [TIMES, [9_000, 18_000, 27_000]]})
    one, other = predictor.load(timed).predict(frame)["probabilities"]
    assert np.abs(np.subtract(one, other)).max() > 1e-4


@pytest.mark.parametrize(
    ("times", "told"),
    [
        (None, "has no column 'times', and this network reads time"),
        ([1, 2], r"input row 0, times: has shape \[2\]; allowed: 3 finite numbers, one a point"),
        ([1, 2, float("nan")], "input row 0, times: holds a value that is not finite"),
        (["a", 2, 3], "input row 0, times: is no list of numbers"),
        (5, "input row 0, times: is no list of numbers"),
    ],
)
def test_times_that_will_not_do(timed: Path, times: Any, told: str) -> None:
    frame = pd.DataFrame({"strokes": [POINTS]})
    if times is not None:
        frame["times"] = pd.Series([times], dtype=object)
    with pytest.raises(UserError, match=told):
        predictor.load(timed).predict(frame)


def test_the_signature_asks_for_times_where_they_are_read(timed: Path, specs: dict[str, Any]) -> None:
    assert pyfunc.signature("classify", reads_time=True).inputs.input_names() == ["strokes", "times"]
    assert pyfunc.signature("classify", timed=False).inputs.input_names() == ["strokes"]
    frame = pyfunc.example(specs["classify"], 0, reads_time=True)
    assert list(frame.columns) == ["strokes", "times"]
    assert len(predictor.load(timed).predict(frame)) == 2
