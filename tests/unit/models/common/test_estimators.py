"""Classifiers without a network, and the features they look at."""

from pathlib import Path

import numpy as np
import pytest

from strokecast.common.errors import UserError
from strokecast.common.files import write_json
from strokecast.models.common import estimators, sketch_features
from strokecast.models.common.estimators import Logistic, NearestNeighbours


def circle(points: int, radius: float) -> np.ndarray:
    angle = np.linspace(0, 2 * np.pi, points)
    place = radius * np.column_stack([np.cos(angle), np.sin(angle)])
    moves = np.diff(place, axis=0, prepend=place[:1])
    return np.column_stack([moves, np.arange(points) == points - 1]).astype(np.float32)


def line(points: int, length: float) -> np.ndarray:
    moves = np.full((points, 2), (length / points, 0.0))
    return np.column_stack([moves, np.arange(points) == points - 1]).astype(np.float32)


def batch(drawings: list[np.ndarray], labels: list[int], padding: int = 0) -> estimators.Batch:
    length = np.array([len(drawing) for drawing in drawings])
    strokes = np.zeros((len(drawings), length.max() + padding, 3), np.float32)
    for row, drawing in enumerate(drawings):
        strokes[row, : len(drawing)] = drawing
    return strokes, length, np.array(labels)


@pytest.fixture(scope="module")
def shapes() -> list[estimators.Batch]:
    """Circles are class 0, lines class 1; two batches of unequal padding."""
    rng = np.random.default_rng(0)
    made = []
    for padding in (0, 5):
        drawings = [shape(int(rng.integers(8, 20)), rng.uniform(1, 3)) for shape in (circle, line) * 10]
        made.append(batch(drawings, [0, 1] * 10, padding))
    return made


def test_summary_says_what_a_drawing_is_like() -> None:
    strokes, length, _ = batch([circle(40, 2.0), line(10, 3.0)], [0, 1], padding=3)
    names = {name: n for n, name in enumerate(sketch_features.NAMES)}
    round_one, straight = sketch_features.summary(strokes, length)
    assert len(round_one) == len(names)
    assert np.isfinite([round_one, straight]).all()
    assert round_one[names["ink"]] == pytest.approx(2 * np.pi, rel=0.02)  # of radius 1 in its box
    assert (round_one[names["width"]], straight[names["width"]]) == pytest.approx((4, 2.7), rel=0.01)
    assert round_one[names["start_to_end"]] == pytest.approx(0, abs=1e-3)
    assert straight[names["start_to_end"]] == pytest.approx(2, rel=1e-3)
    assert straight[names["direction_0"]] == pytest.approx(1, rel=1e-3)
    assert straight[names["turn_0"]] == 1
    assert round_one[names["strokes_log"]] == 0
    assert np.ptp(round_one[names["direction_0"] : names["direction_7"] + 1]) < 0.06


@pytest.mark.parametrize("classes", [2, 3])
def test_logistic_learns_what_tells_classes_apart(classes: int, shapes: list[estimators.Batch]) -> None:
    train = list(shapes)
    if classes == 3:
        two = [np.concatenate([line(9, 2.0), [[-2, 1, 0]], line(9, 2.0)]) for _ in range(5)]
        train.append(batch([d.astype(np.float32) for d in two], [2] * 5))
    model = Logistic(classes, 1e-3)
    model.fit(train)
    for strokes, length, label in train:
        chances = model.predict(strokes, length)
        assert chances.shape == (len(label), classes)
        np.testing.assert_array_equal(chances.argmax(axis=1), label)


@pytest.mark.parametrize("at_once", [7, 1 << 22])
def test_nearest_rows_are_scikit_learns(at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    from sklearn.neighbors import NearestNeighbors

    monkeypatch.setattr(estimators, "_DISTANCES", at_once)
    rng = np.random.default_rng(2)
    known, asked = rng.normal(size=(50, 6)), rng.normal(size=(9, 6))
    asked[0] = known[31]
    distance, which = estimators.nearest(known, asked, 4)
    order = np.argsort(distance, axis=1)
    theirs, rows = NearestNeighbors(n_neighbors=4, algorithm="brute").fit(known).kneighbors(asked)
    np.testing.assert_array_equal(np.take_along_axis(which, order, axis=1), rows)
    np.testing.assert_allclose(np.take_along_axis(distance, order, axis=1), theirs, atol=1e-6)
    assert estimators.nearest(known[:3], asked, 3)[1].shape == (9, 3)


@pytest.mark.parametrize("looks_at", ["raster", "summary"])
def test_neighbours_vote(looks_at: estimators.Features, shapes: list[estimators.Batch]) -> None:
    model = NearestNeighbours(2, looks_at, 3, 10, 1.5)
    model.fit(shapes[:1])
    strokes, length, label = shapes[1]
    chances = model.predict(strokes, length)
    np.testing.assert_array_equal(chances.argmax(axis=1), label)
    seen, its_length, its_label = shapes[0]
    own = model.predict(seen, its_length)[np.arange(20), its_label]
    assert (own > 0.6).all()
    assert (own < 1).all()


def test_votes_weigh_one_over_distance() -> None:
    model = NearestNeighbours(2, "summary", 2, 10, 1.5)
    model.arrays = {
        "features": np.array([[0.0], [4.0]]),
        "labels": np.array([0, 1]),
        "mean": np.zeros(1),
        "std": np.ones(1),
    }
    chances = model._chances(np.array([[1.0]]))[0]  # votes 1 and 1/3, and half the mean 2/3 for each
    np.testing.assert_allclose(chances, np.array([1 + 1 / 3, 1 / 3 + 1 / 3]) / 2, rtol=1e-6)


def test_every_class_must_be_there(shapes: list[estimators.Batch]) -> None:
    with pytest.raises(ValueError, match="labels should be 0 to 2, each there"):
        Logistic(3, 1e-3).fit(shapes)
    with pytest.raises(ValueError, match="fit or load it first"):
        Logistic(2, 1e-3).predict(*shapes[0][:2])


def test_nothing_is_classified_as_nothing(shapes: list[estimators.Batch]) -> None:
    model = Logistic(2, 1e-3)
    model.fit(shapes)
    assert model.predict(np.zeros((0, 4, 3), np.float32), np.zeros(0, np.int32)).shape == (0, 2)


def test_a_folder_that_will_not_do_is_one_line(tmp_path: Path, shapes: list[estimators.Batch]) -> None:
    with pytest.raises(UserError, match=r"config\.json: no such file"):
        estimators.load(tmp_path)
    write_json(tmp_path / "spec.json", {"classes": ["circle", "line"]})
    write_json(tmp_path / "config.json", {"task": "classify", "name": "logistic", "config": {"l2": 0.01}})
    (tmp_path / estimators.FILE).write_bytes(b"no archive")
    with pytest.raises(UserError, match=r"model\.npz: cannot be read"):
        estimators.load(tmp_path)
    np.savez(tmp_path / estimators.FILE, weights=np.array([object()]))  # a pickle: never opened
    with pytest.raises(UserError, match=r"model\.npz: cannot be read"):
        estimators.load(tmp_path)
    model = Logistic(2, 0.01)
    model.fit(shapes)
    model.save(tmp_path)
    assert estimators.load(tmp_path).parameters == model.parameters
    write_json(tmp_path / "config.json", {"task": "classify", "name": "gru", "config": {}})
    with pytest.raises(UserError, match="gru is no estimator"):
        estimators.load(tmp_path)
