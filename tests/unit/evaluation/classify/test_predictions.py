"""Predictions of networks and estimators on the same test sketches."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from strokecast.evaluation.classify.predictions import predict_test_split
from strokecast.evaluation.common.trained_models import find_trained_models
from strokecast.features.records import numpy_reader
from strokecast.features.sketches import classify as classify_features
from strokecast.inference import networks
from strokecast.models.common import registry
from strokecast.models.common.estimators import NearestNeighbours
from strokecast.params import ClassifyFeatures, ModelEntry

LENGTHS = {"zebra": [3, 20, 9, 30], "apple": [5, 18, 40, 7]}  # as in conftest.py


@pytest.mark.slow
def test_attention_is_on_one_sketch_per_class_and_excludes_padding(train, tmp_path, processed_sketches):
    processed, spec = processed_sketches
    folder = train("classify", "attention_rnn", dataset={"digest": spec["digest"]}, parameters=None)
    architecture = registry.get("classify", "attention_rnn")
    network = architecture.build(architecture.testing, spec)
    network.save(folder / "model.keras")
    models = find_trained_models("classify", {"attention_rnn": ModelEntry()}, tmp_path / "models")
    test, _, attention_examples = predict_test_split(models, processed, spec)
    examples = attention_examples["attention_rnn", 1]
    assert [spec["classes"][test.labels[one.row]] for one in examples] == ["zebra", "apple"]
    assert [len(one.strokes) for one in examples] == [9, 7]  # the lower median per class
    attention = networks.attention_function(network)
    for one in examples:
        assert test.lengths[one.row] == len(one.strokes) == len(one.weights)
        assert one.weights.sum() == pytest.approx(1, abs=1e-5)  # over valid points: padding has none
        assert one.weights.min() > 0
        single = {"strokes": one.strokes[None], "length": np.array([len(one.strokes)], np.int32)}
        assert attention(single).numpy()[0] == pytest.approx(one.weights, abs=1e-5)


def test_probabilities_belong_to_their_sketches(train, tmp_path, processed_sketches):
    """A network that derives the class from the number of points is correct on exactly the expected sketches."""
    import keras

    processed, spec = processed_sketches
    folder = train("classify", "gru", dataset={"digest": spec["digest"]}, parameters=None)
    strokes = keras.Input((None, 3), name="strokes")
    length = keras.Input((), dtype="int32", name="length")
    size = keras.ops.expand_dims(keras.ops.cast(length, "float32"), 1)
    sign = keras.layers.Dense(2, kernel_initializer="zeros", name="logits")
    total = keras.layers.Concatenate()([size, keras.ops.sum(strokes, axis=1) * 0])
    network = keras.Model({"strokes": strokes, "length": length}, sign(total))
    zebra = spec["classes"].index("zebra")
    kernel = np.zeros((4, 2), np.float32)
    kernel[0, zebra] = 1
    bias = np.zeros(2, np.float32)
    bias[zebra] = -10  # zebra from 11 points on
    sign.set_weights([kernel, bias])
    network.save(folder / "model.keras")
    models = find_trained_models("classify", {"gru": ModelEntry()}, tmp_path / "models")
    test, probabilities, attention = predict_test_split(models, processed, spec)
    assert sorted(test.ids) == sorted(f"{label}/test/{i}" for label in LENGTHS for i in range(4))
    true = [spec["classes"][label] for label in test.labels]
    assert true == [name.split("/")[0] for name in test.ids]
    cropped = [min(32, LENGTHS[name.split("/")[0]][int(name.split("/")[2])]) for name in test.ids]
    assert test.lengths.tolist() == cropped
    assert (probabilities["gru", 1].argmax(axis=1) == zebra).tolist() == [n > 10 for n in cropped]
    assert probabilities["gru", 1].sum(axis=1) == pytest.approx(1)
    assert attention == {}


def test_an_estimator_predicts_the_same_sketches_in_the_same_order(train, tmp_path):
    """One nearest neighbour recognises every test sketch that is also a training sketch."""
    validated = tmp_path / "validated"
    validated.mkdir()
    rows = [(label, i, n) for label, counts in LENGTHS.items() for i, n in enumerate(counts)]
    points = [np.random.default_rng(n).integers(-9, 9, (n, 3)).astype(np.float32) for _, _, n in rows]
    for drawing in points:
        drawing[:, 2] = np.arange(len(drawing)) == len(drawing) - 1
    for split in ("train", "valid", "test"):
        columns = {
            "id": [f"{label}/{split}/{i}" for label, i, _ in rows],
            "label": [label for label, _, _ in rows],
            "length": pa.array([n for _, _, n in rows], pa.int32()),
            "points": pa.array([drawing.ravel() for drawing in points], pa.list_(pa.float32())),
        }
        pq.write_table(pa.table(columns), validated / f"{split}.parquet")
    (validated / "report.json").write_text(json.dumps({"source": "made"}))
    processed = tmp_path / "processed"
    spec = classify_features.preprocess(validated, processed, ClassifyFeatures(bucket_boundaries=(8, 16, 32)))
    folder = train(
        "classify", "nearest_neighbour", kind="estimator", dataset={"digest": spec["digest"]}, parameters=None
    )
    config = {"task": "classify", "name": "nearest_neighbour", "config": {"neighbours": 1}}
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "spec.json").write_text(json.dumps(spec))
    model = NearestNeighbours(2, "summary", 1, 20, 1.5)
    model.fit(batch[:3] for batch in numpy_reader.batches(processed, spec, "train"))
    model.save(folder)
    models = find_trained_models("classify", {"nearest_neighbour": ModelEntry()}, tmp_path / "models")
    test, probabilities, attention = predict_test_split(models, processed, spec)
    assert attention == {}
    predicted = probabilities["nearest_neighbour", 1]
    assert predicted.argmax(axis=1).tolist() == test.labels.tolist()
    assert predicted.max(axis=1).min() > 0.5
    assert predicted.sum(axis=1) == pytest.approx(1)
    assert [spec["classes"][k] for k in predicted.argmax(axis=1)] == [name.split("/")[0] for name in test.ids]
