"""A stream of drawings: order, bad rows, chunks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from strokecast.common.errors import UserError
from strokecast.inference import batch, classifier
from strokecast.inference.batch import InputRow
from strokecast.inference.classifier import DrawingClassifier

SPEC: Any = {"classes": ["a", "b"], "bucket_boundaries": [4, 8], "scale": 2.0}


def points(n: int) -> NDArray[np.int16]:
    return np.array([[n, 0, 0]] * (n - 1) + [[n, 0, 1]], np.int16)


def make(shapes: list[tuple[int, ...]], reads_time: bool = False) -> DrawingClassifier:
    """Its "probabilities" are the first movement times the scale, and the length."""

    def predict_proba(inputs: dict[str, NDArray[Any]]) -> NDArray[np.float64]:
        shapes.append(inputs["strokes"].shape)
        first = inputs["time"][:, 0] if reads_time else 2.0 * inputs["strokes"][:, 0, 0]
        return np.stack([first, inputs["length"]], axis=1).astype(np.float64)

    return DrawingClassifier(predict_proba, SPEC, reads_time)


def test_rows_keep_their_order_and_are_batched_by_length(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch, "CHUNK_ROWS", 6)
    monkeypatch.setattr(classifier, "BATCH", 2)
    shapes: list[tuple[int, ...]] = []
    lengths = [3, 7, 2, 20, 4, 8, 1]
    rows = [InputRow("f", number, points=points(n)) for number, n in enumerate(lengths)]
    rows.insert(2, InputRow("f", 99, error="not_json: no"))
    chunks = list(batch.predict_rows(make(shapes), iter(rows)))
    assert [len(chunk) for chunk, _ in chunks] == [6, 2]
    assert [row.number for chunk, _ in chunks for row in chunk] == [0, 1, 99, 2, 3, 4, 5, 6]
    predicted = np.concatenate([probabilities for _, probabilities in chunks])
    assert np.isnan(predicted[2]).all()
    np.testing.assert_array_equal(
        np.delete(predicted, 2, axis=0), [[n, min(n, 8)] for n in lengths]
    )  # longer drawings are cropped
    assert shapes == [(2, 4, 3), (1, 4, 3), (2, 8, 3), (1, 4, 3), (1, 8, 3)]


def test_a_chunk_ends_early_if_its_drawings_are_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batch, "CHUNK_POINTS", 10)
    rows = [InputRow("f", n, points=points(6)) for n in range(5)]
    assert [len(chunk) for chunk, _ in batch.predict_rows(make([]), rows)] == [2, 2, 1]


def test_an_output_that_is_not_finite_is_an_error_of_its_row() -> None:
    def predict_proba(inputs: dict[str, NDArray[Any]]) -> NDArray[np.float64]:
        return np.where(inputs["length"][:, None] == 2, np.inf, [[0.5, 0.5]])

    rows = [InputRow("f", n, points=points(n)) for n in (1, 2, 3)]
    [(chunk, probabilities)] = batch.predict_rows(DrawingClassifier(predict_proba, SPEC), rows)
    assert [row.error.partition(":")[0] for row in chunk] == ["", "not_finite", ""]
    assert np.isnan(probabilities).all(axis=1).tolist() == [False, True, False]


def test_a_model_that_reads_time_needs_times() -> None:
    classifier_of_time = make([], reads_time=True)
    row = InputRow("f", 1, points=points(2), times=np.array([1000, 2000]))
    [(_, probabilities)] = batch.predict_rows(classifier_of_time, [row])
    np.testing.assert_allclose(probabilities, [[np.log(2.0), 2]], rtol=1e-6)
    with pytest.raises(UserError, match="f: the drawings have no time, and this model reads the time"):
        list(batch.predict_rows(classifier_of_time, [row, InputRow("f", 2, points=points(2))]))
