"""Summary features of drawings without a network."""

import numpy as np
import pytest

from strokecast.models.common import sketch_features
from strokecast.models.common.estimators import Batch


def test_summary_features_describe_a_circle_and_a_line(circle_and_line: Batch) -> None:
    strokes, length, _ = circle_and_line
    index = {name: n for n, name in enumerate(sketch_features.NAMES)}
    circle, line = sketch_features.summary(strokes, length)
    assert len(circle) == len(index)
    assert np.isfinite([circle, line]).all()
    assert circle[index["ink"]] == pytest.approx(2 * np.pi, rel=0.02)  # radius 1 in its box
    assert (circle[index["width"]], line[index["width"]]) == pytest.approx((4, 2.7), rel=0.01)
    assert circle[index["start_to_end"]] == pytest.approx(0, abs=1e-3)
    assert line[index["start_to_end"]] == pytest.approx(2, rel=1e-3)
    assert line[index["direction_0"]] == pytest.approx(1, rel=1e-3)
    assert line[index["turn_0"]] == 1
    assert circle[index["strokes_log"]] == 0
    assert np.ptp(circle[index["direction_0"] : index["direction_7"] + 1]) < 0.06
