"""The judge of generated drawings."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest

from strokecast.common.errors import UserError
from strokecast.evaluation.draw.judge import load_judge
from strokecast.features.sketches import strokes
from strokecast.models.common import registry


@pytest.fixture
def classifier(tmp_path, draw_spec):
    """The folder of a fitted `logistic`, whose data has its own scale and bucket boundaries."""
    folder = tmp_path / "models/judge"
    folder.mkdir(parents=True)
    spec = {
        "task": "classify",
        "classes": draw_spec["classes"],
        "bucket_boundaries": [8, 16],
        "scale": 3.0,
        "time": False,
    }
    model = registry.get("classify", "logistic").build(registry.config("classify", "logistic", {}), spec)
    random = np.random.default_rng(0)
    drawings = random.normal(size=(30, 16, 3)).astype(np.float32)
    drawings[:, :, 2] = np.arange(16) == 15
    model.fit([(drawings, np.full(30, 16), np.arange(30) % 3)])
    model.save(folder)
    (folder / "spec.json").write_text(json.dumps(spec))
    (folder / "config.json").write_text(
        json.dumps({"task": "classify", "name": "logistic", "seed": 1, "config": {}, "training": None})
    )
    (folder / "run.json").write_text(json.dumps({"status": "finished"}))
    return folder


def test_scaled_drawings_are_predicted_like_raw_ones(classifier, draw_spec):
    scale = draw_spec["scale"]
    judge = load_judge("logistic", draw_spec["classes"], classifier)
    random = np.random.default_rng(4)
    raw = [np.c_[random.integers(-40, 40, (n, 2)), np.arange(n) == n - 1] for n in (1, 5, 9, 40)]
    scaled = [strokes.scale_and_pad(points, scale, len(points))[0] for points in raw]
    expected = judge.predictor.predict(pd.DataFrame({"strokes": raw}))
    outputs = []
    predict = judge.predictor.predict
    judge.predictor.predict = lambda frame: outputs.append(predict(frame)) or outputs[-1]
    assert judge.predict(scaled, scale) == expected["label"].tolist()
    for output, raw_output in zip(outputs[0]["probabilities"], expected["probabilities"], strict=True):
        np.testing.assert_allclose(output, raw_output, atol=1e-5)
    judge.predict(scaled, 1.0)
    pairs = zip(outputs[1]["probabilities"], expected["probabilities"], strict=True)
    assert any(not np.allclose(a, b, atol=1e-3) for a, b in pairs), "the scale matters"


def test_an_unsuitable_judge_is_named_in_one_line(classifier, draw_spec):
    classes = draw_spec["classes"]

    def message(name="logistic", classes=classes):
        with pytest.raises(UserError) as caught:
            load_judge(name, classes, classifier)
        assert "\n" not in str(caught.value)
        return str(caught.value)

    line = message(classes=[*classes, "owl"])
    assert "was not trained on the class 'owl'" in line
    assert "draw.judge" in line
    config = json.loads((classifier / "config.json").read_text()) | {"config": {"time": True}}
    (classifier / "config.json").write_text(json.dumps(config))
    assert "reads time stamps" in message()
    (classifier / "config.json").write_text("[]")
    assert "config.json: is not a JSON object; restore it" in message()
    (classifier / "run.json").write_text(json.dumps({"status": "off"}))
    assert "'off'" in message()
    for text, reason in (("{", "is not valid JSON ("), ("{}", "lacks status")):
        (classifier / "run.json").write_text(text)
        assert f"run.json: {reason}" in message()
    shutil.rmtree(classifier)
    assert "logistic was not trained; run `dvc repro judge`" in message()
