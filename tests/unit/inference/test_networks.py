"""Networks behind raw input: as preprocessing prepares it, whatever is asked together. Imports TensorFlow."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from strokecast.common.errors import UserError
from strokecast.features.sketches import strokes
from strokecast.inference import conformal, networks, predictor

Make = Callable[[str, str], Path]


def drawing(n: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng([n, seed])
    points = np.c_[rng.integers(-40, 40, (n, 2)), rng.random(n) < 0.2].astype(np.int16)
    points[-1, 2] = 1
    return points


def test_drawings_are_prepared_as_in_preprocessing_and_kept_in_order(
    make_model: Make, specs: dict[str, Any]
) -> None:
    import keras

    folder = make_model("classify", "gru")
    model, spec = predictor.load(folder), specs["classify"]
    network = keras.models.load_model(folder / "model.keras", compile=False)
    drawings = [drawing(n) for n in (40, 3, 16, 17, 1, 32, 5, 120)]
    made = model.predict(pd.DataFrame({"strokes": drawings}, index=range(10, 18)))
    assert made.index.tolist() == list(range(10, 18))
    for points, (_, row) in zip(drawings, made.iterrows(), strict=True):
        bound = strokes.bucket_boundary(len(points), spec["bucket_boundaries"])
        padded, length = strokes.scale_and_pad(points, spec["scale"], bound)
        logits = network({"strokes": padded[None], "length": np.array([length], np.int32)}).numpy()[0]
        expected = np.exp(logits - logits.max()) / np.exp(logits - logits.max()).sum()
        np.testing.assert_allclose(row["probabilities"], expected, atol=1e-5)
        assert row["label"] == spec["classes"][int(np.argmax(row["probabilities"]))]
        assert row["probability"] == max(row["probabilities"])


def test_cells_may_be_lists_or_arrays(make_model: Make) -> None:
    model = predictor.load(make_model("classify", "gru"))
    points = drawing(9)
    forms = [
        points,
        points.astype(float),
        points.tolist(),
        [tuple(p) for p in points.tolist()],
        np.array([*points, None], object)[:-1],
    ]
    made = model.predict(pd.DataFrame({"strokes": forms, "other": range(5)}))
    assert made["probabilities"].map(tuple).nunique() == 1
    assert len(model.predict(pd.DataFrame({"strokes": []}))) == 0


@pytest.mark.parametrize(
    ("cell", "told"),
    [
        ([], "has shape [0]"),
        ([[1, 2]], "has shape [1, 2]"),
        ([[1, 2, 1], [3, 4]], "is no drawing"),
        (None, "is no drawing"),
        ("strokes", "is no drawing"),
        ([[1, float("nan"), 1]], "not finite"),
        ([[1, 2, 2]], "pen_lift other than 0 or 1"),
    ],
)
def test_a_cell_that_is_no_drawing_is_told_with_its_row(make_model: Make, cell: Any, told: str) -> None:
    model = predictor.load(make_model("classify", "gru"))
    with pytest.raises(UserError) as caught:
        model.predict(pd.DataFrame({"strokes": [[[1, 2, 1]], cell]}))
    assert told in str(caught.value)
    assert "row 1" in str(caught.value)
    with pytest.raises(UserError, match="no column 'strokes'"):
        model.predict(pd.DataFrame({"drawing": [[[1, 2, 1]]]}))


def test_forecasts_are_scaled_in_and_out_again(make_model: Make, specs: dict[str, Any]) -> None:
    import keras

    folder = make_model("forecast", "linear")
    model, spec = predictor.load(folder), specs["forecast"]
    values = 100 + 10 * np.sin(np.arange(30.0))
    made = model.predict(pd.DataFrame({"ds": pd.date_range("2024-01-01", periods=30), "y": values}))
    network = keras.models.load_model(folder / "model.keras", compile=False)
    weekdays = np.eye(7)[np.arange(37) % 7]  # 2024-01-01 was a Monday
    past = np.c_[(values[-14:] - 100) / 10, weekdays[16:30]].astype(np.float32)[None]
    inputs = {"past": past, "future": weekdays[None, 30:].astype(np.float32)}
    said = network({name: inputs[name] for name in networks.input_signature(network)}).numpy()
    own = networks.quantile_levels(network)
    middle = conformal.median(said[:, :, 0], own)[0] if own else said[0, :, 0]  # [H]
    np.testing.assert_allclose(made.iloc[:, 2], middle * 10 + 100, rtol=1e-5)
    assert made["ds"].dt.day.tolist() == [31, *range(1, 7)]
    with pytest.raises(UserError, match=f"at least {spec['window']} days"):
        model.predict(pd.DataFrame({"ds": pd.date_range("2024-01-01", periods=13), "y": range(13)}))


ELSEWHERE = """
import json, sys
import mlflow
told = []
for place in sys.argv[1:]:
    model = mlflow.pyfunc.load_model(place)
    told.append(len(model.predict(model.input_example)))
import strokecast
print(json.dumps([told, strokecast.__file__]))
"""


@pytest.mark.slow
def test_models_load_in_an_environment_made_from_their_own_requirements(
    make_model: Make, tmp_path: Path
) -> None:
    from strokecast.tracking import pyfunc

    places = []
    for task, name in (("classify", "conv_rnn"), ("forecast", "linear")):
        folder = make_model(task, name)
        run = {
            "training_id": "x",
            "task": task,
            "name": name,
            "kind": "network",
            "ended_ms": 1_750_000_000_000,
        }
        pyfunc.save(folder, run)
        places.append(str(folder / "pyfunc"))
    fresh = tmp_path / "venv"
    uv = str(Path(sys.executable).parent / "uv")
    keep = {
        key: value
        for key, value in os.environ.items()
        if not key.startswith(("PYTHON", "VIRTUAL_ENV", "DVC"))
    }

    def run_quietly(*command: str) -> str:
        done = subprocess.run(command, cwd=tmp_path, env=keep, capture_output=True, text=True, timeout=900)
        assert done.returncode == 0, done.stderr
        return done.stdout

    run_quietly(uv, "venv", "-q", "--python", sys.executable, str(fresh))
    python = str(fresh / "bin" / "python")
    for place in places:
        run_quietly(uv, "pip", "install", "-q", "--python", python, "-r", f"{place}/requirements.txt")
    told, where = json.loads(run_quietly(python, "-c", ELSEWHERE, *places).splitlines()[-1])
    assert told == [2, 7]
    assert Path(where).parts[-3:] == ("code", "strokecast", "__init__.py")
