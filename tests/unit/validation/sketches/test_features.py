"""Features of drawings, against plain loops and by hand."""

from __future__ import annotations

import numpy as np
import pytest

from strokecast.validation.sketches.features import drawing_features


def test_features_equal_a_plain_loop() -> None:
    rng = np.random.default_rng(0)
    drawings = []
    for length in (0, 3, 1, 0, 7, 2, 0):
        drawing = rng.normal(0, 50, size=(length, 3))
        drawing[:, 2] = rng.choice([0, 1, 0.5, np.nan, -1], size=length)
        if length > 2:
            drawing[1, :2] = np.nan, -np.inf
        drawings.append(drawing)
    features = drawing_features(drawings, min_points=2)
    for index, drawing in enumerate(drawings):
        points = drawing.astype(np.float32)
        finite = np.isfinite(points)
        pens = points[:, 2]
        assert features["n_points"][index] == len(points)
        assert features["n_nonfinite"][index] == (~finite).sum()
        assert features["max_abs_delta"][index] == max(np.abs(points[:, :2][finite[:, :2]]), default=0)
        assert features["n_bad_pen"][index] == sum(np.isfinite(p) and p not in (0, 1) for p in pens)
        last_pen = pens[-1] if len(points) >= 2 and pens[-1] in (0, 1) else np.nan
        np.testing.assert_equal(features["last_pen"][index], np.float32(last_pen))


def test_drift_features_of_a_drawing_computed_by_hand() -> None:
    # The movement of length 10 from the second to the third point is made with the pen up.
    drawing = np.array([[3, 4, 0], [0, 10, 1], [6, 8, 0], [0, -5, 1]], dtype=np.int16)
    features = drawing_features([drawing[:0], drawing, drawing[:1]], min_points=2)
    assert features["n_strokes"].tolist() == [0, 2, 0]
    assert features["ink"].tolist() == [0, 5 + 10 + 5, 5]
    assert features["mean_delta"].tolist() == [0, 30 / 4, 5]
    assert features["aspect"].tolist() == pytest.approx([1, 9 / 22, 3 / 4])
