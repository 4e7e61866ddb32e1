"""`gallery.json` of tasks with classes."""

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from strokecast.evaluation.classify import gallery
from strokecast.evaluation.classify.sketches import SketchAttention
from strokecast.evaluation.common.drawings import encode_strokes


@pytest.fixture
def validated(tmp_path, classify_inputs):
    """The test drawings, in another order than the records and each ten points longer than its record."""
    test = classify_inputs.test
    rows = np.random.default_rng(1).permutation(len(test.ids)).tolist()
    points = [np.full((int(test.lengths[row]) + 10) * 3, row, np.float32) for row in rows]
    for values in points:
        values[2::3] = 0
    columns = {"id": [test.ids[row] for row in rows], "points": pa.array(points, pa.list_(pa.float32()))}
    pq.write_table(pa.table(columns), tmp_path / "test.parquet", row_group_size=37)
    return tmp_path / "test.parquet"


@pytest.fixture
def write(tmp_path, classify_inputs, validated):
    """Function that writes the gallery and returns its contents."""

    def call(name="gallery.json", **changes):
        inputs = vars(classify_inputs)
        arguments = {key: inputs[key] for key in ("trained_models", "test", "probabilities", "classes")}
        gallery.write_gallery(tmp_path / name, **{**arguments, **changes}, validated=validated)
        return json.loads((tmp_path / name).read_text())

    return call


def test_it_holds_every_drawing_and_what_each_training_predicts(write, classify_inputs, tmp_path):
    contents = write(attribution="By people.")
    test, probabilities = classify_inputs.test, classify_inputs.probabilities
    assert [model["name"] for model in contents["models"]] == ["poor", "good", "good-seed2", "twin"]
    assert (contents["test"], contents["attribution"]) == (400, "By people.")
    assert contents["labels"] == test.labels.tolist()
    assert [sum(map(len, strokes)) for strokes in contents["drawings"]] == [
        2 * (n + 1) for n in test.lengths
    ], "cropped as in the records"
    good, values = contents["models"][1], probabilities["good", 1]
    predicted = values.argmax(axis=1)
    assert good["predicted"] == predicted.tolist()
    assert good["correct"] == (predicted == test.labels).sum()
    assert good["counts"][2][3] == ((test.labels == 2) & (predicted == 3)).sum()
    assert good["probability"][7] == round(1000 * values[7].max())
    assert good["true_probability"][7] == round(1000 * values[7, test.labels[7]])
    wrong = np.flatnonzero(predicted != test.labels)
    assert len(good["worst"]) == gallery.LISTED
    assert good["worst"][0] == wrong[values[wrong, test.labels[wrong]].argmin()]
    assert good["confident"][0] == wrong[values[wrong].max(axis=1).argmax()]
    assert "attention" not in good
    write("again.json", attribution="By people.")
    assert (tmp_path / "again.json").read_bytes() == (tmp_path / "gallery.json").read_bytes()


def test_with_too_many_points_the_listed_mistakes_come_first_and_then_every_cell(
    write, classify_inputs, monkeypatch
):
    test, weights = classify_inputs.test, np.full(int(classify_inputs.test.lengths[9]), 0.5, np.float32)
    attention = {("twin", 1): [SketchAttention(9, np.zeros((len(weights), 3), np.float32), weights)]}
    full = write()
    monkeypatch.setattr(gallery.choose_rows, "__defaults__", (9000,))
    contents = write("part.json", attention=attention)
    assert len(contents["labels"]) == len(contents["drawings"]) < 400
    for model, complete in zip(contents["models"], full["models"], strict=True):
        assert (len(model["worst"]), len(model["confident"])) == (gallery.LISTED, gallery.LISTED)
        assert model["counts"] == complete["counts"], "counts are of all drawings"
        cells = set(zip(full["labels"], complete["predicted"], strict=True))
        assert set(zip(contents["labels"], model["predicted"], strict=True)) == cells
    ((place, shares),) = contents["models"][3]["attention"]
    assert contents["drawings"][place] == encode_strokes(np.array([[9, 9, 0]] * len(weights)))
    assert contents["labels"][place] == test.labels[9]
    assert shares == [50 * len(weights)] * len(weights), "in hundredths of uniform attention"


def test_the_first_sketch_is_chosen_however_long_it_is():
    labels, lengths = np.zeros(3, np.int64), np.full(3, 10**6)
    assert gallery.choose_rows(labels, [labels], lengths, np.array([2]), 1).tolist() == [2]


def test_a_large_matrix_has_the_classes_with_the_most_mistakes(monkeypatch):
    monkeypatch.setattr(gallery, "MAX_CLASSES", 2)
    labels = np.array([0, 1, 2, 3, 3])
    predicted = np.array([0, 3, 2, 1, 2])
    assert gallery._matrix_classes(labels, [predicted], 4).tolist() == [1, 3]


def test_a_missing_drawing_is_reported(write, classify_inputs, validated):
    pq.write_table(pq.read_table(validated).slice(1), validated)
    with pytest.raises(RuntimeError, match="lacks drawings"):
        write()
