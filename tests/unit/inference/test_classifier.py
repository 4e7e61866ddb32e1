"""Classifiers of raw drawings: inputs as in preprocessing, whatever drawings are classified together."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from strokecast.common.errors import UserError
from strokecast.features.sketches import strokes
from strokecast.inference import predictor
from strokecast.models.common import estimators

Make = Callable[[str, str], Path]


def drawing(n: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng([n, seed])
    points = np.c_[rng.integers(-40, 40, (n, 2)), rng.random(n) < 0.2].astype(np.int16)
    points[-1, 2] = 1
    return points


@pytest.fixture(scope="module")
def gru_folder(make_model: Make) -> Path:
    return make_model("classify", "gru")


@pytest.fixture(scope="module")
def gru(gru_folder: Path) -> predictor.Predictor:
    return predictor.load(gru_folder)


def test_network_reads_drawings_as_preprocessed_and_keeps_their_order(
    gru_folder: Path, gru: predictor.Predictor, specs: dict[str, Any]
) -> None:
    import keras

    spec = specs["classify"]
    network = keras.models.load_model(gru_folder / "model.keras", compile=False)
    drawings = [drawing(n) for n in (40, 3, 16, 17, 1, 32, 5, 120)]
    predictions = gru.predict(pd.DataFrame({"strokes": drawings}, index=range(10, 18)))
    assert predictions.index.tolist() == list(range(10, 18))
    for points, (_, row) in zip(drawings, predictions.iterrows(), strict=True):
        boundary = strokes.bucket_boundary(len(points), spec["bucket_boundaries"])
        padded, length = strokes.scale_and_pad(points, spec["scale"], boundary)
        logits = network({"strokes": padded[None], "length": np.array([length], np.int32)}).numpy()[0]
        expected = np.exp(logits - logits.max()) / np.exp(logits - logits.max()).sum()
        np.testing.assert_allclose(row["probabilities"], expected, atol=1e-5)
        assert row["label"] == spec["classes"][int(np.argmax(row["probabilities"]))]
        assert row["probability"] == max(row["probabilities"])


@pytest.mark.parametrize("name", ["logistic", "nearest_neighbour"])
def test_estimator_reads_drawings_as_preprocessed(make_model: Make, specs: dict[str, Any], name: str) -> None:
    folder, spec = make_model("classify", name), specs["classify"]
    model, estimator = predictor.load(folder), estimators.load(folder)
    rng = np.random.default_rng(1)
    drawings = [np.c_[rng.integers(-40, 40, (n, 2)), np.arange(n) == n - 1] for n in (40, 3, 16, 17, 1)]
    predictions = model.predict(pd.DataFrame({"strokes": drawings}, index=range(10, 15)))
    assert predictions.index.tolist() == list(range(10, 15))
    for points, (_, row) in zip(drawings, predictions.iterrows(), strict=True):
        boundary = strokes.bucket_boundary(len(points), spec["bucket_boundaries"])
        padded, length = strokes.scale_and_pad(points, spec["scale"], boundary)
        expected = estimator.predict_proba(padded[None], np.array([length]))[0]
        np.testing.assert_allclose(row["probabilities"], expected, atol=1e-6)
        assert row["label"] == spec["classes"][int(np.argmax(expected))]
        assert row["probability"] == max(row["probabilities"])


def test_cells_may_be_lists_or_arrays(gru: predictor.Predictor) -> None:
    points = drawing(9)
    forms = [
        points,
        points.astype(float),
        points.tolist(),
        [tuple(p) for p in points.tolist()],
        np.array([*points, None], object)[:-1],
    ]
    predictions = gru.predict(pd.DataFrame({"strokes": forms, "other": range(5)}))
    assert predictions["probabilities"].map(tuple).nunique() == 1
    assert len(gru.predict(pd.DataFrame({"strokes": []}))) == 0


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ([], "has shape [0]"),
        ([[1, 2]], "has shape [1, 2]"),
        ([[1, 2, 1], [3, 4]], "is not a drawing"),
        (None, "is not a drawing"),
        ("strokes", "is not a drawing"),
        ([[1, float("nan"), 1]], "not finite"),
        ([[1, 2, 0], [-1e39, 2, 1]], "has a move of 1e+39; allowed: moves of at most 1e+12"),
        ([[1, 2, 2]], "pen_lift other than 0 or 1"),
    ],
)
def test_cell_that_is_not_a_drawing_is_reported_with_its_row(
    gru: predictor.Predictor, cell: Any, message: str
) -> None:
    with pytest.raises(UserError) as caught:
        gru.predict(pd.DataFrame({"strokes": [[[1, 2, 1]], cell]}))
    assert message in str(caught.value)
    assert "row 1" in str(caught.value)
    with pytest.raises(UserError, match="no column 'strokes'"):
        gru.predict(pd.DataFrame({"drawing": [[[1, 2, 1]]]}))


POINTS = [[10, 0, 0], [0, 10, 0], [-10, 0, 1]]
TIMES = [100, 900, 950]


@pytest.fixture(scope="module")
def timed_folder(tmp_path_factory: pytest.TempPathFactory, specs: dict[str, Any]) -> Path:
    """An untrained network that reads time."""
    from strokecast.models.common import registry

    folder = tmp_path_factory.mktemp("timed")
    architecture = registry.get("classify", "gru")
    config = architecture.testing.model_copy(update={"time": True})
    architecture.build(config, specs["classify"]).save(folder / "model.keras")
    (folder / "spec.json").write_text(json.dumps({**specs["classify"], "time": True}))
    return folder


@pytest.fixture(scope="module")
def timed(timed_folder: Path) -> predictor.Predictor:
    return predictor.load(timed_folder)


def test_times_are_prepared_as_in_preprocessing(
    timed_folder: Path, timed: predictor.Predictor, specs: dict[str, Any]
) -> None:
    import keras

    from strokecast.models.layers import custom_objects

    drawings = [POINTS, POINTS * 8]  # from two buckets
    times = [TIMES, list(range(0, 2_400, 100))]
    predictions = timed.predict(pd.DataFrame({"strokes": drawings, "times": times}))
    network = keras.models.load_model(
        timed_folder / "model.keras", custom_objects=custom_objects(), compile=False
    )
    for points, ms, probabilities in zip(drawings, times, predictions["probabilities"], strict=True):
        boundary = 16 if len(points) == 3 else 32
        padded, length = strokes.scale_and_pad(np.array(points), specs["classify"]["scale"], boundary)
        time = strokes.time_feature(np.array(ms), boundary)
        inputs = {"strokes": padded[None], "length": np.array([length], np.int32), "time": time[None]}
        logits = network(inputs).numpy()[0]
        np.testing.assert_allclose(probabilities, np.exp(logits) / np.exp(logits).sum(), atol=1e-5)


def test_times_change_the_prediction(timed: predictor.Predictor) -> None:
    frame = pd.DataFrame({"strokes": [POINTS, POINTS], "times": [TIMES, [9_000, 18_000, 27_000]]})
    one, other = timed.predict(frame)["probabilities"]
    assert np.abs(np.subtract(one, other)).max() > 1e-4


@pytest.mark.parametrize(
    ("times", "message"),
    [
        (None, "has no column 'times', and this network reads time"),
        ([1, 2], r"input row 0, times: has shape \[2\]; allowed: 3 finite numbers, one per point"),
        ([1, 2, float("nan")], "input row 0, times: has a value that is not finite"),
        ([1, 2, 1e300], r"input row 0, times: has a time of 1e\+300 ms; allowed: times of at most 1e\+12 ms"),
        (["a", 2, 3], "input row 0, times: is not a list of numbers"),
        (5, "input row 0, times: is not a list of numbers"),
    ],
)
def test_invalid_times_are_reported_with_their_row(
    timed: predictor.Predictor, times: Any, message: str
) -> None:
    frame = pd.DataFrame({"strokes": [POINTS]})
    if times is not None:
        frame["times"] = pd.Series([times], dtype=object)
    with pytest.raises(UserError, match=message):
        timed.predict(frame)


def test_signature_has_times_only_for_networks_that_read_them(
    timed: predictor.Predictor, specs: dict[str, Any]
) -> None:
    from strokecast.tracking import pyfunc

    assert pyfunc.signature("classify", reads_time=True).inputs.input_names() == ["strokes", "times"]
    assert pyfunc.signature("classify", reads_time=False).inputs.input_names() == ["strokes"]
    frame = pyfunc.example(specs["classify"], 0, reads_time=True)
    assert list(frame.columns) == ["strokes", "times"]
    assert len(timed.predict(frame)) == 2
