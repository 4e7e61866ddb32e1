"""Simplification of many strokes at once, and the conversion to pen movements."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from strokecast.sources.synthetic.simplify import simplify, to_box, to_deltas


def ramer_douglas_peucker(points: np.ndarray, tolerance: float) -> np.ndarray:
    """The textbook algorithm, recursive."""
    if len(points) < 3:
        return points
    first, last = points[0], points[-1]
    offset, chord = points[1:-1] - first, last - first
    length = np.hypot(*chord)
    distance = (
        np.abs(chord[0] * offset[:, 1] - chord[1] * offset[:, 0]) / length if length else np.hypot(*offset.T)
    )
    farthest = int(distance.argmax())
    if distance[farthest] <= tolerance:
        return points[[0, -1]]
    left = ramer_douglas_peucker(points[: farthest + 2], tolerance)
    right = ramer_douglas_peucker(points[farthest + 1 :], tolerance)
    return np.concatenate((left[:-1], right))


def test_simplify_equals_the_textbook_algorithm() -> None:
    rng = np.random.default_rng(1)
    strokes = [np.cumsum(rng.normal(0, 1.5, (n, 2)), axis=0) for n in (2, 3, 40, 200, 7)]
    strokes.append(np.vstack((strokes[2], strokes[2][:1])))  # closed
    for simplified, points in zip(simplify(strokes, 2.0), strokes, strict=True):
        assert np.array_equal(simplified, ramer_douglas_peucker(points, 2.0))
    assert simplify([]) == []


def test_simplifying_real_simplified_drawings_again_keeps_most_points(shared: Path) -> None:
    path = shared / "quickdraw" / "full" / "simplified" / "circle.ndjson"
    strokes = [
        np.array(stroke, dtype=float).T
        for row in path.read_text().splitlines()[:50]
        for stroke in json.loads(row)["drawing"]
        if len(stroke[0]) > 1
    ]
    before, after = sum(map(len, strokes)), sum(map(len, simplify(strokes)))
    assert after >= 0.9 * before


def test_deltas_start_at_the_first_point_and_drop_points_that_rounding_makes_equal() -> None:
    strokes = [
        np.array([[5.0, 5], [5.2, 5.1], [9, 5]]),
        np.array([[1.0, 1], [1.1, 1]]),
        np.array([[0.0, 0], [0, 7]]),
    ]
    assert to_deltas(strokes).tolist() == [[4, 0, 1], [-9, -5, 0], [0, 7, 1]]
    assert to_deltas([np.zeros((2, 2))]).shape == (0, 3)


def test_to_box_keeps_the_proportions() -> None:
    boxed = to_box([np.array([[-1.0, 0], [1, 0]]), np.array([[0.0, 0.5], [0, 0]])])
    assert [b.tolist() for b in boxed] == [[[0, 0], [255, 0]], [[127.5, 63.75], [127.5, 0]]]
